"""What a browser with the token may send: only what the page would, and never more than is good."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from tests.integration.harness import Server
from tests.integration.pages import Pages
from tests.patience import scaled

StartServer = Callable[..., Server]
StartPages = Callable[..., Pages]
WebSocket = aiohttp.ClientWebSocketResponse


@asynccontextmanager
async def connected(page: Pages) -> AsyncIterator[WebSocket]:
    """A browser's WebSocket, once its console has drawn something."""
    host, port = page.address
    async with (asyncio.timeout(scaled(20.0)),
                aiohttp.ClientSession(headers={"Cookie": page.cookie}) as session,
                session.ws_connect(f"http://{host}:{port}/ws?width=80&height=24") as websocket):
        await drawn(websocket, 24)
        yield websocket


async def drawn(websocket: WebSocket, row: int) -> int:
    """Wait until it draws in this row; the lowest that it has drawn in so far."""
    lowest = 0
    while lowest < row:
        data = await websocket.receive_bytes()
        lowest = max(lowest, *map(int, re.findall(rb"\x1b\[(\d+);\d+H", data)), 0)
        assert lowest <= 200
    return lowest


@pytest.mark.parametrize(("asked", "rows"), [
    ({"width": 1000, "height": 1000}, 200),
    ({"width": 80, "height": float("inf")}, 200),
    ({"width": 100.0, "height": 40}, 40)])
async def test_a_console_is_no_larger_than_the_bounds_whatever_a_browser_asks_for(
        server: StartServer, control_path: Path, pages: StartPages, asked: dict[str, float],
        rows: int) -> None:
    server(control=str(control_path))
    async with connected(pages()) as websocket:
        await websocket.send_str(json.dumps(["resize", asked]))
        assert await drawn(websocket, rows) == rows


async def test_what_is_typed_gives_a_console_no_other_size(
        server: StartServer, control_path: Path, pages: StartPages) -> None:
    server(control=str(control_path))
    async with connected(pages()) as websocket:
        await websocket.send_str(json.dumps(["stdin", "\x1b[48;1000;1000;0;0t"]))
        await websocket.send_str(json.dumps(["resize", {"width": 80, "height": 60}]))
        assert await drawn(websocket, 60) == 60


@pytest.mark.parametrize("text", [
    pytest.param("[" * 60_000, id="deep"),
    pytest.param('["ping",' + "[" * 20_000 + "]" * 20_000 + "]", id="deep-ping"),
    "", "{}", "[]", "5", '["stdin"]', '["stdin", 5]', r'["stdin", "\ud800"]', '["resize", 5]',
    '["resize", {"width": 80}]', '["resize", {"width": NaN, "height": 1}]',
    '["resize", {"width": "80", "height": "x"}]'])
async def test_text_that_is_no_message_of_the_page_ends_its_connection_in_order(
        server: StartServer, control_path: Path, pages: StartPages, text: str) -> None:
    server(control=str(control_path))
    page = pages()
    printed = page.printed
    async with connected(page) as websocket:
        await websocket.send_str(text)
        while not websocket.closed:
            await websocket.receive()
        assert websocket.close_code == 1003
    assert page.printed == printed
