"""What `import chatops` gives to programs of others, as the README shows it."""

from __future__ import annotations

import importlib
import pkgutil
import re
import selectors
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import chatops
from chatops.api.commands import Broadcast, Kick, Quit
from chatops.api.events import AdminDid, Connected, Renamed, ServerStarted
from chatops.settings import checked
from tests.integration.client import Client
from tests.patience import scaled

README = Path(__file__).parents[2] / "README.md"
HERE = chatops.Settings(port=0, control="off", announce_after=0.0)


def test_the_readmes_program_runs_as_it_is_written() -> None:
    section = README.read_text("utf-8").partition("## In your own program")[2]
    (program,) = re.findall(r"```python\n(.*?)```", section.partition("\n## ")[0], re.DOTALL)
    done = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True,
                          text=True, timeout=scaled(60.0))
    assert (done.returncode, done.stderr) == (0, "")
    assert "ServerStarted" in done.stdout


@pytest.mark.parametrize("name", chatops.__all__)
def test_every_public_name_is_there_documented_and_listed(name: str) -> None:
    assert getattr(chatops, name).__doc__
    assert name in dir(chatops)


def test_what_is_not_public_is_no_attribute() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Sever'"):
        chatops.Sever  # noqa: B018


def test_a_server_is_talked_to_and_asked_about_and_steered() -> None:
    with chatops.Server(HERE) as server, closing(Client(server.address)) as client:
        assert server.running
        client.rename("ada")
        assert [row.nick for row in server.snapshot().clients] == ["ada"]
        assert server.submit(Broadcast("hi")).result(scaled(10.0)).ok
        client.expect("*** [admin] hi")
        assert server.submit(Kick(("ada",), "bye")).result(scaled(10.0)).text == "kicked #1 ada"
        assert client.to_the_end()[-1] == "*** you were kicked: bye"
        kinds = {type(event) for event in server.events()}
        assert {ServerStarted, Connected, Renamed, AdminDid} <= kinds
        assert server.events_lost == 0
    assert (server.running, server.crash) == (False, "")


def test_before_the_start_and_after_the_end_nothing_raises_but_what_says_so() -> None:
    server = chatops.Server(HERE)
    server.close()
    assert server.submit(Quit("now")).result(0).text == "the server is not running"
    assert server.events() == []
    for ask in (lambda: server.address, server.snapshot):
        with pytest.raises(chatops.ServerError, match="not running"):
            ask()
    with server:
        pass
    server.close()
    assert server.submit(Quit("now")).result(0).ok is False
    with pytest.raises(chatops.ServerError):
        server.snapshot()


def test_a_server_that_ends_while_it_is_asked_says_so_at_once(monkeypatch: pytest.MonkeyPatch
                                                              ) -> None:
    with chatops.Server(HERE) as server:
        reactor = server._thread.server.reactor
        submit = reactor.submit

        def too_late(call: Callable[[], None]) -> None:
            monkeypatch.undo()
            server.close()
            submit(call)

        monkeypatch.setattr(reactor, "submit", too_late)
        with pytest.raises(chatops.ServerError, match="not running"):
            server.snapshot(scaled(60.0))


@pytest.mark.parametrize(("given", "says"), [
    ({"port": 70_000}, "port: 70000 is not between 0 and 65535"),
    ({"slow_consumer": "wait"}, "slow-consumer: 'wait' is not one of evict, drop-oldest"),
    ({"stall": "soon"}, "stall: "), ({"outbox": 12}, "outbox: 12 is not between 1.0K and"),
    ({"host": None}, "host: a NoneType is not a value for it"),
])
def test_a_setting_that_no_flag_could_have_is_refused_before_anything_is_made(
        given: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=f"^{says}") as refused:
        chatops.Server(chatops.Settings(**given))
    assert isinstance(refused.value, chatops.ChatopsError)


@pytest.mark.parametrize("given", [
    {"connect_rate": 12.5, "rate_limit": 0.0, "stall": 0.0, "line_deadline": 0.25},
    {"max_clients": 5, "outbox": 4096, "sndbuf": 0, "total_outbox": 1 << 30, "drain": 0.0},
    {"irc_port": 0, "irc_tls_port": None, "irc_sts": 86_400.0, "history_keep": "30d"},
    {"trusted": "none", "nicks": "unicode", "selector": "poll", "metrics": "[::1]:9187"},
])
def test_settings_in_seconds_and_bytes_are_taken_as_they_are(given: dict[str, Any]) -> None:
    settings = chatops.Settings(**given)
    assert checked(settings) == settings


def test_a_server_that_cannot_start_says_why_and_leaves_nothing_behind() -> None:
    with chatops.Server(HERE) as first:
        second = chatops.Server(chatops.Settings(port=first.address[1], control="off"))
        with pytest.raises(chatops.StartError, match="in use by another program"):
            second.start()
        assert not second.running
        second.close()


def test_one_object_is_one_run() -> None:
    with chatops.Server(HERE) as server:
        with pytest.raises(chatops.ServerError, match="already"):
            server.start()
        assert server.running
        assert server.address[1] > 0
    assert not server.running


def test_an_observed_selector_is_one_of_the_standard_librarys() -> None:
    selector = chatops.ObservedSelector()
    assert isinstance(selector, selectors.BaseSelector)
    selector.close()


def test_every_error_that_is_meant_to_be_caught_has_one_root() -> None:
    """Of all that the package defines: but for answers, and what its own code catches."""
    inner = {"CommandRefused", "InvalidName", "TakenName", "FrameError", "JournalDied",
             "ListenError", "LogError", "_DamageError", "_RefusedError"}
    for found in pkgutil.walk_packages(chatops.__path__, "chatops."):
        if found.name.rpartition(".")[2] not in ("__main__", "sitecustomize"):
            importlib.import_module(found.name)
    todo, strangers = [Exception], set()
    while todo:
        for kind in todo.pop().__subclasses__():
            todo.append(kind)
            if (kind.__module__.startswith("chatops.") and kind.__name__ not in inner
                    and not issubclass(kind, chatops.ChatopsError)):
                strangers.add(kind.__name__)
    assert strangers == set()


@pytest.mark.parametrize("arguments", [("--version",), ("--help",), ("ctl", "--help")])
def test_a_command_that_only_tells_imports_only_what_it_uses(arguments: tuple[str, ...]) -> None:
    script = ("import sys; sys.argv[1:] = sys.argv[1:]\nfrom chatops.cli import main\n"
              "try: main()\nexcept SystemExit: pass\n"
              "print(*sys.modules, file=sys.stderr)")
    done = subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True,
                          text=True, check=True)
    heavy = {"chatops.bench", "chatops.server", "chatops.chat.hub", "chatops.service", "tui",
             "textual", "sqlite3", "ssl", "asyncio", "wcwidth"}
    assert heavy & set(done.stderr.split()) == set()
