"""What a loop of asyncio calls, by the names that its author wrote."""

from __future__ import annotations

from types import CodeType
from typing import Any

from chatops.loop import naming
from chatops.loop.private.handles import arguments_of, callback_of, handles
from chatops.loop.private.transports import app_protocol, reader_of, task_of
from chatops.loop.private.waits import waiter_of

DEEP = 32                      # wrappers followed inwards
_AROUND = frozenset(("TaskHandle._run_coro", "AsyncIOBackend.run.<locals>.wrapper",
                     "TaskGroup._run_wrapped_task"))


def place(code: CodeType, line: int = 0) -> str:
    """`handle (chat.py:8)`"""
    return naming.format_call_site((code, line or code.co_firstlineno))


def function_name(function: Any) -> str:
    """`EchoProtocol.data_received (echo.py:12)`: a callable as its author wrote it."""
    inner = function
    for _ in range(DEEP):
        wrapped = getattr(inner, "func", None) or getattr(inner, "__wrapped__", None)
        if wrapped is None:
            break
        inner = wrapped
    plain = getattr(inner, "__func__", inner)
    code = getattr(plain, "__code__", None)
    owner = getattr(inner, "__self__", None)
    if code is not None and plain.__module__ == "asyncio.streams":
        # `start_server` wraps the handler in a protocol factory: the handler is in its closure.
        cells = zip(code.co_freevars, plain.__closure__ or (), strict=False)
        handler = dict(cells).get("client_connected_cb")
        if handler is not None and handler.cell_contents is not None:
            return function_name(handler.cell_contents)
    if code is not None:
        return place(code)
    if owner is not None and not isinstance(owner, type) and hasattr(inner, "__name__"):
        return f"{type(owner).__name__}.{inner.__name__}"
    return str(getattr(inner, "__qualname__", None) or type(inner).__name__)


def call_name(callback: Any) -> str:
    """Whose a call of the loop is: a task's by its name and coroutine, else the callable's."""
    owner = getattr(callback, "__self__", None)
    if owner is not None and hasattr(owner, "get_coro"):
        return coroutine_name(owner.get_coro())
    protocol = getattr(owner, "_protocol", None)
    if protocol is not None and hasattr(owner, "_sock_fd"):
        return f"{type(app_protocol(protocol)).__name__} {str(callback.__name__).strip('_')}"
    return function_name(callback)


def is_around(code: Any) -> bool:
    """Whether it is what anyio puts around a coroutine that is to be a task."""
    return (isinstance(code, CodeType) and code.co_qualname in _AROUND
            and "anyio" in code.co_filename)


def coroutine_of(task: Any) -> Any:
    """What somebody has made a task of.  Inside anyio's it is seen from its first await on, until
    it ends.
    """
    coro = task.get_coro()
    if is_around(getattr(coro, "cr_code", None)):
        inner = coro.cr_await
        return inner if getattr(inner, "cr_code", None) is not None else coro
    return coro


def coroutine_name(coro: Any) -> str:
    """`handle (chat.py:8)`, where it was defined."""
    code = getattr(coro, "cr_code", None) or getattr(coro, "gi_code", None)
    if isinstance(code, CodeType):
        return place(code)
    return str(getattr(coro, "__qualname__", None) or type(coro).__name__)


def label(data: Any, fileobj: Any) -> str:
    """Whose descriptor it is, short: the task that serves it, or what it is for."""
    for handle in handles(data):
        return _handle_label(handle)
    return naming.describe(data, fileobj)


def _handle_label(handle: Any) -> str:
    callback = callback_of(handle)
    owner = getattr(callback, "__self__", None)
    name = str(getattr(callback, "__name__", ""))
    if name == "_read_from_self":
        return "asyncio's own waker"
    if name == "_accept_connection":
        arguments = arguments_of(handle)
        return f"accepts for {function_name(arguments[0])}" if arguments else "accepts"
    if name == "_do_wait":
        arguments = arguments_of(handle)
        return f"child {arguments[0]}" if arguments else "a child process"
    protocol = getattr(owner, "_protocol", None)
    task = None
    if protocol is not None:
        task = task_of(protocol) or reader_of(protocol)
    elif name.startswith("_sock_"):            # `loop.sock_recv` and its like
        task = next(filter(None, map(waiter_of, arguments_of(handle))), None)
    if task is not None:
        return f"{task.get_name()} {coroutine_name(coroutine_of(task))}"
    if protocol is not None:
        return _of_child(protocol) or type(app_protocol(protocol)).__name__
    return function_name(callback) if callback is not None else "cancelled"


def _of_child(protocol: Any) -> str:
    """`stdout of child 4711`, "" for what is no child's."""
    number, process = getattr(protocol, "fd", None), getattr(protocol, "proc", None)
    get_pid = getattr(process, "get_pid", None)
    if number not in (0, 1, 2) or get_pid is None:
        return ""
    return f"{('stdin', 'stdout', 'stderr')[number]} of child {get_pid()}"


def what_for(data: Any) -> str:
    """`listener`, `self-pipe`, `child`, `` for what a descriptor does for asyncio."""
    for handle in handles(data):
        name = str(getattr(callback_of(handle), "__name__", ""))
        found = {"_read_from_self": "self-pipe", "_accept_connection": "listener",
                 "_do_wait": "child"}.get(name)
        if found:
            return found
    return ""


def calls(data: Any) -> str:
    """What is called when a descriptor is ready, as its author wrote it."""
    found = []
    for handle in handles(data):
        callback = callback_of(handle)
        owner = getattr(callback, "__self__", None)
        name = str(getattr(callback, "__name__", ""))
        protocol = getattr(owner, "_protocol", None)
        if name == "_accept_connection":
            arguments = arguments_of(handle)
            found.append(function_name(arguments[0]) if arguments else "accept")
        elif protocol is not None:
            found.append(_received_by(protocol, writing=name.startswith("_write")))
        elif name.startswith("_sock_"):
            found.append(f"loop.{name.lstrip('_')}")
        elif name == "_read_from_self":
            found.append("loop wakes up")
        elif callback is not None:
            found.append(function_name(callback))
    return ", ".join(dict.fromkeys(found)) or "-"


def _received_by(protocol: Any, *, writing: bool) -> str:
    protocol = app_protocol(protocol)
    task = task_of(protocol)
    if task is not None:
        return f"{type(protocol).__name__}: {coroutine_name(coroutine_of(task))}"
    if writing:
        return f"{type(protocol).__name__} writes"
    for name in ("data_received", "buffer_updated", "datagram_received", "pipe_data_received"):
        function = getattr(type(protocol), name, None)
        code = getattr(function, "__code__", None)
        if code is not None and not str(function.__module__).startswith("asyncio."):
            return place(code)
    return type(protocol).__name__
