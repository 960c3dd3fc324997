"""Servers for tests, which after every test must live, serve newcomers and leak nothing."""

from __future__ import annotations

import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from chatops.links.remote import RemoteLink
from tests.integration.account_files import files
from tests.integration.certificates import Authority
from tests.integration.command import ctl
from tests.integration.harness import Served, Server, descriptors
from tests.integration.nodes import engine, node
from tests.integration.pages import pages
from tests.integration.stages import run_stage
from tests.integration.terminal import Console
from tests.integration.watched import Watched

__all__ = ["ctl", "engine", "files", "node", "pages", "run_stage"]      # fixtures from elsewhere


@pytest.fixture(scope="session", autouse=True)
def _interruptible() -> None:
    """A shell's background job ignores SIGINT, and what nohup starts SIGHUP, and so do all that
    they start: servers that are sent one would go on for ever.
    """
    for number, usual in ((signal.SIGINT, signal.default_int_handler),
                          (signal.SIGHUP, signal.SIG_DFL)):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, usual)


@pytest.fixture(scope="session", autouse=True)
def _no_servers_but_ours() -> Iterator[None]:
    """Control sockets lie where no server lies that is none of these tests'."""
    with (tempfile.TemporaryDirectory(prefix="run-", ignore_cleanup_errors=True) as folder,
          pytest.MonkeyPatch.context() as patch):
        patch.setenv("XDG_RUNTIME_DIR", folder)
        yield


@pytest.fixture
def server() -> Iterator[Callable[..., Server]]:
    """Starts servers in this process: `server(line=64)`; more than one if need be."""
    before = descriptors()
    servers: list[Server] = []
    with ExitStack() as stack:

        def start(**overrides: Any) -> Server:
            servers.append(Server(**overrides))
            stack.callback(servers[-1].close)
            return servers[-1]

        yield start
        for started in servers:
            started.check()
    leaked = {fd: what for fd, what in descriptors().items() if fd not in before}
    assert not leaked, f"descriptors were left open: {leaked}"


@pytest.fixture(scope="session")
def authority() -> Authority:
    """Who signs the certificates of servers that speak TLS."""
    return Authority()


@pytest.fixture
def pem(authority: Authority, tmp_path: Path) -> Path:
    """A certificate and its key in one file."""
    path = tmp_path / "server.pem"
    authority.write(path)
    return path


@pytest.fixture
def secure(authority: Authority, pem: Path, server: Callable[..., Server]
           ) -> Callable[..., Server]:
    """As `server`, but over TLS, and so are its clients."""
    def start(**overrides: Any) -> Server:
        chat = server(tls_cert=str(pem), **overrides)
        chat.trust = authority.trust
        return chat

    return start


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Callable[..., Served]]:
    """Starts `chatops serve` with these flags, in a directory of its own."""
    processes: list[Served] = []
    with ExitStack() as stack:

        def start(*flags: str, **options: Any) -> Served:
            processes.append(Served(*flags, cwd=tmp_path, **options))
            stack.callback(processes[-1].close)
            return processes[-1]

        yield start
        for started in processes:
            started.check()


@pytest.fixture
def console(tmp_path: Path) -> Iterator[Callable[..., Console]]:
    """Starts `chatops` with these flags on a terminal: `console(size=NARROW)`."""
    consoles: list[Console] = []
    with ExitStack() as stack:

        def start(*flags: str, **options: Any) -> Console:
            consoles.append(Console(*flags, cwd=tmp_path, **options))
            stack.callback(consoles[-1].close)
            return consoles[-1]

        yield start
        for started in consoles:
            started.check()


@pytest.fixture
def control_path() -> Iterator[Path]:
    """For a control socket, short enough for one whatever the test is called."""
    folder = tempfile.mkdtemp(prefix="ctl-")
    yield Path(folder, "c.sock")
    shutil.rmtree(folder)


@pytest.fixture
def attach() -> Iterator[Callable[[Path], RemoteLink]]:
    """Attaches consoles to a control socket; they are detached in the end."""
    with ExitStack() as stack:

        def start(path: Path) -> RemoteLink:
            link = RemoteLink(path)
            stack.callback(link.close)
            return link

        yield start


@pytest.fixture
def watched(tmp_path: Path, control_path: Path) -> Iterator[Callable[..., Watched]]:
    """Starts somebody's program under `chatops watch --serve`: `watched("program.py", "arg")`."""
    with ExitStack() as stack:

        def start(*words: str, **options: Any) -> Watched:
            program = Watched(tmp_path, control_path, *words, **options)
            stack.callback(program.close)
            return program

        yield start
