"""What `enter` shows of the row under the cursor, beside the tables of a large terminal."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from tui.model.state import ConsoleState
from tui.model.story import Story
from tui.panes import nodes
from tui.program import someone
from tui.text.cells import clean
from tui.widgets.client_page import client_page, key_page
from tui.widgets.far_page import node_page, person_page
from tui.widgets.task_page import task_page


class DetailsPane(VerticalScroll, can_focus=False):
    """Follows the cursor of the active table; of the clients while none is active."""

    DEFAULT_CSS = """
    DetailsPane { padding: 0 1; scrollbar-size-vertical: 1; }
    DetailsPane Static { height: auto; text-wrap: nowrap; text-overflow: ellipsis; }
    """

    def __init__(self) -> None:
        super().__init__(id="details-pane", classes="pane")
        self._page = Static()
        self._shown: Content | None = None
        self._title = ""
        self._story = Story(0)

    def compose(self) -> ComposeResult:
        yield self._page

    def show(self, state: ConsoleState) -> None:
        """Draw what the state holds now."""
        title, content = self._look(state)
        if title != self._title:
            self._title = title
            self.border_title = Content(title)
            self.scroll_home(animate=False)
        if self._shown is None or content != self._shown:
            same = (self._shown is not None
                    and self._shown.plain.count("\n") == content.plain.count("\n"))
            self._shown = content
            self._page.update(content, layout=not same)

    def _look(self, state: ConsoleState) -> tuple[str, Content]:
        ident = state.cursor_client()
        row = state.client(ident) if ident is not None else None
        if row is not None:
            if row.id != self._story.ident:
                self._story = Story(row.id)
            width = self.scrollable_content_region.width
            return f"#{row.id} {clean(row.nick)}", client_page(row, state, self._story, width)
        if state.pane == "selector" and state.snapshot is not None:
            fd = state.views["selector"].cursor
            key = next((key for key in state.snapshot.keys if key.fd == fd), None)
            if key is not None:
                return f"fd {key.fd} {clean(key.type)}", key_page(key, state)
        if (page := _of_row(state)) is not None:
            return page
        what = {"tasks": "task", "nodes": "node"}.get(state.pane, someone(state))
        return "Details", Content.styled(f"no {what} is selected", "$text-muted")


def _of_row(state: ConsoleState) -> tuple[str, Content] | None:
    """Of a row that is no client of this server: its title, and what is known of it."""
    snapshot = state.snapshot
    if snapshot is None:
        return None
    if state.pane == "tasks":
        task = next((task for task in snapshot.tasks if task.id == state.view.cursor), None)
        return (f"task {task.id} {clean(task.name)}", task_page(task, state.now)) if task else None
    if state.pane == "nodes":
        node = nodes.at(state.view.cursor, state)
        return (f"node {clean(node.name)}", node_page(node, snapshot)) if node else None
    person = state.person(state.cursor_client())
    if person is None:
        return None
    return f"{clean(person.word)} {clean(person.nick)}", person_page(person)
