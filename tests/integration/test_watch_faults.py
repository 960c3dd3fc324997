"""Five classic faults, each in a program of somebody's own, each found by looking alone."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from chatops import lints
from chatops.api import events
from chatops.api.commands import Cancel, Close, Selector
from tests.integration.watched import Watched, connect, script

Start = Callable[..., Watched]

SERVER = """
    import asyncio, time

    async def serve(handle):
        server = await asyncio.start_server(handle, "127.0.0.1", 0)
        print("port", server.sockets[0].getsockname()[1], flush=True)
        async with server:
            await server.serve_forever()
"""


def test_a_blocking_call_in_a_handler_is_named_with_its_line_while_it_holds_the_loop(
        watched: Start, tmp_path: Path) -> None:
    script(tmp_path, SERVER + """
    async def handle(reader, writer):
        await reader.readline()
        time.sleep(5)             # line 12

    asyncio.run(serve(handle))
    """)
    program = watched("program.py")
    client = connect(program.port())
    program.see(lambda s: s.clients)
    client.sendall(b"go\n")
    held = program.see(lambda s: s.program is not None and s.program.held).program
    assert held is not None
    assert held.held is not None
    assert held.held.at == "handle (program.py:12)"
    assert "time.sleep(5)" in held.held.inside
    # It holds for five seconds, and was seen in the first half of them.
    assert held.held.seconds < 2.5
    assert "handle (program.py:12)" in program.lint("held-now").summary
    told = program.event(events.LoopHeld)
    assert isinstance(told, events.LoopHeld)
    assert (told.where, told.over) == ("handle (program.py:12)", False)
    client.close()


def test_the_time_that_one_callback_has_held_the_loop_so_far_counts_as_busy(
        watched: Start, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")           # to open it waits until somebody writes
    script(tmp_path, SERVER + """
    async def handle(reader, writer):
        await reader.readline()
        open("fifo").read()

    asyncio.run(serve(handle))
    """)
    program = watched("program.py")
    client = connect(program.port())
    before = program.see(lambda s: s.clients)
    client.sendall(b"go\n")
    held = program.see(lambda s: s.program is not None and s.program.held)
    later = program.see(lambda s: s.mono >= held.mono + 1.0)
    assert later.loop.worked - held.loop.worked == pytest.approx(later.mono - held.mono)
    assert 0.0 < held.loop.worked - before.loop.worked < held.mono - before.mono
    (tmp_path / "fifo").write_text("enough")
    over = program.see(lambda s: s.program is not None and not s.program.held)
    assert over.loop.worked >= later.loop.worked
    # It sleeps now, and what it has done before that is not forgotten meanwhile.
    asleep = program.see(lambda s: s.turn > later.turn)
    assert asleep.loop.worked >= later.loop.worked
    client.close()


@pytest.mark.parametrize(("body", "call", "instead"), [
    ("socket.getaddrinfo('chat.example', 80)", "socket.getaddrinfo", "loop.getaddrinfo"),
    ("open('fifo').read()", "open", "asyncio.to_thread"),
    ("subprocess.run(['cat', 'fifo'])", "subprocess.run", "asyncio.create_subprocess_exec"),
])
def test_a_call_that_blocks_is_named_with_its_line_and_what_to_write_instead(
        watched: Start, tmp_path: Path, body: str, call: str, instead: str) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)                        # to open it waits until somebody writes
    packages = tmp_path / "site-packages"
    packages.mkdir()
    script(packages, """
    import socket

    def no_answer(*_):
        with open("fifo", "rb") as file:
            return file.readlines()[:0]

    socket._socket.getaddrinfo = no_answer
    """, "silent.py")
    script(tmp_path, SERVER + f"""
    import socket, subprocess, sys
    sys.path.append("site-packages")
    import silent             # a name server that does not answer

    async def handle(reader, writer):
        await reader.readline()
        {body}             # line 16

    asyncio.run(serve(handle))
    """)
    program = watched("program.py")
    client = connect(program.port())
    program.see(lambda s: s.clients)
    client.sendall(b"go\n")
    lint = program.lint("blocking-call")
    assert lint.summary.startswith(f"{call} blocks the loop, handle (program.py:16): ")
    assert instead in lint.summary
    fifo.write_bytes(b"x")
    # Over, and still told of to who looks up only now.
    after = program.see(lambda s: s.program is not None and s.program.held is None)
    assert any(found.code == "blocking-call" for found in after.lints)
    client.close()


def test_a_writer_that_ignores_drain_is_a_slow_reader_over_its_mark(
        watched: Start, tmp_path: Path) -> None:
    script(tmp_path, SERVER + """
    async def handle(reader, writer):
        while True:
            writer.write(b"x" * 65536)
            await asyncio.sleep(0.001)

    asyncio.run(serve(handle))
    """)
    program = watched("program.py")
    client = connect(program.port())       # and never reads
    lint = program.lint("over-mark")
    assert "handle (program.py:10)" in lint.summary
    row = program.see(lambda s: s.clients and s.clients[0].kernel_queued).clients[0]
    assert row.queued > row.queue_limit > 0
    assert row.state == "throttled"
    client.close()


def test_a_task_that_waits_for_ever_for_a_lock_says_who_holds_it(
        watched: Start, tmp_path: Path) -> None:
    script(tmp_path, """
        import asyncio

        async def holder(lock):
            async with lock:
                await asyncio.Event().wait()

        async def waiter(lock):
            async with lock:
                pass

        async def main():
            lock = asyncio.Lock()
            tasks = [asyncio.create_task(holder(lock), name="first"),
                     asyncio.create_task(waiter(lock), name="second")]
            await asyncio.gather(*tasks)

        asyncio.run(main())
    """)
    program = watched("program.py")
    task = next(row for row in program.see(lambda s: any(t.holder for t in s.tasks)).tasks
                if row.holder)
    assert (task.name, task.on) == ("second", "Lock.acquire")
    assert task.at == "waiter (program.py:9)"
    assert task.holder == "first holder (program.py:4)"
    assert "Lock.acquire" in task.chain[-1]
    assert "first holder" in program.lint("locked").summary


def test_a_program_that_waits_for_a_lock_of_its_own_is_in_a_deadlock(
        watched: Start, tmp_path: Path) -> None:
    script(tmp_path, """
        import asyncio

        async def save(lock):
            async with lock:
                pass

        async def main():
            lock = asyncio.Lock()
            async with lock:
                await asyncio.gather(asyncio.create_task(save(lock), name="saves it"))

        asyncio.run(main())
    """)
    assert watched("program.py").lint("deadlock").summary == (
        "deadlock: Task-1 at main (program.py:11) → saves it at save (program.py:5) → Task-1")


def test_connections_that_are_never_closed_are_a_leak(
        watched: Start, tmp_path: Path) -> None:
    script(tmp_path, SERVER + """
    async def handle(reader, writer):
        await asyncio.Event().wait()

    asyncio.run(serve(handle))
    """)
    program = watched("program.py")
    port = program.port()
    clients = [connect(port) for _ in range(25)]
    before = program.see(lambda s: len(s.clients) == 25)
    clients.append(connect(port))
    now = program.see(lambda s: len(s.clients) == 26)
    assert not [lint for lint in now.lints if lint.code == "fd-leak"]
    # Nobody waits for the minute of silence: those that were there first have come earlier.
    old = {row.id for row in before.clients}
    rows = tuple(replace(row, connected_at=row.connected_at - 90, active_at=row.active_at - 90)
                 if row.id in old else row for row in now.clients)
    found = [lint for lint in lints.find(replace(now, clients=rows), before)
             if lint.code == "fd-leak"]
    assert [lint.summary.partition(" connections")[0] for lint in found] == ["25 of 26"]
    for client in clients:
        client.close()


def test_a_busy_loop_from_an_end_of_file_is_seen_as_one(watched: Start, tmp_path: Path) -> None:
    script(tmp_path, """
        import asyncio, socket

        async def main():
            listener = socket.create_server(("127.0.0.1", 0))
            print("port", listener.getsockname()[1], flush=True)
            listener.setblocking(False)
            loop = asyncio.get_running_loop()
            peer, _ = await loop.sock_accept(listener)

            def readable():
                peer.recv(100)      # and does not look whether anything came

            loop.add_reader(peer, readable)
            await asyncio.Event().wait()

        asyncio.run(main())
    """)
    program = watched("program.py")
    connect(program.port()).close()
    lint = program.lint("eof-unhandled")
    row = next(row for row in program.see(lambda s: any(k.at_eof for k in s.keys)).keys
               if row.at_eof)
    assert lint.fd == row.fd
    assert row.callback == "main.<locals>.readable (program.py:11)"
    assert row.armed_by == "main (program.py:14)"


def test_an_exception_that_nobody_took_is_told_of(watched: Start, tmp_path: Path) -> None:
    script(tmp_path, """
        import asyncio

        async def boom():
            raise ValueError("nobody takes me")

        async def main():
            task = asyncio.create_task(boom(), name="forgotten")
            await asyncio.Event().wait()

        asyncio.run(main())
    """)
    summary = watched("program.py").lint("never-retrieved").summary
    assert "forgotten boom (program.py:4) failed at boom (program.py:5)" in summary
    assert "ValueError: nobody takes me" in summary


# -- and what can be done about it


ECHO = SERVER + """
    async def handle(reader, writer):
        while line := await reader.readline():
            writer.write(line)
        writer.close()

    asyncio.run(serve(handle))
    """


def test_a_connection_is_aborted_and_its_program_goes_on(watched: Start, tmp_path: Path) -> None:
    script(tmp_path, ECHO)
    program = watched("program.py")
    client, other = connect(program.port()), connect(program.port())
    rows = program.see(lambda s: len(s.clients) == 2).clients
    port = client.getsockname()[1]
    row = next(row for row in rows if row.peer.endswith(f":{port}"))
    assert program.ask(Close((str(row.id),))).ok
    assert client.recv(10) == b""
    other.sendall(b"still here\n")
    assert other.recv(100) == b"still here\n"
    again = program.ask(Close((str(row.id),)))
    assert not again.ok
    assert "not here" in again.text
    client.close()
    other.close()


def test_a_task_is_cancelled_at_once_though_its_loop_sleeps(
        watched: Start, tmp_path: Path) -> None:
    script(tmp_path, """
        import asyncio

        async def main():
            task = asyncio.create_task(asyncio.sleep(3600), name="sleeper")
            try:
                await task
            except asyncio.CancelledError:
                print("it was cancelled")

        asyncio.run(main())
    """)
    program = watched("program.py")
    program.see(lambda s: any(task.name == "sleeper" for task in s.tasks))
    result = program.ask(Cancel(("sleeper",)))
    assert (result.ok, result.text) == (True, "cancelled sleeper")
    assert program.status() == 0
    assert "it was cancelled" in program.printed


@pytest.mark.parametrize("backend", ["poll", "select", "epoll"])
def test_the_backend_is_swapped_under_a_running_asyncio_program(
        watched: Start, tmp_path: Path, backend: str) -> None:
    script(tmp_path, ECHO)
    program = watched("program.py")
    client = connect(program.port())
    program.see(lambda s: s.clients)
    assert program.ask(Selector("poll" if backend != "poll" else "select")).ok
    assert program.ask(Selector(backend)).ok
    client.sendall(b"hello\n")
    assert client.recv(100) == b"hello\n"
    snapshot = program.see(lambda s: s.loop.backend == backend)
    assert any(row.type == "listener" for row in snapshot.keys)
    client.close()
