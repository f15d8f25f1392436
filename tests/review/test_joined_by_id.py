"""Two batches, a rerun, an inserted file, a second project, another key: all stays with its study, by content."""

import json
import shutil
import zipfile

import numpy as np
import pytest

from monai_das.cli import main
from monai_das.data import open_source, read_case_key
from monai_das.datasets import write_nifti
from tests.case_folders import results
from tests.inference.conftest import random_bundle
from tests.review.small_label_studio import TOKEN

__all__ = ["random_bundle"]
DEPTHS = {"b": 9, "d": 10, "f": 11, "a": 12, "c": 13}


@pytest.fixture(scope="module")
def volumes():
    """A volume for each name, told apart by its depth and by which of its slices have structure."""
    random, found = np.random.default_rng(0), {}
    for place, (name, depth) in enumerate(DEPTHS.items()):
        found[name] = np.full((24, 20, depth), 7, np.uint8)
        found[name][..., [place, place + 3]] = random.integers(0, 255, (24, 20, 2))
    return found


@pytest.fixture
def site(random_bundle, volumes, server, tmp_path, monkeypatch):
    """A user with a folder of studies, a key, and a Label Studio."""
    monkeypatch.setenv("LABEL_STUDIO_URL", server.url)
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", TOKEN)
    return Site(random_bundle, volumes, tmp_path)


class Site:
    def __init__(self, bundle, volumes, folder):
        self.bundle, self.volumes, self.folder = bundle, volumes, folder

    def put(self, *names, into="studies"):
        """Write the studies ``names``."""
        for name in names:
            write_nifti(self.volumes[name], self.folder / into / f"{name}.nii.gz")
        return self.folder / into

    def predict(self, place, out="out", *options):
        bundle = ["--bundle", str(self.bundle), "--num-slices", "2", "--report", "json,slices"]
        code = main(["predict", str(place), *bundle, "-o", str(self.folder / out), *map(str, options)])
        assert code == 0
        return results(self.folder / out)

    def review(self, *words):
        assert main(["review", *map(str, words)]) == 0

    def of(self, name, found):
        """The one of ``found`` that is about the study ``name``, by its content."""
        (case,) = [case for case, result in found.items() if self.is_about(result, name)]
        return case

    def name_of(self, result):
        (name,) = [name for name in DEPTHS if self.is_about(result, name)]
        return name

    def is_about(self, result, name):
        place = list(DEPTHS).index(name)
        chosen = [each["index"] for each in result["selected_slices"]]
        return (result["total_slices"], chosen) == (DEPTHS[name], [place, place + 3])


def test_two_batches_a_rerun_and_an_inserted_file_keep_every_id(site):
    first = site.predict(site.put("b", "d"))
    again = site.predict(site.put("b", "d"), "again")
    site.put("a", "c")
    third = site.predict(site.put("f", into="studies"))
    renamed = site.folder / "elsewhere"
    renamed.mkdir()
    shutil.copy(site.folder / "studies" / "d.nii.gz", renamed / "0.nii.gz")
    alone = site.predict(renamed, "alone")

    ids = {name: site.of(name, third) for name in DEPTHS}
    assert len(set(ids.values())) == 5
    assert {site.of(name, found) for found in (first, again, alone) for name in "d"} == {ids["d"]}
    assert {site.of("b", found) for found in (first, again)} == {ids["b"]}
    assert all(result["case_id"] == folder for folder, result in third.items())


def test_one_map_serves_all_batches_by_content(site):
    map_file = site.folder / "map.json"
    site.predict(site.put("b", "d", into="one"), "out", "--map", map_file)
    found = site.predict(site.put("a", "f", into="two"), "out", "--map", map_file)

    places = json.loads(map_file.read_text())["cases"]

    assert len(places) == 4
    for name in "badf":
        assert np.array_equal(open_source(places[site.of(name, found)]).read_all()[0], site.volumes[name])


def test_another_key_gives_other_ids_and_the_studies_stay_right(site, capsys):
    first = site.predict(site.put("b", "d"))
    key = site.folder / "other.key"
    key.write_text("0123456789abcdef" * 4)
    key.chmod(0o600)

    second = site.predict(site.folder / "studies", "second", "--case-key", key)

    assert not set(first) & set(second)
    assert {site.of(name, second) for name in "bd"} == set(second)
    paths = [site.folder / "studies" / f"{name}.nii.gz" for name in "bd"]
    assert second.keys() == {read_case_key(key).case_id(open_source(path)) for path in paths}
    everything = capsys.readouterr()
    outputs = b"".join(path.read_bytes() for path in (site.folder / "second").rglob("*") if path.is_file())
    assert "0123456789abcdef" not in everything.out + everything.err
    assert b"0123456789abcdef0123456789abcdef" not in outputs


def tasks_of(server, site):
    """The task of each study, known by the pictures that its readers see; and that each says what it shows."""
    found = {}
    for task in server.tasks.values():
        data = task["data"]
        result = {"total_slices": data["total_slices"], "selected_slices": data["answers"][0]["slices"]}
        name = site.name_of(result)
        files = [server.files[url] for url in data["slices"]]
        assert files == pictures(site.folder, data["case"], data["slice_indices"])
        found[name] = task
    return found


def pictures(folder, case, shown):
    archive, *_ = folder.glob(f"*/{case}/slices.zip")
    with zipfile.ZipFile(archive) as content:
        return [content.read(f"{n:04d}.png") for n in shown]


def test_a_second_folder_in_a_project_deletes_and_relabels_no_task(site, server):
    site.review("init", "--bundle", site.bundle)
    site.predict(site.put("b", "d", into="one"), "first")
    site.review("push", site.folder / "first", "--project", 1)
    before = tasks_of(server, site)

    site.predict(site.put("a", "f", into="two"), "second")
    site.review("push", site.folder / "second", "--project", 1)

    after = tasks_of(server, site)
    assert set(after) == {"b", "d", "a", "f"}
    assert {name: after[name]["id"] for name in "bd"} == {name: task["id"] for name, task in before.items()}
    assert all(task == after[name] for name, task in before.items())


def test_the_same_study_in_a_second_project_has_the_same_id_there(site, server):
    for title in ("one", "two"):
        site.review("init", "--title", title, "--bundle", site.bundle)
    site.predict(site.put("b", "d"), "first")
    site.predict(site.put("d", "a", into="others"), "second")
    site.review("push", site.folder / "first", "--project", 1)
    cases = {name: task["data"]["case"] for name, task in tasks_of(server, site).items()}
    server.tasks.clear()  # the small server has one list for all projects
    site.review("push", site.folder / "second", "--project", 2)

    others = {name: task["data"]["case"] for name, task in tasks_of(server, site).items()}

    assert others["d"] == cases["d"]
    assert others["a"] != cases["b"]


def answered(server):
    """What Label Studio exports once a reader has found informative what the model selected in every task."""
    found = []
    for task in server.tasks.values():
        chosen = [each["index"] for each in task["data"]["answers"][0]["slices"]]
        places = [task["data"]["slice_indices"].index(index) for index in chosen]
        rows = [
            {"from_name": "verdict", "item_index": place, "value": {"choices": ["informative"]}} for place in places
        ]
        result = [*task["predictions"][0]["result"], *rows]
        answer = {"result": result, "completed_by": 1, "updated_at": "2026-01-01T00:00:00Z"}
        found.append({**task, "annotations": [answer]})
    return found


def pulled(site, server, *options):
    server.export = answered(server)
    site.review("pull", "--project", 1, "-o", site.folder / "review.json", *options)
    content = json.loads((site.folder / "review.json").read_text())
    return {entry["case_id"]: entry for entry in [*content["training"], *content["unsure"]]}


@pytest.mark.parametrize("how", ["map", "cases"])
def test_verdicts_of_two_batches_get_the_paths_of_their_studies(site, server, how):
    map_file = site.folder / "map.json"
    site.review("init", "--bundle", site.bundle)
    for batch, names in (("one", "bd"), ("two", "acf")):
        site.predict(site.put(*names, into=batch), f"out_{batch}", "--map", map_file)
        site.review("push", site.folder / f"out_{batch}", "--project", 1)

    options = ("--map", map_file) if how == "map" else ("--cases", site.folder / "two", site.folder / "one")
    found = pulled(site, server, *options)

    assert len(found) == 5
    for name, task in tasks_of(server, site).items():
        entry = found[task["data"]["case"]]
        place = list(DEPTHS).index(name)
        assert entry["slices_confirmed"] == [place, place + 3]
        assert np.array_equal(open_source(entry["image"]).read_all()[0], site.volumes[name])
        assert entry["group"] == entry["case_id"]
        assert set(entry["model"]) == {"name", "version", "weights_sha256"}


def test_a_map_of_another_batch_is_refused(site, server, capsys):
    site.review("init", "--bundle", site.bundle)
    site.predict(site.put("b", into="one"), "first")
    site.review("push", site.folder / "first", "--project", 1)
    site.predict(site.put("a", into="two"), "second", "--map", site.folder / "map.json")

    with pytest.raises(SystemExit) as exit_:
        pulled(site, server, "--map", site.folder / "map.json")

    (task,) = server.tasks.values()
    assert exit_.value.code == 2
    assert f"no case called {task['data']['case']} in " in capsys.readouterr().err


def test_a_map_whose_file_was_replaced_is_refused(site, server, capsys):
    site.review("init", "--bundle", site.bundle)
    site.predict(site.put("b", "d"), "out", "--map", site.folder / "map.json")
    site.review("push", site.folder / "out", "--project", 1)
    shutil.copy(site.folder / "studies" / "d.nii.gz", site.folder / "studies" / "b.nii.gz")

    with pytest.raises(SystemExit):
        pulled(site, server, "--map", site.folder / "map.json")

    assert "another study (" in capsys.readouterr().err


def test_results_under_the_name_of_another_case_are_not_pushed(site, capsys):
    site.review("init", "--bundle", site.bundle)
    found = site.predict(site.put("b", "d"))
    one, two = found
    shutil.move(site.folder / "out" / one / "result.json", site.folder / "out" / two / "result.json")

    with pytest.raises(SystemExit):
        site.review("push", site.folder / "out", "--project", 1)

    assert f"the folder is called {two}, its result is of {one}" in capsys.readouterr().err
