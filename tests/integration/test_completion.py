"""What the tab key completes: by click's own protocol, and in a real bash."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete

from chatops.api import commands
from chatops.cli import main
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
