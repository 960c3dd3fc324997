"""Textual's list of options, whose marked row is seen without colours too."""

from __future__ import annotations

from textual.style import Style
from textual.widgets import OptionList

MARKED = "option-list--option-highlighted"


class ChoiceList(OptionList):
    """Draws the marked row reversed where the theme says so, which Textual leaves out."""

    def get_visual_style(self, *component_classes: str, partial: bool = False) -> Style:
        style = super().get_visual_style(*component_classes, partial=partial)
        if MARKED in component_classes and self.get_component_styles(MARKED).text_style.reverse:
            style += Style(reverse=True)
        return style
