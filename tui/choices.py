"""What the operator makes of the console: theme, columns, saved views, alerts, pictures.

Actions as in `tui.actions`.  What is chosen is kept in the operator's file; where that cannot
be written it holds until the console is left, and the outcome says so.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Sequence
from pathlib import Path
from typing import Any

from textual.app import App

from chatops.api import commands as c
from chatops.api.command_line import CommandError
from chatops.api.commands import Command, CommandResult
from chatops.system import paths
from chatops.units import format_size
from tui.config import ConfigError
from tui.console import Action, Console
from tui.model import rows
from tui.model.alerts import FIGURES, MOST, AlertError, read_alert
from tui.model.chosen import ChoiceError, change, choose, left_out, names
from tui.model.columns import Column, signs_of
from tui.model.preferences import SavedView
from tui.tables import can_choose, check_filter, shown_columns
from tui.theme import ABOUT, OWN
from tui.vector import draw, frame_of
from tui.widgets.live_table import LiveTable

PICTURES = (".png", ".jpg", ".jpeg", ".gif", ".webp", ".pdf", ".bmp")     # of dots: not made here


def _keep(console: Console, section: str, name: str, value: Any, said: str) -> str:
    """Keep it, and say so when that failed."""
    try:
        console.config.put(section, name, value)
    except ConfigError as error:
        return f"{said}; only until you leave, for {error}"
    return said


# -- theme


def _theme(console: Console, command: c.Theme) -> str:
    name = command.name
    themes = console.state.preferences.themes
    if name not in themes:
        raise CommandError(f"no theme '{name}'; there are {', '.join(themes)}")
    console.app.theme = themes[name].name
    console.state.preferences.theme = name
    console.state.version += 1
    return _keep(console, "", "theme", name, ABOUT.get(name, OWN))


# -- columns


def _table(console: Console) -> Sequence[Column[Any]]:
    pane, state = console.state.pane, console.state
    columns = shown_columns(pane, state)
    if not columns:
        raise CommandError("this pane has no columns")
    return columns


def _columns(console: Console, command: c.Columns) -> str | CommandResult:
    columns, state = _table(console), console.state
    view, words = state.view, command.columns.split()
    if not words:
        return _list_columns(columns, view.shown, choosable=can_choose(state.pane, state))
    if not can_choose(state.pane, state):
        raise CommandError("the columns of this pane cannot be chosen")
    try:                       # "default" is what other programs call it
        chosen = () if words in (["usual"], ["default"]) else change(columns, view.shown, words)
    except ChoiceError as error:
        raise CommandError(str(error)) from None
    view.shown = chosen
    state.version += 1
    if chosen:
        state.preferences.columns[state.pane] = chosen
    else:
        state.preferences.columns.pop(state.pane, None)
    said = _without_room(console, columns, chosen, words) + (
        " ".join(chosen).lower() or "all of them")
    return _keep(console, "columns", state.pane, list(chosen) or None, said)


def _without_room(console: Console, columns: Sequence[Column[Any]], chosen: Sequence[str],
                  words: Sequence[str]) -> str:
    """Which of those just asked for cannot be seen, as this terminal is."""
    asked = {word.lstrip("+").partition(":")[0].upper() for word in words}
    tables = console.app.screen.query(f"#{console.state.pane}-table").results(LiveTable)
    width = next((table.scrollable_content_region.width for table in tables), 0)
    hidden = [name.lower() for name in left_out(columns, chosen, width) if name in asked]
    if not width or not hidden:
        return ""
    return f"no room for {', '.join(hidden)}; a width keeps it: +{hidden[0]}:6.  "


def _list_columns(columns: Sequence[Column[Any]], shown: Sequence[str], *,
                  choosable: bool) -> CommandResult:
    widths = dict(word.partition(":")[::2] for word in shown) if choosable else {}
    order = [*widths, *(name for name in names(columns) if name not in widths)]
    about = {column.name: column.about for column in columns}
    what = "columns of this pane, in their order; + is shown where there is room"
    signs = [f"  {sign:14}  {meaning}" for sign, meaning in signs_of(columns)]
    if shown:
        what += "; `:columns usual` brings all back"
    return CommandResult(True, what, (*(
        f"{'+' if name in widths or not widths else ' '} {name.lower():10}"
        f"{widths.get(name, ''):>4}  {about.get(name, '')}".rstrip() for name in order),
        "", "signs before a row", *signs))


# -- saved views


def _view(console: Console, command: c.View) -> str | CommandResult:
    state, views = console.state, console.state.preferences.views
    match command.name, command.saved:
        case "", _:
            return CommandResult(True, f"{len(views)} saved; `:view save NAME` keeps how this "
                                 "pane's rows are looked at",
                                 tuple(f"{name:14}{view.text}" for name, view in views.items()))
        case ("save" | "forget") as what, "":
            raise CommandError(f"usage: view {what} NAME")
        case "save", name:
            if name in ("save", "forget"):
                raise CommandError(f"'{name}' cannot be told from the command")
            here = state.view
            view = SavedView(state.pane, here.filter, here.sort, here.inverted, here.shown)
            views[name] = view
            return _keep(console, "views", name, _written(view), view.text)
        case "forget", name:
            if views.pop(name, None) is None:
                raise CommandError(f"no view '{name}' is saved")
            return _keep(console, "views", name, None, "forgotten")
        case name, "":
            return _look_by(console, name)
    raise CommandError("usage: view NAME, view save NAME, view forget NAME")


def _look_by(console: Console, name: str) -> str:
    state = console.state
    view = state.preferences.views.get(name)
    if view is None:
        known = ", ".join(state.preferences.views)
        raise CommandError(f"no view '{name}' is saved" + (f"; there is {known}" if known else ""))
    if view.pane not in state.views:
        raise CommandError(f"'{name}' is of a pane '{view.pane}', which is none")
    target = state.views[view.pane]
    if view.sort and view.sort not in target.columns:
        raise CommandError(f"'{name}' sorts by '{view.sort}', which is no column")
    try:
        choose(rows.TABLES.get(view.pane, ()), view.columns)
        check_filter(view.filter, view.pane, state)
    except (ChoiceError, CommandError) as error:
        raise CommandError(f"'{name}': {error}") from None
    state.show_pane(view.pane)
    target.shown, target.sort, target.inverted = view.columns, view.sort, view.inverted
    state.set_filter(view.filter)
    return view.text


def _written(view: SavedView) -> dict[str, Any]:
    """Only what it says."""
    said = {"pane": view.pane, "filter": view.filter, "sort": view.sort,
            "inverted": view.inverted, "columns": list(view.columns)}
    return {name: value for name, value in said.items() if value}


# -- alerts


def _alert(console: Console, command: c.Alert) -> str | CommandResult:
    preferences = console.state.preferences
    if not command.condition:
        return CommandResult(
            True, f"{len(preferences.alerts)} set; of lint, lint:NAME, gone, {', '.join(FIGURES)}; "
            "`:alert CONDITION off` removes one", tuple(a.line for a in preferences.alerts))
    if command.condition == "off":
        preferences.alerts, said = [], "no alerts"
    else:
        try:
            said = _set_alert(console, command)
        except AlertError as error:
            raise CommandError(str(error)) from None
    return _keep(console, "", "alerts", [a.line for a in preferences.alerts] or None, said)


def _set_alert(console: Console, command: c.Alert) -> str:
    preferences = console.state.preferences
    others = [a for a in preferences.alerts if a.condition != command.condition]
    if command.action == "off":
        if len(others) == len(preferences.alerts):
            raise CommandError(f"no alert '{command.condition}' is set")
        preferences.alerts = others
        return "removed"
    alert = read_alert(f"{command.condition} {command.action}")
    if len(others) >= MOST:
        raise CommandError(f"{MOST} alerts are set, which is the most")
    preferences.alerts = [*others, alert]
    return f"runs {alert.run}" if alert.run else "rings the bell"


# -- pictures


def _screenshot(console: Console, command: c.Screenshot) -> Awaitable[str]:
    try:
        path = paths.expand(command.file)
    except paths.PathError as error:
        raise CommandError(str(error)) from None
    if path.suffix.lower() in PICTURES:
        raise CommandError(f"a picture is written as .svg, not as {path.suffix.lower()}; any other "
                           "name gives text")
    return _shot(console.app, path)


async def _shot(app: App[int], path: Path) -> str:
    """Once the command line is shut and the screen is drawn without it."""
    drawn = asyncio.Event()
    app.call_after_refresh(drawn.set)
    await drawn.wait()
    if path.suffix.lower() == ".svg":
        text = draw([frame_of(app.screen._compositor.render_strips())],
                    (app.size.width, app.size.height))
    else:
        text = screen_text(app)
    await asyncio.to_thread(_write_new, path, text)
    return f"{format_size(len(text.encode()))} in {path}"


def screen_text(app: App[int]) -> str:
    """What the screen reads, line by line, without blanks at the ends."""
    lines = app.screen._compositor.render_strips()
    return "".join(line.text.rstrip() + "\n" for line in lines)


def _write_new(path: Path, text: str) -> None:
    """A file that is there is left alone."""
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}") from None
    with open(fd, "w", encoding="utf-8", errors="replace") as file:
        file.write(text)


CHOICES: dict[type[Command], Action] = {
    c.Theme: _theme,
    c.Columns: _columns,
    c.View: _view,
    c.Alert: _alert,
    c.Screenshot: _screenshot,
}
