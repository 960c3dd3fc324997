"""Software that nobody here wrote, looked into while it serves."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from chatops.api import events
from tests.integration.watched import START, Watched, connect, script, shown_by

Start = Callable[..., Watched]


def needs(*modules: str) -> pytest.MarkDecorator:
    missing = [name for name in modules if importlib.util.find_spec(name) is None]
    return pytest.mark.skipif(bool(missing), reason=f"{', '.join(missing)} is not installed")


def fetch(port: int, path: str = "/") -> bytes:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=START) as answer:
        return bytes(answer.read())


def test_http_server(watched: Start, tmp_path: Path) -> None:
    (tmp_path / "file.txt").write_text("hello")
    program = watched(sys.executable, "-u", "-m", "http.server", "0", "--bind", "127.0.0.1")
    program.has_printed("port ")
    port = int(program.printed.partition(" port ")[2].split()[0])
    snapshot = program.see(lambda s: s.keys)
    assert snapshot.program is not None
    assert (snapshot.program.kind, snapshot.loop.backend) == ("selectors", "poll")
    assert fetch(port, "/file.txt") == b"hello"
    fired = program.see(lambda s: s.keys and s.keys[0].fires)
    assert fired.keys[0].type == "listener"
    assert f"127.0.0.1:{port}" in fired.keys[0].fileobj
    assert fired.keys[0].armed_by.startswith("BaseServer.serve_forever (socketserver.py:")


@needs("aiohttp")
def test_aiohttp(watched: Start, tmp_path: Path) -> None:
    script(tmp_path, """
        import asyncio
        from aiohttp import web

        async def slow(request):
            await asyncio.sleep(3600)

        async def quick(request):
            return web.Response(text="hello")

        app = web.Application()
        app.router.add_get("/", quick)
        app.router.add_get("/slow", slow)

        async def main():
            runner = web.AppRunner(app)
            await runner.setup()
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            print("port", site._server.sockets[0].getsockname()[1], flush=True)
            await asyncio.sleep(3600)

        asyncio.run(main())
    """)
    program = watched("program.py")
    port = program.port()
    assert fetch(port) == b"hello"
    client = connect(port)
    client.sendall(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
    snapshot = program.see(lambda s: any("slow (program.py:5)" in " ".join(t.chain)
                                         or t.at == "slow (program.py:6)" for t in s.tasks))
    assert any(row.room == "RequestHandler" for row in snapshot.clients)
    client.close()


APP = """
    import asyncio

    async def app(scope, receive, send):
        if scope["type"] == "lifespan":
            return
        if scope["path"] == "/slow":
            await asyncio.sleep(3600)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"hello"})
"""


def _uvicorn_port(program: Watched) -> int:
    program.has_printed("Uvicorn running on http://127.0.0.1:")
    return int(program.printed.partition("running on http://127.0.0.1:")[2].split()[0])


@needs("uvicorn")
def test_uvicorn(watched: Start, tmp_path: Path) -> None:
    script(tmp_path, APP, "app.py")
    program = watched(sys.executable, "-m", "uvicorn", "app:app", "--port", "0", "--loop",
                      "asyncio")
    port = _uvicorn_port(program)
    assert fetch(port) == b"hello"
    client = connect(port)
    client.sendall(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
    snapshot = program.see(lambda s: any(t.at == "app (app.py:8)" for t in s.tasks))
    assert any(row.room in ("H11Protocol", "HttpToolsProtocol") for row in snapshot.clients)
    assert any(row.callback.startswith(("H11Protocol", "HttpToolsProtocol"))
               for row in snapshot.keys if row.type == "connection")
    client.close()


@needs("uvicorn")
def test_uvicorn_takes_the_loop_factory(tmp_path: Path, control_path: Path) -> None:
    script(tmp_path, APP, "app.py")
    process = subprocess.Popen(
        [sys.executable, "-m", "uvicorn", "app:app", "--port", "0", "--loop",
         "chatops.watch:new_event_loop"], cwd=tmp_path, stderr=subprocess.PIPE, text=True,
        env=dict(os.environ) | {"XDG_RUNTIME_DIR": str(control_path.parent)})
    try:
        assert process.stderr is not None
        while "running on" not in (line := process.stderr.readline()):
            assert line
        (path,) = control_path.parent.glob("chatops/*.sock")
        assert any(row.type == "listener" for row in shown_by(path).keys)
    finally:
        process.kill()
        process.communicate()


@needs("uvicorn")
def test_both_workers_of_uvicorn(watched: Start, tmp_path: Path) -> None:
    script(tmp_path, APP, "app.py")
    program = watched(sys.executable, "-m", "uvicorn", "app:app", "--port", "0", "--loop",
                      "asyncio", "--workers", "2", options=("--children",))
    program.see(lambda s: s.program is not None and len(s.program.processes) >= 2)
    for path in program.control.parent.glob("c+*.sock"):
        assert any(row.type == "listener" for row in shown_by(path).keys)


@needs("websockets")
def test_the_broadcast_server_of_websockets(watched: Start, tmp_path: Path) -> None:
    script(tmp_path, """
        import asyncio
        from websockets.asyncio.client import connect
        from websockets.asyncio.server import broadcast, serve

        CLIENTS = set()

        async def handler(websocket):
            CLIENTS.add(websocket)
            await websocket.wait_closed()

        async def send():
            while True:
                broadcast(CLIENTS, "hello")
                await asyncio.sleep(0.1)

        async def main():
            async with serve(handler, "127.0.0.1", 0) as server:
                host, port = server.sockets[0].getsockname()
                async with connect(f"ws://127.0.0.1:{port}") as websocket:
                    sending = asyncio.create_task(send())
                    print("got", await websocket.recv(), flush=True)
                    await sending

        asyncio.run(main())
    """)
    program = watched("program.py")
    program.has_printed("got hello")
    snapshot = program.see(lambda s: len(s.clients) == 2 and s.clients[0].task)
    assert any(task.at == "handler (program.py:10)" for task in snapshot.tasks)
    assert {row.room for row in snapshot.clients} == {"ServerConnection", "ClientConnection"}
    assert not [event for event in program.seen if isinstance(event, events.Warned)]
