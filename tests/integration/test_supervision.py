"""Under a supervisor: a double of systemd on real sockets, in the protocols of sd_notify(3) and
sd_listen_fds(3).
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from chatops.supervision.inherited import InheritedError, inherited
from chatops.supervision.notify import Notifier
from chatops.supervision.reports import Reports
from tests.integration.client import Client
from tests.integration.harness import PATIENCE, Clock, Served, Server, environment

StartServer = Callable[..., Server]
StartServed = Callable[..., Served]


class Supervisor:
    """Hears what is sent to NOTIFY_SOCKET."""

    def __init__(self, address: str) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.sock.bind(address.replace("@", "\0", 1) if address.startswith("@") else address)
        self.sock.settimeout(PATIENCE)
        self.told: list[str] = []

    def until(self, field: str) -> list[str]:
        """All datagrams up to the one with this field."""
        while True:
            self.told.append(self.sock.recv(4096).decode())
            if field in self.told[-1].split("\n"):
                return self.told

    def close(self) -> None:
        self.sock.close()


@pytest.fixture(params=["path", "abstract"])
def address(request: pytest.FixtureRequest, control_path: Path) -> str:
    """Where a supervisor listens."""
    if request.param == "path":
        return str(control_path)
    if not sys.platform.startswith("linux"):
        pytest.skip("only Linux has abstract sockets")
    return f"@chatops-test-{os.getpid()}"


@pytest.fixture
def supervisor(address: str) -> Iterator[Supervisor]:
    double = Supervisor(address)
    yield double
    double.close()


# -- from beginning to end


def test_a_supervisor_is_told_that_it_is_ready_how_it_is_and_that_it_stops(
        served: StartServed, supervisor: Supervisor, address: str) -> None:
    chat = served(variables={"NOTIFY_SOCKET": address})
    told = supervisor.until("READY=1")
    chat.client()                  # who is told that it is ready may connect
    supervisor.until("STATUS=1 client in 1 room")
    chat.must_live = False
    chat.signal(signal.SIGTERM)
    supervisor.until("STATUS=stopped")
    assert told.index("READY=1") < next(n for n, text in enumerate(told) if "STOPPING=1" in text)
    assert chat.status() == 0


def test_nobody_who_reads_is_no_harm(served: StartServed, control_path: Path) -> None:
    """There is none, or one that lets its buffer fill up."""
    chat = served(variables={"NOTIFY_SOCKET": str(control_path), "WATCHDOG_USEC": "2000"})
    chat.client()
    deaf = Supervisor(str(control_path))
    try:
        chat = served(variables={"NOTIFY_SOCKET": str(control_path), "WATCHDOG_USEC": "2000"})
        deaf.until("WATCHDOG=1")   # and hundreds more, which it never reads
        for _ in range(20):
            with Client(chat.address) as client:
                client.say("hello")
                client.read_until(f"{client.nick}: hello")
    finally:
        deaf.close()


# -- the watchdog


def test_the_watchdog_hears_from_the_loop_and_no_more_when_it_hangs(
        server: StartServer, supervisor: Supervisor, address: str) -> None:
    chat = server()
    clock = Clock(chat)
    notifier = Notifier({"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "20000000",
                         "WATCHDOG_PID": str(os.getpid())})
    assert notifier.watchdog == 20
    chat.call(Reports(chat.chat, chat.thread.survey, notifier).begin)
    supervisor.until("WATCHDOG=1")
    for _ in range(3):
        before = len(supervisor.told)
        clock.advance(10.1)
        assert "WATCHDOG=1" in supervisor.until("WATCHDOG=1")[before:]
    clock.advance(9.0)             # half of the time is not over
    notifier.tell(LAST=1)
    before = len(supervisor.told)
    assert "WATCHDOG=1" not in supervisor.until("LAST=1")[before:]
    notifier.close()


def test_the_watchdog_is_no_news_to_a_console(
        server: StartServer, supervisor: Supervisor, address: str) -> None:
    chat = server()
    clock = Clock(chat)
    notifier = Notifier({"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "20000000"})
    chat.call(Reports(chat.chat, chat.thread.survey, notifier).begin)
    clock.advance(10.1)
    chat.turn()
    activities = []
    for _ in range(2):
        chat.turn()                # two calls, as below
        activities.append(chat.call(lambda: chat.thread.survey.activity))
    quiet = activities[1] - activities[0]
    clock.advance(10.1)
    chat.turn()
    loud = chat.call(lambda: chat.thread.survey.activity) - activities[1]
    # Another turn was taken to put the clock forward, which is two calls more.
    assert loud == quiet + 2
    notifier.close()


@pytest.mark.parametrize(("variables", "seconds"), [
    ({}, 0.0), ({"WATCHDOG_USEC": "x"}, 0.0), ({"WATCHDOG_USEC": "500000"}, 0.5),
    ({"WATCHDOG_USEC": "500000", "WATCHDOG_PID": "1"}, 0.0),
])
def test_the_watchdog_is_for_whom_it_is_meant(
        variables: dict[str, str], seconds: float) -> None:
    environ = {"NOTIFY_SOCKET": "/nowhere", "OTHER": "x", **variables}
    notifier = Notifier(environ)
    assert notifier.watchdog == seconds
    assert environ == {"OTHER": "x"}, "what it starts is not it"
    notifier.close()


# -- sockets that are handed over


LAUNCHER = """
import os, sys
os.environ["LISTEN_PID"] = str(os.getpid())
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""


class Launcher:
    """Starts `serve` with sockets as descriptors 3 and on, as systemd does."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack

    def start(self, *sockets: socket.socket, names: str = "", flags: tuple[str, ...] = ()
              ) -> subprocess.Popen[str]:
        first = 3

        def hand_over() -> None:
            high = [os.dup2(sock.fileno(), 100 + n) for n, sock in enumerate(sockets)]
            for n, fd in enumerate(high):
                os.dup2(fd, first + n)
                os.close(fd)

        process = subprocess.Popen(
            [sys.executable, "-c", LAUNCHER, "-m", "chatops", "serve", *flags],
            env=environment(LISTEN_FDS=str(len(sockets)), LISTEN_FDNAMES=names),
            pass_fds=tuple(range(first, first + len(sockets))), preexec_fn=hand_over,
            stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self._stack.callback(self._end, process)
        return process

    def _end(self, process: subprocess.Popen[str]) -> None:
        process.kill()
        process.communicate(timeout=PATIENCE)


@pytest.fixture
def launcher() -> Iterator[Launcher]:
    with ExitStack() as stack:
        yield Launcher(stack)


def listening() -> socket.socket:
    return socket.create_server(("127.0.0.1", 0))


def test_a_restart_on_a_socket_that_was_handed_over_drops_nobody(launcher: Launcher) -> None:
    with listening() as sock:
        address = sock.getsockname()
        first = launcher.start(sock)
        with Client(address) as client:
            client.say("hello")
            client.read_until(f"{client.nick}: hello")
        first.terminate()
        assert first.wait(PATIENCE) == 0
        early = socket.create_connection(address, PATIENCE)    # nobody serves, and it is let in
        launcher.start(sock)
        assert early.recv(100).startswith(b"*** welcome")
        early.close()


def test_a_second_socket_is_for_collectors(launcher: Launcher) -> None:
    with listening() as chat, listening() as metrics:
        launcher.start(metrics, chat, names="metrics:chat")
        Client(chat.getsockname()).close()
        with socket.create_connection(metrics.getsockname(), PATIENCE) as scraper:
            scraper.sendall(b"GET /healthz HTTP/1.1\r\n\r\n")
            assert scraper.recv(100).startswith(b"HTTP/1.1 200 OK")


def test_what_is_no_listening_socket_is_refused_in_a_line(
        launcher: Launcher, control_path: Path) -> None:
    unix = socket.socket(socket.AF_UNIX)
    unix.bind(str(control_path))
    unix.listen()
    with unix, socket.socket() as deaf:
        for sock in (unix, deaf):
            process = launcher.start(sock)
            _, said = process.communicate(timeout=PATIENCE)
            assert process.returncode == 1
            assert said == ("chatops: descriptor 3 was handed over and is no TCP socket that "
                            "listens: ListenStream= makes one\n")


def test_more_sockets_than_can_be_used_are_refused(launcher: Launcher) -> None:
    with listening() as one, listening() as two:
        process = launcher.start(one, two)
        _, said = process.communicate(timeout=PATIENCE)
        assert process.returncode == 1
        assert said.startswith("chatops: 2 sockets were handed over: one for the chat")


def test_sockets_for_another_process_are_left_alone() -> None:
    environ = {"LISTEN_PID": "1", "LISTEN_FDS": "1", "LISTEN_FDNAMES": "x", "OTHER": "x"}
    found = inherited(environ)
    assert (found.chat, found.metrics) == (None, None)
    assert environ == {"OTHER": "x"}
    with pytest.raises(InheritedError, match="is no socket"), open(os.devnull) as file:
        inherited({"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "1"}, first=file.fileno())


# -- as the first process


@pytest.mark.skipif(
    subprocess.run(["unshare", "--user", "--map-root-user", "--pid", "--fork", "true"],
                   capture_output=True, check=False).returncode != 0,
    reason="no namespaces for processes may be made here (util-linux's unshare)")
def test_as_the_first_process_with_nothing_to_write_to_it_serves_and_stops(
        tmp_path: Path) -> None:
    """No terminal, no HOME, a root that is read-only: what a container gives."""
    script = ('mount -t proc proc /proc; for m in / /tmp /var/tmp /dev/shm /run "$1"; do '
              'mount --bind "$m" "$m" && mount -o remount,bind,ro "$m"; done; '
              'shift; exec env -i PYTHONPATH="$PYTHONPATH" "$@"')
    process = subprocess.Popen(
        ["unshare", "--user", "--map-root-user", "--pid", "--fork", "--mount",
         "--kill-child", "sh", "-c", script, "sh", str(tmp_path), sys.executable, "-m", "chatops",
         "serve", "--port", "0"],
        env=environment(), stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        lines: list[str] = []
        while not (line := process.stderr.readline()).startswith("chatops: listening on "):
            assert line, lines
            lines.append(line)
        host, _, port = line.split()[3].rpartition(":")
        with Client((host, int(port))) as client:
            client.say("hello")
            client.read_until(f"{client.nick}: hello")
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        os.kill(int(children[0]), signal.SIGTERM)
        assert process.wait(PATIENCE) == 0
        assert process.stderr.read().endswith("chatops: stopped\n")
    finally:
        process.kill()
        process.wait(PATIENCE)
        assert process.stderr is not None
        process.stderr.close()


@pytest.mark.skipif(shutil.which("systemd-socket-activate") is None,
                    reason="systemd-socket-activate is not installed (Debian: systemd)")
def test_systemds_own_launcher_is_understood() -> None:
    with listening() as free:
        address = free.getsockname()
    process = subprocess.Popen(
        ["systemd-socket-activate", "-l", f"{address[0]}:{address[1]}",
         *(f"--setenv={name}={value}" for name, value in environment().items()),
         sys.executable, "-m", "chatops", "serve"],
        stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        assert process.stderr.readline().startswith("Listening on ")
        with Client(address) as client:        # who makes it start it
            client.say("hello")
            client.read_until(f"{client.nick}: hello")
        process.terminate()
        assert process.wait(PATIENCE) == 0
    finally:
        process.kill()
        process.communicate(timeout=PATIENCE)
