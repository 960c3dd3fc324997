"""`chatops web`: the console in a real browser, for whoever has the link and for nobody else."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from chatops.api.command_line import parse
from chatops.api.events import Disconnected
from tests.integration.browser import CHROMIUM, Browser
from tests.integration.client import Client
from tests.integration.harness import Server, environment
from tests.integration.pages import Pages
from tests.integration.until import until
from tests.patience import PATIENCE, scaled
from tui import web as tui_web

# What starts a browser is not run side by side with what is measured.
pytestmark = pytest.mark.xdist_group("browser")

needs_chromium = pytest.mark.skipif(not CHROMIUM, reason="there is no Chromium here")
StartServer = Callable[..., Server]


@pytest.fixture
def browser() -> Iterator[Callable[[], Browser]]:
    # Not in the test's own folder, whose path is too long for what Chromium puts there.
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, ExitStack() as stack:

        def start() -> Browser:
            started = Browser(Path(tempfile.mkdtemp(dir=folder)))
            stack.callback(started.close)
            return started

        yield start


def named(chat: Server) -> Client:
    client = chat.client()
    client.say("/nick ada")
    client.read_until(lambda line: "ada" in line)
    return client


@needs_chromium
def test_a_browser_sees_the_clients_is_answered_and_changes_nothing(
        server: StartServer, control_path: Path, pages: Callable[..., Pages],
        browser: Callable[[], Browser]) -> None:
    chat = server(control=str(control_path))
    ada = named(chat)
    page, look = pages(), browser()
    look.open(page.link)
    look.see(r"READ ONLY")
    look.see(r"ada +127")
    assert look.status == 200
    look.press("2")
    look.see(r"\[2 Selector")
    for command, answer in (("record", "'record' is not for a browser"),
                            ("alert lint run id", "'alert' is not for a browser")):
        look.press(f":{command} x\r")
        look.see(answer)
    look.press("1k")               # and is not asked for a reason first
    look.see("kick: this page only looks; `chatops web --allow-changes`")
    assert ada.heard() == []
    (console,) = page.consoles
    look.kill()                    # it vanishes, and its console with it
    until(lambda: not page.consoles, scaled(30.0))
    with pytest.raises(ProcessLookupError):
        os.kill(console, 0)


@needs_chromium
def test_whoever_was_allowed_to_kicks_from_a_browser(
        server: StartServer, control_path: Path, pages: Callable[..., Pages],
        browser: Callable[[], Browser]) -> None:
    chat = server(control=str(control_path))
    ada = named(chat)
    page, look = pages("--allow-changes"), browser()
    assert "may change things" in page.printed
    look.open(page.link)
    look.see(r"ada +127")
    look.press("k")
    look.see("Kick #1 ada")
    look.press("bye\t\t\r")      # the reason, past Cancel, and the button
    assert "you were kicked" in "\n".join(ada.to_the_end())
    assert chat.wait_for(Disconnected).id == ada.id
    look.see(r"clients +0\b")


@needs_chromium
def test_a_console_that_hangs_ends_with_its_browser_and_all_with_the_command(
        server: StartServer, control_path: Path, pages: Callable[..., Pages],
        browser: Callable[[], Browser]) -> None:
    named(server(control=str(control_path)))
    page, first, second = pages(), browser(), browser()
    first.open(page.link)
    first.see("ada")
    (stuck,) = page.consoles
    second.open(page.link)
    second.see("ada")
    os.kill(stuck, signal.SIGSTOP)
    first.kill()
    until(lambda: stuck not in page.consoles, scaled(30.0))
    second.see("ada")
    (other,) = page.consoles
    page.close()
    until(lambda: _has_gone(other), scaled(20.0))
    second.until(lambda: second.closed)


def _has_gone(pid: int) -> bool:
    try:
        return "Z" in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return True


@pytest.mark.parametrize("path", ["/", "/ws", "/static/js/textual.js", "/download/x", "/nothing",
                                  "/?token=", "/?token=guess", "/ws?token=%00"])
def test_nobody_comes_in_without_the_token(server: StartServer, control_path: Path,
                                           pages: Callable[..., Pages], path: str) -> None:
    server(control=str(control_path))
    page = pages()
    assert page.get(path) == 403
    assert page.get(path, Cookie=page.cookie[:-1]) == 403
    assert page.consoles == []


def test_the_link_gives_the_cookie_and_the_cookie_opens_the_page(
        server: StartServer, control_path: Path, pages: Callable[..., Pages]) -> None:
    server(control=str(control_path))
    page = pages()
    assert page.get(f"/?{urlsplit(page.link).query}") == 303
    assert page.get("/", Cookie=page.cookie) == 200
    assert page.get("/static/js/textual.js", Cookie=page.cookie) == 200
    assert page.get("/download/x", Cookie=page.cookie) == 404
    upgrade = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13",
               "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==", "Cookie": page.cookie}
    assert page.get("/ws", Origin="http://elsewhere.example", **upgrade) == 403
    assert page.consoles == []


def run(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "chatops", "web", *words], text=True,
                          capture_output=True, env=environment(**variables), timeout=PATIENCE,
                          stdin=subprocess.DEVNULL, check=False)


def test_what_cannot_be_served_is_one_line(server: StartServer, control_path: Path,
                                           tmp_path: Path) -> None:
    nobody = run(str(tmp_path / "c.sock"))
    assert nobody.returncode == 1
    assert re.fullmatch(r"chatops: nobody listens at .*c\.sock\n", nobody.stderr), nobody.stderr
    nobody = run("1")
    assert nobody.returncode == 1
    assert nobody.stderr.startswith("chatops: no server of this user on port 1 has "), nobody.stderr
    server(control=str(control_path))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        busy = run("--port", str(taken.getsockname()[1]), str(control_path))
    assert busy.returncode == 1
    assert re.fullmatch(r"chatops: cannot serve on 127\.0\.0\.1:\d+: .*in use.*\n", busy.stderr)


def test_without_the_library_it_says_what_to_install(tmp_path: Path) -> None:
    # As where it has not been installed: nothing of that name can be found.
    (tmp_path / "sitecustomize.py").write_text(
        "import importlib.util\nfind = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name, *more: (\n"
        "    None if name == 'textual_serve' else find(name, *more))\n")
    result = run(PYTHONPATH=str(tmp_path))
    assert result.returncode == 1
    assert result.stderr == ("chatops: `chatops web` needs textual-serve, which is not installed; "
                             "pip install 'chatops[web]'\n")


def test_what_works_on_this_machine_is_not_for_browsers() -> None:
    for line in ("record x", "save x", "screenshot x.svg", "alert lint run id", "lab", "stage 5",
                 "lesson"):
        assert tui_web.is_for_a_terminal(parse(line)), line
    for line in ("kick 1", "alert lint", "alert lint off", "alert", "filter x", "quit"):
        assert not tui_web.is_for_a_terminal(parse(line)), line
