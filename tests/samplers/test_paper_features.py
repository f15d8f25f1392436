import pytest
import torch
from torch.nn.functional import conv2d

from monai_das.samplers.paper_features import (
    PaperFeatures,
    laplacian_magnitude,
    max_normalised,
    sobel_magnitude,
    zscored,
)


def test_edges_are_those_of_the_sobel_and_laplacian_kernels() -> None:
    image = torch.rand(1, 1, 9, 8, 1)
    flat = image[..., 0]
    sobel = torch.tensor([[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]])[None, None]
    laplacian = torch.tensor([[0.0, 1.0, 0.0], [1.0, -4.0, 1.0], [0.0, 1.0, 0.0]])[None, None]

    length = torch.hypot(conv2d(flat, sobel), conv2d(flat, sobel.mT))

    torch.testing.assert_close(sobel_magnitude(image)[..., 0], length, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(laplacian_magnitude(image)[..., 0], conv2d(flat, laplacian).abs(), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("edges", ["mean", "max", "energy"])
def test_edge_maps_are_reduced_as_asked(edges: str) -> None:
    image = torch.rand(1, 1, 8, 8, 3)
    maps = sobel_magnitude(image)[0, 0].flatten(0, 1)
    wanted = {"mean": maps.mean(dim=0), "max": maps.amax(dim=0), "energy": maps.square().mean(dim=0)}[edges]

    features, variance = PaperFeatures(edges=edges, normalise="none")(image, torch.tensor([3]))

    torch.testing.assert_close(features[0, :, 1], wanted)
    torch.testing.assert_close(features[..., :1], variance)


def test_variance_between_is_blind_to_what_does_not_move() -> None:
    still = torch.rand(1, 1, 8, 8, 1).repeat(1, 1, 1, 1, 4)
    lengths = torch.tensor([4])

    assert (PaperFeatures("between")(still, lengths)[1] == 0).all()
    assert (PaperFeatures("within")(still, lengths)[1] > 0).all()


@pytest.mark.parametrize("normalise", ["max", "zscore"])
def test_normalised_features_forget_the_unit_and_the_padding(normalise: str) -> None:
    image = torch.rand(1, 1, 8, 8, 6)
    describe = PaperFeatures(normalise=normalise)

    features = describe(image, torch.tensor([4]))[0]

    torch.testing.assert_close(features, describe(1000.0 * image, torch.tensor([4]))[0], atol=1e-4, rtol=1e-4)
    assert (features[:, 4:] == 0).all()


def test_zscores_have_mean_zero_and_deviation_one_and_equal_values_have_none() -> None:
    values = torch.rand(1, 50, 1)

    scores = zscored(values, torch.tensor([50]))

    torch.testing.assert_close(scores.mean(), torch.tensor(0.0), atol=1e-5, rtol=0.0)
    torch.testing.assert_close(scores.std(correction=0), torch.tensor(1.0), atol=1e-3, rtol=0.0)
    assert zscored(torch.full((1, 50, 1), 0.1), torch.tensor([50])).abs().max() < 0.1


def test_nothing_to_normalise_by_gives_zeros() -> None:
    assert (max_normalised(torch.zeros(1, 5, 1), torch.tensor([5])) == 0).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"variance": "temporal"}, "variance must be one of within, between, got 'temporal'"),
        ({"edges": "sum"}, "edges must be one of mean, max, energy, got 'sum'"),
        ({"normalise": "l2"}, "normalise must be one of max, zscore, none, got 'l2'"),
    ],
)
def test_unknown_choices_name_the_known(arguments: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        PaperFeatures(**arguments)
