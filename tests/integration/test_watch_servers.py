"""Servers that people run, each looked into with a client of its own inside."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from chatops.api.program import TaskRow
from chatops.api.snapshot import KeyRow, Snapshot
from tests.integration.test_watch_programs import fetch, needs
from tests.integration.watched import Watched, connect, script

Start = Callable[..., Watched]


def task(snapshot: Snapshot, coroutine: str) -> TaskRow | None:
    """The first one that began with this coroutine."""
    return next((row for row in snapshot.tasks if row.chain[:1] and
                 row.chain[0].startswith(f"{coroutine} ")), None)


def rows_of(snapshot: Snapshot, kind: str) -> list[KeyRow]:
    return [row for row in snapshot.keys if row.type == kind]


@needs("aiosmtpd")
def test_aiosmtpd(watched: Start, tmp_path: Path) -> None:
    script(tmp_path, """
        import asyncio
        from aiosmtpd.smtp import SMTP

        class Handler:
            async def handle_DATA(self, server, session, envelope):
                await asyncio.sleep(3600)

        async def main():
            loop = asyncio.get_running_loop()
            server = await loop.create_server(lambda: SMTP(Handler()), "127.0.0.1", 0)
            print("port", server.sockets[0].getsockname()[1], flush=True)
            await server.serve_forever()

        asyncio.run(main())
    """)
    program = watched("program.py")
    with connect(program.port()) as client:
        snapshot = program.see(lambda s: task(s, "SMTP._handle_client"))
        session = task(snapshot, "SMTP._handle_client")
        assert session is not None
        assert session.chain[1].startswith("StreamReader.readuntil ")      # it waits for a command
        client.sendall(b"EHLO x\r\nMAIL FROM:<a@x>\r\nRCPT TO:<b@x>\r\nDATA\r\nhello\r\n.\r\n")
        snapshot = program.see(lambda s: any("Handler.handle_DATA (program.py:7)" in row.chain
                                             for row in s.tasks))
        assert [row.room for row in snapshot.clients] == ["SMTP"]


@needs("asyncssh")
def test_both_ends_of_asyncssh(watched: Start, tmp_path: Path) -> None:
    script(tmp_path, """
        import asyncio
        import asyncssh

        async def talk(process):
            process.stdout.write("hello\\n")
            await process.stdin.readline()

        class Server(asyncssh.SSHServer):
            def begin_auth(self, username):
                return False

        async def main():
            key = asyncssh.generate_private_key("ssh-ed25519")
            server = await asyncssh.listen("127.0.0.1", 0, server_factory=Server,
                                           server_host_keys=[key], process_factory=talk)
            port = server.sockets[0].getsockname()[1]
            async with asyncssh.connect("127.0.0.1", port, username="ada", known_hosts=None,
                                        config=[]) as connection:
                async with connection.create_process() as process:
                    print("port", await process.stdout.readline(), flush=True)
                    await asyncio.sleep(3600)

        asyncio.run(main())
    """)
    program = watched("program.py")
    program.has_printed("port hello")
    snapshot = program.see(lambda s: task(s, "talk") and len(s.clients) == 2)
    assert {row.room for row in snapshot.clients} == {"SSHServerConnection", "SSHClientConnection"}
    assert all(row.callback.startswith("SSHConnection.data_received ")
               for row in rows_of(snapshot, "connection"))
    talk = task(snapshot, "talk")
    assert talk is not None
    assert talk.at == "talk (program.py:7)"


@needs("telnetlib3")
def test_the_server_of_telnetlib3(watched: Start, tmp_path: Path) -> None:
    script(tmp_path, """
        import asyncio
        import telnetlib3

        async def shell(reader, writer):
            writer.write("hello\\r\\n")
            await reader.readline()

        async def main():
            server = await telnetlib3.create_server("127.0.0.1", 0, shell=shell,
                                                    connect_maxwait=0.1)
            print("port", server.sockets[0].getsockname()[1], flush=True)
            await asyncio.sleep(3600)

        asyncio.run(main())
    """)
    program = watched("program.py")
    with connect(program.port()):
        snapshot = program.see(lambda s: any(row.at == "shell (program.py:7)" for row in s.tasks))
        assert [row.room for row in snapshot.clients] == ["TelnetServer"]


@needs("uvicorn", "starlette")
def test_starlette_on_uvicorn(watched: Start, tmp_path: Path) -> None:
    script(tmp_path, """
        import asyncio
        from starlette.applications import Starlette
        from starlette.responses import PlainTextResponse
        from starlette.routing import Route

        async def home(request):
            return PlainTextResponse("hello")

        async def slow(request):
            await asyncio.sleep(3600)

        app = Starlette(routes=[Route("/", home), Route("/slow", slow)])
    """, "app.py")
    program = watched(sys.executable, "-m", "uvicorn", "app:app", "--port", "0", "--loop",
                      "asyncio")
    program.has_printed("running on http://127.0.0.1:")
    port = int(program.printed.partition("running on http://127.0.0.1:")[2].split()[0])
    assert fetch(port) == b"hello"
    with connect(port) as client:
        client.sendall(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
        program.see(lambda s: any("slow (app.py:11)" in row.chain for row in s.tasks))


@needs("ipykernel")
def test_of_a_jupyter_kernel_the_main_threads_loop_is_shown_and_the_others_are_listed(
        watched: Start, tmp_path: Path) -> None:
    program = watched("-m", "ipykernel_launcher", "-f", str(tmp_path / "kernel.json"))

    def main_is_shown(snapshot: Snapshot) -> bool:
        assert snapshot.program is not None
        return any(loop.thread == "MainThread" and loop.number == snapshot.program.shown
                   for loop in snapshot.program.loops)

    program.see(main_is_shown)
    program.see(lambda s: {loop.thread for loop in s.program.loops}
                           >= {"MainThread", "IOPub", "Control"} if s.program else False)


def test_the_tests_of_a_small_project(watched: Start, tmp_path: Path) -> None:
    script(tmp_path, """
        import asyncio
        import pytest

        @pytest.mark.asyncio
        async def test_waits():
            await asyncio.sleep(3600)
    """, "test_small.py")
    program = watched("-m", "pytest", "-q", "-p", "no:cacheprovider", "test_small.py")
    snapshot = program.see(lambda s: any(row.at == "test_waits (test_small.py:7)"
                                         for row in s.tasks))
    assert snapshot.program is not None
    assert [loop.thread for loop in snapshot.program.loops] == ["MainThread"]
