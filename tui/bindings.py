"""The keys of the console, out of the table of commands."""

from __future__ import annotations

from textual.binding import Binding

from chatops.api.command_table import SPECS
from tui.model.keymap import USUAL, Keymap

COMMAND_LINE = ":"             # the key line that opens the command line


def bindings(keymap: Keymap = USUAL) -> list[Binding]:
    """A binding for every key of the keymap, for the BINDINGS of the console's main screen.

    On the screen and not on the app: there they win over Textual's own `tab`, and a dialog
    in front does not see them.  Each runs `app.command('…')`; ids are `kick`, `step.-1` ….
    """
    made = [Binding("colon", f"app.command({COMMAND_LINE!r})", "command", key_display=":",
                    tooltip="Type a command.", id="command-line"),
            Binding("escape", "app.command('back')", show=False, id="back",
                    tooltip="Clear the filter, return to the present, or untag.")]
    for spec in SPECS:
        lines: dict[str, list[str]] = {}
        for key, line in keymap.of(spec.name):
            lines.setdefault(line, []).append(key)
        group = Binding.Group(spec.label, compact=True) if len(lines) > 1 and spec.label else None
        for line, keys in lines.items():
            made.append(Binding(
                ",".join(keys), f"app.command({line!r})", spec.label or spec.name,
                show=bool(spec.label), tooltip=f"{spec.help}  :{line}",
                id=".".join([spec.name, *line.split()[1:]]), group=group))
    return made
