"""Programs as one writes them oneself, looked into: their loops, their threads, their children."""

from __future__ import annotations

import os
import ssl
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from chatops.api import events
from chatops.api.commands import Loop
from chatops.api.snapshot import Snapshot
from chatops.cli.watch import _apart
from tests.integration.certificates import Authority
from tests.integration.command import run
from tests.integration.until import until
from tests.integration.watched import START, Watched, connect, script, shown_by

Start = Callable[..., Watched]


def _has_task(name: str, snapshot: Snapshot) -> bool:
    return any(task.name == name for task in snapshot.tasks)


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


def test_a_loop_that_is_run_no_more_holds_nothing_and_the_one_that_runs_is_shown(
        watched: Start, tmp_path: Path) -> None:
    script(tmp_path, """
        import asyncio

        async def begin():
            for _ in range(1000):
                await asyncio.sleep(0)
            print("begun", flush=True)

        async def main():
            while True:
                await asyncio.sleep(0.01)

        loop = asyncio.new_event_loop()
        loop.run_until_complete(begin())       # and it is never closed
        asyncio.run(main())
    """)
    program = watched("program.py")
    program.has_printed("begun")
    program.see(lambda s: [task.coro for task in s.tasks] == ["main (program.py:9)"])
    assert not [event for event in program.seen if isinstance(event, events.LoopHeld)]


def test_that_a_loop_is_held_which_is_not_shown_is_said_too(watched: Start, tmp_path: Path
                                                             ) -> None:
    script(tmp_path, """
        import asyncio, threading, time

        async def worker():
            while True:
                await asyncio.sleep(0.1)
                time.sleep(0.6)

        async def main():
            await asyncio.sleep(3600)

        threading.Thread(target=asyncio.run, args=(worker(),), daemon=True).start()
        asyncio.run(main())
    """)
    program = watched("program.py")
    program.see(lambda s: [task.coro for task in s.tasks] == ["main (program.py:9)"])
    program.seen.clear()                   # for a moment the worker's may have been the only one
    told = program.event(events.LoopHeld)
    assert isinstance(told, events.LoopHeld)
    assert (told.where, told.inside) == ("worker (program.py:7)", "time.sleep(0.6)")
    assert told.loop > 0


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


@pytest.mark.parametrize(("given", "apart"), [
    (["-m", "json.tool", "--help"], ["-m", "json.tool", "--", "--help"]),
    (["--serve", "-mjson.tool", "--json-lines"], ["--serve", "-mjson.tool", "--", "--json-lines"]),
    (["--socket", "-m", "a.py"], ["--socket", "-m", "a.py"]),      # the name of a socket
    (["--socket=s", "a.py", "-m", "x"], ["--socket=s", "a.py", "-m", "x"]),
    (["--", "-m", "x"], ["--", "-m", "x"]),
    (["-m"], ["-m", "--"]),
])
def test_what_follows_a_module_is_the_modules_own(given: list[str], apart: list[str]) -> None:
    assert _apart(given) == apart


def test_a_misspelt_option_is_refused_as_one_and_a_modules_is_not(tmp_path: Path) -> None:
    refused = run("watch", "--serve", "--bogus", "x.py", cwd=tmp_path)
    assert refused.returncode == 2
    assert "--bogus" in refused.stderr
    assert "no command or script" not in refused.stderr
    helped = run("watch", "--serve", "-m", "json.tool", "--help", cwd=tmp_path)
    assert helped.returncode == 0
    assert "--json-lines" in helped.stdout


PARENT = """
    import selectors, subprocess, sys
    from multiprocessing.connection import wait

    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE)
    wait([child.stdout])
"""


@pytest.mark.skipif(not os.path.exists("/proc/self/task"), reason="Linux's /proc")
@pytest.mark.parametrize("options", [(), ("--children",)], ids=["not asked", "asked"])
def test_of_a_program_whose_processes_do_the_work_it_is_said_how_they_are_seen(
        watched: Start, tmp_path: Path, options: tuple[str, ...]) -> None:
    script(tmp_path, PARENT)
    program = watched("program.py", options=options)
    snapshot = program.see(lambda s: s.program is not None and s.program.loops)
    assert snapshot.program is not None
    assert ("--children" in snapshot.program.unseen) is not bool(options)
