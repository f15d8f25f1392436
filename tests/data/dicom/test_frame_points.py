"""Time points inside one enhanced object are chosen by number, in whatever order its frames lie."""

import pytest
import torch
from pydicom import Dataset, dcmread

from monai_das.data import open_source

OUTER = [(place, time) for time in range(3) for place in range(5)]
INNER = [(place, time) for place in range(5) for time in range(3)]
MIXED = [OUTER[number] for number in (7, 2, 14, 0, 11, 5, 9, 1, 13, 3, 12, 6, 4, 10, 8)]


@pytest.fixture
def make_timed(make_enhanced):
    """Write an enhanced object with a frame for each (place, time); a time of None is not written."""

    def make(frames):
        path = make_enhanced(tuple(2.0 * place for place, _ in frames), slope=1.0)
        tags = dcmread(path)
        for group, (_, time) in zip(tags.PerFrameFunctionalGroupsSequence, frames, strict=True):
            content = Dataset()
            if time is not None:
                content.TemporalPositionIndex = time + 1
            group.FrameContentSequence = [content]
        tags.save_as(path)
        return path

    return make


@pytest.mark.parametrize("frames", [OUTER, INNER, MIXED])
@pytest.mark.parametrize("time", [0, 1, 2])
def test_a_time_point_is_chosen(make_timed, frames, time):
    path = make_timed(frames)
    expected = [frames.index((place, time)) for place in range(5)]

    source = open_source(path, choose={"time_point": time})

    assert [ref.frame for ref in source.refs] == [frame + 1 for frame in expected]
    assert [ref.position_mm[2] for ref in source.refs] == [0.0, 2.0, 4.0, 6.0, 8.0]
    # frame n begins with the value 30 n, and the intercept is -10
    assert torch.equal(source.read_all()[0, 0, 0], torch.tensor([30.0 * frame - 10 for frame in expected]))


@pytest.mark.parametrize("echo", [0, 1])
def test_what_another_dimension_tells_apart_is_chosen_by_number_too(make_enhanced, echo):
    """Two echoes at each of three places; the dimensions are stack, place and echo."""
    frames = [(place, number) for place in range(3) for number in (1, 0)]
    path = make_enhanced(tuple(2.0 * place for place, _ in frames))
    tags = dcmread(path)
    for group, (place, number) in zip(tags.PerFrameFunctionalGroupsSequence, frames, strict=True):
        content = Dataset()
        content.DimensionIndexValues = [1, place + 1, number + 1]
        group.FrameContentSequence = [content]
    tags.save_as(path)

    source = open_source(path, choose={"time_point": echo})

    assert [ref.frame for ref in source.refs] == [frames.index((place, echo)) + 1 for place in range(3)]


def test_without_a_choice_the_time_points_are_offered(make_timed):
    with pytest.raises(
        ValueError, match=r"15 slices at 5 positions.*choose one by time_point: 0 to 2 \(5 frames each; --time-point\)"
    ):
        open_source(make_timed(INNER))


def test_a_time_point_that_is_not_there_is_named(make_timed):
    with pytest.raises(ValueError, match=r"enhanced.dcm: no time_point 3; there are 0 to 2: choose one"):
        open_source(make_timed(OUTER), choose={"time_point": 3})


@pytest.mark.parametrize("frames", [[(place, None) for place, _ in OUTER], [*OUTER[:-1], (3, 2)], OUTER[:-1]])
def test_frames_that_no_index_tells_apart_are_refused(make_timed, frames):
    with pytest.raises(ValueError, match=r"no time_point to choose, as TemporalPositionIndex \(0020,9128\) does not"):
        open_source(make_timed(frames), choose={"time_point": 0})


def test_a_clip_has_no_time_points(make_clip):
    with pytest.raises(ValueError, match=r"clip.dcm: no time_point 0 in a clip, whose frames are all taken"):
        open_source(make_clip(), choose={"time_point": 0})
