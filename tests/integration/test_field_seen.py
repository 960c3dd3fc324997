"""What users reported of other people's servers and consoles, tried from outside: screens, words.

Each case looks at nothing but what a user sees: a terminal, a socket, a file, an exit status.  So
another version can be tried by the same cases, with `CHATOPS_TESTED_PYTHON` naming the
interpreter of the environment that it is installed in.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.client import Client
from tests.integration.command import Ctl, one_line
from tests.integration.harness import PATIENCE, PYTHON, Served, environment
from tests.integration.terminal import Console, Terminal, assert_left_as_it_was
from tests.integration.until import until
from tests.patience import scaled

StartConsole = Callable[..., Console]
StartServed = Callable[..., Served]

SOON = scaled(5.0)             # seconds within which a process has to end

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

INTO_FILE = """
import os
os.dup2(os.open("err.log", os.O_WRONLY | os.O_CREAT), 2)
from chatops.cli import main
main(prog_name="chatops")
"""


@pytest.fixture
def chat(served: StartServed, control_path: Path) -> Served:
    return served("--nicks", "unicode", "--control", str(control_path))


# -- the terminal


def test_a_home_of_nobody_typed_in_the_console_leaves_it_and_its_clients_alone(
        console: StartConsole) -> None:
    chatops = console()
    ada = chatops.client("ada")
    chatops.see_row(ada)
    chatops.type(":save ~nosuch/")
    chatops.see(":save ~nosuch/")
    chatops.type("x\r")
    chatops.see("✗.*nosuch")
    assert ada.heard() == []


def test_being_continued_starts_no_threads_and_the_terminal_is_given_back(
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
    assert chatops.leave(SOON) == 0
    assert_left_as_it_was(chatops)


def test_errors_into_a_file_and_the_console_on_the_terminal(console: StartConsole) -> None:
    chatops = console(program=("-c", INTO_FILE))
    chatops.see("q quit")


def test_an_unbracketed_paste_over_the_table_says_nothing_to_anybody(
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


def test_a_server_that_stood_still_once_is_not_called_dead(paused: Served, ctl: Ctl) -> None:
    paused.client()
    for _ in range(5):
        done = ctl("status")
        assert done.returncode == 0, done.stderr


def test_a_console_on_a_host_that_stood_still_shows_news_again(console: StartConsole) -> None:
    chatops = console(program=("-c", PAUSED.format(seconds=PATIENCE / 10)))
    chatops.see_row(chatops.client("ada"))
    chatops.see_row(chatops.client("bob"))


def test_a_loop_that_spins_is_seen_though_the_host_stood_still(console: StartConsole) -> None:
    chatops = console(program=("-c", PAUSED.format(seconds=PATIENCE / 10)))
    chatops.see_row(chatops.client("ada"))
    chatops.type(":write-interest always\r")
    chatops.see(r"[1-9][\d.,]*[kK]? wake-ups/s")


def test_a_console_whose_server_was_killed_says_so_and_counts_no_further(
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


# -- words


def test_a_number_of_5000_digits_is_nobodys(chat: Served, ctl: Ctl) -> None:
    for verb in ("kick", "mute", "unmute", "ban"):
        assert "internal error" not in one_line(ctl(verb, "9" * 5000))
    assert not any("Traceback" in line or "Error" in line for line in chat.lines)


@pytest.mark.parametrize(("words", "meant"), [
    ("10min spam", "for 10m"), ("1w", "for 7d"), ("1 hour x", "for 1h"), ("1h30", "for 1h30m"),
])
def test_a_ban_holds_for_as_long_as_was_meant(chat: Served, ctl: Ctl, words: str, meant: str
                                                 ) -> None:
    assert meant in ctl("ban", "203.0.113.9", *words.split()).stdout


def test_a_length_in_no_known_unit_bans_nobody(chat: Served, ctl: Ctl) -> None:
    one_line(ctl("ban", "203.0.113.9", "2", "strikes"))
    assert "203.0.113.9" not in ctl("bans").stdout


@pytest.mark.parametrize("text", ["-1 is less than nothing", '"quoted"', "two\nlines"])
def test_a_message_is_said_as_it_was_given_or_refused(chat: Served, ctl: Ctl, text: str) -> None:
    hearer = chat.client()
    done = ctl("broadcast", text)
    if "\n" in text and done.returncode:
        one_line(done)
        assert hearer.heard() == []
    else:
        assert done.returncode == 0, done.stderr
        assert hearer.heard() == [f"*** [admin] {line}" for line in text.splitlines()]


def test_bytes_that_are_no_text_are_refused_in_a_line_or_replaced(chat: Served, ctl: Ctl
                                                                     ) -> None:
    for words in ((b"broadcast", b"caf\xe9"), (b"kick", b"caf\xe9")):
        done = ctl(*words)
        assert "Traceback" not in done.stderr
        assert done.returncode == 0 or done.stderr.count("\n") == 1


def test_the_console_finds_who_is_meant_in_any_case_and_form(console: StartConsole) -> None:
    chatops = console("--nicks", "unicode")
    ada, zoe = chatops.client("ada"), chatops.client("zoë")
    chatops.see_row(ada)
    chatops.see(rf"{zoe.id}\s+\d+\s+zo")
    for client, word in ((ada, "ADA"), (zoe, "Zoe\u0308")):
        chatops.type(f":mute {word}\r")
        chatops.see(rf"muted.*{client.nick}|{client.nick}.*muted")


def test_a_line_is_heard_as_the_typist_saw_it(chat: Served) -> None:
    hearer, typist = chat.client(), chat.client()
    typist.send(b"cat\b\b\bdog\n")
    assert hearer.read_until(lambda line: "dog" in line)[-1] == f"{typist.nick}: dog"


def test_health_checks_are_no_news_to_those_who_talk(chat: Served) -> None:
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


# -- what `ctl` writes


@pytest.mark.parametrize("words", [("clients",), ("status",), ("fds", "--json")])
def test_a_full_disk_under_ctl_is_one_line(chat: Served, control_path: Path, tmp_path: Path,
                                              words: tuple[str, ...]) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run([PYTHON, "-m", "chatops", "ctl", "--socket", str(control_path),
                               *words], cwd=tmp_path, stdout=full, stderr=subprocess.PIPE,
                              env=environment(), text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1, done.stderr


def test_wide_nicks_keep_the_columns(chat: Served, ctl: Ctl) -> None:
    wide, narrow = chat.client(), chat.client()
    wide.rename("山田太郎")
    narrow.rename("ada")
    rows = ctl("clients").stdout.splitlines()
    by_nick = {nick: row for row in rows for nick in ("山田太郎", "ada") if nick in row}
    # Each of the four takes two cells.
    assert by_nick["山田太郎"].index("127.0.0.1") + 4 == by_nick["ada"].index("127.0.0.1")
