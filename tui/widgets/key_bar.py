"""The last line: the keys worth knowing, as many as there is room for; a click runs one."""

from __future__ import annotations

from textual import events
from textual.content import Content
from textual.widgets import Static

from chatops.api.command_table import SPECS
from tui.messages import RunLine
from tui.model.keymap import USUAL, Keymap, key_name
from tui.program import ENDS, ENDS_CALLED

# Keys by the names that a keyboard has; what is not here is written as it is.
KEY_SIGNS = {"question_mark": "?", "slash": "/", "less_than_sign": "<",
             "greater_than_sign": ">", "left_square_bracket": "[", "right_square_bracket": "]",
             "space": "spc", "plus": "+", "minus": "-"}

# In the order they stand; those with the highest numbers give way first.
SHOWN = {"help": 0, "filter": 2, "sort": 4, "tag": 5, "kick": 3, "broadcast": 6, "pause": 7,
         "step": 9, "lab": 8, "quit": 1, "loops": 6}
OF_CHATS, OF_PROGRAMS = ("broadcast",), ("loops",)     # nobody to speak to; one loop only


class KeyBar(Static):
    """Made from the table of commands, like the bindings themselves."""

    def __init__(self, keymap: Keymap = USUAL) -> None:
        super().__init__(id="keys")
        labels = {spec.name: spec.label for spec in SPECS if spec.label}
        self._all = {name: (keymap.of(name), labels[name], rank)
                     for name, rank in SHOWN.items() if name in labels and keymap.of(name)}
        self._items = [item for name, item in self._all.items() if name not in OF_PROGRAMS]
        self._ends: list[tuple[int, str]] = []     # where each ends, and the line it runs

    def for_program(self, pane: str) -> None:
        """A program has other keys, and `k` ends what is under the cursor in this pane."""
        ends = ENDS["kick"].get(pane)
        hidden = OF_CHATS if ends is not None else (*OF_CHATS, "kick")
        self._items = [(keys, ENDS_CALLED[ends] if ends and name == "kick" else label, rank)
                       for name, (keys, label, rank) in self._all.items() if name not in hidden]
        self.on_resize()

    def on_resize(self) -> None:
        """As many as fit."""
        kept = list(self._items)
        while kept and _width(kept) > self.size.width:
            kept.remove(max(kept, key=lambda item: item[2]))
        parts: list[str | tuple[str, str]] = []
        at, self._ends = 0, []
        for keys, label, _rank in kept:
            sign = _signs(keys)
            parts += [" ", (sign, "bold $primary"), (f" {label} ", "$text-muted")]
            at += len(sign) + len(label) + 3
            self._ends.append((at, keys[0][1]))
        self.update(Content.assemble(*parts), layout=False)

    def on_click(self, event: events.Click) -> None:
        line = next((line for end, line in self._ends if event.x < end), None)
        if line is not None:
            self.post_message(RunLine(line))


Item = tuple[tuple[tuple[str, str], ...], str, int]


def _width(items: list[Item]) -> int:
    return sum(len(_signs(keys)) + len(label) + 3 for keys, label, _rank in items)


def _signs(keys: tuple[tuple[str, str], ...]) -> str:
    """`k`, or `<>` where two keys do the two halves of a thing."""
    if len({line for _key, line in keys}) == 1:
        keys = keys[:1]
    return "".join(KEY_SIGNS.get(key) or key_name(key) for key, _line in keys)
