import base64
import json
import zipfile
from io import BytesIO
from xml.etree import ElementTree

import pytest
from PIL import Image

from monai_das.review import labelling_config, review_tasks
from monai_das.review.clip import encode_clip


def test_a_task_shows_the_selected_slices_and_says_which_they_are(results):
    task, _ = review_tasks(results)

    data = task["data"]
    assert (data["slice_indices"], data["chosen"], data["total_slices"]) == ([3, 7], [3, 7], 12)
    assert [each["sop_instance_uid"] for each in data["slice_refs"]] == ["1.2.3", "1.2.7"]
    picture = Image.open(BytesIO(base64.b64decode(data["slices"][0].partition(",")[2])))
    assert picture.size == (320, 213)
    assert "1: image 37 (index 3), score " in data["captions"]


@pytest.mark.parametrize("kind", ["volume", "clip"])
def test_predictions_fit_the_labelling_configuration(results, kind):
    config = ElementTree.fromstring(labelling_config(kind, ["normal", "hyperplasia"]))
    task = next(review_tasks(results, kind))
    controls = {each.get("name"): each for each in config.iter() if each.get("toName")}

    assert all(name[1:] in task["data"] for each in config.iter() for name in each.attrib.values() if name[:1] == "$")
    for row in task["predictions"][0]["result"]:
        control = controls[row["from_name"]]
        values = {each.get("value") for each in control}
        assert control.get("toName") == row["to_name"]
        assert control.tag.lower() == row["type"]
        assert set(row["value"][row["type"]]) <= values


def test_key_frames_count_from_one(results):
    task = next(review_tasks(results, "clip"))

    rows = task["predictions"][0]["result"][1:]
    assert [row["value"]["ranges"][0]["start"] for row in rows] == [4, 8]
    assert task["data"]["video"].startswith("data:video/mp4;base64,")


def png(height, width, value):
    stream = BytesIO()
    Image.new("L", (width, height), value).convert("RGB").save(stream, "png")
    return stream.getvalue()


@pytest.mark.parametrize(("side", "shown"), [((65, 97), (7 * 64, 7 * 96)), ((600, 800), (600, 800))])
def test_small_clips_are_enlarged_and_keep_their_frames(side, shown):
    av = pytest.importorskip("av")

    uri = encode_clip([png(*side, 40 * number) for number in range(4)])

    with av.open(BytesIO(base64.b64decode(uri.split(",")[1]))) as container:
        frames = [frame.to_ndarray(format="gray") for frame in container.decode(video=0)]
    assert [frame.shape for frame in frames] == [shown] * 4
    assert [frame.mean() for frame in frames] == pytest.approx([0, 40, 80, 120], abs=5)


def test_every_slice_can_be_shown(results):
    task = next(review_tasks(results, every_slice=True))

    assert len(task["data"]["slices"]) == 12
    assert [row["item_index"] for row in task["predictions"][0]["result"][1:]] == [3, 7]
    assert "All 12 slices" in task["data"]["captions"]


def test_the_key_stays_when_the_answer_changes(results):
    before = next(review_tasks(results))["data"]
    file = results / "case-1111111111111111" / "result.json"
    content = json.loads(file.read_text())
    content["scores"][0] += 1
    file.write_text(json.dumps(content))

    after = next(review_tasks(results))["data"]

    assert before["key"] == after["key"]
    assert before["digest"] != after["digest"]


def test_what_is_missing_is_said(results, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no case with a result\.json; run monai-das predict"):
        next(review_tasks(tmp_path / "nowhere"))
    with pytest.raises(ValueError, match="kind must be one of volume, clip, got 'cube'"):
        next(review_tasks(results, "cube"))
    (results / "case-2222222222222222" / "result.json").write_text("{")
    with pytest.raises(ValueError, match="case-2222222222222222: the results cannot be read"):
        list(review_tasks(results))
    (results / "case-1111111111111111" / "slices.zip").unlink()
    with pytest.raises(FileNotFoundError, match=r"slices.zip is missing; run monai-das predict --report json,slices"):
        next(review_tasks(results))


def test_slices_are_the_same_file_each_time(results):
    with zipfile.ZipFile(results / "case-1111111111111111" / "slices.zip") as archive:
        assert archive.namelist() == [f"{index:04d}.png" for index in range(12)]
    pair = [(results / case / "slices.zip").read_bytes() for case in ("case-1111111111111111", "case-2222222222222222")]
    assert pair[0] == pair[1]


def test_configurations_need_classes():
    with pytest.raises(ValueError, match="classes must be names other than 'unsure', at least one, got"):
        labelling_config("volume", ["unsure"])
    with pytest.raises(ValueError, match="kind must be one of volume, clip, got 'cube'"):
        labelling_config("cube", ["a"])
