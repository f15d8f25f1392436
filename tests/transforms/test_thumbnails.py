import pytest
import torch

from monai_das.transforms import make_thumbnails


def ramp(height: int, width: int, depth: int) -> torch.Tensor:
    """A plane in pixel centres, in [0, 1] over H, and another over W: linear interpolation must reproduce it."""
    rows = (torch.arange(height) + 0.5) / height
    columns = (torch.arange(width) + 0.5) / width
    slices = torch.arange(depth).float()
    return (rows[:, None, None] + 10 * columns[None, :, None] + 100 * slices)[None, None]


def test_whole_factors_are_block_means():
    volume = torch.rand(2, 3, 24, 16, 5)

    thumbnails = make_thumbnails(volume, 8)

    torch.testing.assert_close(thumbnails, volume.view(2, 3, 8, 3, 8, 2, 5).mean((3, 5)))


def test_thumbnails_of_their_own_size_are_the_volume_itself():
    volume = torch.rand(1, 1, 8, 8, 3)

    assert make_thumbnails(volume, 8) is volume


@pytest.mark.parametrize(("height", "width"), [(64, 65), (130, 127), (129, 500), (100, 191), (63, 20), (3, 64)])
def test_a_plane_stays_the_same_plane(height, width):
    volume, expected = ramp(height, width, 3), ramp(64, 64, 3)

    thumbnails = make_thumbnails(volume, 64)

    # at the border a mean of fewer pixels, or a value held, is off by at most one pixel of the smaller image
    assert thumbnails.shape == (1, 1, 64, 64, 3)
    torch.testing.assert_close(thumbnails[:, :, 22:42, 22:42], expected[:, :, 22:42, 22:42], rtol=0, atol=1e-3)
    assert (thumbnails - expected).abs().max() <= 1 / min(64, height) + 10 / min(64, width)


@pytest.mark.parametrize("side", [9, 15, 17, 23, 31])
def test_nothing_is_cropped(side):
    volume = torch.zeros(side * side, 1, side, side, 1)
    volume.view(side * side, side * side)[:] = torch.eye(side * side)

    thumbnails = make_thumbnails(volume, 8)

    assert (thumbnails.sum(dim=(1, 2, 3, 4)) > 0).all()


@pytest.mark.parametrize("side", [5, 8, 12, 16, 19])
def test_a_constant_stays_constant(side):
    assert torch.equal(
        make_thumbnails(torch.full((1, 1, side, side, 2), -1024.0), 8), torch.full((1, 1, 8, 8, 2), -1024.0)
    )


@pytest.mark.parametrize("dtype", [torch.float16, torch.int16, torch.float64])
def test_sums_are_in_float32(dtype):
    volume = torch.full((1, 1, 64, 64, 2), 3000.0).to(dtype)

    with torch.autocast("cpu", torch.bfloat16):
        thumbnails = make_thumbnails(volume, 3)

    assert thumbnails.dtype == torch.float32
    torch.testing.assert_close(thumbnails, torch.full((1, 1, 3, 3, 2), 3000.0))


def test_slices_may_lie_anywhere_in_memory():
    stored = torch.rand(2, 5, 20, 24)

    volume = stored.permute(0, 2, 3, 1)[:, None]

    torch.testing.assert_close(make_thumbnails(volume, 8), make_thumbnails(volume.contiguous(), 8))


@pytest.mark.parametrize("side", [8, 16, 20])
def test_script_and_export_take_any_batch_and_depth(side):
    class Thumbnails(torch.nn.Module):
        def forward(self, volume: torch.Tensor) -> torch.Tensor:
            return make_thumbnails(volume, 8)

    dynamic = {"volume": {0: torch.export.Dim.DYNAMIC, 4: torch.export.Dim.DYNAMIC}}
    exported = torch.export.export(Thumbnails(), (torch.rand(2, 1, side, 24, 7),), dynamic_shapes=dynamic).module()
    scripted = torch.jit.script(make_thumbnails)

    for batch, depth in ((1, 3), (3, 1), (2, 40)):
        volume = torch.rand(batch, 1, side, 24, depth)
        torch.testing.assert_close(exported(volume), make_thumbnails(volume, 8))
        torch.testing.assert_close(scripted(volume, 8), make_thumbnails(volume, 8))


def test_missing_batch_axis_says_how_to_add_it():
    with pytest.raises(ValueError, match=r"got \[1, 8, 8, 4\]; add a batch axis: volume\[None\]"):
        make_thumbnails(torch.rand(1, 8, 8, 4), 8)


def test_slices_below_three_pixels_are_refused():
    with pytest.raises(
        ValueError, match=r"at least 3 x 3 pixels, got volume \[1, 1, 2, 8, 4\]; slices are the last axis"
    ):
        make_thumbnails(torch.rand(1, 1, 2, 8, 4), 8)


def test_thumbnails_below_three_pixels_are_refused():
    with pytest.raises(ValueError, match="at least 3 pixels a side, got size=2"):
        make_thumbnails(torch.rand(1, 1, 8, 8, 4), 2)
