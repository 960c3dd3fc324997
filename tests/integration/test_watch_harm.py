"""A program under `chatops watch` does what it does without: the same words, the same end."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import pytest

from chatops.api.events import Warned
from chatops.control.socket_path import ControlError
from chatops.links.remote import RemoteLink
from chatops.watch.launch import prepared
from tests.integration.ordinary_programs import PROGRAMS
from tests.integration.until import until
from tests.integration.watched import START, Watched, connect, script
from tests.patience import PATIENCE

Start = Callable[..., Watched]


def _plain(text: str) -> str:
    """Without what differs from one process to the next, and what a busy machine makes
    asyncio's debug mode say.
    """
    text = re.sub(r"^Executing <.* took .*\n", "", text, flags=re.MULTILINE)
    return re.sub(r"0x[0-9a-f]+|pid=\d+", "…", text)


@pytest.mark.parametrize("what", PROGRAMS)
@pytest.mark.parametrize("flags", [(), ("-X", "dev")], ids=["plain", "dev"])
def test_a_program_does_what_it_does_without(watched: Start, tmp_path: Path, what: str,
                                             flags: tuple[str, ...]) -> None:
    script(tmp_path, PROGRAMS[what])
    environment = dict(os.environ) | {"PYTHONASYNCIODEBUG": "1"} if flags else dict(os.environ)
    command = (sys.executable, *flags, "program.py", "an argument")
    alone = subprocess.run(command, cwd=tmp_path, stdin=subprocess.DEVNULL, check=False,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=PATIENCE,
                           env={k: v for k, v in environment.items() if k != "PYTHONPATH"})
    program = watched(*command, environment=environment)
    status = program.status()
    first, _, printed = program.printed.partition("\n")
    assert first.startswith("chatops: watching ")
    assert (status, _plain(printed)) == (alone.returncode, _plain(alone.stdout.decode()))
    killed = alone.returncode < 0 or what == "exits at once"
    assert killed or not program.control.exists()


# The observer's thread comes to run late, as on a busy machine.
LATE = """
import _thread, socket, sys, time
from chatops.watch.observer import InheritedEndpoint, Observer

start, began = _thread.start_new_thread, []

def start_late(function, arguments):
    def run():
        for _ in range(100):
            time.sleep(0)
        began.append(True)
        function(*arguments)
    return start(run, ())

_thread.start_new_thread = start_late
sock = socket.socket(socket.AF_UNIX)
sock.bind(sys.argv[1])
sock.listen()
Observer(InheritedEndpoint(sys.argv[1], sock, -1), "program")
print(began)
"""


def test_python_comes_up_no_further_before_the_thread_runs(tmp_path: Path) -> None:
    """In development mode the program could be aborted otherwise, about once in a thousand
    starts: Python frees the thread's beginnings without the allocator that made them.
    """
    ran = subprocess.run([sys.executable, "-c", LATE, str(tmp_path / "control")], check=True,
                         stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE)
    assert ran.stdout == b"[True]\n"


def test_its_tests_run_as_they_do_alone(watched: Start, tmp_path: Path) -> None:
    script(tmp_path, """
        import asyncio, threading

        def test_something():
            async def main():
                await asyncio.sleep(0.01)
                return threading.active_count()
            assert asyncio.run(main()) == 1

        def test_what_fails():
            assert False
    """, "test_program.py")
    program = watched(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider",
                      "test_program.py")
    assert program.status(3 * START) == 1
    assert "1 failed, 1 passed" in program.printed


def test_a_module_is_watched(watched: Start, tmp_path: Path) -> None:
    script(tmp_path, "import sys; print(__name__, sys.argv[1:]); sys.exit(6)", "module.py")
    program = watched("one", "--two", options=("-m", "module"))
    assert program.status() == 6
    assert "__main__ ['one', '--two']" in program.printed


def test_a_program_that_is_idle_and_not_looked_at_is_not_woken(
        watched: Start, tmp_path: Path) -> None:
    script(tmp_path, """
        import asyncio, os
        def switches():
            # Of every thread of the process: what wakes any of them counts.
            total = 0
            for task in os.listdir("/proc/self/task"):
                for line in open(f"/proc/self/task/{task}/status"):
                    if line.startswith("voluntary_ctxt_switches"):
                        total += int(line.split()[1])
            return total
        async def main():
            await asyncio.sleep(0.2)
            before = switches()
            await asyncio.sleep(2)
            print("woken", switches() - before)
        asyncio.run(main())
    """)
    program = watched("program.py")
    assert program.status() == 0
    # The timer itself, and locks of the interpreter.
    assert int(program.printed.partition("woken ")[2]) <= 5


def test_nothing_of_the_console_is_imported_into_the_program(
        watched: Start, tmp_path: Path) -> None:
    script(tmp_path, """
        import asyncio, os, sys
        async def main():
            while not os.path.exists("seen"):
                await asyncio.sleep(0.01)
            assert "chatops.control.session" in sys.modules
            names = ("textual", "rich", "click", "tui", "chatops.server.server", "sqlite3")
            print([name for name in names if name in sys.modules])
        asyncio.run(main())
    """)
    program = watched("program.py")
    program.see(lambda s: s.tasks)
    (tmp_path / "seen").touch()
    assert program.status() == 0
    assert program.printed.endswith("[]\n")


def test_the_programs_main_thread_stays_its_main_thread(watched: Start, tmp_path: Path) -> None:
    script(tmp_path, """
        import _thread, os, time
        print("port 1", flush=True)
        while not os.path.exists("go"):        # what is asked for comes while it looks
            time.sleep(0.01)
        import threading
        print("main", threading.main_thread().ident == _thread.get_ident(), flush=True)
        print("all", [thread.name for thread in threading.enumerate()], flush=True)
        time.sleep(3600)
    """)
    program = watched("program.py")
    program.see(lambda snapshot: snapshot.program is not None)
    (tmp_path / "go").touch()
    program.has_printed("all [")
    assert "main True" in program.printed
    assert "all ['MainThread']" in program.printed


def test_what_cannot_be_seen_is_said(watched: Start, tmp_path: Path) -> None:
    script(tmp_path, "class Loop: pass", "uvloop.py")
    script(tmp_path, "import time, uvloop; time.sleep(60)")
    program = watched("program.py")
    snapshot = program.see(lambda s: s.program is not None and s.program.unseen)
    assert snapshot.program is not None
    assert "uvloop" in snapshot.program.unseen
    assert "--force-asyncio" in snapshot.program.unseen


def test_uvloop_is_hidden_when_asked_for(watched: Start, tmp_path: Path) -> None:
    script(tmp_path, "class Loop: pass", "uvloop.py")
    script(tmp_path, """
        try:
            import uvloop
        except ImportError:
            print("falls back")
    """)
    program = watched("program.py", options=("--force-asyncio",))
    assert program.status() == 0
    assert "falls back" in program.printed


def test_a_program_that_cannot_be_observed_runs_on_and_a_console_is_told_why(
        watched: Start, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    script(tmp_path / "there", "raise ImportError('not for this Python')", "msgspec.py")
    script(tmp_path / "there", """
        import sys, time
        print("runs on", flush=True)
        time.sleep(1)
        sys.exit(5)
    """)
    # As where chatops has been installed for another Python: what it needs cannot be imported.
    program = watched(sys.executable, "there/program.py")
    program.has_printed("runs on")
    with pytest.raises(ControlError, match="cannot be observed: ImportError: not for this"):
        RemoteLink(program.control)
    assert program.status() == 5


def test_a_program_starts_little_later(tmp_path: Path) -> None:
    script(tmp_path, "import asyncio; asyncio.run(asyncio.sleep(0))")
    # Bytecode is kept, as it is where programs are run more than once.
    kept = {name: value for name, value in os.environ.items()
            if name not in ("PYTHONDONTWRITEBYTECODE", "PYTHONPATH")}
    kept["PYTHONPYCACHEPREFIX"] = str(tmp_path / "cache")
    ratios: list[float] = []
    # Each beside its own turn alone, since a machine's speed changes between one and the next;
    # of many the median, so a busy machine costs only time: until it is plain, or not.
    while len(ratios) < 9 or (median(ratios) > 1.3 and len(ratios) < 61):
        began = time.perf_counter()
        subprocess.run([sys.executable, "program.py"], cwd=tmp_path, env=kept, check=True)
        alone = time.perf_counter() - began
        launch = prepared((sys.executable, "program.py"), "program.py",
                          path=str(tmp_path / f"{len(ratios)}.sock"))
        began = time.perf_counter()
        subprocess.run(launch.argv, cwd=tmp_path, check=True, pass_fds=launch.handed,
                       env=kept | {name: value for name, value in launch.environment.items()
                                   if name not in os.environ or name == "PYTHONPATH"})
        ratios.append((time.perf_counter() - began) / alone)
        launch.abandon()
        launch.place.close()
    assert median(ratios) <= 1.3


def test_nothing_is_kept_alive_by_having_been_looked_at(watched: Start, tmp_path: Path) -> None:
    script(tmp_path, """
        import asyncio, gc, weakref
        seen = []
        class Echo(asyncio.Protocol):
            def connection_made(self, transport):
                self.transport = transport
                seen.append(weakref.ref(self))
            def data_received(self, data):
                gc.collect()
                print("alive", sum(ref() is not None for ref in seen), "of", len(seen), flush=True)
        async def main():
            server = await asyncio.get_running_loop().create_server(Echo, "127.0.0.1", 0)
            print("port", server.sockets[0].getsockname()[1], flush=True)
            await server.serve_forever()
        asyncio.run(main())
    """)
    program = watched("program.py")
    clients = [connect(program.port()) for _ in range(5)]
    program.see(lambda s: len(s.clients) == 5)
    for client in clients[1:]:
        client.close()
    program.see(lambda s: len(s.clients) == 1)
    clients[0].sendall(b"how many?")
    program.has_printed(" of 5")
    assert "alive 1 of 5" in program.printed
    clients[0].close()


EXITS = """
    import selectors, socket, sys

    class Odd:
        def __getattr__(self, name):
            sys.exit(9)

        def __repr__(self):
            sys.exit(9)

        def __call__(self, *arguments):
            pass

    ours, theirs = socket.socketpair()
    selector = selectors.DefaultSelector()
    selector.register(ours, selectors.EVENT_READ, Odd())
    print("ready", flush=True)
    while True:
        selector.select(0.01)
"""


def test_what_is_looked_at_may_exit_and_the_program_does_not(watched: Start, tmp_path: Path
                                                             ) -> None:
    script(tmp_path, EXITS)
    program = watched("program.py")
    program.has_printed("ready")
    told: list[str] = []

    def looked_at() -> bool:
        program.link.poll()
        told.extend(event.text for event in program.link.drain() if isinstance(event, Warned))
        return bool(told)

    until(looked_at, START)
    assert told == ["chatops watch, observer: SystemExit(9)"]
    assert program.process.poll() is None
