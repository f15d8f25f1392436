"""The labelling configurations of our Label Studio projects."""

from __future__ import annotations

from collections.abc import Sequence
from xml.sax.saxutils import quoteattr

KINDS = ("volume", "clip")
VERDICTS = ("informative", "not informative", "artefact")
UNSURE = "unsure"
SELECTED = "selected by the model"
# name of the control or object in the configuration, and so in every answer
SLICES, CLIP, VERDICT, CLASS, QUALITY, NOTE, ADDED, KEY_FRAMES, LOOKED = (
    "slices", "clip", "verdict", "class", "quality", "note", "added", "key_frames", "looked",
)  # fmt: skip
I_LOOKED = "I looked, and this is my answer"
FRAME_RATE = 15
VERDICT_KEYS, CLASS_KEYS, LOOKED_KEY = "123", "qwertyuiop", "a"
# a picture and its controls side by side, both whole on a page of 1440 x 800 pixels
STYLE = """
.das-page { display: flex; gap: 16px; align-items: flex-start; }
.das-picture { flex: 0 0 auto; width: 552px; }
.das-slices .lsf-object { position: relative; padding-right: 44px; }
.das-slices .lsf-toolbar { position: absolute; right: 0; top: 80px; }
.das-clip .lsf-timeline-controls__time { display: none; }
.das-controls { flex: 1 1 0; min-width: 220px; }
.das-controls h4 { font-size: 14px; line-height: 18px; margin: 8px 0 2px; }
.das-controls .ant-checkbox-wrapper { height: 26px; line-height: 26px; padding: 0; }
.das-controls input.ant-input { height: 30px; }
.das-text { max-height: 132px; overflow-y: auto; }
.das-text h4 { white-space: pre-line; font-size: 12px; line-height: 16px; font-weight: 400; margin: 0; }
"""


def labelling_config(kind: str, classes: Sequence[str]) -> str:
    """Return Label Studio's XML for ``"volume"`` (a verdict for each slice) or ``"clip"`` (a video's key frames).

    Both ask for the class (one of ``classes``, or unsure), the quality from 1 to 5, a note, and whether the reader
    looked: without this tick nothing can be submitted, so that whoever agrees with all that is ticked says so.

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
    picture, controls = _volume() if kind == "volume" else _clip()
    whole = _choices(CLASS, shown, [*classes, UNSURE], CLASS_KEYS, 'required="true"')
    message = f'required="true" requiredMessage="Please tick: {I_LOOKED} (key {LOOKED_KEY.upper()})"'
    looked = _choices(LOOKED, shown, [I_LOOKED], LOOKED_KEY, message)
    # Label Studio takes files only for projects with one named tag that shows something: texts are headers, without
    return "".join([
        '<View className="das-page">\n',
        f"  <Style>{STYLE}</Style>\n",
        f'  <View className="das-picture das-{shown}">{picture}</View>\n',
        '  <View className="das-controls">\n',
        '    <Header value="$case" size="5"/>\n',
        '    <View className="das-text"><Header value="$captions" size="5"/></View>\n',
        f"    {controls}\n",
        '    <Header value="The whole case is" size="5"/>\n',
        f"    {whole}\n",
        '    <Header value="Quality, 1 (poor) to 5 (good)" size="5"/>\n',
        f'    <Rating name="{QUALITY}" toName="{shown}" maxRating="5"/>\n',
        f'    <TextArea name="{NOTE}" toName="{shown}" placeholder="Note" rows="1" maxSubmissions="1"/>\n',
        f"    {looked}\n",
        "  </View>\n</View>\n",
    ])  # fmt: skip


def _volume() -> tuple[str, str]:
    """Return the picture, and what is asked of it."""
    return (
        f'<Image name="{SLICES}" valueList="$slices" brightnessControl="true" contrastControl="true" '
        'zoomControl="true" defaultZoom="fit"/>',
        '<Header value="This slice is (Ctrl + arrows: other slices)" size="5"/>'
        + _choices(VERDICT, SLICES, VERDICTS, VERDICT_KEYS, 'perItem="true"')
        + f'<TextArea name="{ADDED}" toName="{SLICES}" rows="1" maxSubmissions="1" '
        'placeholder="Indices of other slices that show it, such as 12, 30"/>',
    )


def _clip() -> tuple[str, str]:
    """Return the video, and what is asked of it: a mark of the model is no verdict, a label of the reader is."""
    values, colours = (*VERDICTS, SELECTED), ("#2e8540", "#b31b1b", "#b36b00", "#617087")
    labels = "".join(
        f'<Label value="{value}" hotkey="{key}" background="{colour}"/>'
        for value, key, colour in zip(values, "1234", colours, strict=True)
    )
    return (
        f'<Video name="{CLIP}" value="$video" frameRate="{FRAME_RATE}" height="400" timelineHeight="110"/>',
        '<Header value="A frame is (choose, then mark it on the timeline)" size="5"/>'
        f'<TimelineLabels name="{KEY_FRAMES}" toName="{CLIP}">{labels}</TimelineLabels>',
    )


def _choices(name: str, shown: str, values: Sequence[str], keys: str, attributes: str) -> str:
    hotkeys = [f' hotkey="{key}"' for key in keys] + [""] * len(values)
    choices = "".join(f"<Choice value={quoteattr(value)}{key}/>" for value, key in zip(values, hotkeys, strict=False))
    return f'<Choices name="{name}" toName="{shown}" choice="single" {attributes}>{choices}</Choices>'
