"""Everything about one client, descriptor or node, kept up to date while it is open."""

from __future__ import annotations

from collections.abc import Callable

from textual.content import Content

from chatops.api.snapshot import ClientRow
from tui.model.state import ConsoleState
from tui.model.story import Story
from tui.program import someone
from tui.screens.dialog import Sheet
from tui.text.cells import clean
from tui.widgets.client_page import client_page, key_page
from tui.widgets.far_page import node_page, person_page

BOX_WIDTH = 96                 # cells that the box of a sheet has at most
BORDERS = 4                    # of them at its sides
OF_CHATS = (("k", "kick"), ("K", "ban"), ("m", "mute"), ("M", "unmute"))
OF_PROGRAMS = (("k", "close"),)
CALLED = {"close": "abort"}    # beside the key


class DetailsScreen(Sheet):
    """`DetailsScreen(id)`: one client.  Kick, ban and mute act on it, by id; a program's
    connection can be aborted.
    """

    DEFAULT_CSS = "DetailsScreen .page { text-wrap: nowrap; text-overflow: ellipsis; }"

    def __init__(self, ident: int, *, program: bool = False,
                 offered: Callable[[str], bool] = lambda _: True) -> None:
        """`offered` tells which commands there is a use for here."""
        super().__init__()
        self._ident = ident
        self._last: ClientRow | None = None
        self._story = Story(ident)
        keys = [(key, name) for key, name in (OF_PROGRAMS if program else OF_CHATS)
                if offered(name)]
        self._keys = "".join([f"{key} {CALLED.get(name, name)}  " for key, name in keys
                              if name != "unmute"])
        for key, name in keys:
            self._bindings.bind(key, f"app.command('{name} {ident}')", name)
        self._bindings.bind("g", f"app.command('plot queued 5m {ident}')", "plot")

    def on_mount(self) -> None:
        self.query_one(".box").border_subtitle = Content(
            f"{self._keys}g plot  ↑↓ scroll  esc close")   # 60 columns have room for it

    def show(self, state: ConsoleState) -> None:
        row = state.client(self._ident)
        gone = row is None
        self._last = row = row or self._last
        if row is None:
            self.write(Content(f"There is no {someone(state)} #{self._ident}; it has left."),
                       f"#{self._ident}")
            return
        width = min(BOX_WIDTH, self.app.size.width) - BORDERS
        self.write(client_page(row, state, self._story, width, gone=gone),
                   f"#{row.id} {clean(row.nick)}{'  has left' if gone else ''}")


class PersonScreen(Sheet):
    """`PersonScreen(row)`: somebody on another node.  What acts on it goes there."""

    def __init__(self, row: ClientRow, *, offered: Callable[[str], bool] = lambda _: True) -> None:
        super().__init__()
        self._last = row
        keys = [(key, name) for key, name in OF_CHATS if offered(name)]
        self._keys = "".join([f"{key} {name}   " for key, name in keys if name != "unmute"])
        for key, name in keys:
            self._bindings.bind(key, f"app.command('{name} {row.word}')", name)

    def on_mount(self) -> None:
        self.query_one(".box").border_subtitle = Content(f"{self._keys}esc close")

    def show(self, state: ConsoleState) -> None:
        row = state.person(self._last.id)
        self._last = shown = row or self._last
        self.write(person_page(shown), f"{clean(shown.word)} {clean(shown.nick)}"
                                       f"{'' if row is not None else '  has left'}")


class NodeScreen(Sheet):
    """`NodeScreen(name)`: one of the nodes that share the chat."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name

    def show(self, state: ConsoleState) -> None:
        snapshot = state.snapshot
        row = next((row for row in snapshot.nodes if row.name == self._name),
                   None) if snapshot is not None else None
        title = f"node {clean(self._name)}"
        if row is None or snapshot is None:
            self.write(Content("Nothing is known of this node any more."), title)
            return
        self.write(node_page(row, snapshot), title)


class KeyScreen(Sheet):
    """`KeyScreen(fd)`: one entry of the selector's map."""

    def __init__(self, fd: int) -> None:
        super().__init__()
        self._fd = fd

    def show(self, state: ConsoleState) -> None:
        keys = state.snapshot.keys if state.snapshot is not None else ()
        key = next((row for row in keys if row.fd == self._fd), None)
        if key is None:
            self.write(Content(f"fd {self._fd} is not registered any more."), f"fd {self._fd}")
            return
        self.write(key_page(key, state), f"fd {key.fd} {clean(key.type)}")
