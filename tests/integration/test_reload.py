"""The settings file, read again by a server that runs: every change is named, or none is made."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from chatops.api.commands import Limit, Reload
from chatops.service import ServerThread
from chatops.settings import Settings
from tests.given import load
from tests.integration.harness import PATIENCE, Served
from tests.integration.test_supervision import Supervisor

StartServed = Callable[..., Served]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "chatops.toml"
    path.write_text('rate-limit = "50/s"\n')
    return path


def reloaded(chat: Served, sign: str = "True") -> str:
    """What the server says that reading everything again has changed."""
    after = len(chat.lines)
    chat.signal(signal.SIGHUP)
    line = chat.wait_for_line(rf'AdminDid line="reload" outcome="(.*)" ok={sign}', after=after)
    return line[1]


def test_every_change_is_named_and_holds(served: StartServed, config: Path) -> None:
    chat = served("--config", str(config))
    client = chat.client()
    config.write_text('rate-limit = "20/s"\noutbox = "2M"\n')
    assert reloaded(chat) == "rate-limit 50/s -> 20/s, outbox 1.0M -> 2.0M"
    assert reloaded(chat) == f"{config} changes no setting"
    config.write_text("line = 64\n")       # and what is not there any more is as it was
    assert reloaded(chat) == "line 4.0K -> 64, rate-limit 20/s -> 50/s, outbox 2.0M -> 1.0M"
    client.say("x" * 100)
    client.expect("*** error: a line of more than 64 bytes was dropped")


def test_what_needs_a_restart_is_said(served: StartServed, config: Path) -> None:
    chat = served("--config", str(config))
    config.write_text('selector = "poll"\nlog-level = "error"\nrate-limit = "20/s"\n')
    assert reloaded(chat) == ("rate-limit 50/s -> 20/s; selector auto -> poll, "
                              "log-level debug -> error need a restart")


@pytest.mark.parametrize("text", [
    "rate-limit = \n", 'rate-limit = "20/s"\noutbox = "much"\n',
    'rate-limit = "20/s"\nunknown = 1\n', "\xff\xfe\n", None])
def test_a_broken_file_changes_nothing(
        served: StartServed, config: Path, text: str | None) -> None:
    chat = served("--config", str(config))
    if text is None:
        config.unlink()
    else:
        config.write_bytes(text.encode("latin-1"))
    outcome = reloaded(chat, "False")
    assert outcome.startswith(str(config))
    assert outcome.endswith("; no setting has changed")
    config.write_text('rate-limit = "20/s"\n')
    assert reloaded(chat) == "rate-limit 50/s -> 20/s"


@pytest.mark.parametrize("data", [
    b'rate-limit = "20/s"\r\noutbox = "2M"\r\n',
    b'\xef\xbb\xbfrate-limit = "20/s"\noutbox = "2M"\n',
    b'\xef\xbb\xbfrate-limit = "20/s"\r\noutbox = "2M"\r\n'])
def test_a_file_from_windows_is_read_as_any_other(
        served: StartServed, config: Path, data: bytes) -> None:
    config.write_bytes(data)
    assert load({}, config=str(config)) == Settings(rate_limit=20.0, outbox=2 << 20)
    config.write_text("")
    chat = served("--config", str(config))
    config.write_bytes(data)
    assert reloaded(chat) == "rate-limit 50/s -> 20/s, outbox 1.0M -> 2.0M"


def test_a_flag_still_wins_over_the_file(served: StartServed, config: Path) -> None:
    chat = served("--config", str(config), "--rate-limit", "30/s")
    config.write_text('rate-limit = "20/s"\n')
    assert reloaded(chat) == f"{config} changes no setting"


def test_what_was_changed_by_hand_stays_until_the_file_changes_there(config: Path) -> None:
    def read() -> Settings:
        return load({}, config=str(config), defaults=Settings(port=0, control="off"))

    thread = ServerThread(read(), reread=(str(config), read))
    thread.start()
    try:
        def told(command: Limit | Reload) -> str:
            return thread.submit(command).result(PATIENCE).text

        told(Limit("rate-limit", "7/s"))
        config.write_text('rate-limit = "50/s"\nline = "1K"\n')
        assert told(Reload()) == "line 4.0K -> 1.0K; rate-limit stays 7/s, as it was set since"
        assert told(Limit("rate-limit")) == "rate-limit 7/s"
        config.write_text('rate-limit = "20/s"\nline = "1K"\n')
        assert told(Reload()) == "rate-limit 7/s -> 20/s"
    finally:
        thread.close()


def test_the_bans_are_read_again_with_the_settings(
        served: StartServed, config: Path, tmp_path: Path) -> None:
    bans = tmp_path / "bans.json"
    chat = served("--config", str(config), "--ban-file", str(bans))
    bans.write_text('[{"network": "10.0.0.0/8", "at": 1.0}]')
    config.write_text('rate-limit = "20/s"\n')
    assert reloaded(chat) == f"rate-limit 50/s -> 20/s; {bans} was changed by hand (1 added)"


def test_a_supervisor_is_told_when_reading_again_is_over(
        served: StartServed, config: Path, control_path: Path) -> None:
    supervisor = Supervisor(str(control_path))
    try:
        chat = served("--config", str(config), variables={"NOTIFY_SOCKET": str(control_path)})
        supervisor.until("READY=1")
        del supervisor.told[:]
        reloaded(chat)
        supervisor.until("READY=1")
        assert re.search(r"^RELOADING=1\nMONOTONIC_USEC=\d+$", "\n".join(supervisor.told),
                         re.MULTILINE)
    finally:
        supervisor.close()


def test_a_variable_still_wins_over_the_file(served: StartServed, config: Path) -> None:
    chat = served("--config", str(config), variables={"CHATOPS_RATE_LIMIT": "30/s"})
    config.write_text('rate-limit = "20/s"\n')
    assert reloaded(chat) == f"{config} changes no setting"
    config.write_text('line = "1K"\n')
    assert reloaded(chat) == "line 4.0K -> 1.0K"


def test_where_there_is_nothing_to_read_the_log_says_so(served: StartServed) -> None:
    assert "there is nothing to read again" in reloaded(served(), "False")
