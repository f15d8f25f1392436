import pytest
import torch
from ignite.engine import Engine
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from monai_das.handlers import DASSelectionToTensorBoard
from monai_das.handlers.pictures import matrix_picture, montage, score_picture


def run_evaluator(handler, volumes, epoch=1):
    engine = Engine(lambda engine, batch: [{"image": volume} for volume in batch])
    handler.attach(engine)
    engine.load_state_dict({"epoch_length": 2, "max_epochs": epoch, "epoch": epoch - 1})
    engine.run([volumes, volumes.flip(0)])


def test_each_epoch_shows_scores_matrix_and_slices_of_the_first_cases(network, volumes, tmp_path):
    handler = DASSelectionToTensorBoard(network, str(tmp_path), num_cases=1)

    run_evaluator(handler, volumes, epoch=1)
    run_evaluator(handler, volumes, epoch=2)
    handler.close()

    events = EventAccumulator(str(tmp_path)).Reload()
    assert set(events.Tags()["images"]) == {f"selection_0/{name}" for name in ("scores", "matrix", "slices")}
    assert [event.step for event in events.Images("selection_0/matrix")] == [1, 2]
    assert [(image.width, image.height) for image in events.Images("selection_0/matrix")] == [(64, 24)] * 2


def test_the_interval_skips_epochs(network, volumes, tmp_path):
    handler = DASSelectionToTensorBoard(network, str(tmp_path), interval=2)

    for epoch in (1, 2, 3):
        run_evaluator(handler, volumes, epoch=epoch)
    handler.close()

    events = EventAccumulator(str(tmp_path)).Reload()
    assert [event.step for event in events.Images("selection_1/slices")] == [2]


def test_scores_show_chosen_slices_in_another_colour():
    picture = score_picture(torch.tensor([0.0, 1.0, 0.5, -1.0]), torch.tensor([1, -1]))

    assert picture.shape == (3, 64, 32)
    colours = picture[:, -1, ::8]
    assert not torch.equal(colours[:, 0], colours[:, 1])
    assert torch.equal(colours[:, 0], colours[:, 2])
    heights = (picture[0] < 1).sum(dim=0)[::8]
    assert heights.tolist() == [33, 64, 48, 1]


def test_the_matrix_is_white_where_a_slice_is_taken():
    picture = matrix_picture(torch.eye(2, 3))

    assert picture.shape == (1, 16, 24)
    assert picture[0, ::8, ::8].tolist() == [[1, 0, 0], [0, 1, 0]]


def test_the_montage_fills_rows_and_leaves_the_rest_white():
    slices = torch.zeros(1, 4, 4, 3)
    slices[..., 2] = 0.5

    picture = montage(slices, columns=2)

    assert picture.shape == (1, 10, 10)
    assert picture[0, 0, 0] == 0.0
    assert picture[0, 5, 0] == 1.0
    assert picture[0, 5:, 5:].min() == 1.0


@pytest.mark.parametrize(("channels", "shown"), [(1, 1), (2, 1), (3, 3)])
def test_the_montage_shows_colour_or_the_mean_of_channels(channels, shown):
    assert montage(torch.rand(channels, 4, 4, 2)).shape == (shown, 5, 10)


@pytest.mark.parametrize(("num_cases", "interval"), [(0, 1), (1, 0)])
def test_numbers_below_one_are_refused(network, num_cases, interval):
    with pytest.raises(ValueError, match=rf"at least 1, got num_cases={num_cases} and interval={interval}"):
        DASSelectionToTensorBoard(network, num_cases=num_cases, interval=interval, summary_writer=object())
