import zipfile
from io import BytesIO
from xml.etree import ElementTree

import pytest
from PIL import Image

from monai_das.review import labelling_config
from monai_das.review.clip import encode_clip
from monai_das.review.tasks import model_answer, predicted_cases, task_data, task_prediction, with_answer


@pytest.mark.parametrize("kind", ["volume", "clip"])
def test_predictions_fit_the_labelling_configuration(results, kind):
    config = ElementTree.fromstring(labelling_config(kind, ["normal", "hyperplasia"]))
    case, _ = predicted_cases(results)
    data = with_answer(task_data(case.result, kind), case.result, blind=False, more=case.shown(kind))
    controls = {each.get("name"): each for each in config.iter() if each.get("toName")}

    fields = {name[1:] for each in config.iter() for name in each.attrib.values() if name[:1] == "$"}
    assert fields - {"slices", "video"} <= set(data)
    for row in task_prediction(case.result, kind)["result"]:
        control = controls[row["from_name"]]
        values = {each.get("value") for each in control}
        assert control.get("toName") == row["to_name"]
        assert control.tag.lower() == row["type"]
        assert set(row["value"][row["type"]]) <= values


@pytest.mark.parametrize("kind", ["volume", "clip"])
def test_class_and_that_one_has_looked_must_be_given(kind):
    config = ElementTree.fromstring(labelling_config(kind, ["normal", "hyperplasia"]))

    assert {each.get("name") for each in config.iter() if each.get("required") == "true"} == {"class", "looked"}


def test_label_studio_takes_files_for_our_projects():
    """It does only where one named tag, or none, shows something of a task by ``value``."""
    for kind in ("volume", "clip"):
        tags = ElementTree.fromstring(labelling_config(kind, ["normal"])).iter()
        assert sum(bool(each.get("name")) and (each.get("value") or "")[:1] == "$" for each in tags) <= 1


def test_what_a_task_holds_of_a_slice_is_where_it_is(results):
    case, _ = predicted_cases(results)

    found = model_answer(case.result)["slices"]
    assert [(each["index"], each["name"], each["sop_instance_uid"]) for each in found] == [
        (3, "image 37 (index 3)", "1.2.3"), (7, "image 33 (index 7)", "1.2.7")
    ]  # fmt: skip


def png(height, width, value):
    stream = BytesIO()
    Image.new("L", (width, height), value).convert("RGB").save(stream, "png")
    return stream.getvalue()


@pytest.mark.parametrize(("side", "shown"), [((65, 97), (7 * 64, 7 * 96)), ((600, 800), (600, 800))])
def test_small_clips_are_enlarged_and_keep_their_frames(side, shown):
    av = pytest.importorskip("av")

    video = encode_clip([png(*side, 40 * number) for number in range(4)])

    with av.open(BytesIO(video)) as container:
        frames = [frame.to_ndarray(format="gray") for frame in container.decode(video=0)]
    assert [frame.shape for frame in frames] == [shown] * 4
    assert [frame.mean() for frame in frames] == pytest.approx([0, 40, 80, 120], abs=5)


def test_the_digest_is_of_the_answer_not_of_the_run(results):
    case, _ = predicted_cases(results)
    other_run = {**case.result, "timings": {}, "scores": [], "fingerprint": "of another version"}
    other_choice = {**case.result, "selected_slices": case.result["selected_slices"][:1]}

    digest = model_answer(case.result)["digest"]

    assert digest == model_answer(other_run)["digest"] == model_answer(case.result, blind=True)["digest"]
    assert digest != model_answer(other_choice)["digest"]


def test_what_is_missing_is_said(results, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no case with a result\.json; run monai-das predict"):
        predicted_cases(tmp_path / "nowhere")
    case, _ = predicted_cases(results)
    with pytest.raises(ValueError, match=r"case-1111111111111111: the results cannot be read \(.*0012\.png"):
        case.pictures([12])
    (results / "case-2222222222222222" / "result.json").write_text("{")
    with pytest.raises(ValueError, match="case-2222222222222222: the results cannot be read"):
        predicted_cases(results)
    (results / "case-1111111111111111" / "slices.zip").unlink()
    with pytest.raises(FileNotFoundError, match=r"slices.zip is missing; run monai-das predict --report json,slices"):
        predicted_cases(results)


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
