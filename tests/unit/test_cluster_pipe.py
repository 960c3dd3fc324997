"""The way to the engine, where no engine answers: when it is given up, and what is told of that."""

from __future__ import annotations

import errno
import os
import socket
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest

pytest.importorskip("hiredis", reason="hiredis is not installed")

from hiredis import ReplyError

from chatops.cluster.connecting import EngineFound
from chatops.cluster.engine import TIME, Keys, begins, engine_of, entries, refusal
from chatops.cluster.link import Link
from chatops.cluster.pace import Pace
from chatops.cluster.pipe import Address, Pipe
from chatops.cluster.start import _resolver
from tests.unit.ticking import Ticking

PATIENCE = 2.0


@pytest.fixture
def ticking() -> Iterator[Ticking]:
    with Ticking() as ticking:
        yield ticking


class Silent:
    """An engine that takes what is said, and a pipe to it."""

    def __init__(self, ticking: Ticking, path: str) -> None:
        self.path = path
        self.lost: list[str] = []
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(path)
        self._listener.listen()
        self._dead: list[Any] = []
        self.pipe = Pipe(ticking.reactor, (socket.AF_UNIX, path), "out", PATIENCE,
                         self.lost.append, self._dead.append)
        self.peer, _ = self._listener.accept()
        ticking.turn_at(0.0)

    def close(self) -> None:
        self.pipe.close()
        for each in self._dead:
            each.reap()
        self.peer.close()
        self._listener.close()


@pytest.fixture
def silent(ticking: Ticking, tmp_path: Any) -> Iterator[Silent]:
    silent = Silent(ticking, str(tmp_path / "engine"))
    yield silent
    silent.close()


def test_an_engine_that_answers_nothing_is_given_up_however_often_it_is_asked(
        ticking: Ticking, silent: Silent) -> None:
    for tenth in range(1, 40):
        ticking.turn_at(tenth / 10)
        if silent.lost:
            break
        silent.pipe.ask(TIME, lambda answer: None)
    assert silent.lost == ["no answer for 2 s"]
    assert ticking.reactor.now == pytest.approx(0.1 + PATIENCE, abs=0.11)


def test_one_that_answers_in_time_is_kept_though_there_is_always_a_question(
        ticking: Ticking, silent: Silent) -> None:
    told: list[Any] = []
    silent.pipe.ask(TIME, told.append)
    for second in range(1, 20):
        ticking.turn_at(second * 0.9)
        silent.pipe.ask(TIME, told.append)
        silent.peer.send(b"+OK\r\n")           # to the one before
        ticking.turn_at(second * 0.9 + 0.1)
    assert silent.lost == []
    assert len(told) == 19
    ticking.turn_at(100.0)                     # the last was never answered
    assert silent.lost == ["no answer for 2 s"]


def full(*_: object) -> Any:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))     # epoll_ctl(2)


def test_one_that_the_selector_has_no_room_for_is_told_of_once_and_costs_no_later_one(
        ticking: Ticking, silent: Silent, monkeypatch: pytest.MonkeyPatch) -> None:
    lost: list[str] = []
    monkeypatch.setattr(ticking.reactor.selector, "register", full)
    with pytest.raises(OSError, match="No space"):
        Pipe(ticking.reactor, (socket.AF_UNIX, silent.path), "in", PATIENCE, lost.append,
             lambda pipe: None)
    ticking.turn_at(2 * PATIENCE)
    assert lost == []
    assert ticking.reactor.timers == 0


def test_one_that_the_selector_lets_go_of_is_given_up(
        ticking: Ticking, silent: Silent, monkeypatch: pytest.MonkeyPatch) -> None:
    def modify(sock: socket.socket, *_: object) -> None:
        ticking.reactor.selector.unregister(sock)      # as `selectors` does
        full()

    monkeypatch.setattr(ticking.reactor.selector, "modify", modify)
    silent.pipe.ask(b"." * (16 << 20), lambda answer: None)    # more than the kernel takes
    assert silent.lost == ["No space left on device"]
    assert not silent.pipe.is_open


class Owner:
    def __init__(self) -> None:
        self.calls: list[str] = []

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *_, **__: self.calls.append(name)


def link(ticking: Ticking, owner: Owner, url: str = "redis://127.0.0.1:1",
         resolve: Callable[..., None] = lambda told: None) -> Link:
    return Link(ticking.reactor, engine_of(url), Keys("a", "boot"), cast(Any, owner),
                resolve=resolve, bury=lambda pipe: None, wall=time.time, pace=Pace())


def test_a_link_that_is_lost_by_its_first_question_has_not_joined(ticking: Ticking) -> None:
    owner = Owner()
    found = link(ticking, owner)

    def reset(_command: bytes, _answer: Any) -> None:
        found._lose("connection reset")

    found._in = found._out = cast(Any, SimpleNamespace(ask=reset, close=lambda: None))
    found._found(EngineFound(0.0, True, "log", "0-0", "0-0", 0.0, 0.0, ["a"], {}))
    assert owner.calls == ["parted"]
    assert found.state == "away"


def test_an_address_of_an_interface_that_is_not_there_is_tried_again(ticking: Ticking) -> None:
    owner, tried = Owner(), []
    url = "redis://[fe80::1%nosuch0]:6379"
    resolve = _resolver(engine_of(url), cast(Any, None), lambda call: call())

    def counted(told: Callable[[list[Address] | str], None]) -> None:
        tried.append(ticking.reactor.now)
        resolve(cast(Any, told))

    found = link(ticking, owner, url, counted)
    found.begin()
    for second in range(1, 10):
        ticking.turn_at(float(second))
    assert len(tried) > 2
    assert set(owner.calls) == {"parted"}


def test_an_answer_of_another_kind_costs_the_connection_and_nothing_else(
        ticking: Ticking, silent: Silent) -> None:
    def wants_a_list(answer: Any) -> None:
        for _ in answer:
            pass

    silent.pipe.ask(TIME, wants_a_list)
    silent.peer.send(b":5\r\n")
    ticking.turn_at(0.1)
    assert silent.lost == [
        "an answer that means nothing: TypeError: 'int' object is not iterable"]
    assert not silent.pipe.is_open


def test_whatever_is_written_as_a_name_can_be_read() -> None:
    answer = [[b"log", [[b"1-0", [b"log", b"\xff\xfe"]], [b"2-0", [b"x", b"y"]]]]]
    assert begins(answer) == "\\xff\\xfe"
    assert entries(answer) == [("1-0", b""), ("2-0", b"")]


def up(found: Link) -> None:
    """It has joined, and asks nothing more."""
    found._timer = None
    found._in = found._out = cast(Any, SimpleNamespace(ask=lambda *_: None, close=lambda: None))
    found._found(EngineFound(0.0, True, "log", "0-0", "0-0", 0.0, 0.0, ["a"], {}))


def test_an_engine_that_is_lost_at_once_each_time_is_asked_ever_more_seldom(
        ticking: Ticking, monkeypatch: pytest.MonkeyPatch) -> None:
    found, pauses, now = link(ticking, Owner()), list[float](), 0.0

    def later(seconds: float, call: Callable[[], None]) -> object:
        pauses.append(seconds)
        return call

    monkeypatch.setattr(ticking.reactor, "call_later", later)
    for _ in range(8):
        up(found)
        found._came(None)
        found._written(b"1-0")
        found._lose("WRONGTYPE")
    assert max(pauses) <= Pace().last
    assert pauses[-1] >= Pace().last / 2
    up(found)
    now = Pace().last
    ticking.turn_at(now)
    found._came(None)
    found._lose("reset")
    assert pauses[-1] <= Pace().first          # it was there for a while


def test_which_key_is_not_what_it_should_be_is_said() -> None:
    keys, error = Keys("a", "boot"), ReplyError("WRONGTYPE Operation against a key")
    assert refusal(error, keys.ruled()).startswith("{chatops}:rulings is not what chatops keeps")
    assert refusal(error, keys.claim([])).startswith("{chatops}:nicks is not what")
    assert refusal(error, keys.write(b"{chatops}:x")).startswith("{chatops}:log is not")
    assert refusal(ReplyError("OOM"), keys.ruled()) == "OOM"
