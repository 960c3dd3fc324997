"""What the tab key completes: by click's own protocol, and in a real bash."""

from __future__ import annotations

import shutil
import socket as socket_module
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import Mock

import pytest
from click.shell_completion import ShellComplete

from chatops.api import commands
from chatops.cli import main
from chatops.control import complete
from chatops.control.client import ControlClient
from chatops.control.socket_path import ControlError
from tests.integration.harness import PATIENCE, Server, environment

StartServer = Callable[..., Server]


def completed(*words: str, begun: str = "") -> list[str]:
    shell = ShellComplete(main, {}, "chatops", "_CHATOPS_COMPLETE")
    return [item.value for item in shell.get_completions(list(words), begun)]


@pytest.fixture
def socket(server: StartServer, control_path: Path) -> str:
    chat = server(control=str(control_path))
    for nick in ("ada", "alan", "bob"):
        chat.client().rename(nick)
    chat.do(commands.Ban("10.0.0.0/8"))
    return str(control_path)


def test_commands_are_completed_without_a_server() -> None:
    assert completed("ctl", begun="ki") == ["kick"]
    assert set(completed("ctl", begun="s")) == {"status", "selector", "slow-consumer"}
    assert completed("ctl", "selector", begun="e") == ["epoll"]
    assert completed("ctl", "limit", begun="rate-l") == ["rate-limit"]
    assert completed("ctl", "--socket", "/no/such", "kick") == []


def test_nicks_and_bans_are_those_of_the_moment(socket: str) -> None:
    assert completed("ctl", "--socket", socket, "kick", begun="a") == ["ada", "alan"]
    assert completed("ctl", "--socket", socket, "kick", begun="ada,b") == ["ada,bob"]
    assert completed("ctl", "--socket", socket, "ban", begun="b") == ["bob"]
    assert completed("ctl", "--socket", socket, "unban") == ["10.0.0.0/8"]
    assert completed("ctl", "--socket", socket, "broadcast") == []


def test_people_of_other_nodes_are_completed_too(monkeypatch: pytest.MonkeyPatch) -> None:
    here = SimpleNamespace(nick="ada", id=1, room="lobby", peer="127.0.0.1:9")
    there = SimpleNamespace(nick="abe", word="b#3", room="lobby")
    monkeypatch.setattr(complete, "snapshot_of", lambda path, port: SimpleNamespace(
        clients=(here,), elsewhere=(there,)))
    assert completed("ctl", "kick", begun="a") == ["ada", "abe"]


def test_a_server_that_hangs_does_not_hold_up_the_shell_for_long(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "ctl.sock"
    with closing(socket_module.socket(socket_module.AF_UNIX)) as silent:
        silent.bind(str(path))
        silent.listen()
        monkeypatch.setattr(complete, "PATIENCE", 0.01)
        waits = Mock(side_effect=ControlError("it hangs"))
        monkeypatch.setattr(ControlClient, "wait", waits)
        assert completed("ctl", "--socket", str(path), "kick") == []
        waits.assert_called_once_with(0.01)


SHELLS = {
    "bash": 'eval "$(_CHATOPS_COMPLETE=bash_source chatops)"; COMP_WORDS=(chatops ctl --socket '
            '"$1" kick al); COMP_CWORD=5; _chatops_completion chatops; echo "${COMPREPLY[@]}"',
    "zsh": '_CHATOPS_COMPLETE=zsh_source chatops > /dev/null && '
           'COMP_WORDS="chatops ctl --socket $1 kick al" COMP_CWORD=5 '
           '_CHATOPS_COMPLETE=zsh_complete chatops | sed -n 2p',
    "fish": 'eval (env _CHATOPS_COMPLETE=fish_source chatops | string collect); '
            'complete -C "chatops ctl --socket $argv[1] kick al" | string split -f1 \\t',
}


@pytest.mark.parametrize("shell", SHELLS)
def test_a_real_shell_completes_a_nick(shell: str, socket: str, tmp_path: Path) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    command = tmp_path / "chatops"
    command.write_text(f"#!{sys.executable}\nfrom chatops.cli import main\nmain()\n")
    command.chmod(0o755)
    env = environment()
    env["PATH"] = f"{tmp_path}:{env['PATH']}"
    env["HOME"] = str(tmp_path)
    arguments = ["--norc"] if shell == "bash" else ["-f"] if shell == "zsh" else ["--no-config"]
    then = [] if shell == "fish" else [shell]
    done = subprocess.run([shell, *arguments, "-c", SHELLS[shell], *then, socket], env=env,
                          text=True, capture_output=True, timeout=PATIENCE, check=False)
    assert done.stdout.strip() == "alan", done.stderr
