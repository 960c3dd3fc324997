"""The rows of many clients are read some at a time: none is lost by that, and none stays old."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from chatops.api.snapshot import Snapshot
from chatops.links.local import LocalLink
from chatops.server import snapshots
from chatops.server.client_rows import ClientRows, Gathering
from tests.integration.control import seen, settle
from tests.integration.harness import Server
from tests.integration.until import until

StartServer = Callable[..., Server]
MANY = 7


@pytest.fixture
def chat(server: StartServer, monkeypatch: pytest.MonkeyPatch) -> Server:
    """One with two slices, and a rest, of clients."""
    monkeypatch.setattr(snapshots, "AT_ONCE", 2)
    monkeypatch.setattr(snapshots, "SLICE", 3)
    return server()


@pytest.fixture
def local(chat: Server) -> Iterator[LocalLink]:
    link = LocalLink(chat.thread)
    yield link
    link.close()


def gathered(chat: Server, between: Callable[[], object] = lambda: None) -> Snapshot:
    """A picture whose rows were read three at a time; `between` comes after the first three."""
    def build() -> Snapshot:
        gathering = Gathering(chat.chat.state, ClientRows())
        gathering.go_on(3)
        between()
        while not gathering.complete:
            gathering.go_on(3)
        return chat.thread.survey.build(gathering=gathering)

    return chat.call(build)


def test_rows_read_in_slices_are_those_that_are_read_at_once(
        chat: Server, local: LocalLink) -> None:
    chat.clients(MANY)
    settle(local)
    until(lambda: all(row.kernel_queued == 0 for row in chat.snapshot().clients))
    in_slices, at_once = gathered(chat), chat.snapshot()
    assert in_slices.clients == at_once.clients
    assert ([key for key in in_slices.keys if key.client]
            == [key for key in at_once.keys if key.client])     # the waker has fired since
    assert in_slices.spread > 0
    assert at_once.spread == 0


def test_who_is_gone_by_the_end_is_not_in_the_picture(chat: Server) -> None:
    first = chat.clients(MANY)[0]
    connection = chat.call(lambda: chat.chat.state.connections[first.id])
    shot = gathered(chat, lambda: chat.chat.state.connections.pop(first.id))
    assert first.id not in {row.id for row in shot.clients}
    assert len(shot.clients) == MANY - 1
    chat.call(lambda: chat.chat.state.connections.update({first.id: connection}))


def test_a_descriptor_that_is_armed_anew_meanwhile_is_shown_as_it_is(chat: Server) -> None:
    first = chat.clients(MANY)[0]

    def arm() -> None:
        connection = chat.chat.state.connections[first.id]
        selector = chat.chat.selector
        selector.modify(connection.sock, 3, selector.get_key(connection.sock).data)

    shot = gathered(chat, arm)
    assert next(row for row in shot.keys if row.client == first.id).events == 3


def test_what_happens_while_rows_are_read_is_in_the_next_picture(
        chat: Server, local: LocalLink, monkeypatch: pytest.MonkeyPatch) -> None:
    talker = chat.clients(MANY)[0]
    settle(local)
    said: list[None] = []
    whole = Gathering.go_on

    def go_on(self: Gathering, most: int) -> None:
        whole(self, most)
        if not said:               # the first slice, which the talker is in
            said.append(None)
            connection = chat.chat.state.connections[talker.id]
            connection.session.lines_in += 1
            chat.chat.reactor.submit(lambda: None)     # as whatever happens does, it counts

    monkeypatch.setattr(Gathering, "go_on", go_on)
    before = chat.row(talker).lines_in
    chat.turn()
    for lines in (before, before + 1):
        assert next(row for row in seen(local).clients if row.id == talker.id).lines_in == lines


def test_an_idle_server_with_many_clients_is_looked_at_no_more(
        chat: Server, local: LocalLink) -> None:
    chat.clients(MANY)
    assert seen(local, clients=MANY).spread > 0
    settle(local)
    assert not chat.call(lambda: chat.thread.survey._gathering)
    activity = chat.call(lambda: chat.thread.survey.activity)
    settle(local)
    assert chat.call(lambda: chat.thread.survey.activity) - activity <= 2     # these calls
