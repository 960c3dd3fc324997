"""Software that nobody here wrote, looked into while it serves."""

from __future__ import annotations

import importlib.util
import os
import ssl
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from chatops.api import events
from chatops.api.commands import Loop
from chatops.api.snapshot import Snapshot
from chatops.links.remote import RemoteLink
from tests.integration.certificates import Authority
from tests.integration.until import until
from tests.integration.watched import START, Watched, connect, script

Start = Callable[..., Watched]


def needs(*modules: str) -> pytest.MarkDecorator:
    missing = [name for name in modules if importlib.util.find_spec(name) is None]
    return pytest.mark.skipif(bool(missing), reason=f"{', '.join(missing)} is not installed")


def shown_by(path: Path) -> Snapshot:
    """What a console sees at this socket, once it sees something."""
    link = RemoteLink(path)
    found: list[Snapshot] = []

    def look() -> bool:
        snapshot = link.poll()
        found.extend([snapshot] if snapshot is not None and snapshot.keys else [])
        return bool(found)

    until(look, START)
    link.close()
    return found[0]


def _has_task(name: str, snapshot: Snapshot) -> bool:
    return any(task.name == name for task in snapshot.tasks)


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


def test_a_loop_out_of_a_tutorial(watched: Start, tmp_path: Path) -> None:
    script(tmp_path, """
        import selectors, socket

        def accept(sock):
            peer, _ = sock.accept()
            peer.setblocking(False)
            selector.register(peer, selectors.EVENT_READ | selectors.EVENT_WRITE, read)

        def read(peer):
            pass

        selector = selectors.DefaultSelector()
        sock = socket.create_server(("127.0.0.1", 0))
        print("port", sock.getsockname()[1], flush=True)
        selector.register(sock, selectors.EVENT_READ, accept)
        while selector.get_map():
            for key, mask in selector.select():
                key.data(key.fileobj)
    """)
    program = watched("program.py")
    client = connect(program.port())
    snapshot = program.see(lambda s: len(s.keys) == 2)
    listener, peer = snapshot.keys
    assert (listener.type, peer.type) == ("listener", "connection")
    assert listener.callback == "accept (program.py:4)"
    assert peer.callback == "read (program.py:9)"
    assert peer.armed_by == "accept (program.py:7)"
    assert "fires/s" in program.lint("write-idle").summary
    client.close()


def test_loops_in_threads_are_a_list_to_choose_from(watched: Start, tmp_path: Path) -> None:
    script(tmp_path, """
        import asyncio, threading

        async def main(name):
            task = asyncio.create_task(asyncio.sleep(3600), name=name)
            await task

        for name in ("one", "two"):
            threading.Thread(target=lambda: asyncio.run(main(name)), name=f"thread {name}",
                             daemon=True).start()
            import time; time.sleep(0.2)
        threading.Event().wait()
    """)
    program = watched("program.py")
    snapshot = program.see(lambda s: s.program is not None and len(s.program.loops) == 2
                           and s.tasks)
    assert snapshot.program is not None
    loops = {loop.thread: loop.number for loop in snapshot.program.loops}
    assert set(loops) == {"thread one", "thread two"}
    for name in ("one", "two", "one"):
        assert program.ask(Loop(loops[f"thread {name}"])).ok
        program.see(partial(_has_task, name))
    assert not program.ask(Loop(99)).ok


def test_a_program_that_asks_to_be_looked_into_while_it_runs(
        watched: Start, tmp_path: Path, control_path: Path) -> None:
    script(tmp_path, f"""
        import asyncio
        async def echo(reader, writer):
            while data := await reader.read(100):
                writer.write(data)
        async def main():
            server = await asyncio.start_server(echo, "127.0.0.1", 0)
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            import chatops
            assert chatops.watch({str(control_path)!r}) == chatops.watch()
            print("port", server.sockets[0].getsockname()[1], flush=True)
            await asyncio.sleep(3600)
        asyncio.run(main())
    """)
    process = subprocess.Popen([sys.executable, "program.py"], cwd=tmp_path,
                               stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        assert process.stdout.readline().startswith(b"port")
        shown = shown_by(control_path)
        assert len(shown.clients) == 2
        assert any(task.coro.startswith("echo (program.py:3)") for task in shown.tasks)
    finally:
        process.kill()
        process.communicate()


def test_a_loop_factory_makes_an_observed_loop(tmp_path: Path, control_path: Path) -> None:
    script(tmp_path, """
        import asyncio, os, chatops
        async def main():
            print(type(asyncio.get_running_loop()._selector).__bases__[0].__name__)
        with asyncio.Runner(loop_factory=chatops.observed_loop) as runner:
            runner.run(main())
    """)
    done = subprocess.run(
        [sys.executable, "program.py"], cwd=tmp_path, capture_output=True, check=True,
        env=dict(os.environ) | {"XDG_RUNTIME_DIR": str(control_path.parent)}, timeout=START)
    assert done.stdout == b"WatchedSelector\n"
    assert list(control_path.parent.glob("chatops/*")) == []


def test_tls_shows_the_protocol_behind_it(
        watched: Start, tmp_path: Path, authority: Authority, pem: Path) -> None:
    script(tmp_path, f"""
        import asyncio, ssl
        class Echo(asyncio.Protocol):
            def connection_made(self, transport):
                self.transport = transport
            def data_received(self, data):
                self.transport.write(data)
        async def main():
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain({str(pem)!r})
            server = await asyncio.get_running_loop().create_server(
                Echo, "127.0.0.1", 0, ssl=context)
            print("port", server.sockets[0].getsockname()[1], flush=True)
            await server.serve_forever()
        asyncio.run(main())
    """)
    program = watched("program.py")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with context.wrap_socket(connect(program.port())) as client:
        client.sendall(b"hello")
        assert client.recv(100) == b"hello"
        snapshot = program.see(lambda s: s.clients and s.clients[0].tls)
        row, key = snapshot.clients[0], snapshot.keys[-1]
        assert row.nick == "Echo"
        assert "TLS" in row.tls
        assert key.callback == "Echo.data_received (program.py:6)"


def test_the_children_of_a_program_are_observed_too(watched: Start, tmp_path: Path) -> None:
    script(tmp_path, """
        import asyncio, multiprocessing, os
        async def main():
            await asyncio.sleep(3600)
        def work():
            asyncio.run(main())
        if __name__ == "__main__":
            for how in ("fork", "spawn"):
                multiprocessing.get_context(how).Process(target=work, daemon=True).start()
            print("started", flush=True)
            work()
    """)
    program = watched("program.py", options=("--children",))
    program.see(lambda s: s.tasks)
    folder = program.control.parent
    # What multiprocessing starts for itself has no selector, and no socket.
    until(lambda: len(list(folder.glob("c+*.sock"))) == 2, START)
    for path in folder.glob("c+*.sock"):
        assert "main (program.py:3)" in {task.coro for task in shown_by(path).tasks}


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
