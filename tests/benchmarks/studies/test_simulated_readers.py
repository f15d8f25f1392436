import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from benchmarks import DASNeedleCNN
from benchmarks.sets import DASEvidenceSet
from benchmarks.studies.reader_clips import most_important, occlusion_importance
from benchmarks.studies.readers import run_readers
from benchmarks.studies.simulated_readers import ARMS, ReadersRecipe, readers_job, simulated_verdicts
from monai_das.networks import DASSliceClassifier
from monai_das.samplers import DASFullSampler

TINY = ReadersRecipe(cases=40, test_cases=30, epochs=1, reviewed=0.5, tune_epochs=1)
NEVER = replace(TINY, miss=0.0, false_alarm=0.0)
ALWAYS = replace(TINY, miss=1.0, false_alarm=1.0)
EVIDENCE = torch.tensor([[True, True, False, False, False]])
CHOSEN = torch.tensor([[1, 3, -1]])


@pytest.mark.parametrize(
    ("recipe", "expected"),
    [(NEVER, [1, 1, 0, -1, 0]), (ALWAYS, [0, -1, 0, 1, 0])],
    ids=["a perfect reader", "one who always errs"],
)
def test_readers_confirm_reject_and_add(recipe, expected):
    verdicts = simulated_verdicts(EVIDENCE, CHOSEN, recipe, torch.Generator().manual_seed(0))

    assert verdicts.tolist() == [expected]


@pytest.mark.parametrize("task", ["needle", "planted"])
def test_the_whole_experiment_runs(task):
    report, _ = run_readers(None, [task], seeds=1, recipe=TINY, draws=20)

    figures = json.loads(report.splitlines()[-1])["tasks"][task]
    assert all(0.0 <= figures[name]["agreement"] <= 1.0 for name in ARMS)


def test_verdicts_move_the_choice_and_labels_alone_do_not_as_much():
    job = {"task": "needle", "seed": 0, **vars(replace(NEVER, cases=100, reviewed=0.8, tune_epochs=5, tune_rate=5e-3))}

    measured = readers_job(job)

    shares = {
        name: sum(row[0] in chosen for row, chosen in zip(measured["evidence"], measured[name]["chosen"], strict=True))
        for name in ARMS
    }
    assert shares["after"] > shares["before"] + 5
    assert shares["after"] > shares["labels only"] + 5


@pytest.fixture
def blues(tmp_path):
    """A folder like COVID-BLUES: ten patients with a clip of 9 frames each, every second one ill and bright."""
    pytest.importorskip("av")
    from tests.data.video_clips import write_video

    (tmp_path / "lus_videos").mkdir()
    lines, random = ["video_file,Severity Score"], np.random.default_rng(0)
    for patient in range(10):
        frames = random.integers(0, 60 + 150 * (patient % 2), (9, 48, 48, 3), dtype=np.uint8)
        write_video(tmp_path / "lus_videos" / f"patient_{patient}_L1.mp4", frames)
        lines.append(f"patient_{patient}_L1,{2 * (patient % 2)}.0")
    (tmp_path / "severity.csv").write_text("\n".join(lines))
    return tmp_path


def test_clips_are_read_by_an_independent_model_and_are_no_matter_of_success(blues):
    report, success = run_readers(str(blues), ["covid_blues"], seeds=1, recipe=replace(TINY, reviewed=1.0), draws=20)

    said = json.loads(report.splitlines()[-1])
    figures = said["tasks"]["covid_blues"]
    assert success
    assert said["success"] is None
    assert all(0.0 <= figures[name]["agreement"] <= 1.0 for name in ARMS)


def test_a_frame_is_as_important_as_the_probability_that_falls_without_it():
    model = DASSliceClassifier(DASFullSampler(), DASNeedleCNN(), 2, thumbnail_size=28).eval()
    images, labels = torch.randn(2, 1, 28, 28, 5), torch.tensor([0, 1])
    cases = DASEvidenceSet(images, labels, torch.zeros(2, 5, dtype=torch.bool))

    importance = occlusion_importance(model, cases)

    without = [place for place in range(5) if place != 3]
    whole, less = (torch.log_softmax(model(volume), dim=1) for volume in (images, images[..., without]))
    expected = (whole - less)[torch.arange(2), labels]
    torch.testing.assert_close(importance[:, 3], expected, rtol=1e-4, atol=1e-5)


def test_a_reader_names_frames_that_help_only():
    importance = torch.tensor([[0.3, -0.1, 0.2, 0.4], [-1.0, -2.0, 0.1, -3.0]])

    assert most_important(importance, 2).tolist() == [[True, False, False, True], [False, False, True, False]]
