"""A program that connects to others: whose connection is whose."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.integration.watched import Watched, script

Start = Callable[..., Watched]

CLIENTS = """
    import asyncio, socket, sys

    async def serve(reader, writer):
        await asyncio.Event().wait()

    async def reads(port):
        reader, _writer = await asyncio.open_connection("127.0.0.1", port)
        await deeper(reader)

    async def deeper(reader):
        await reader.readline()

    async def keeps(port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.Event().wait()

    async def by_hand(port):
        with socket.socket() as sock:
            sock.setblocking(False)
            loop = asyncio.get_running_loop()
            await loop.sock_connect(sock, ("127.0.0.1", port))
            await loop.sock_recv(sock, 100)

    async def child():
        process = await asyncio.create_subprocess_exec("cat", stdin=-1, stdout=-1)
        print("child", process.pid, "", flush=True)
        await process.stdout.readline()

    async def main():
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with asyncio.TaskGroup() as group:
            for body in (reads, keeps, by_hand):
                group.create_task(body(port), name=body.__name__)
            group.create_task(child(), name="child")

    asyncio.run(main())
"""


def test_a_connection_that_was_made_is_its_tasks_that_reads_or_keeps_it(
        watched: Start, tmp_path: Path) -> None:
    script(tmp_path, CLIENTS)
    program = watched("program.py")
    seen = program.see(lambda s: len(s.clients) == 5 and {"reads", "keeps"} <= {
        row.nick for row in s.clients})
    # Of each there are two: its own end, and the server's.
    coroutines = sorted(row.task for row in seen.clients)
    assert coroutines == ["keeps (program.py:14)", "reads (program.py:7)"] + 3 * [
        "serve (program.py:4)"]


def test_descriptors_are_named_by_the_task_that_waits_for_them_and_by_the_child(
        watched: Start, tmp_path: Path) -> None:
    script(tmp_path, CLIENTS)
    program = watched("program.py")
    program.has_printed("child ")
    child = program.printed.partition("child ")[2].split()[0]
    wanted = {"by_hand by_hand (program.py:18)", f"stdout of child {child}",
              f"stdin of child {child}"}
    program.see(lambda s: wanted <= {row.data for row in s.keys})
