"""Video files, whose frames are slices in time."""

from monai_das.data.video.source import VIDEO_SUFFIXES, VideoSource, is_video_file

__all__ = ["VIDEO_SUFFIXES", "VideoSource", "is_video_file"]
