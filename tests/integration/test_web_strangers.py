"""Who has not the token costs `chatops web` little, and nobody who has it anything."""

from __future__ import annotations

import asyncio
import resource
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from aiohttp import web

from chatops.web import door
from tests.integration.harness import Server
from tests.integration.pages import Pages
from tests.integration.until import until
from tests.patience import PATIENCE

StartServer = Callable[..., Server]
StartPages = Callable[..., Pages]
FEW = ("-c", """
import resource
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
from chatops import cli
cli.main()
""")
HALF = b"GET / HTTP/1.1\r\nHo"


@pytest.fixture
def strangers() -> Iterator[Callable[[Pages, bytes], socket.socket]]:
    with ExitStack() as stack:

        def come(page: Pages, said: bytes) -> socket.socket:
            sock = stack.enter_context(socket.create_connection(page.address, PATIENCE))
            sock.sendall(said)
            return sock

        yield come


Strangers = Callable[[Pages, bytes], socket.socket]


def test_strangers_who_take_every_place_shut_nobody_out_and_have_nothing_written(
        server: StartServer, control_path: Path, pages: StartPages, strangers: Strangers) -> None:
    server(control=str(control_path))
    page = pages(program=FEW)
    printed = page.printed
    for n in range(100):
        strangers(page, HALF if n % 2 else b"")
    assert page.get("/", Cookie=page.cookie) == 200
    assert page.get("/static/js/textual.js", Cookie=page.cookie) == 200
    assert page.printed == printed


def test_a_shortage_of_descriptors_is_said_once_and_waited_out(
        server: StartServer, control_path: Path, pages: StartPages, strangers: Strangers) -> None:
    server(control=str(control_path))
    page = pages()
    pid, said = page.process.pid, f"chatops: {door.SHORT}\n"
    soft, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    for _ in range(2):
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (3, hard))
        waits = strangers(page, b"GET / HTTP/1.0\r\n\r\n")
        until(lambda: said in page.printed)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (soft, hard))
        assert waits.recv(100).startswith(b"HTTP/1.0 403 ")
    assert page.printed.count("\n") == 3, page.printed


@pytest.mark.parametrize(("said", "status"), [
    (b"GET / HTTP/1.1\r\nHost: x\r\nCookie: chatops-PORT=\xff\xfe\r\n\r\n", 403),
    (b"GET /?token=%ff%ed%a0%80 HTTP/1.1\r\nHost: x\r\n\r\n", 403),
    (b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", 403),
    (b"GET http://[::1/ HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    (b"CONNECT a:99999 HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"x" * 10_000 + b"\r\n\r\n", 400),
    (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", 400),
    (b"\x16\x03\x01\xff\xfe\x00\r\n\r\n", 400)])
def test_requests_of_every_kind_are_refused_and_nothing_is_written_about_it(
        server: StartServer, control_path: Path, pages: StartPages, strangers: Strangers,
        said: bytes, status: int) -> None:
    server(control=str(control_path))
    page = pages()
    printed = page.printed
    asks = strangers(page, said.replace(b"PORT", str(page.address[1]).encode()))
    assert int(asks.recv(12).split()[1]) == status
    assert page.get("/", Cookie=page.cookie) == 200
    assert page.printed == printed


async def answer(_request: web.BaseRequest) -> web.StreamResponse:
    return web.Response()


async def opened(places: door.Places) -> tuple[door.Entrance, socket.socket, asyncio.Task[None]]:
    """A door, where it is, and what has it open."""
    made = door.Entrance(web.Server(answer), places, print)
    listening = socket.create_server(("127.0.0.1", 0))
    return made, listening, asyncio.create_task(made.receive(listening))


async def test_bytes_that_arrive_do_not_give_a_stranger_more_time(
        monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "TO_SHOW", 0.2)
    _, listening, task = await opened(door.Places(4, 1))
    with closing(listening):
        reader, writer = await asyncio.open_connection(*listening.getsockname())
        try:
            async with asyncio.timeout(PATIENCE):
                writer.write(HALF)
                while not reader.at_eof() and reader.exception() is None:
                    writer.write(b"x")
                    await asyncio.sleep(0)
        finally:
            writer.close()
            task.cancel()


async def test_who_has_waited_longest_of_the_largest_crowd_makes_room() -> None:
    _, listening, task = await opened(door.Places(3, 1))
    loop = asyncio.get_running_loop()
    with closing(listening), ExitStack() as stack:
        came: list[socket.socket] = []
        for host in ("127.0.0.2", "127.0.0.1", "127.0.0.1", "127.0.0.1"):
            sock = stack.enter_context(socket.socket())
            sock.setblocking(False)
            sock.bind((host, 0))
            await loop.sock_connect(sock, listening.getsockname())
            came.append(sock)
        async with asyncio.timeout(PATIENCE):
            assert await loop.sock_recv(came[1], 1) == b""
            for sock in (came[0], came[2], came[3]):
                await loop.sock_sendall(sock, b"GET / HTTP/1.0\r\n\r\n")
                assert (await loop.sock_recv(sock, 12)).endswith(b"200")
        task.cancel()


@pytest.mark.parametrize(("descriptors", "strangers", "consoles"), [
    (64, 16, 2), (256, 64, 14), (1 << 20, door.STRANGERS, door.CONSOLES), (8, 2, 1)])
def test_there_is_room_for_what_descriptors_are_left_for(descriptors: int, strangers: int,
                                                         consoles: int) -> None:
    room = door.places(descriptors)
    assert (room.strangers, room.consoles) == (strangers, consoles)
    assert room.strangers + room.known + room.consoles * door.PIPES + door.OWN <= max(
        descriptors, door.OWN + 14)
