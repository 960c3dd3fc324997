"""What users reported of other people's servers and consoles, tried here from outside.

Each case has the number of its report, and looks at nothing but what a user sees: a terminal,
a socket, a file, an exit status.  So another version can be tried by the same cases, with
`CHATOPS_TESTED_PYTHON` naming the interpreter of the environment that it is installed in.
"""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import sqlite3
import stat
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.integration.client import Client
from tests.integration.harness import PATIENCE, PYTHON, Served, environment
from tests.integration.terminal import Console, Terminal, assert_left_as_it_was
from tests.integration.test_start import run
from tests.integration.until import until
from tests.patience import scaled

StartConsole = Callable[..., Console]
StartServed = Callable[..., Served]
Ctl = Callable[..., subprocess.CompletedProcess[str]]

SOON = scaled(5.0)             # seconds within which a process has to end
BANNED = [{"network": "127.0.0.2/32", "at": 1.0}]

# The host stands still while the server is looked at for the second time.
PAUSED = """
import importlib, time
for name in ("chatops.survey", "chatops.server.snapshots"):
    try:
        looking = importlib.import_module(name)
    except ModuleNotFoundError:
        continue
    rows, looks = looking.key_rows, []
    def key_rows(selector):
        looks.append(selector)
        if len(looks) == 2:
            time.sleep({seconds})
        return rows(selector)
    looking.key_rows = key_rows
from chatops.cli import main
main(prog_name="chatops")
"""

# `several.test` has two addresses, the one of version 6 first.
TWO_ADDRESSES = """
import socket
ask = socket.getaddrinfo
def getaddrinfo(host, *more, **named):
    if host == "several.test":
        return ask("::1", *more, **named) + ask("127.0.0.1", *more, **named)
    return ask(host, *more, **named)
socket.getaddrinfo = getaddrinfo
from chatops.cli import main
main(prog_name="chatops")
"""

INTO_FILE = """
import os
os.dup2(os.open("err.log", os.O_WRONLY | os.O_CREAT), 2)
from chatops.cli import main
main(prog_name="chatops")
"""


@pytest.fixture
def chat(served: StartServed, control_path: Path) -> Served:
    return served("--nicks", "unicode", "--control", str(control_path))


@pytest.fixture
def ctl(control_path: Path, tmp_path: Path) -> Ctl:
    """`chatops ctl` as a shell runs it; a word may be bytes."""
    def ask(*words: str | bytes) -> subprocess.CompletedProcess[str]:
        return run("ctl", "--socket", str(control_path), *map(os.fsdecode, words), cwd=tmp_path)

    return ask


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Callable[[str], subprocess.Popen[bytes]]]:
    """Starts `chatops` with these arguments and redirections, as a shell does."""
    started: list[subprocess.Popen[bytes]] = []

    def start(command: str, **variables: str) -> subprocess.Popen[bytes]:
        started.append(subprocess.Popen(
            ["/bin/sh", "-c", f'exec "$0" -m chatops {command}', PYTHON], cwd=tmp_path,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env=environment(**variables)))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()


def one_line(done: subprocess.CompletedProcess[str]) -> str:
    """It failed, and says why in one line."""
    assert done.returncode not in (0, None), done
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr


def listening(process: subprocess.Popen[bytes], control: Path) -> None:
    until(lambda: process.poll() is not None or control.exists())
    assert process.poll() is None, "it did not start"


def port_of(ctl: Ctl) -> int:
    done = ctl("status")
    assert done.returncode == 0, done.stderr
    return int(done.stdout.splitlines()[0].rpartition(":")[2].partition(",")[0])


def welcomed(port: int, source: str) -> bool:
    with socket.create_connection(("127.0.0.1", port), PATIENCE, (source, 0)) as sock:
        return sock.recv(100).startswith(b"*** welcome")


def leave(console: Console) -> int:
    console.must_live = False
    console.type("q")
    console.see("Stop the server")
    console.focus_on("Cancel")
    console.type("s")
    return console.status(SOON)


# -- names of files


def test_01_a_home_of_nobody_typed_in_the_console_leaves_it_and_its_clients_alone(
        console: StartConsole) -> None:
    chatops = console()
    ada = chatops.client("ada")
    chatops.see_row(ada)
    chatops.type(":save ~nosuch/")
    chatops.see(":save ~nosuch/")
    chatops.type("x\r")
    chatops.see("✗.*nosuch")
    assert ada.heard() == []


@pytest.mark.parametrize("words", [
    ("ctl", "--socket", "~nosuch/y", "status"), ("serve", "--port", "0", "--control", "~nosuch/y"),
    ("serve", "--port", "0", "--history", "~nosuch/y"),
])
def test_01_a_home_of_nobody_on_the_command_line_is_refused_in_a_line(
        tmp_path: Path, words: tuple[str, ...]) -> None:
    assert "nosuch" in one_line(run(*words, cwd=tmp_path))


@pytest.mark.parametrize("given", ["flag", "variable", "file"])
def test_08_bans_in_a_file_under_home_hold_whoever_expands_the_tilde(
        served: StartServed, tmp_path: Path, given: str) -> None:
    (tmp_path / "bans.json").write_text(json.dumps(BANNED))
    (tmp_path / "c.toml").write_text('ban-file = "~/bans.json"\n')
    flags = {"flag": ["--ban-file=~/bans.json"], "variable": [], "file": ["--config=c.toml"]}
    variables = {"HOME": str(tmp_path)}
    if given == "variable":
        variables["CHATOPS_BAN_FILE"] = "~/bans.json"
    chat = served(*flags[given], variables=variables)
    assert not welcomed(chat.address[1], "127.0.0.2")


def test_12_a_ban_file_that_is_a_link_stays_one_and_its_target_keeps_its_mode(
        served: StartServed, ctl: Ctl, control_path: Path, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    target, link = tmp_path / "real" / "bans.json", tmp_path / "b.json"
    target.write_text("[]")
    target.chmod(0o640)
    link.symlink_to("real/bans.json")
    served("--ban-file", str(link), "--control", str(control_path))
    assert ctl("ban", "203.0.113.7").returncode == 0
    until(lambda: "203.0.113.7" in link.read_text())
    assert link.is_symlink()
    assert "203.0.113.7" in target.read_text()
    assert stat.S_IMODE(target.stat().st_mode) == 0o640


def test_14_an_empty_ban_file_has_no_bans(served: StartServed, tmp_path: Path) -> None:
    (tmp_path / "bans.json").touch()
    chat = served("--ban-file", "bans.json")
    assert welcomed(chat.address[1], "127.0.0.2")


def test_16_a_ban_that_was_added_by_hand_is_not_lost(
        served: StartServed, ctl: Ctl, control_path: Path, tmp_path: Path) -> None:
    file = tmp_path / "bans.json"
    file.write_text("[]")
    served("--ban-file", str(file), "--control", str(control_path))
    file.write_text(json.dumps(BANNED))
    ctl("ban", "203.0.113.7")
    ctl("ban", "203.0.113.8")
    assert "127.0.0.2" in file.read_text()


@pytest.mark.parametrize("flag", ["--log-file", "--ban-file"])
def test_18_a_file_that_is_a_fifo_does_not_hold_the_start_or_can_be_given_up(
        shell: Callable[..., subprocess.Popen[bytes]], tmp_path: Path, control_path: Path,
        flag: str) -> None:
    os.mkfifo(tmp_path / "fifo")
    process = shell(f"serve --port 0 --control {control_path} {flag} fifo")
    until(lambda: process.poll() is not None or control_path.exists())
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
        process.wait(SOON)


# -- the terminal


def test_06_being_continued_starts_no_threads_and_the_terminal_is_given_back(
        console: StartConsole) -> None:
    chatops = console()
    ada = chatops.client("ada")
    chatops.see_row(ada)
    before = len(os.listdir(f"/proc/{chatops.pid}/task"))
    for _ in range(3):
        os.kill(chatops.pid, signal.SIGCONT)
        chatops.type(":")          # a key is answered
        chatops.see("tab .* complete")
        chatops.type("\x1b")
        chatops.miss("tab .* complete")
    until(lambda: len(os.listdir(f"/proc/{chatops.pid}/task")) == before, SOON)
    assert leave(chatops) == 0
    assert_left_as_it_was(chatops)


def test_11_errors_into_a_file_and_the_console_on_the_terminal(console: StartConsole) -> None:
    chatops = console(program=("-c", INTO_FILE))
    chatops.see("q quit")


def test_45_an_unbracketed_paste_over_the_table_says_nothing_to_anybody(
        console: StartConsole) -> None:
    chatops = console()
    ada = chatops.client("ada")
    chatops.see_row(ada)
    chatops.paste(b"kubectl get pods\r")
    chatops.see("paste")
    assert ada.heard() == []


# -- looking


@pytest.fixture
def paused(served: StartServed, control_path: Path) -> Served:
    return served("--control", str(control_path),
                  program=("-c", PAUSED.format(seconds=1.0)))      # of the 5 that `ctl` waits


def test_04_a_server_that_stood_still_once_is_not_called_dead(paused: Served, ctl: Ctl) -> None:
    paused.client()
    for _ in range(5):
        done = ctl("status")
        assert done.returncode == 0, done.stderr


def test_05_a_console_on_a_host_that_stood_still_shows_news_again(console: StartConsole) -> None:
    chatops = console(program=("-c", PAUSED.format(seconds=PATIENCE / 10)))
    chatops.see_row(chatops.client("ada"))
    chatops.see_row(chatops.client("bob"))


def test_51_a_loop_that_spins_is_seen_though_the_host_stood_still(console: StartConsole) -> None:
    chatops = console(program=("-c", PAUSED.format(seconds=PATIENCE / 10)))
    chatops.see_row(chatops.client("ada"))
    chatops.type(":write-interest always\r")
    chatops.see(r"[1-9][\d.,]*[kK]? wake-ups/s")


def test_28_a_console_whose_server_was_killed_says_so_and_counts_no_further(
        chat: Served, control_path: Path, tmp_path: Path) -> None:
    chat.must_live = False
    console = Terminal("-m", "chatops", "attach", str(control_path), cwd=tmp_path)
    try:
        console.see("LIVE")
        chat.signal(signal.SIGKILL)
        chat.status()
        console.miss("LIVE")
        up = console.see(r"up [\d:]+")[0]
        console.see(r"[3-9]s ago|looked for")
        assert console.see(r"up [\d:]+")[0] == up
        console.see("looked for")
    finally:
        console.close()


# -- settings, addresses


@pytest.mark.parametrize("value", ["tcp://10.96.12.7:9999", ""])
def test_17_a_flag_wins_over_a_variable_that_is_no_port(served: StartServed, value: str) -> None:
    assert welcomed(served(variables={"CHATOPS_PORT": value}).address[1], "127.0.0.1")


@pytest.mark.parametrize("serves", [True, False])
def test_10_a_server_is_found_by_whoever_has_another_runtime_directory(
        served: StartServed, tmp_path: Path, control_path: Path, serves: bool) -> None:
    folder = control_path.parent / "run"
    folder.mkdir(0o700)
    login = {"XDG_RUNTIME_DIR": str(folder)}
    unit = {"XDG_RUNTIME_DIR": "", "TMPDIR": ""}
    chat = served(variables={"CHATOPS_CONTROL": "auto", **(login if serves else unit)})
    done = run("ctl", "--port", str(chat.address[1]), "status", cwd=tmp_path,
               **(unit if serves else login))
    assert done.returncode == 0, done.stderr


def test_29_a_name_with_two_addresses_is_listened_to_on_both(served: StartServed) -> None:
    chat = served("--host", "several.test", program=("-c", TWO_ADDRESSES))
    chat.must_live = False         # for those who do not know the name it has no address
    port = int(re.findall(r":(\d+)", " ".join(chat.lines))[-1])
    for host in ("127.0.0.1", "::1"):
        Client((host, port)).close()


def test_30_an_address_of_version_6_is_printed_in_brackets_and_taken_in_them(
        shell: Callable[..., subprocess.Popen[bytes]], ctl: Ctl, control_path: Path) -> None:
    listening(shell(f"serve --host '[::1]' --port 0 --control {control_path}"), control_path)
    assert re.search(r"\[::1\]:\d+", ctl("status").stdout)


# -- words


def test_03_a_number_of_5000_digits_is_nobodys(chat: Served, ctl: Ctl) -> None:
    for verb in ("kick", "mute", "unmute", "ban"):
        assert "internal error" not in one_line(ctl(verb, "9" * 5000))
    assert not any("Traceback" in line or "Error" in line for line in chat.lines)


@pytest.mark.parametrize(("words", "meant"), [
    ("10min spam", "for 10m"), ("1w", "for 7d"), ("1 hour x", "for 1h"), ("1h30", "for 1h30m"),
])
def test_40_a_ban_holds_for_as_long_as_was_meant(chat: Served, ctl: Ctl, words: str, meant: str
                                                 ) -> None:
    assert meant in ctl("ban", "203.0.113.9", *words.split()).stdout


def test_40_a_length_in_no_known_unit_bans_nobody(chat: Served, ctl: Ctl) -> None:
    one_line(ctl("ban", "203.0.113.9", "2", "strikes"))
    assert "203.0.113.9" not in ctl("bans").stdout


@pytest.mark.parametrize("text", ["-1 is less than nothing", '"quoted"', "two\nlines"])
def test_39_a_message_is_said_as_it_was_given_or_refused(chat: Served, ctl: Ctl, text: str) -> None:
    hearer = chat.client()
    done = ctl("broadcast", text)
    if "\n" in text and done.returncode:
        one_line(done)
        assert hearer.heard() == []
    else:
        assert done.returncode == 0, done.stderr
        assert hearer.heard() == [f"*** [admin] {line}" for line in text.splitlines()]


def test_36_bytes_that_are_no_text_are_refused_in_a_line_or_replaced(chat: Served, ctl: Ctl
                                                                     ) -> None:
    for words in ((b"broadcast", b"caf\xe9"), (b"kick", b"caf\xe9")):
        done = ctl(*words)
        assert "Traceback" not in done.stderr
        assert done.returncode == 0 or done.stderr.count("\n") == 1


def test_38_the_console_finds_who_is_meant_in_any_case_and_form(console: StartConsole) -> None:
    chatops = console("--nicks", "unicode")
    ada, zoe = chatops.client("ada"), chatops.client("zoë")
    chatops.see_row(ada)
    chatops.see(rf"{zoe.id}\s+\d+\s+zo")
    for client, word in ((ada, "ADA"), (zoe, "Zoe\u0308")):
        chatops.type(f":mute {word}\r")
        chatops.see(rf"muted.*{client.nick}|{client.nick}.*muted")


def test_48_a_line_is_heard_as_the_typist_saw_it(chat: Served) -> None:
    hearer, typist = chat.client(), chat.client()
    typist.send(b"cat\b\b\bdog\n")
    assert hearer.read_until(lambda line: "dog" in line)[-1] == f"{typist.nick}: dog"


def test_49_health_checks_are_no_news_to_those_who_talk(chat: Served) -> None:
    hearer = chat.client()
    hearer.say("hello")
    hearer.expect(f"{hearer.nick}: hello")
    for _ in range(3):
        check = Client(chat.address, greeted=True)
        check.close()
    newcomer = chat.client()       # comes when the checks have gone
    newcomer.say("here")
    assert not any("left" in line for line in
                   hearer.read_until(f"{newcomer.nick}: here"))


# -- output


@pytest.mark.parametrize("redirection", ["2>/dev/full", "2>&1 | true"])
def test_20_a_server_whose_errors_cannot_be_written_goes_on(
        shell: Callable[..., subprocess.Popen[bytes]], ctl: Ctl, control_path: Path,
        redirection: str) -> None:
    process = shell(f"serve --port 0 --control {control_path} {redirection}")
    if "|" in redirection:         # the shell waits for the server, which has no reader
        listening(process, control_path)
    else:
        listening(process, control_path)
        assert welcomed(port_of(ctl), "127.0.0.1")
        process.send_signal(signal.SIGTERM)
        assert process.wait(SOON) == 0
    if process.poll() is None:
        assert welcomed(port_of(ctl), "127.0.0.1")
        assert ctl("quit", "now").returncode == 0
        process.wait(SOON)


def test_24_closed_descriptors_are_not_given_to_sockets(
        shell: Callable[..., subprocess.Popen[bytes]], ctl: Ctl, control_path: Path) -> None:
    process = shell(f"serve --port 0 --control {control_path} 0<&- 1>&- 2>&-")
    listening(process, control_path)
    for fd in range(3):
        assert os.readlink(f"/proc/{process.pid}/fd/{fd}") == "/dev/null"


def test_23_a_log_that_was_renamed_is_left_on_a_hangup(served: StartServed, tmp_path: Path) -> None:
    log = tmp_path / "chat.log"
    chat = served("--log-file", str(log))
    chat.client().close()
    until(lambda: log.exists() and "guest-1" in log.read_text())
    log.rename(tmp_path / "chat.log.1")
    chat.signal(signal.SIGHUP)
    until(log.exists, SOON)
    chat.client().say("again")
    until(lambda: "guest-2" in log.read_text())


@pytest.mark.parametrize("words", [("clients",), ("status",), ("fds", "--json")])
def test_34_a_full_disk_under_ctl_is_one_line(chat: Served, control_path: Path, tmp_path: Path,
                                              words: tuple[str, ...]) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run([PYTHON, "-m", "chatops", "ctl", "--socket", str(control_path),
                               *words], cwd=tmp_path, stdout=full, stderr=subprocess.PIPE,
                              env=environment(), text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1, done.stderr


def test_37_wide_nicks_keep_the_columns(chat: Served, ctl: Ctl) -> None:
    wide, narrow = chat.client(), chat.client()
    wide.rename("山田太郎")
    narrow.rename("ada")
    rows = ctl("clients").stdout.splitlines()
    by_nick = {nick: row for row in rows for nick in ("山田太郎", "ada") if nick in row}
    # Each of the four takes two cells.
    assert by_nick["山田太郎"].index("127.0.0.1") + 4 == by_nick["ada"].index("127.0.0.1")


# -- threads


def test_53_a_bad_row_in_the_history_does_not_end_who_writes_it(
        served: StartServed, ctl: Ctl, control_path: Path, tmp_path: Path) -> None:
    history = tmp_path / "history.db"
    bans = tmp_path / "bans.json"
    chat = served("--history", str(history), "--ban-file", str(bans),
                  "--control", str(control_path))
    ada = chat.client()
    ada.say("one")
    ada.expect(f"{ada.nick}: one")
    ada.say("/history")            # it is written before it is read
    ada.read_until(lambda line: "one" in line)
    with closing(sqlite3.connect(history)) as file, file:
        assert file.execute("UPDATE said SET at = 1e300").rowcount == 1
    ada.say("/history")
    ada.heard()
    ctl("ban", "203.0.113.7")
    until(lambda: bans.exists() and "203.0.113.7" in bans.read_text(), SOON)
