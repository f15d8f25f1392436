"""Two models on the same held-out verdicts."""

from dataclasses import replace

import numpy as np
import pytest

from monai_das.datasets import write_nifti
from monai_das.inference import Predictor
from monai_das.review import ReaderVerdict, model_change
from monai_das.review.model_change import held_out_verdicts
from tests.inference.conftest import random_bundle
from tests.patients import patient

__all__ = ["random_bundle"]


RESULTS = {}


class Told:
    """A predictor by a table: of each image the probability of the second class and the selected slices."""

    def __init__(self, predictor, table):
        self.predictor, self.table, self.model, self.asked = predictor, table, predictor.model, []

    def predict(self, image):
        self.asked.append(image)
        second, chosen = self.table[image]
        found = RESULTS[image] = RESULTS.get(image) or self.predictor.predict(image)
        probabilities = dict(zip(found.probabilities, (1.0 - second, second), strict=True))
        selected = tuple(replace(found.selected[0], ref=found.refs[index]) for index in chosen)
        return replace(found, probabilities=probabilities, selected=selected)


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    folder = tmp_path_factory.mktemp("images")
    for number in range(8):
        volume = np.random.default_rng(number).integers(0, 99, (12, 10, 6)).astype(np.uint8)
        write_nifti(volume, folder / f"{number}.nii.gz")
    return [str(folder / f"{number}.nii.gz") for number in range(8)]


@pytest.fixture(scope="module")
def predictor(random_bundle):
    return Predictor(random_bundle, num_slices=3, accept_any_input=True)


def verdicts(images, labels=(0, 1) * 4):
    said = ((1,), (), (4,), "reader-1", "2026")
    return [
        ReaderVerdict(f"case-{n}", label, str(label), *said, image=image, group=f"p{n // 2}")
        for n, (image, label) in enumerate(zip(images, labels, strict=True))
    ]


GOOD, BAD = (0.2, 0.8) * 4, (0.8, 0.2) * 4


def told(predictor, images, seconds, chosen):
    return Told(predictor, {image: (second, chosen) for image, second in zip(images, seconds, strict=True)})


def test_a_model_that_answers_the_other_way_round_is_worse(predictor, images):
    before, after = (told(predictor, images, *given) for given in ((GOOD, [1, 4]), (BAD, [1])))

    found = model_change(before, after, verdicts(images))

    assert found.worse
    assert (found.verdicts, found.patients, found.judged_by) == (8, 4, "auc")
    assert (found.before, found.after) == (
        {"auc": 1.0, "accuracy": 1.0, "chosen": 1.0}, {"auc": 0.0, "accuracy": 0.0, "chosen": 0.5},
    )  # fmt: skip
    assert found.difference["auc"] == (-1.0, -1.0, -1.0)
    assert found.difference["chosen"] == (-0.5, -0.5, -0.5)
    assert found.sentence() == (
        "the new model is WORSE by AUC (-1.000); accuracy and readers' slices that are chosen fell"
    )
    assert "| AUC | 1.000 | 0.000 | -1.000 | -1.000 to -1.000 |" in found.table()
    assert (found.to_dict()["worse"], found.to_dict()["auc_difference_high"]) == (True, -1.0)


def test_the_same_model_is_no_worse_and_each_case_is_predicted_once(predictor, images):
    model = told(predictor, images, GOOD, [1])
    twice = [*verdicts(images), *(replace(each, reviewer="reader-2") for each in verdicts(images))]

    found = model_change(model, model, twice)

    assert not found.worse
    assert found.sentence() == "the new model is no worse by AUC (+0.000; the interval holds 0, so this may be chance)"
    assert sorted(model.asked) == sorted([*images, *images])


def test_one_case_that_fell_of_many_may_be_chance_and_is_worse_all_the_same(predictor, images):
    slightly = (0.2, 0.8, 0.2, 0.8, 0.2, 0.8, 0.81, 0.8)
    before, after = (told(predictor, images, seconds, [1]) for seconds in (GOOD, slightly))

    found = model_change(before, after, verdicts(images))

    assert found.worse
    assert found.difference["auc"].low < found.difference["auc"].value < found.difference["auc"].high == 0.0
    assert "WORSE by AUC (-0.250; the interval holds 0, so this may be chance)" in found.sentence()


def test_of_one_class_accuracy_decides(predictor, images):
    before, after = (told(predictor, images, [second] * 8, [1]) for second in (0.2, 0.9))

    found = model_change(before, after, verdicts(images, [1] * 8))

    assert (found.judged_by, found.worse, found.difference["accuracy"].value) == ("accuracy", False, 1.0)
    assert found.to_dict()["auc_before"] is None
    assert "better by accuracy (+1.000)" in found.sentence()


def test_slices_that_fell_for_sure_are_worse_though_the_answers_are_not(predictor, images):
    before, after = (told(predictor, images, GOOD, chosen) for chosen in ([1, 4], [2, 3]))

    found = model_change(before, after, verdicts(images))

    assert found.worse
    assert found.sentence().endswith("; readers' slices that are chosen fell")


def test_one_patient_says_nothing_of_others(predictor, images):
    one = [replace(each, group="p") for each in verdicts(images)]
    before, after = (told(predictor, images, seconds, [1]) for seconds in (GOOD, BAD))

    found = model_change(before, after, one)

    assert found.worse
    assert found.to_dict()["auc_difference_low"] is None
    assert "| AUC | 1.000 | 0.000 | -1.000 | - |" in found.table()


@pytest.mark.parametrize("change", [{"label": None}, {"image": None}])
def test_verdicts_without_class_or_path_are_refused(predictor, images, change):
    with pytest.raises(ValueError, match="verdicts must have a class and the path of their case, at least one"):
        model_change(predictor, predictor, [replace(verdicts(images)[0], **change)])


def test_a_bundle_compared_with_itself_differs_in_nothing(predictor, images):
    labels = [predictor.predict(image).label for image in images[:3]]

    found = model_change(predictor, predictor, verdicts(images[:3], labels))

    assert found.before == pytest.approx(found.after, nan_ok=True)
    assert found.before["accuracy"] == 1.0
    assert not found.worse


def test_the_held_out_are_those_that_never_train():
    held, trains = (
        ReaderVerdict(f"case-{n}", 1, "b", (), (), (), "r", "2026", group=patient(n, held_out=bool(n))) for n in (1, 0)
    )

    assert held_out_verdicts([held, trains, replace(held, label=None)], 5, 0) == [held]
