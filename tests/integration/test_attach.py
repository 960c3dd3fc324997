"""`chatops attach` and `chatops ctl`, as somebody meets them."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from click.testing import CliRunner

from chatops.api import events
from chatops.api.commands import Ban
from chatops.api.events import Event
from chatops.api.snapshot import Snapshot
from chatops.cli import main
from chatops.control.ctl import LOOKS, OF_PROGRAMS
from chatops.control.socket_path import directory
from chatops.replay.writer import save
from tests.integration.control import ctl
from tests.integration.harness import Served, Server
from tests.integration.terminal import LEAVE_SCREEN, Terminal, assert_left_as_it_was
from tests.tui.feed import Feed

StartServer = Callable[..., Server]
StartServed = Callable[..., Served]
Open = Callable[[Path], Terminal]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Open]:
    """Opens consoles with `chatops attach`, each on a terminal of its own."""
    with ExitStack() as stack:

        def start(path: Path) -> Terminal:
            terminal = Terminal("-m", "chatops", "attach", str(path), cwd=tmp_path)
            stack.callback(terminal.close)
            terminal.see("LIVE")
            return terminal

        yield start


# -- attach


def test_an_attached_console_kicks_and_detaches_and_the_server_goes_on(
        served: StartServed, control_path: Path, opened: Open) -> None:
    server = served("--control", str(control_path))
    ada = server.client()
    console = opened(control_path)
    console.see(r"guest-1")
    console.type(":broadcast lunch!\r")
    ada.expect("*** [admin] lunch!")
    console.see(":broadcast lunch! +✓")
    console.type("q")
    console.see("Leave the console")
    console.type("x")
    assert console.status() == 0
    assert_left_as_it_was(console)


def test_two_consoles_are_attached_and_one_stops_the_server(
        served: StartServed, control_path: Path, opened: Open) -> None:
    server = served("--control", str(control_path))
    server.must_live = False
    one, other = opened(control_path), opened(control_path)
    one.type(":quit drain\r")
    assert one.status() == 0
    other.see("the server is gone: the server has stopped")
    other.type("q")
    assert other.status() == 0
    assert server.status() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_attached_console_and_not_the_server(
        served: StartServed, control_path: Path, opened: Open, number: signal.Signals) -> None:
    served("--control", str(control_path))
    console = opened(control_path)
    console.process.send_signal(number)
    assert console.status() == 0
    assert_left_as_it_was(console)


def test_an_attached_console_says_that_the_server_was_killed_and_is_left_in_silence(
        served: StartServed, control_path: Path, opened: Open) -> None:
    server = served("--control", str(control_path))
    server.must_live = False
    console = opened(control_path)
    server.signal(signal.SIGKILL)
    console.see("the server ended without a word")
    console.see("AWAY")
    console.type("q")
    assert console.status() == 0
    after = console.written.rpartition(LEAVE_SCREEN)[2]
    assert b"chatops:" not in after


# -- ctl


@pytest.mark.parametrize("line", [
    "bans", "ban 10.0.0.0/8 1h too loud", "mute {id} 5m", "unmute {id}", "broadcast hello there",
    "limit", "limit outbox 2M", "selector poll", "write-interest on-demand",
    "slow-consumer drop-oldest", "kick {id} too loud",
])
def test_ctl_has_each_command_carried_out(server: StartServer, control_path: Path,
                                          line: str) -> None:
    chat = server(control=str(control_path))
    client = chat.client()
    result = ctl(control_path, *line.format(id=client.id).split())
    assert result.exit_code == 0, result.output
    if line in ("bans", "limit"):              # a look is no deed
        assert result.stdout
        return
    did = chat.wait_for(events.AdminDid)
    assert result.stdout.startswith(did.outcome)


def test_ctl_takes_words_quoted_by_the_shell(server: StartServer, control_path: Path) -> None:
    chat = server(control=str(control_path))
    client = chat.client()
    assert ctl(control_path, "kick", str(client.id), "too  loud").exit_code == 0
    assert client.to_the_end()[-1] == "*** you were kicked: too  loud"


def test_ctl_fails_when_the_command_does(server: StartServer, control_path: Path) -> None:
    server(control=str(control_path))
    result = ctl(control_path, "kick", "7")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "#7 is not here (any more)\n"
    result = ctl(control_path, "kick", "7", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout) == {
        "ok": False, "text": "#7 is not here (any more)", "rows": []}


@pytest.mark.parametrize(("line", "why"), [
    ("nonsense", "no command 'nonsense'; --help lists them"),
    ("kik 1", "no command 'kik'; did you mean kick?"), ("clinets", "did you mean clients?"),
    ("liv", "no command 'liv'; --help lists them"), ("kick", "usage: kick"),
    ("pane clients", "is for a console"), ("spawn slow 3", "is for a console"),
])
def test_ctl_refuses_what_is_no_command_of_a_server(
        control_path: Path, line: str, why: str) -> None:
    result = ctl(control_path, *line.split())
    assert result.exit_code == 2
    assert why in result.stderr


def test_a_look_is_asked_by_itself(control_path: Path) -> None:
    for line in (("status", "x"), ("events x",)):
        result = ctl(control_path, *line)
        assert (result.exit_code, result.stdout) == (2, "")
        assert result.stderr.endswith(" is asked by itself, without 'x'\n")


def test_what_is_listed_is_fields_for_programs(server: StartServer, control_path: Path) -> None:
    chat = server(control=str(control_path))
    chat.submit(Ban("10.0.0.0/8", 600.0, "spam"))
    chat.submit(Ban("10.1.0.1"))
    bans = json.loads(ctl(control_path, "bans", "--json").stdout)["rows"]
    assert [(ban["network"], ban["reason"]) for ban in bans] == [
        ("10.0.0.0/8", "spam"), ("10.1.0.1/32", "")]
    assert bans[0]["until"] == pytest.approx(bans[0]["at"] + 600.0)
    assert bans[1]["until"] is None
    limits = json.loads(ctl(control_path, "limit", "--json").stdout)["rows"]
    assert {row["name"]: row["value"] for row in limits}["line"] == 4096


@pytest.mark.parametrize("patience", ["nan", "-1", "x"])
def test_a_wait_of_no_number_of_seconds_is_refused(control_path: Path, patience: str) -> None:
    result = ctl(control_path, "status", "--wait", patience)
    assert result.exit_code == 2
    assert "--wait" in result.stderr


@pytest.mark.parametrize("look", LOOKS)
def test_ctl_shows_how_things_stand_as_text_and_as_json(
        server: StartServer, control_path: Path, look: str) -> None:
    chat = server(control=str(control_path))
    client = chat.client()
    client.rename("ada")
    text, as_json = ctl(control_path, look), ctl(control_path, look, "--json")
    if look in OF_PROGRAMS:
        assert (text.exit_code, as_json.exit_code) == (1, 1)
        assert text.stderr == f"chatops: {look} are a watched program's; this is a server\n"
        return
    assert (text.exit_code, as_json.exit_code) == (0, 0)
    assert text.stdout.strip()
    shown = json.loads(as_json.stdout)
    if look == "clients":
        assert [row["nick"] for row in shown] == ["ada"]
        assert "ada" in text.stdout


def test_ctl_status_tells_what_a_console_would_object_to(
        server: StartServer, control_path: Path) -> None:
    chat = server(control=str(control_path), log="/dev/full")
    chat.wait_for(events.Warned)
    [lint] = json.loads(ctl(control_path, "status", "--json").stdout)["lints"]
    assert lint["code"] == "log-lost"
    assert f"log-lost: {lint['summary']}" in ctl(control_path, "status").stdout


def test_ctl_follows_events_until_the_server_ends(server: StartServer, control_path: Path) -> None:
    chat = server(control=str(control_path))
    chat.must_live = False
    chat.client().rename("ada")
    reactor = chat.chat.reactor
    chat.call(lambda: reactor.call_later(0.3, reactor.stop))
    result = ctl(control_path, "events", "--json")
    assert result.exit_code == 0
    happened = [json.loads(line)["type"] for line in result.stdout.splitlines()]
    assert happened[:3] == ["ServerStarted", "Connected", "Renamed"]
    assert happened[-1] == "ServerStopped"


# -- finding the server


def test_the_only_server_there_is_need_not_be_named(
        server: StartServer, control_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(control_path.parent))
    # Elsewhere there may be servers that are none of this test's.
    monkeypatch.setattr("chatops.control.find.directories", lambda: [directory()])
    missing = CliRunner().invoke(main, ["ctl", "bans"])
    assert missing.exit_code == 1
    assert "no server of this user has a control socket" in missing.stderr
    one = server(control="auto")
    assert CliRunner().invoke(main, ["ctl", "bans"]).stdout == "nobody is banned\n"
    other = server(control="auto")
    several = CliRunner().invoke(main, ["ctl", "bans"])
    assert several.exit_code == 1
    assert "say which one with --port" in several.stderr
    for chat in (one, other):
        port = str(chat.address[1])
        status = CliRunner().invoke(main, ["ctl", "status", "--port", port])
        assert f"127.0.0.1:{port}" in status.stdout


def test_without_a_server_attach_and_ctl_say_so_in_one_line(
        control_path: Path, tmp_path: Path) -> None:
    missing = ctl(control_path, "bans")
    assert missing.stderr == f"chatops: there is no control socket {control_path}\n"
    terminal = Terminal("-m", "chatops", "attach", str(control_path), cwd=tmp_path)
    try:
        terminal.see("there is no control socket")
        assert terminal.status() == 1
    finally:
        terminal.close()


def test_what_is_no_socket_is_called_that(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.write_text("x")
    for path in (plain, tmp_path):
        assert ctl(path, "status").stderr == f"chatops: {path} is not a socket\n"


# -- replay


@pytest.mark.parametrize("how", ["SIGTERM", "SIGHUP", "hung up"])
def test_a_recording_is_left_at_once_however_long_it_goes_on(tmp_path: Path, how: str) -> None:
    feed, moments = Feed(), list[tuple[Snapshot, list[Event]]]()
    for _ in range(20):
        feed.step(600.0)
        moments.append((feed.snapshot(), feed.take()))
    save(tmp_path / "hours.chatops", moments)
    with closing(Terminal("-m", "chatops", "replay", "hours.chatops", cwd=tmp_path)) as console:
        console.see("REPLAY 00:00:0")
        if how == "hung up":
            console.hang_up()
        else:
            console.process.send_signal(signal.Signals[how])
        assert console.status() == 0
