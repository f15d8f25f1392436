"""The labelling configurations of our Label Studio projects."""

from __future__ import annotations

from collections.abc import Sequence
from xml.sax.saxutils import quoteattr

KINDS = ("volume", "clip")
VERDICTS = ("informative", "not informative", "artefact")
UNSURE = "unsure"
KEY_FRAME = "key frame"
# name of the control or object in the configuration, and so in every answer
SLICES, CLIP, VERDICT, CLASS, QUALITY, NOTE, ADDED, KEY_FRAMES = (
    "slices", "clip", "verdict", "class", "quality", "note", "added", "key_frames",
)  # fmt: skip
FRAME_RATE = 15


def labelling_config(kind: str, classes: Sequence[str]) -> str:
    """Return Label Studio's XML for ``"volume"`` (a verdict for each slice) or ``"clip"`` (a video's key frames).

    Both ask for the class (one of ``classes``, or unsure), the quality from 1 to 5, and a note.

    Raises:
        ValueError: the kind is unknown, there is no class, or a class is named like the answer "unsure".

    Example:
        >>> "perItem" in labelling_config("volume", ["normal", "hyperplasia"])
        True
    """
    if kind not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(KINDS)}, got {kind!r}")
    if not classes or UNSURE in classes:
        raise ValueError(f"classes must be names other than {UNSURE!r}, at least one, got {list(classes)}")
    shown = SLICES if kind == "volume" else CLIP
    parts = [
        '<Header value="$title"/>',
        '<Text name="captions" value="$captions"/>',
        *(_volume() if kind == "volume" else _clip()),
        '<Header value="The whole case is" size="5"/>',
        _choices(CLASS, shown, [*classes, UNSURE], 'required="true"'),
        '<Header value="Quality, 1 (poor) to 5 (good)" size="5"/>',
        f'<Rating name="{QUALITY}" toName="{shown}" maxRating="5"/>',
        f'<TextArea name="{NOTE}" toName="{shown}" placeholder="Note" rows="2" maxSubmissions="1"/>',
    ]
    return "<View>\n" + "".join(f"  {part}\n" for part in parts) + "</View>\n"


def _volume() -> list[str]:
    return [
        f'<Image name="{SLICES}" valueList="$slices" brightnessControl="true" contrastControl="true" '
        'zoomControl="true" maxWidth="560px"/>',
        '<Header value="This slice is" size="5"/>',
        _choices(VERDICT, SLICES, VERDICTS, 'perItem="true"'),
        f'<TextArea name="{ADDED}" toName="{SLICES}" rows="1" maxSubmissions="1" '
        'placeholder="Numbers of slices that should have been selected, such as 12, 30"/>',
    ]


def _clip() -> list[str]:
    return [
        f'<Video name="{CLIP}" value="$video" frameRate="{FRAME_RATE}"/>',
        f'<TimelineLabels name="{KEY_FRAMES}" toName="{CLIP}"><Label value="{KEY_FRAME}"/></TimelineLabels>',
    ]


def _choices(name: str, shown: str, values: Sequence[str], attributes: str) -> str:
    choices = "".join(f"<Choice value={quoteattr(value)}/>" for value in values)
    return f'<Choices name="{name}" toName="{shown}" choice="single" layout="inline" {attributes}>{choices}</Choices>'
