"""What `chatops watch WORDS` starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from chatops.watch.launch import LaunchError, command_line


def command(path: Path) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return str(path)


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A virtual environment whose commands are not in the PATH."""
    command(tmp_path / "env" / "bin" / "python")
    monkeypatch.setenv("VIRTUAL_ENV", str(tmp_path / "env"))
    monkeypatch.setenv("PATH", str(tmp_path / "usual"))
    return tmp_path / "env" / "bin"


def test_a_command_is_also_found_beside_the_interpreter(environment: Path) -> None:
    serve = command(environment / "serve")
    assert command_line(("serve", "--port", "1")) == (serve, "--port", "1")


def test_what_a_shell_would_run_comes_first(environment: Path, tmp_path: Path) -> None:
    command(environment / "serve")
    usual = command(tmp_path / "usual" / "serve")
    assert command_line(("serve",)) == (usual,)


def test_what_is_nowhere_is_refused(environment: Path) -> None:
    with pytest.raises(LaunchError, match="there is no command or script 'serve'"):
        command_line(("serve",))
