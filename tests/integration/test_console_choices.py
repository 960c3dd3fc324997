"""The console's own options and file, as a user starts it in a terminal."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from contextlib import closing
from pathlib import Path

import pytest

from tests.integration.harness import environment
from tests.integration.terminal import Terminal

COLOURS = re.compile(rb"\x1b\[(?:[0-9;]*;)?(?:3[0-8]|4[0-8]|9[0-7]|10[0-7])(?:;[0-9;]*)?m")
PROGRAM = ("-m", "chatops", "--port", "0")
C_LOCALE = {"LC_ALL": "", "LANG": "C", "LC_CTYPE": ""}


def begun(terminal: Terminal) -> None:
    """Wait until it has."""
    terminal.see("LIVE")
    terminal.see("nobody is here")


@pytest.mark.parametrize(("options", "variables"), [
    (("--ascii",), {}), ((), C_LOCALE), ((), {"TERM": "linux"})])
def test_a_plain_terminal_gets_nothing_but_ascii(
        tmp_path: Path, options: tuple[str, ...], variables: dict[str, str]) -> None:
    with closing(Terminal(*PROGRAM, *options, cwd=tmp_path, variables=variables)) as chatops:
        begun(chatops)
        chatops.see(r"\+= 1 Clients")
        assert chatops.written.isascii()


def test_a_terminal_of_utf8_gets_round_corners(tmp_path: Path) -> None:
    with closing(Terminal(*PROGRAM, cwd=tmp_path)) as chatops:
        begun(chatops)
        chatops.see("┏━ 1 Clients")


def test_no_color_is_no_colour_at_all(tmp_path: Path) -> None:
    with closing(Terminal(*PROGRAM, cwd=tmp_path, variables={"NO_COLOR": "1"})) as chatops:
        begun(chatops)
        assert not COLOURS.findall(chatops.written)
    with closing(Terminal(*PROGRAM, cwd=tmp_path)) as chatops:
        begun(chatops)
        assert COLOURS.findall(chatops.written)


@pytest.mark.parametrize("term", ["xterm", "screen", "linux"])
def test_a_terminal_of_sixteen_colours_gets_its_own(tmp_path: Path, term: str) -> None:
    variables = {"TERM": term, "COLORTERM": ""}
    with closing(Terminal(*PROGRAM, cwd=tmp_path, variables=variables)) as chatops:
        begun(chatops)
        assert not re.findall(rb"[34]8;[25];", chatops.written)


def test_what_is_chosen_is_there_the_next_time(tmp_path: Path) -> None:
    with closing(Terminal(*PROGRAM, cwd=tmp_path)) as chatops:
        begun(chatops)
        chatops.type(":theme day\r")
        chatops.see("✓ for a light ground")
    kept = tmp_path / "config" / "chatops" / "console.toml"
    assert tomllib.loads(kept.read_text()) == {"theme": "day"}


def test_a_file_that_is_wrong_is_one_line_and_no_server_starts(tmp_path: Path) -> None:
    place = tmp_path / "config" / "chatops"
    place.mkdir(parents=True)
    (place / "console.toml").write_text('[keys]\nkick = "b"\n')
    with closing(Terminal(*PROGRAM, cwd=tmp_path)) as chatops:
        assert chatops.status() == 2
        said = chatops.written.decode().strip()
    assert said == (f"chatops: {place / 'console.toml'}: [keys] b is given twice, to 'kick' and "
                    "to 'broadcast'")


def test_the_server_alone_does_not_look_at_it(tmp_path: Path) -> None:
    place = tmp_path / "chatops"
    place.mkdir()
    (place / "console.toml").write_text("[[[")
    process = subprocess.Popen(
        [sys.executable, "-m", "chatops", "serve", "--port", "0"], cwd=tmp_path, text=True,
        stderr=subprocess.PIPE, env=environment(XDG_CONFIG_HOME=str(tmp_path)))
    try:
        assert process.stderr is not None
        assert any("listening on" in line for line in process.stderr)
    finally:
        process.terminate()
        process.communicate()
    assert process.returncode == 0
