"""Starting: what cannot be done ends in one clear line, a status that is not 0, and no mess."""

from __future__ import annotations

import errno
import fcntl
import os
import pty
import socket
import struct
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from chatops.api.commands import Limit
from chatops.net.listen_error import explain
from chatops.service import ServerThread, StartError, openings, thread, together
from chatops.settings import USUAL, Settings
from chatops.system.version import __version__
from tests.integration.command import PATIENCE, refused, run
from tests.integration.harness import Served, Server, descriptors, environment
from tests.integration.ipv6 import six

StartServer = Callable[..., Server]
StartProcess = Callable[..., Served]


@pytest.fixture
def taken() -> Iterator[int]:
    """A port on which somebody else listens."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        yield sock.getsockname()[1]


# -- listening


def test_a_port_in_use_is_named_with_a_way_out(tmp_path: Path, taken: int) -> None:
    line = refused(run("serve", "--port", str(taken), cwd=tmp_path), 1)
    assert line == (f"127.0.0.1:{taken} is in use by another program; choose another port with "
                    "--port, or --port 0 for any")


def test_z04_a_second_server_on_the_same_port_does_not_disturb_the_first(
        served: StartProcess, tmp_path: Path) -> None:
    first = served()
    client = first.client()
    refused(run("serve", "--port", str(first.address[1]), cwd=tmp_path), 1)
    client.say("still here")
    client.expect("guest-1: still here")


@pytest.mark.parametrize(("host", "wanted"), [
    ("203.0.113.1", "203.0.113.1 is not an address of this machine"),
    ("no host", "cannot listen on no host:0: "),
    ("x" * 64, f"'{'x' * 64}' is not the name of a host"),
])
def test_an_address_that_is_not_ours_is_named_with_a_way_out(tmp_path: Path, host: str,
                                                             wanted: str) -> None:
    line = refused(run("serve", "--port", "0", "--host", host, cwd=tmp_path), 1)
    assert line.startswith(wanted)


def test_a_privileged_port_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_privileges(*_: object, **__: object) -> socket.socket:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(openings, "listen", no_privileges)
    with pytest.raises(StartError) as raised:
        ServerThread(Settings(port=80)).start()
    assert str(raised.value) == ("127.0.0.1:80 needs privileges (ports below 1024 do); choose one "
                                 "above with --port")


def test_any_other_trouble_is_told_as_the_system_calls_it() -> None:
    error = OSError(errno.ENOBUFS, os.strerror(errno.ENOBUFS))
    assert explain(error, "h", 1) == f"cannot listen on h:1: {os.strerror(errno.ENOBUFS)}"


def test_a_start_that_fails_leaves_nothing_open(tmp_path: Path, taken: int) -> None:
    before = descriptors()
    with pytest.raises(StartError):
        ServerThread(Settings(port=taken), log=str(tmp_path / "log")).start()
    assert descriptors() == before


def test_nor_a_control_socket_that_stands_in_the_way_of_the_next(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(*_: object, **__: object) -> None:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    settings = Settings(port=0, control=str(tmp_path / "c.sock"))
    with monkeypatch.context() as patched:
        patched.setattr(thread, "ChatServer", breaks)
        with pytest.raises(OSError, match=os.strerror(errno.EMFILE)):
            ServerThread(settings).start()
    assert not (tmp_path / "c.sock").exists()
    second = ServerThread(settings)
    second.start()
    second.close()


@six
def test_it_listens_on_ipv6_too(server: StartServer) -> None:
    chat = server(host="::1")
    client = chat.client()
    assert chat.row(client).peer.startswith("[::1]:")


# -- settings


def test_a_flag_wins_over_the_environment_over_the_file_over_the_default(
        served: StartProcess, tmp_path: Path) -> None:
    (tmp_path / "chatops.toml").write_text('line = "1K"\nnick_width = 5\nnicks = "unicode"\n',
                                           "utf-8")
    chat = served("--config", "chatops.toml", "--line", "100",
                  variables={"CHATOPS_LINE": "2K", "CHATOPS_NICK_WIDTH": "7"})
    client = chat.client()
    client.say("x" * 101, "/nick longernick", "/nick Jürgen")
    client.expect("*** error: a line of more than 100 bytes was dropped")
    client.expect("*** error: a nick is at most 7 columns wide")
    client.expect("*** guest-1 is now Jürgen")


@pytest.mark.parametrize(("content", "wanted"), [
    ("prot = 1\n", "unknown setting 'prot'; did you mean 'port'?"),
    ("prot\n", "not TOML: "),
    ("port = 99999\n", "port: 99999 is not between 0 and 65535"),
    ("port = [1]\n", "port: a list is not a value for it"),
    ("nick_width = true\n", "nick-width: a bool is not a value for it"),
    ('outbox = "many"\n', "outbox: 'many' is not a size; write 4096, 64K or 1M"),
    ('selector = "best"\n', "selector: 'best' is not one of auto, select, poll"),
    ('trusted = "here"\n', "trusted: 'here' does not appear to be an IPv4 or IPv6 network"),
])
def test_a_fault_in_the_settings_file_is_named_with_its_file(tmp_path: Path, content: str,
                                                             wanted: str) -> None:
    (tmp_path / "chatops.toml").write_text(content, "utf-8")
    line = refused(run("serve", "--config", "chatops.toml", cwd=tmp_path), 2)
    assert line.startswith(f"chatops.toml: {wanted}")


def test_a_settings_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert refused(run("serve", "--config", "none.toml", cwd=tmp_path), 2) == (
        "none.toml: No such file or directory")


def test_a_fault_in_the_environment_or_a_flag_names_it(tmp_path: Path) -> None:
    assert refused(run("serve", cwd=tmp_path, CHATOPS_DRAIN="soon"), 2) == (
        "CHATOPS_DRAIN: 'soon' is not a duration; write 30s, 10m or 2h30m")
    assert refused(run("serve", "--line", "1", cwd=tmp_path), 2) == (
        "--line: 1 is not between 64 and 1.0M")


def test_an_unknown_flag_is_refused_with_a_hint(tmp_path: Path) -> None:
    done = run("serve", "--prot", "1", cwd=tmp_path)
    assert done.returncode == 2
    assert "No such option" in done.stderr
    assert "--port" in done.stderr
    assert "Traceback" not in done.stderr


def test_options_before_the_command_are_told_where_to_go(tmp_path: Path) -> None:
    assert refused(run("--port", "0", "serve", cwd=tmp_path), 2) == "options go after 'serve'"


def test_a_selector_that_this_machine_lacks_is_named(tmp_path: Path) -> None:
    line = refused(run("serve", "--port", "0", "--selector", "devpoll", cwd=tmp_path), 1)
    assert line.startswith("no selector 'devpoll' here; this machine has ")


def test_the_version_is_told(tmp_path: Path) -> None:
    assert __version__ in run("--version", cwd=tmp_path).stdout


# -- files


def test_a_file_of_bans_that_cannot_be_read_is_not_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "bans.json"
    file.write_text("[{", "utf-8")
    line = refused(run("serve", "--port", "0", "--ban-file", "bans.json", cwd=tmp_path), 1)
    assert line.startswith("bans.json: not a file of bans: ")
    assert file.read_text("utf-8") == "[{"


def test_a_ban_that_is_no_address_is_named(tmp_path: Path) -> None:
    (tmp_path / "bans.json").write_text('[{"network": "nowhere", "at": 0}]', "utf-8")
    line = refused(run("serve", "--port", "0", "--ban-file", "bans.json", cwd=tmp_path), 1)
    assert "'nowhere' is not an address or a network" in line


def test_a_log_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    assert refused(run("serve", "--port", "0", "--log-file", "no/such/log", cwd=tmp_path), 1) == (
        "cannot write the log no/such/log: No such file or directory")


# -- the console's terminal


def test_without_a_terminal_the_console_says_what_to_run_instead(tmp_path: Path) -> None:
    assert refused(run("--port", "0", cwd=tmp_path), 1) == (
        "the console needs a terminal; `chatops serve` runs the server without one")


def on_a_terminal(columns: int, lines: int, cwd: Path, *flags: str, **variables: str
                  ) -> tuple[int, str]:
    """Exit status of `chatops` on a terminal of this size, and all that it showed there; the
    terminal's modes are what they were.
    """
    ours, theirs = pty.openpty()
    try:
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        modes = termios.tcgetattr(theirs)
        status = subprocess.run(
            [sys.executable, "-m", "chatops", "--port", "0", *flags], cwd=cwd, stdin=theirs,
            stdout=theirs, stderr=theirs, env=environment(**variables), timeout=PATIENCE,
            check=False).returncode
        assert termios.tcgetattr(theirs) == modes
    finally:
        os.close(theirs)
        shown = b""
        try:
            while piece := os.read(ours, 4096):
                shown += piece
        except OSError:            # EIO: the other side is closed and all has been read
            pass
        os.close(ours)
    return status, shown.decode()


def test_a_terminal_that_is_too_small_is_left_as_it_was(tmp_path: Path) -> None:
    status, shown = on_a_terminal(40, 10, tmp_path, TERM="xterm-256color")
    assert status == 1
    assert shown == ("chatops: the terminal is 40×10; the console needs at least 60×16: enlarge "
                     "it, or use `chatops serve`\r\n")


def test_z04_a_port_in_use_is_named_on_a_terminal_that_is_left_as_it_was(
        tmp_path: Path, taken: int) -> None:
    status, shown = on_a_terminal(120, 40, tmp_path, "--port", str(taken), TERM="xterm-256color")
    assert status == 1
    line, end, rest = shown.partition("\r\n")
    assert line.startswith(f"chatops: 127.0.0.1:{taken} is in use by another program; ")
    assert (end, rest) == ("\r\n", "")


def test_a_terminal_that_can_move_no_cursor_is_left_as_it_was(tmp_path: Path) -> None:
    status, shown = on_a_terminal(80, 24, tmp_path, TERM="dumb")
    assert status == 1
    assert shown == ("chatops: the console needs a terminal to draw on, and TERM says that this "
                     "one is dumb; `chatops serve` runs the server without one\r\n")


# -- and when all is well


def test_a_server_that_started_has_all_its_limits_and_lets_people_talk(
        server: StartServer) -> None:
    chat = server(max_clients=10)
    assert chat.do(Limit("max-clients")).text == "max-clients 10"
    assert len(chat.clients(10)) == 10
    chat.open_to_all = False


@pytest.mark.parametrize(("given", "said"), [
    ({"replay": 20}, "--replay needs --history"),
    ({"history_keep": "30d"}, "--history-keep needs --history"),
    ({"registration": "on"}, "--registration needs --accounts"),
    ({"irc_password": "x"}, "--irc-password needs --irc-port or --irc-tls-port"),
    ({"oper": "ada:x"}, "--oper needs --irc-port or --irc-tls-port"),
    ({"irc_tls_port": 0}, "--irc-tls-port needs --tls-cert"),
    ({"port": 6667, "irc_port": 6667},
     "--irc-port is 6667, and so is --port; each protocol has a port of its own"),
])
def test_what_would_do_nothing_without_another_setting_is_refused(
        given: dict[str, object], said: str) -> None:
    with pytest.raises(StartError) as raised:
        together.check(msgspec.structs.replace(USUAL, **given))
    assert str(raised.value) == said


def test_settings_that_go_together_are_taken() -> None:
    for given in ({"port": 0, "irc_port": 0}, {"replay": 20, "history": "x"},
                  {"oper": "ada:x", "irc_port": 0}, {"registration": "on", "accounts": "x"}):
        together.check(msgspec.structs.replace(USUAL, **given))
