"""The console's own colours; the stylesheet and the widgets name only variables."""

from __future__ import annotations

from textual.theme import Theme

NIGHT = Theme(
    name="chatops-night",
    primary="#58c4f6",
    secondary="#b79bf5",
    accent="#f7b267",
    success="#7fdc9a",
    warning="#f5d76e",
    error="#ff6f7d",
    foreground="#d5dee9",
    background="#0c1118",
    surface="#121923",
    panel="#1b2532",
    dark=True,
    variables={
        "border": "#2c3b4e",
        "border-blurred": "#222e3d",
        "text-muted": "#7d8fa5",
        "text-disabled": "#46566a",
        "block-cursor-background": "#25405a",
        "block-cursor-foreground": "#f2f7fc",
        "footer-key-foreground": "#58c4f6",
        "footer-background": "#121923",
        "input-cursor-background": "#d5dee9",
        "scrollbar": "#2c3b4e",
        "scrollbar-hover": "#3d5169",
        "scrollbar-active": "#58c4f6",
        "scrollbar-background": "#0c1118",
        "scrollbar-background-hover": "#0c1118",
        "scrollbar-background-active": "#0c1118",
        "scrollbar-corner-color": "#0c1118",
    },
)

DAY = Theme(
    name="chatops-day",
    primary="#0b69a3",
    secondary="#6b3fb5",
    accent="#a85400",
    success="#1c7a3c",
    warning="#8a6100",
    error="#b8233a",
    foreground="#1f2933",
    background="#f7f9fb",
    surface="#eef2f6",
    panel="#e0e7ee",
    dark=False,
    variables={
        "border": "#b4c2d0",
        "border-blurred": "#d0dae4",
        "text-muted": "#5c6f82",
        "text-disabled": "#9aa9b8",
        "block-cursor-background": "#cfe3f3",
        "block-cursor-foreground": "#10202e",
        "scrollbar": "#b4c2d0",
        "scrollbar-background": "#f7f9fb",
    },
)
