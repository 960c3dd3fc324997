"""The `selectors` module taken apart: its classes, its choice, and a registration's life."""

from __future__ import annotations

import operator
import selectors
import socket
from collections.abc import Callable, MutableMapping
from typing import Any, cast

import msgspec

from chatops.loop.backends import BACKENDS

# The order in which the standard library tries (selectors.py, end of the file).
TRIED = ("kqueue", "epoll", "devpoll", "poll", "select")
SHARED = {                     # by the concrete ones below it
    "_BaseSelectorImpl": "what the concrete ones share: the map of keys",
    "_PollLikeSelector": "what poll, epoll and devpoll share: our masks, put into theirs",
}
# Of those that a system may lack: whose children they are where they are (selectors.py).
PARENTS = {"PollSelector": "_PollLikeSelector", "EpollSelector": "_PollLikeSelector",
           "DevpollSelector": "_PollLikeSelector", "KqueueSelector": "_BaseSelectorImpl"}


class ClassRow(msgspec.Struct, frozen=True):
    """A class of the family; `depth` is its place below BaseSelector."""

    name: str
    depth: int
    here: bool
    why: str


class KeyField(msgspec.Struct, frozen=True):
    name: str
    value: str
    meaning: str


class SelectorStep(msgspec.Struct, frozen=True):
    """A call on a real selector, what came back, and what the map held after it."""

    call: str
    outcome: str
    in_map: int


class Anatomy(msgspec.Struct, frozen=True):
    classes: tuple[ClassRow, ...]
    chosen: str                # what DefaultSelector is here
    tried: tuple[tuple[str, bool], ...]    # in order, and is it to be had here?
    fields: tuple[KeyField, ...]
    steps: tuple[SelectorStep, ...]
    old_key_unchanged: bool    # a key from `register` after a `modify`

    def step(self, call: str) -> SelectorStep:
        return next(step for step in self.steps if step.call == call)


def measure() -> Anatomy:
    fields, steps, unchanged = _life()
    tried = tuple((BACKENDS[name].class_name, BACKENDS[name].available) for name in TRIED)
    return Anatomy(_classes(), selectors.DefaultSelector.__name__, tried, fields, steps,
                   unchanged)


def _classes() -> tuple[ClassRow, ...]:
    """The family as it stands in memory, with its absent members where they would be."""
    rows = [ClassRow("BaseSelector", 0, True, "abstract: what every selector can do")]

    def walk(parent: type[Any], depth: int) -> None:
        for child in parent.__subclasses__():
            if child.__module__ == selectors.__name__:
                rows.append(ClassRow(child.__name__, depth, True, _why(child.__name__)))
                walk(child, depth + 1)
        rows.extend(ClassRow(backend.class_name, depth, False, backend.why)
                    for backend in BACKENDS.values() if not backend.available
                    and PARENTS.get(backend.class_name) == parent.__name__)

    walk(selectors.BaseSelector, 1)
    return tuple(rows)


def _why(class_name: str) -> str:
    for backend in BACKENDS.values():
        if backend.class_name == class_name:
            return backend.why
    return SHARED.get(class_name, "of this Python alone")


def _life() -> tuple[tuple[KeyField, ...], tuple[SelectorStep, ...], bool]:
    """Register, modify, unregister a real socket, and make the usual mistakes."""
    steps: list[SelectorStep] = []
    sock, peer = socket.socketpair()
    with selectors.DefaultSelector() as selector, sock, peer:
        def attempt(call: str, act: Callable[[], object]) -> Any:
            outcome: object
            try:
                outcome = act()
                said = _said(outcome)
            except (KeyError, ValueError, TypeError) as error:
                outcome, said = error, type(error).__name__
            steps.append(SelectorStep(call, said, len(selector.get_map())))
            return outcome

        writable = cast("MutableMapping[Any, Any]", selector.get_map())
        key = attempt("register(sock, READ, data)", lambda: selector.register(
            sock, selectors.EVENT_READ, data="what you like"))
        fields = _fields(key)
        attempt("register(sock, READ) again", lambda: selector.register(
            sock, selectors.EVENT_READ))
        attempt("register(peer, 0)", lambda: selector.register(peer, 0))
        attempt("modify(sock, 0)", lambda: selector.modify(sock, 0, "what you like"))
        attempt("modify(sock, READ | WRITE, data)", lambda: selector.modify(
            sock, selectors.EVENT_READ | selectors.EVENT_WRITE, "what you like"))
        unchanged = key.events == selectors.EVENT_READ
        attempt("get_map()[sock]", lambda: selector.get_map()[sock])
        attempt("get_map()[sock] = key", lambda: operator.setitem(writable, sock, key))
        attempt("unregister(sock)", lambda: selector.unregister(sock))
        attempt("unregister(sock) again", lambda: selector.unregister(sock))
    return fields, tuple(steps), unchanged


def _said(outcome: object) -> str:
    if isinstance(outcome, selectors.SelectorKey):
        return f"SelectorKey(fd={outcome.fd}, events={_mask(outcome.events)})"
    return "nothing"


def _mask(events: int) -> str:
    names = (("READ", selectors.EVENT_READ), ("WRITE", selectors.EVENT_WRITE))
    return "|".join(name for name, bit in names if events & bit) or "0"


def _fields(key: selectors.SelectorKey) -> tuple[KeyField, ...]:
    meanings = {
        "fileobj": "what you registered, socket or number; look it up by this",
        "fd": "its number at that moment: it stays when the socket is closed",
        "events": "the interest, a mask; not what is ready",
        "data": "yours alone: a callback, a connection, anything",
    }
    return tuple(KeyField(name, _value(name, value), meanings[name])
                 for name, value in key._asdict().items())


def _value(name: str, value: Any) -> str:
    if name == "fileobj":
        return f"<socket fd={value.fileno()}>"
    return f"{value} ({_mask(value)})" if name == "events" else repr(value)
