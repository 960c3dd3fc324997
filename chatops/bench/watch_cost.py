"""What `chatops watch` costs the program that is observed: a turn of its loop, and a request.

In one process and alternating, the least of many short runs, because a machine's noise only
ever adds.  Beside it stands asyncio's own debug mode, which is what people use instead.

While somebody looks each call is timed, and that is measured here; pictures are made as well,
which `chatops.bench.watch_requests` has in its figures, and these have not.
"""

from __future__ import annotations

import asyncio
import gc
import importlib.util
import selectors
import socket
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from chatops.bench.served import app
from chatops.loop import backends, private
from chatops.watch.selector import WatchedSelector

TURNS = 1000                   # of one run
REQUESTS = 200
ROUNDS = 25

REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


class WatchRow(msgspec.Struct, frozen=True):
    """Microseconds of one turn or request, the least of all runs; NaN where it has no sense."""

    name: str
    plain: float
    watched: float             # nobody looks
    looked_at: float           # calls are timed as while somebody looks, without pictures
    debug: float               # asyncio's debug mode, without us


class WatchCost(msgspec.Struct, frozen=True):
    """All of them, and what was not installed."""

    rows: tuple[WatchRow, ...]
    missing: tuple[str, ...] = ()


Run = Callable[[str], float]           # a mode -> seconds of one turn or request
MODES = ("plain", "watched", "looked at", "debug")


def measure_watch(rounds: int = ROUNDS) -> WatchCost:
    """Everything that is installed."""
    runs: dict[str, Run] = {"selectors loop, a turn": _bare, "asyncio echo, a turn": _echo}
    missing = []
    for name, serve in (("uvicorn", _serve_uvicorn), ("aiohttp", _serve_aiohttp)):
        if importlib.util.find_spec(name) is None:
            missing.append(name)
        else:
            runs[f"{name}, a request"] = _requests(serve)
    return WatchCost(tuple([_row(name, run, rounds) for name, run in runs.items()]),
                     tuple(missing))


def _row(name: str, run: Run, rounds: int) -> WatchRow:
    modes = MODES[:3] if run is _bare else MODES
    least = dict.fromkeys(MODES, float("nan"))
    for _ in range(rounds):
        for mode in modes:
            gc.collect()
            seconds = run(mode)
            if not least[mode] <= seconds:
                least[mode] = seconds
    return WatchRow(name, *(least[mode] * 1e6 for mode in MODES))


def _selector(mode: str) -> selectors.BaseSelector:
    plain = backends.make("auto")
    if mode not in ("watched", "looked at"):
        return plain
    watched = WatchedSelector(plain)
    if mode == "looked at":
        watched.watch()
    return watched


def _bare(mode: str) -> float:
    """A loop as in a tutorial: one socket is always ready."""
    one, other = socket.socketpair()
    with one, other, _selector(mode) as selector:
        selector.register(one, selectors.EVENT_READ, lambda: None)
        other.send(b"x")
        began = time.perf_counter()
        for _ in range(TURNS):
            for key, _mask in selector.select():
                key.data()
        return (time.perf_counter() - began) / TURNS


def _in_loop(mode: str, main: Callable[[], Awaitable[float]]) -> float:
    loop = asyncio.SelectorEventLoop(_selector(mode))
    loop.set_debug(mode == "debug")
    if mode == "looked at":
        private.time_handles(time.monotonic)
    try:
        return loop.run_until_complete(main())
    finally:
        private.leave_handles()
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


class _Bounce(asyncio.Protocol):
    """Sends back what comes, until enough has come."""

    def __init__(self, done: asyncio.Future[None]) -> None:
        self.done = done
        self.left = TURNS

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.left -= 1
        if self.left > 0:
            self.transport.write(data)
        elif not self.done.done():
            self.done.set_result(None)


def _echo(mode: str) -> float:
    """Two transports of one loop that throw a byte to each other: a turn for each throw."""
    async def main() -> float:
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        one, other = socket.socketpair()
        ends = [(await loop.create_connection(lambda: _Bounce(done), sock=sock))[0]
                for sock in (one, other)]
        began = time.perf_counter()
        ends[0].write(b"x")
        await done
        seconds = time.perf_counter() - began
        for end in ends:
            end.abort()
        await asyncio.sleep(0)
        return seconds / (2 * TURNS)

    return _in_loop(mode, main)


Serve = Callable[[], Awaitable[tuple[int, Callable[[], Awaitable[object]]]]]


def _requests(serve: Serve) -> Run:
    """Client and server in one loop: requests one after the other on one connection."""
    async def main() -> float:
        port, stop = await serve()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(20):
            await _request(reader, writer)
        began = time.perf_counter()
        for _ in range(REQUESTS):
            await _request(reader, writer)
        seconds = time.perf_counter() - began
        writer.close()
        await writer.wait_closed()
        await stop()
        return seconds / REQUESTS

    return lambda mode: _in_loop(mode, main)


async def _request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(REQUEST)
    await reader.readuntil(b"hello")


async def _serve_uvicorn() -> tuple[int, Callable[[], Awaitable[object]]]:
    uvicorn: Any = importlib.import_module("uvicorn")
    server_state: Any = importlib.import_module("uvicorn.server").ServerState
    config = uvicorn.Config(app, http="h11", log_level="critical", access_log=False)
    config.load()
    state = server_state()
    server = await asyncio.get_running_loop().create_server(
        lambda: config.http_protocol_class(config=config, server_state=state, app_state={}),
        "127.0.0.1", 0)

    async def stop() -> None:
        server.close()
        for connection in list(state.connections):
            connection.shutdown()
        await asyncio.sleep(0.001)

    return server.sockets[0].getsockname()[1], stop


async def _serve_aiohttp() -> tuple[int, Callable[[], Awaitable[object]]]:
    web: Any = importlib.import_module("aiohttp.web")

    async def hello(_request: Any) -> Any:
        return web.Response(text="hello")

    app = web.Application()
    app.router.add_get("/", hello)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return runner.addresses[0][1], runner.cleanup


def watch_lines(cost: WatchCost) -> list[str]:
    """The table, a line each: what is added for a turn, and the ratio for a request."""
    lines = ["chatops watch, least microseconds of a turn or a request:",
             f"  {'':24}{'plain':>8}{'watched':>17}{'calls timed':>17}{'asyncio debug':>17}"]
    for row in cost.rows:
        cells = [f"{row.plain:8.1f}"]
        for value in (row.watched, row.looked_at, row.debug):
            known = value == value     # not NaN
            cells.append(f"{value:9.1f} x {value / row.plain:5.2f}" if known else f"{'-':>17}")
        lines.append(f"  {row.name:24}" + "".join(cells))
    if cost.missing:
        lines.append(f"  not installed: {', '.join(cost.missing)}")
    return lines


if __name__ == "__main__":
    sys.stdout.write("\n".join(watch_lines(measure_watch())) + "\n")
