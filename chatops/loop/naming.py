"""Names for what is in a selector's map: who registered it, what it calls, whose it is."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable
from types import CodeType, FunctionType
from typing import Any, TypeVar, cast

F = TypeVar("F", bound=Callable[..., object])

# Modules, by their prefix, that register on behalf of whoever called them.
_on_behalf: tuple[str, ...] = (__name__.rpartition(".")[0] + ".",)
# By id(), since the hash of a code object is worked out anew each time, out of all it holds.
# Functions that call what was scheduled earlier: whoever is beyond them decided nothing.
_schedulers: dict[int, CodeType] = {}
_not_call_sites: dict[int, CodeType] = {}


def not_a_call_site(function: F) -> F:
    """Mark a function that only passes on a decision: the call site is its caller, or beyond."""
    code = cast(FunctionType, function).__code__
    _not_call_sites[id(code)] = code
    return function


def on_behalf(*prefixes: str) -> None:
    """Modules with these prefixes, too, register only on behalf of whoever called them."""
    global _on_behalf
    _on_behalf += tuple([each for each in prefixes if each not in _on_behalf])


def scheduler(code: CodeType) -> None:
    """What is called from here was scheduled earlier; there is no use in looking beyond."""
    _schedulers[id(code)] = code


def call_site() -> tuple[CodeType, int]:
    """The nearest frame outside this package that is not marked by `not_a_call_site`: code object
    and line of whoever decided to register, modify or unregister.
    """
    frame = sys._getframe(1)
    before = frame
    while (beyond := frame.f_back) is not None:
        if id(frame.f_code) in _schedulers:
            frame = before
            break
        module = frame.f_globals.get("__name__", "")
        if (not module.startswith(_on_behalf) and module != "selectors"
                and id(frame.f_code) not in _not_call_sites):
            break
        before, frame = frame, beyond
    return frame.f_code, frame.f_lineno


def format_call_site(by: tuple[CodeType, int]) -> str:
    """`Connection.update_interest (connection.py:88)`"""
    code, line = by
    return f"{code.co_qualname} ({code.co_filename.rpartition('/')[2]}:{line})"


def descriptor_of(fileobj: Any) -> int:
    """The descriptor a file object has now, -1 when it is closed."""
    if isinstance(fileobj, int):
        return fileobj
    try:
        return int(fileobj.fileno())
    except (OSError, ValueError):
        return -1


def callback_name(data: Any) -> str:
    """What a key's data says it will call: `Connection.on_ready`."""
    if isinstance(data, tuple) and data and callable(data[0]):
        data = data[0]
    owner = getattr(data, "__self__", None)
    if owner is not None and not isinstance(owner, type):
        return f"{type(owner).__name__}.{data.__name__}"
    name = getattr(data, "__qualname__", None)
    return str(name) if name is not None else type(data).__name__ if data is not None else "-"


def describe(data: Any, fileobj: Any = None) -> str:
    """Whose descriptor it is: the owner's `label`, or what its data looks like."""
    owner = getattr(data, "__self__", data)
    label = getattr(owner, "label", None)
    if isinstance(label, str):
        return label
    if owner is None:
        return type(fileobj).__name__
    if isinstance(owner, tuple):
        return ", ".join(type(item).__name__ for item in owner)
    return type(owner).__name__


def client_of(data: Any) -> int:
    """The `client_id` of the owner of a key's callback, 0 where it has none."""
    client: int = getattr(getattr(data, "__self__", None), "client_id", 0)
    return client


def masks_text(masks: deque[int] | None) -> str:
    """`rrwW`: r is readable, w writable, W both."""
    return "".join(" rwW"[mask & 3] for mask in masks) if masks else ""
