"""The transports of a loop of asyncio, their protocols and their buffers."""

from __future__ import annotations

import gc
from itertools import islice
from types import CellType
from typing import Any

from chatops.loop.private.waits import waiter_of

CHUNKS = 4096                  # of a write buffer that are counted; the rest is estimated

_UVICORN = "RequestResponseCycle.run_asgi"     # what answers a request in uvicorn


def transports(loop: Any) -> list[Any]:
    """The open transports on sockets, by what the loop itself keeps of them."""
    kept = getattr(loop, "_transports", None)
    try:
        return [] if kept is None else list(kept.values())
    except RuntimeError:                   # one was collected meanwhile
        return []


def app_protocol(protocol: Any) -> Any:
    """The protocol that its author wrote, behind TLS."""
    return getattr(protocol, "_app_protocol", None) or protocol


def app_transport(transport: Any) -> Any:
    """The transport that the author's protocol has been given: behind TLS another one."""
    protocol = transport.get_protocol() if hasattr(transport, "get_protocol") else None
    return getattr(protocol, "_app_transport", None) or transport


def socket_of(transport: Any) -> Any:
    """The socket of a transport, None when it is closed."""
    return getattr(transport, "_sock", None)


def descriptor(transport: Any) -> int:
    """The descriptor of a transport, -1 without one."""
    return int(getattr(transport, "_sock_fd", -1))


def unsent(transport: Any) -> int:
    """Bytes in a transport's write buffer: as `get_write_buffer_size` says, which counts all
    chunks one by one (python/cpython#146507), and estimated when they are very many.
    """
    chunks = getattr(transport, "_buffer", None)
    size = getattr(transport, "_buffer_size", None)
    if isinstance(size, int):
        return size
    if isinstance(chunks, bytearray):
        return len(chunks)
    try:
        if chunks is None or len(chunks) <= CHUNKS:
            return int(transport.get_write_buffer_size())
        some = sum(map(len, islice(chunks, CHUNKS)))
        return some * len(chunks) // CHUNKS
    except (AttributeError, NotImplementedError, TypeError):
        return 0


def task_of(protocol: Any) -> Any:
    """The task of a stream's handler (`asyncio.start_server`), or of a server's protocol."""
    protocol = app_protocol(protocol)
    for name in ("_task", "_task_handler", "handler", "task"):
        task = getattr(protocol, name, None)
        if hasattr(task, "get_coro") and hasattr(task, "get_name"):
            return task
    return None


def reader_of(protocol: Any) -> Any:
    """The task that waits for what a protocol receives: of a stream's reader, or of aiohttp's or
    anyio's client.
    """
    protocol = app_protocol(protocol)
    reader = getattr(protocol, "_stream_reader", None) or protocol
    future = getattr(reader, "_waiter", None)
    waiting = getattr(getattr(protocol, "read_event", None), "_waiters", None)
    return waiter_of(future if future is not None else waiting[0] if waiting else None)


def protocols_in(coro: Any) -> list[Any]:
    """The protocols among a coroutine's variables.  Asked of the collector: `f_locals` would
    leave a copy behind, and with it keep alive what the program has let go of.
    """
    found = []
    code = getattr(coro, "cr_code", None)
    uvicorn = code is not None and code.co_qualname == _UVICORN
    for each in gc.get_referents(coro):
        if uvicorn and type(each).__name__ == _UVICORN.partition(".")[0]:
            transport: Any = getattr(each, "transport", None)  # its request knows no protocol
            each = transport.get_protocol() if hasattr(transport, "get_protocol") else None
        elif type(each).__name__ == "StreamWriter" and type(each).__module__ == "asyncio.streams":
            each = getattr(each, "_protocol", None)
        elif isinstance(each, CellType):     # an inner function uses it too
            try:
                each = each.cell_contents
            except ValueError:
                continue
        if hasattr(type(each), "connection_made"):
            found.append(each)
    return found


def paused_writing(protocol: Any) -> bool:
    """Whether the transport has told it to wait, and it has not been told to go on."""
    return bool(getattr(protocol, "_paused", False))
