"""A web server whose one page is the console, for those who have its link.

Whoever knows the token may look, and with `allow_changes` kick, ban and stop the server; so

- the token is drawn anew at each start (256 bits), is in the link alone, and the first request
  exchanges it for a cookie that scripts cannot read (`HttpOnly`) and that comes with what this
  page asks for and with links to it, not with what pages of other sites ask for
  (`SameSite=Lax`; with `Strict` the link would not open from a web mail);
- every request without it is refused before anything else is looked at, the WebSocket and the
  scripts too, and the WebSocket refuses pages of other origins besides (RFC 6455, 10.2);
- nothing is loaded from elsewhere: the Content-Security-Policy allows this origin alone.

Who has not shown it yet is the business of `door`.

It speaks plain HTTP: on other addresses than loopback a proxy belongs in front that speaks TLS.
Source: textual-serve's `Server` and `AppService`, of which what is public is used.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import shlex
import signal
import socket
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import WSCloseCode, web
from textual_serve.app_service import AppService
from textual_serve.server import Server, to_int

from chatops.net.kernel import raise_descriptor_limit
from chatops.net.listener import listen
from chatops.web.door import Entrance, places

NO_TOKEN = "This page opens with the link that `chatops web` has printed, token and all.\n"
FOREIGN = "A page of another site has asked.\n"
BUSY = "As many browsers as may look at once are looking already.\n"
KEPT = 30.0                    # seconds that a connection stays between two requests
HEARTBEAT = 10.0               # seconds; a browser that has vanished is noticed within 1.5 of it
GRACE = 3.0                    # seconds that a console may take to end, and a browser to part
FONT_SIZE = 15                 # pixels; `?fontsize=` has another
SIZES = range(6, 73)           # pixels that one can read
COLUMNS, ROWS = range(20, 501), range(5, 201)      # sizes that a browser may have, whenever
PAGE = Path(__file__).parent

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; connect-src 'self'; script-src 'self' "
                               "'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
                               "font-src 'self'; img-src 'self' data:; frame-ancestors 'none'; "
                               "base-uri 'none'; form-action 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}

# aiohttp's own has a traceback for whatever a stranger sends, which would fill the disk.
UNHEARD = logging.Logger("chatops.web", logging.CRITICAL + 1)

# What comes of text that is not what the page sends; nested deeply, the library recurses as deep.
NO_MESSAGE = (ValueError, LookupError, TypeError, AttributeError, AssertionError, RecursionError)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class BrowserConsole(AppService):
    """The console of one browser: a process that ends with it, whatever it is doing."""

    async def set_terminal_size(self, width: float, height: float) -> None:
        """As the browser asks, within what a console can be afforded: memory goes with the area.

        Raises `ValueError` or `TypeError` where that is no number.
        """
        await super().set_terminal_size(_within(width, COLUMNS), _within(height, ROWS))

    async def stop(self) -> None:
        """Ask it to go, and see to it that it has gone."""
        try:
            await asyncio.wait_for(super().stop(), GRACE)
        except TimeoutError:       # it is stuck in a write that nobody reads, or stopped
            pass
        process = self._process
        if process is not None and process.returncode is None:
            try:
                # What it still writes is read: it may stand before a full pipe.
                await asyncio.wait_for(process.communicate(), GRACE)
            except TimeoutError:
                process.kill()
                await process.communicate()


@dataclass(frozen=True, eq=False)
class _OpenPage:
    """A browser that looks, and the task that serves it."""

    websocket: web.WebSocketResponse
    request: web.Request
    task: asyncio.Task[Any] | None

    async def end(self, code: int = WSCloseCode.OK, why: bytes = b"") -> None:
        """Close it, also where the browser reads nothing any more: aiohttp would wait for that
        without an end, and with no heartbeat.
        """
        try:
            await asyncio.wait_for(self.websocket.close(code=code, message=why), GRACE)
        except TimeoutError:
            if self.request.transport is not None:
                self.request.transport.abort()
            if self.task is not None and self.task is not asyncio.current_task():
                self.task.cancel()     # else it waits for what the browser says


class Pages(Server):
    """Serves the console until it is told to end.  Belongs to one asyncio loop."""

    def __init__(self, control: Path, *, host: str, port: int, allow_changes: bool) -> None:
        """`control` is the control socket of the server that is shown.  With port 0 the
        kernel chooses one.
        """
        words = [sys.executable, "-m", "chatops", "attach", "--in-browser", str(control)]
        if not allow_changes:
            words.append("--read-only")
        # `exec`, so that the shell which the library starts becomes the console.
        super().__init__(f"exec {shlex.join(words)}", host=host, port=port, title="chatops",
                         templates_path=PAGE)
        self.token = secrets.token_urlsafe(32)
        self._open_pages: set[_OpenPage] = set()
        self._places = places(raise_descriptor_limit())
        self._door: Entrance | None = None

    # -- from start to end

    async def run(self, started: Callable[[str], None], say: Callable[[str], None]) -> None:
        """Serve until SIGINT, SIGTERM or SIGHUP; `started` is given the link, once, and `say`
        what an operator should know.

        Raises `OSError` when the address cannot be had.
        """
        end = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, end.set)
        socks, _ = listen(self.host, self.port)
        runner = web.AppRunner(await self._make_app(), access_log=None, logger=UNHEARD,
                               keepalive_timeout=KEPT, shutdown_timeout=2 * GRACE + 1.0)
        await runner.setup()
        assert runner.server is not None
        self._door = Entrance(runner.server, self._places, say)
        link = self.link(socks[0].getsockname())
        tasks = [loop.create_task(end.wait()), *(
            loop.create_task(self._door.receive(sock)) for sock in socks)]
        try:
            started(link)
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            for sock in socks:
                sock.close()
            await runner.cleanup()

    def link(self, address: Any) -> str:
        """Where to look from this machine, with the token."""
        host, self.port = address[:2]
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}/?token={self.token}"

    async def _make_app(self) -> web.Application:
        app = await super()._make_app()
        app.middlewares.append(self._guard)
        return app

    async def on_startup(self, app: web.Application) -> None:
        """Nothing is printed here: whoever started us is told the link."""

    async def on_shutdown(self, app: web.Application) -> None:
        """Close what is open, so that no console outlives the server."""
        await asyncio.gather(*(
            page.end(1001, b"chatops web has ended") for page in self._open_pages))

    # -- who may

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Refuse whoever has not the token; exchange it for the cookie where it is in the link."""
        cookie = f"chatops-{self.port}"        # a host's cookies are those of all its ports
        in_link = request.path == "/" and self._is_token(request.query.get("token", ""))
        if not in_link and not self._is_token(request.cookies.get(cookie, "")):
            response: web.StreamResponse = web.Response(status=403, text=NO_TOKEN)
            response.force_close()
        elif self._door is None or not self._door.knows(request.protocol):
            response = web.Response(status=503, text=BUSY)
            response.force_close()
        elif in_link:
            response = web.HTTPSeeOther(_without_token(request))
            response.set_cookie(cookie, self.token, httponly=True, samesite="Lax", path="/")
        else:
            response = await self._answer(request, handler)
        if not response.prepared:
            response.headers.update(HEADERS)
        return response

    def _is_token(self, text: str) -> bool:
        # What is no UTF-8 stands there as surrogates, which cannot be encoded as they are.
        return secrets.compare_digest(text.encode(errors="replace"), self.token.encode())

    async def _answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except web.HTTPException as error:     # an answer too, and it gets the headers
            return web.Response(status=error.status, text=error.text)

    # -- the page, and what it opens

    async def handle_index(self, request: web.Request) -> web.StreamResponse:
        """The page: all it needs to know of where it lies, its script asks the browser."""
        size = to_int(request.query.get("fontsize", ""), FONT_SIZE)
        text = (PAGE / "page.html").read_text("utf-8")
        return web.Response(content_type="text/html", text=text.replace(
            "FONT_SIZE", str(size if size in SIZES else FONT_SIZE)))

    async def handle_websocket(self, request: web.Request) -> web.WebSocketResponse:
        """A browser's console, from its connection to its end."""
        origin = request.headers.get("Origin", "")
        if origin and origin.partition("://")[2] != request.host:
            raise web.HTTPForbidden(text=FOREIGN)
        if len(self._open_pages) >= self._places.consoles:
            raise web.HTTPServiceUnavailable(text=BUSY)
        websocket = web.WebSocketResponse(heartbeat=HEARTBEAT, max_msg_size=1 << 16)
        page = _OpenPage(websocket, request, asyncio.current_task())
        self._open_pages.add(page)
        try:
            await websocket.prepare(request)
            console = BrowserConsole(
                self.command, write_bytes=websocket.send_bytes, write_str=websocket.send_str,
                close=page.end, download_manager=self.download_manager)
            try:
                await console.start(_asked(request, "width", COLUMNS, 80),
                                    _asked(request, "height", ROWS, 24))
                await self._process_messages(websocket, console)
            except NO_MESSAGE:     # said before the console closes it without a reason
                await page.end(1003, b"that is no message of the page")
            finally:
                await console.stop()
        finally:
            self._open_pages.discard(page)
        return websocket


def _asked(request: web.Request, name: str, possible: range, usual: int) -> int:
    size = to_int(request.query.get(name, ""), usual)
    return size if size in possible else usual


def _within(asked: float, possible: range) -> int:
    return int(min(max(asked, possible[0]), possible[-1]))


def _without_token(request: web.Request) -> str:
    size = to_int(request.query.get("fontsize", ""), FONT_SIZE)
    return f"/?fontsize={size}" if size in SIZES and size != FONT_SIZE else "/"


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server that listens there."""
    try:
        found = socket.getaddrinfo(host, None)
    except OSError:
        return False
    return all(address[0] == "::1" or str(address[0]).startswith("127.")
               for *_, address in found)
