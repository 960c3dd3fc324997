"""The real logrotate, with the README's own lines, while a server writes."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.harness import Served, environment
from tests.integration.until import until
from tests.patience import PATIENCE

LOGROTATE = shutil.which("logrotate") or shutil.which("logrotate", path="/usr/sbin") or ""
README = Path(__file__).parents[2] / "README.md"
JOINED = re.compile(r"^\S+ Connected id=(\d+) ", re.MULTILINE)

pytestmark = pytest.mark.skipif(not LOGROTATE, reason="there is no logrotate here")


def told_how(log: Path, control: Path, *, instead: str = "") -> str:
    """The configuration that the README gives, for this log; `instead` of telling the server."""
    found: list[str] = re.findall(r"^/var/log/chatops\.log \{.*?^\}", README.read_text("utf-8"),
                                  re.MULTILINE | re.DOTALL)
    (text,) = found
    text = text.replace("/var/log/chatops.log", str(log)).replace(
        "chatops ctl --socket /run/chatops/ctl.sock",
        f"{sys.executable} -m chatops ctl --socket {control}")
    if instead:
        text = re.sub(r"^ *postrotate$.*^ *endscript$", f"    {instead}", text,
                      flags=re.MULTILINE | re.DOTALL)
        text = text.replace("    compress\n    delaycompress\n", "")
    return text


@pytest.mark.parametrize("instead", ["", "copytruncate"], ids=["reopen", "copytruncate"])
def test_logs_are_rotated_as_the_readme_says_and_no_line_is_lost(
        served: Callable[..., Served], control_path: Path, tmp_path: Path, instead: str) -> None:
    log = tmp_path / "chatops.log"
    server = served("--log-file", str(log), "--control", str(control_path), "--log-level", "info")
    config = tmp_path / "rotate.conf"
    config.write_text(told_how(log, control_path, instead=instead))
    config.chmod(0o644)
    everybody = []
    for n in range(3):
        everybody.append(server.client().id)
        until(lambda: str(everybody[-1]) in JOINED.findall(log.read_text()))
        if n < 2:
            subprocess.run([LOGROTATE, "--force", "--state", str(tmp_path / "state"), str(config)],
                           check=True, timeout=PATIENCE, env=environment())
            until(log.exists)
    found = [int(ident) for path in sorted(tmp_path.glob("chatops.log.*"), reverse=True)
             for ident in JOINED.findall(_text(path))]
    found += [int(ident) for ident in JOINED.findall(log.read_text())]
    assert found == everybody
    assert everybody[-1:] == [int(ident) for ident in JOINED.findall(log.read_text())]


def _text(path: Path) -> str:
    if path.suffix == ".gz":
        return subprocess.run(["gzip", "-dc", str(path)], check=True, capture_output=True,
                              text=True).stdout
    return path.read_text()
