"""Video files as small as they can be, and how a reader that is not ours sees them."""

import subprocess
from fractions import Fraction

import av
import imageio_ffmpeg
import numpy as np
from pydicom import dcmread
from pydicom.encaps import encapsulate

# codec and pixel format by the name of the file
KINDS = {
    "h264.mp4": ("libx264", "yuv420p"),
    "h264.mov": ("libx264", "yuv444p"),
    "h264.mkv": ("libx264", "yuv420p"),
    "mpeg4.avi": ("mpeg4", "yuv420p"),
    "mjpeg.avi": ("mjpeg", "yuvj420p"),
    "still.gif": ("gif", "rgb8"),
    "grey.mkv": ("ffv1", "gray"),
}


def moving_bars(count, rows=48, columns=64, colour=True):
    """Return ``(count, rows, columns, 3)`` uint8: a bar that moves over a gradient; every frame is another."""
    frames = np.zeros((count, rows, columns, 3), np.uint8)
    frames[...] = np.linspace(20, 200, columns, dtype=np.uint8)[None, None, :, None]
    for number, frame in enumerate(frames):
        frame[:, (3 * number) % columns : (3 * number) % columns + 8, : 1 if colour else 3] = 250
        frame[: 1 + number % rows, :4] = 0
    return frames


def write_video(path, frames, codec="libx264", pix_fmt="yuv420p", times=None, gop=5):
    """Write ``frames`` at 25 a second, or at ``times`` in ms, and return ``path``."""
    with av.open(path, "w") as container:
        stream = container.add_stream(codec, rate=25)
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt, stream.codec_context.gop_size = pix_fmt, gop
        if times is not None:
            stream.codec_context.time_base = Fraction(1, 1000)
        container.start_encoding()
        for number, pixels in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            if pix_fmt == "rgb8":
                frame = frame.reformat(format="rgb8")
            frame.pts = number if times is None else times[number]
            frame.time_base = Fraction(1, 25) if times is None else Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def write_blues(folder):
    """Write COVID-BLUES in small and return ``folder``: 9 patients of 2 clips of 4 to 9 frames, a bar in the severe."""
    videos, lines = folder / "covid_blues" / "lus_videos", ["video_file,Severity Score"]
    videos.mkdir(parents=True)
    random = np.random.default_rng(0)
    for patient in range(9):
        for number in (1, 2):
            severity = patient % 4
            frames = random.integers(0, 60, (4 + (patient + number) % 6, 32, 32, 1), np.uint8).repeat(3, 3)
            frames[:, :, 12:18] += np.uint8(60 * severity)
            write_video(videos / f"patient_{patient}_L{number}.mp4", frames)
            lines.append(f"patient_{patient}_L{number},{severity}.0")
    (folder / "covid_blues" / "severity.csv").write_text("\n".join(lines))
    return folder


def ffmpeg(*arguments):
    """Run the program ffmpeg, which overwrites what is there, and return what it writes to ``-``."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-y", "-v", "error", "-threads", "1", *map(str, arguments)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout


def frames_by_ffmpeg(path, rows=48, columns=64):
    """Return all frames ``(3, columns, rows, D)`` as the program ffmpeg gives them, none left out or doubled."""
    raw = ffmpeg("-i", path, "-f", "rawvideo", "-pix_fmt", "rgb24", "-fps_mode", "passthrough", "-")
    return np.frombuffer(raw, np.uint8).reshape(-1, rows, columns, 3).transpose(3, 2, 1, 0).astype(np.float32)


def write_sound(path):
    """Write a second of silence and return ``path``."""
    with av.open(path, "w") as container:
        stream = container.add_stream("aac", rate=44100)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 44100
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


# of videos inside DICOM: transfer syntax, codec, container
STREAMS = {
    "mpeg2": ("1.2.840.10008.1.2.4.100", "mpeg2video", "mpeg2video"),
    "mpeg2.ts": ("1.2.840.10008.1.2.4.101", "mpeg2video", "mpegts"),
    "h264.ts": ("1.2.840.10008.1.2.4.102", "libx264", "mpegts"),
    "h264.mp4": ("1.2.840.10008.1.2.4.102", "libx264", "mp4"),
    "h264": ("1.2.840.10008.1.2.4.106", "libx264", "h264"),
    "hevc.ts": ("1.2.840.10008.1.2.4.107", "libx265", "mpegts"),
    "hevc": ("1.2.840.10008.1.2.4.108", "libx265", "hevc"),
}


def write_video_object(path, name="h264.ts", parts=1, **tags):
    """Put the stream ``name`` of 25 frames in ``parts`` into the DICOM file ``path``; return it and the bare stream."""
    syntax, codec, container = STREAMS[name]
    lossless = write_video(path.with_name("a.mkv"), moving_bars(25), "ffv1", "yuv420p")
    raw = path.with_name(f"raw.{name}")
    ffmpeg("-i", lossless, "-c:v", codec, "-g", 6, "-pix_fmt", "yuv420p", "-f", container, raw)
    lossless.unlink()
    content, found = raw.read_bytes(), dcmread(path)
    found.Rows, found.Columns, found.NumberOfFrames, found.FrameTime = 48, 64, 25, "40"
    found.SamplesPerPixel, found.PhotometricInterpretation, found.PlanarConfiguration = 3, "YBR_PARTIAL_420", 0
    found.BitsAllocated = found.BitsStored = 8
    found.HighBit = 7
    for keyword, value in tags.items():
        setattr(found, keyword, value)
    size = 2 * -(-len(content) // (2 * parts))
    found.PixelData = encapsulate([content[at : at + size] for at in range(0, len(content), size)])
    found["PixelData"].is_undefined_length = True
    found.file_meta.TransferSyntaxUID = syntax
    found.save_as(path)
    return path, raw
