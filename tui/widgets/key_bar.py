"""The last line: the keys worth knowing, as many as there is room for; a click runs one."""

from __future__ import annotations

from typing import NamedTuple

from textual import events
from textual.content import Content
from textual.widgets import Static

from tui.key_choice import KeyOffer, offers
from tui.messages import RunLine
from tui.model.keymap import USUAL, Keymap, key_name
from tui.model.state import ConsoleState

# Keys by the names that a keyboard has; what is not here is written as it is.
KEY_SIGNS = {"question_mark": "?", "slash": "/", "less_than_sign": "<",
             "greater_than_sign": ">", "left_square_bracket": "[", "right_square_bracket": "]",
             "left_curly_bracket": "{", "right_curly_bracket": "}",
             "space": "spc", "plus": "+", "minus": "-"}


class KeyBar(Static):
    """Made from the table of commands, like the bindings themselves."""

    def __init__(self, keymap: Keymap = USUAL) -> None:
        super().__init__(id="keys")
        self._keymap = keymap
        self._offers: tuple[KeyOffer, ...] = ()
        self._ends: list[tuple[int, str]] = []     # where each ends, and the line it runs

    def show(self, state: ConsoleState) -> None:
        """Offer what there is a use for now."""
        now = offers(state)
        if now != self._offers:
            self._offers = now
            self.on_resize()

    def on_resize(self) -> None:
        """As many as fit."""
        kept = [Item(keys, offer.label, offer.rank) for offer in self._offers
                if (keys := self._keymap.of(offer.command))]
        while kept and sum(item.width for item in kept) > self.size.width:
            kept.remove(max(kept, key=lambda item: item.rank))
        parts: list[str | tuple[str, str]] = []
        at, self._ends = 0, []
        for item in kept:
            parts += [" ", (_signs(item.keys), "bold $primary"), (f" {item.label} ", "$text-muted")]
            at += item.width
            self._ends.append((at, item.keys[0][1]))
        self.update(Content.assemble(*parts), layout=False)

    def on_click(self, event: events.Click) -> None:
        line = next((line for end, line in self._ends if event.x < end), None)
        if line is not None:
            self.post_message(RunLine(line))


class Item(NamedTuple):
    """Each of its keys with the line that the key runs."""

    keys: tuple[tuple[str, str], ...]
    label: str
    rank: int

    @property
    def width(self) -> int:
        return len(_signs(self.keys)) + len(self.label) + 3


def _signs(keys: tuple[tuple[str, str], ...]) -> str:
    """`k`, or `<>` where two keys do the two halves of a thing."""
    if len({line for _key, line in keys}) == 1:
        keys = keys[:1]
    return "".join(KEY_SIGNS.get(key) or key_name(key) for key, _line in keys)
