"""The colours of montage and page: a mark has a contrast of 3:1 to what it lies on, a text one of 4.5:1."""

LIGHT = {
    "paper": "#ffffff",
    "ink": "#1d2733",
    "quiet": "#5b6672",
    "line": "#7f8b97",
    "soft": "#edf0f3",
    "bar": "#6d8497",
    "selected": "#c8640a",
    "selected-ink": "#9a4d04",
    "alarm": "#b00020",
}
DARK = LIGHT | {
    "paper": "#14191f",
    "ink": "#e8edf2",
    "quiet": "#9aa7b4",
    "line": "#73808d",
    "soft": "#222a32",
    "bar": "#7d95a8",
    "selected": "#f59b3a",
    "selected-ink": "#f9b56b",
}


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours ``#rrggbb``, 1 to 21, by WCAG 2.2.

    Example:
        >>> contrast("#000000", "#ffffff")
        21.0
    """
    bright, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    parts = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
