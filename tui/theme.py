"""The console's own colours; the stylesheet and the widgets name only variables.

Every text stands out from every ground it is drawn on by at least 4.5 to 1 (WCAG 2.2,
success criterion 1.4.3): a test computes it from these tables, and from what is drawn.
"""

from __future__ import annotations

from collections.abc import Mapping

from textual.theme import Theme


def _lines(border: str, blurred: str, ground: str, active: str,
           track: str = "") -> dict[str, str]:
    """The variables of what is no text: frames, bars and their grounds."""
    return {
        "border": border,
        "track": track or border,
        "border-blurred": blurred,
        "scrollbar": border,
        "scrollbar-hover": border,
        "scrollbar-active": active,
        "scrollbar-background": ground,
        "scrollbar-background-hover": ground,
        "scrollbar-background-active": ground,
        "scrollbar-corner-color": ground,
    }


NIGHT = Theme(
    name="chatops-night",
    primary="#58c4f6",
    secondary="#b79bf5",
    accent="#f7b267",
    success="#7fdc9a",
    warning="#f5d76e",
    error="#ff7a87",
    foreground="#d5dee9",
    background="#0c1118",
    surface="#121923",
    panel="#1b2532",
    dark=True,
    variables={
        **_lines("#2c3b4e", "#222e3d", "#0c1118", "#58c4f6"),
        "text": "#d5dee9",
        "text-muted": "#90a1b7",
        "text-disabled": "#90a1b7",
        "block-cursor-background": "#1d3650",
        "block-cursor-foreground": "#f2f7fc",
        "footer-key-foreground": "#58c4f6",
        "footer-background": "#121923",
        "input-cursor-background": "#d5dee9",
    },
)


def _grey(number: int) -> str:
    """Grey 232 to 255 of the palette, or the next to it that Rich rounds to that one: it takes
    the lighter ones for darker ones.
    """
    at = number - 231
    return "#" + f"{max(at * 10 - 2, int(at * 10.2 - 5.1) + 1):02x}" * 3


# The same for terminals of 256 colours, in colours that these have: rounded to the nearest,
# the dark blues above become teal and navy, and a bar's dots the ground they lie on.
NIGHT_256 = Theme(
    name=NIGHT.name,
    primary="#5fd7ff",                         # 81
    secondary="#d7afff",                       # 183
    accent="#ffaf5f",                          # 215
    success="#87d787",                         # 114
    warning="#ffd75f",                         # 221
    error="#ff8787",                           # 210
    foreground=_grey(253),
    background=_grey(233),
    surface=_grey(234),
    panel=_grey(235),
    dark=True,
    variables={
        **_lines(_grey(240), _grey(238), _grey(233), "#5fd7ff", _grey(242)),
        "text": _grey(253),
        "text-muted": _grey(248),
        "text-disabled": _grey(248),
        "block-cursor-background": _grey(237),
        "block-cursor-foreground": "#ffffff",
        "footer-key-foreground": "#5fd7ff",
        "footer-background": _grey(234),
        "input-cursor-background": _grey(253),
    },
)

DAY = Theme(
    name="chatops-day",
    primary="#095f94",
    secondary="#6b3fb5",
    accent="#974800",
    success="#176c34",
    warning="#785300",
    error="#b8233a",
    foreground="#1f2933",
    background="#f7f9fb",
    surface="#eef2f6",
    panel="#e0e7ee",
    dark=False,
    variables={
        **_lines("#b4c2d0", "#d0dae4", "#f7f9fb", "#095f94"),
        "text": "#1f2933",
        "text-muted": "#53657a",
        "text-disabled": "#53657a",
        "block-cursor-background": "#d3e6f5",
        "block-cursor-foreground": "#10202e",
    },
)

# The light one in colours of the 256: above, the cursor's ground and the panels' become one
# lavender, and the greys navy.
DAY_256 = Theme(
    name=DAY.name,
    primary="#005faf",                         # 25
    secondary="#5f00af",                       # 55
    accent="#875f00",                          # 94
    success="#005f00",                         # 22
    warning="#5f5f00",                         # 58
    error="#af0000",                           # 124
    foreground=_grey(235),
    background="#ffffff",                      # 231
    surface=_grey(255),
    panel=_grey(254),
    dark=False,
    variables={
        **_lines(_grey(250), _grey(253), "#ffffff", "#005faf"),
        "text": _grey(235),
        "text-muted": _grey(240),
        "text-disabled": _grey(240),
        "block-cursor-background": "#d7ffff",  # 195
        "block-cursor-foreground": _grey(233),
    },
)

# For those who see little, and for the sun: nothing below 7 to 1 (criterion 1.4.6).
CONTRAST = Theme(
    name="chatops-contrast",
    primary="#66d9ff",
    secondary="#d7b8ff",
    accent="#ffc266",
    success="#7dff9e",
    warning="#ffee58",
    error="#ff9c9c",
    foreground="#ffffff",
    background="#000000",
    surface="#000000",
    panel="#101010",
    dark=True,
    variables={
        **_lines("#ffffff", "#b0b0b0", "#000000", "#66d9ff"),
        "text": "#ffffff",
        "text-muted": "#d8d8d8",
        "text-disabled": "#d8d8d8",
        "block-cursor-background": "#002850",
        "block-cursor-foreground": "#ffffff",
        "input-cursor-background": "#ffffff",
    },
)

# The terminal's own sixteen, as its user has set them; also where it has no others.  On
# the terminal's black and not on its usual ground, which may be any: nobody can choose a
# colour that is read on all of them.
ANSI = Theme(
    name="chatops-ansi",
    ansi=True,
    primary="ansi_cyan",
    secondary="ansi_bright_magenta",
    accent="ansi_bright_yellow",
    success="ansi_green",
    warning="ansi_bright_yellow",
    error="ansi_bright_red",
    foreground="ansi_bright_white",
    background="ansi_black",
    surface="ansi_black",
    panel="ansi_black",
    boost="ansi_black",
    dark=True,
    variables={
        **_lines("ansi_bright_black", "ansi_bright_black", "ansi_black", "ansi_cyan"),
        "surface": "ansi_black",
        "panel": "ansi_black",
        "boost": "ansi_black",
        "text": "ansi_bright_white",
        "text-muted": "ansi_white",
        "text-disabled": "ansi_white",
        # Without colours (NO_COLOR) it still stands out.
        "block-cursor-background": "ansi_black",
        "block-cursor-foreground": "ansi_bright_white",
        "block-cursor-text-style": "reverse",
        "block-cursor-blurred-background": "ansi_black",
        "block-cursor-blurred-foreground": "ansi_bright_white",
        "block-cursor-blurred-text-style": "reverse",
        "block-hover-background": "ansi_black",
        "ansi-background": "ansi_black",
        "ansi-foreground": "ansi_bright_white",
        "input-selection-background": "ansi_white",
        "input-selection-foreground": "ansi_black",
        "screen-selection-background": "ansi_white",
        "screen-selection-foreground": "ansi_black",
        "input-cursor-background": "ansi_bright_white",
        "input-cursor-foreground": "ansi_black",
        "input-cursor-text-style": "none",
    },
)

THEMES: Mapping[str, Theme] = {"night": NIGHT, "day": DAY, "contrast": CONTRAST, "ansi": ANSI}
PALETTE: Mapping[str, Theme] = {"night": NIGHT_256, "day": DAY_256}   # on 256 colours, instead
ABOUT: Mapping[str, str] = {
    "night": "dark blue, easy on the eyes",
    "day": "for a light ground",
    "contrast": "black and white, and strong colours",
    "ansi": "the terminal's own sixteen colours",
}
OWN = "your own"               # what is told of one that the operator has made
