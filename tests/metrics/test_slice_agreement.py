import pytest
import torch

from monai_das.metrics import slice_agreement


def test_shares_are_counted_case_by_case():
    chosen = torch.tensor([[0, 1, 4], [2, 3, -1], [0, 1, 2]])
    verdicts = torch.tensor([[1, 0, -1, 1, -1], [0, 0, 1, 0, 0], [0, -1, 0, 0, 0]])

    recall, precision, rejected = slice_agreement(chosen, verdicts)

    torch.testing.assert_close(recall, torch.tensor([0.5, 1.0, torch.nan]), equal_nan=True)
    torch.testing.assert_close(precision, torch.tensor([1 / 3, 0.5, torch.nan]), equal_nan=True)
    torch.testing.assert_close(rejected, torch.tensor([0.5, torch.nan, 1.0]), equal_nan=True)


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"indices \(B, k\) and verdicts \(B, D\), got \(2, 3\) and \(1, 4\)"):
        slice_agreement(torch.zeros(2, 3, dtype=torch.int64), torch.zeros(1, 4))
