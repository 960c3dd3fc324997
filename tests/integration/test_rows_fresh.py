"""No row is stale: a change of any field of a client or a descriptor is in the next snapshot."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, cast

import msgspec
import pytest

from chatops.api.commands import Limit
from chatops.api.snapshot import ClientRow, KeyRow
from chatops.chat.groups import Sender
from chatops.chat.session import Session
from chatops.loop.naming import call_site
from chatops.loop.records import Registration
from chatops.loop.rows import key_rows
from chatops.net.connection import Connection
from chatops.net.outbox import Outbox
from chatops.net.state import ConnectionState
from chatops.server import client_rows
from chatops.server.state import ClientConnection
from tests.integration.harness import Server
from tests.integration.until import until

StartServer = Callable[..., Server]


def put(owner: Callable[[Any], Any], name: str, value: Any) -> Callable[[Any], None]:
    return lambda row: setattr(owner(row), name, value)


def with_outbox(**fields: Any) -> Callable[[ClientConnection], None]:
    """An outbox that holds, or held, so much."""
    def change(connection: ClientConnection) -> None:
        outbox = Outbox(0.0)
        for name, value in fields.items():
            setattr(outbox, name, value)
        connection.outbox = outbox

    return change


def itself(connection: ClientConnection) -> ClientConnection:
    return connection


def session(connection: ClientConnection) -> Any:
    return connection.session


# What makes each field another one.  What a connection never changes is changed all the same:
# a field that is not looked at is not seen whatever happens to it.
CLIENT_CHANGES: dict[str, Callable[[ClientConnection], None]] = {
    "id": put(itself, "client_id", 99),
    "fd": put(itself, "fd", 999),
    "nick": put(session, "nick", "zoe"),
    "room": put(session, "where", "elsewhere"),
    "peer": put(itself, "peer", "203.0.113.9:1"),
    "mask": put(itself, "mask", 3),
    "queued": with_outbox(size=77),
    "queued_lines": with_outbox(size=1, lines=7),
    "queue_limit": lambda connection: setattr(connection.context, "outbox_limit", 123_456),
    "kernel_queued": put(itself, "bytes_direct", 1 << 20),
    "kernel_limit": with_outbox(size=1),
    "high_water": with_outbox(high_water=5),
    "high_water_at": with_outbox(high_water_at=5.0),
    "bytes_in": put(itself, "bytes_in", 1 << 20),
    "bytes_out": put(itself, "bytes_direct", 1 << 20),
    "lines_in": put(session, "lines_in", 1 << 20),
    "lines_out": put(itself, "lines_direct", 1 << 20),
    "lines_dropped": put(itself, "lines_dropped", 1 << 20),
    "connected_at": put(itself, "connected_at", 1.0),
    "active_at": put(itself, "active_at", 1.0),
    "progress_at": put(itself, "progress_at", 1.0),
    "state": put(itself, "state", ConnectionState.LINGERING),
    "muted": put(session, "muted_until", float("inf")),
    "masks": lambda connection: registration(connection).__setattr__("masks", deque([3, 3])),
    "tls": lambda connection: setattr(connection, "__class__", Secret),
    "rooms": put(session, "rooms", {"elsewhere": None}),
    "capabilities": put(session, "capabilities", frozenset({"batch"})),
    "account": put(session, "sender", Sender(1, "zoe", account="zoe")),
}


# What the kernel is asked for when there is other news, and says something new of each time.
ASKED_WITH_NEWS = ("rtt", "retransmits")
OF_PROGRAMS = ("reading", "task")      # a client of ours has none of these
OF_THE_DOOR = ("protocol",)            # by which it came in, once and for all
OF_OTHER_NODES = ("node",)             # nor this


class Secret(Connection[Session]):
    """One that claims to speak TLS."""

    __slots__ = ()
    tls = "TLSv1.3"


def registration(connection: ClientConnection) -> Registration:
    selector = connection.context.reactor.selector
    found = next(r for r in selector.registrations() if r.fd == connection.fd)
    found.fires += 1               # masks come with fires, and with nothing else
    return found


def test_every_field_of_a_client_is_put_to_the_test() -> None:
    assert ({*CLIENT_CHANGES, *ASKED_WITH_NEWS, *OF_PROGRAMS, *OF_THE_DOOR, *OF_OTHER_NODES}
            == set(ClientRow.__struct_fields__))


def test_a_client_shows_nothing_that_only_programs_have(server: StartServer) -> None:
    chat = server()
    chat.client().heard()
    (row,) = chat.snapshot().clients
    assert (row.reading, row.task) == (True, "")


@pytest.mark.parametrize("field", CLIENT_CHANGES)
def test_a_change_of_each_field_of_a_client_is_seen(
        server: StartServer, monkeypatch: pytest.MonkeyPatch, field: str) -> None:
    chat = server()
    chat.client().heard()
    waits: list[int] = []
    monkeypatch.setattr(client_rows, "kernel_queued", lambda sock: sum(waits))

    def change() -> tuple[ClientRow, ClientRow, ClientRow]:
        build = chat.thread.survey.build
        (connection,) = chat.chat.state.connections.values()
        build()
        (before,) = build().clients
        real = {name: getattr(connection, name) for name in ("fd", "client_id", "mask")}
        kept = connection.context.outbox_limit, connection.session, connection.state
        connection.session = cast(Session, Copy(connection.session))
        waits.append(4096)
        CLIENT_CHANGES[field](connection)
        (after,) = build().clients
        chat.thread.survey._rows.forget_others(())
        (afresh,) = build().clients
        for name, value in real.items():
            setattr(connection, name, value)
        connection.context.outbox_limit, connection.session, connection.state = kept
        connection.outbox = None
        connection.__class__ = Connection
        return before, after, afresh

    before, after, afresh = chat.call(change)
    assert getattr(before, field) != getattr(after, field)
    assert replaced(after, kernel_queued=0) == replaced(afresh, kernel_queued=0)


def replaced(row: ClientRow, **fields: Any) -> ClientRow:
    return msgspec.structs.replace(row, **fields)


class Copy:
    """Of a session: what a test sets here is not the server's."""

    def __init__(self, original: Any) -> None:
        self._original = original

    def __getattr__(self, name: str) -> Any:
        return getattr(self._original, name)


def test_idle_clients_show_a_new_limit_at_once(server: StartServer) -> None:
    chat = server()
    chat.clients(3)
    until(lambda: all(row.kernel_queued == 0 for row in chat.snapshot().clients))
    assert chat.submit(Limit("outbox", "64K")).ok
    assert {row.queue_limit for row in chat.snapshot().clients} == {64 << 10}


def test_a_row_in_which_nothing_changed_is_the_same_one(server: StartServer) -> None:
    chat = server()
    chat.clients(3)
    until(lambda: all(row.kernel_queued == 0 for row in chat.snapshot().clients))
    before, after = chat.snapshot(), chat.snapshot()
    assert [a is b for a, b in zip(before.clients, after.clients, strict=True)] == [True] * 3


def test_rows_of_clients_that_are_gone_are_not_kept(server: StartServer) -> None:
    chat = server()
    first = chat.clients(3)
    chat.snapshot()
    first[0].close()
    chat.until(lambda s: len(s.state.connections) == 2)
    chat.client()
    chat.snapshot()
    assert chat.call(
        lambda: set(chat.thread.survey._rows._rows) == set(chat.chat.state.connections))


# -- descriptors

def fired(r: Registration) -> None:
    r.fires += 1
    r.masks = deque([3])


KEY_CHANGES: dict[str, Callable[[Registration], None]] = {
    "fd": put(lambda r: r, "fd", 999),
    "events": put(lambda r: r, "events", 3),
    "data": lambda r: setattr(r.data.__self__, "label", "somebody else"),
    "armed_by": lambda r: setattr(r, "armed_by", call_site()),
    "registered_at": put(lambda r: r, "registered_at", 1.0),
    "armed_at": put(lambda r: r, "armed_at", 1.0),
    "fires": put(lambda r: r, "fires", 1 << 20),
    "last_mask": put(lambda r: r, "last_mask", 3),
    "busy": put(lambda r: r, "busy", 99.0),
    "slowest": put(lambda r: r, "slowest", 99.0),
    "slowest_off_cpu": put(lambda r: r, "slowest_off_cpu", 99.0),
    "masks": fired,
    "stale": put(lambda r: r, "fd", 999),
}
# These are of the data and the file object, which only `modify` replaces; it forgets the row.
OF_THE_DATA = {"type", "fileobj", "callback", "client"}
AT_EOF = {"at_eof"}                # test_lint_facts has it: it takes a socket at its end


def test_every_field_of_a_descriptor_is_put_to_the_test() -> None:
    assert set(KEY_CHANGES) | OF_THE_DATA | AT_EOF == set(KeyRow.__struct_fields__)


@pytest.mark.parametrize("field", sorted(KEY_CHANGES))
def test_a_change_of_each_field_of_a_descriptor_is_seen(server: StartServer, field: str) -> None:
    chat = server()
    chat.client()

    def change() -> tuple[KeyRow, KeyRow]:
        selector = chat.chat.selector
        r = selector.registrations()[-1]
        key_rows(selector)
        before, fd, label = key_rows(selector)[-1], r.fd, r.data.__self__.label
        KEY_CHANGES[field](r)
        after = key_rows(selector)[-1]
        r.fd, r.data.__self__.label = fd, label
        return before, after

    before, after = chat.call(change)
    assert getattr(before, field) != getattr(after, field)
