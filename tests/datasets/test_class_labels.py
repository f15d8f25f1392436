import pytest

from monai_das.datasets.class_labels import class_names_of


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        (["1.0", "0.0", "1"], {"0.0": "0", "1.0": "1", "1": "1"}),
        (["10", "9", "1,0"], {"1,0": "1", "9": "9", "10": "10"}),
        (["malignant", "benign "], {"benign ": "benign", "malignant": "malignant"}),
        (["1", "two  or more"], {"1": "1", "two  or more": "two or more"}),
    ],
)
def test_labels_become_names_in_order(labels, names):
    found = class_names_of(labels)

    assert found == names
    assert list(dict.fromkeys(found.values())) == list(dict.fromkeys(names.values()))


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (["a"], "labels must be 2 to 20 classes, got 1: 'a'; give --label-column"),
        ([str(number / 7) for number in range(30)], "labels must be 2 to 20 classes, got 30"),
        (["Normal", "normal", "sick"], "labels 'Normal' and 'normal' differ in case only"),
    ],
)
def test_what_are_no_classes_is_refused(labels, message):
    with pytest.raises(ValueError, match=message):
        class_names_of(labels)
