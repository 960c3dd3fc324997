"""Under `python -X dev`: whatever is done to it, nothing is left for the collector."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

from chatops.api import commands
from chatops.control.frames import Ask, Done, Poll, Update, pack
from tests.integration.client import Client
from tests.integration.control import Raw
from tests.integration.harness import Served
from tests.integration.talk import numbered, say_and_hear
from tests.integration.terminal import Console

# What Python has to complain about goes into a file: a console hides its standard error.
COMPLAINING = """
import os, sys, warnings
fd = os.open("complaints", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
def complain(text): os.write(fd, f"{text}\\n".encode())
warnings.showwarning = lambda message, kind, file, line, *_: complain(
    f"{file}:{line}: {kind.__name__}: {message}")
sys.unraisablehook = lambda unraisable: complain(f"{unraisable.object!r}: {unraisable.exc_value!r}")
from chatops import cli
cli.main()
"""


def come_and_go(address: tuple[str, int]) -> None:
    """In all the ways there are."""
    for n in range(30):
        with Client(address, rcvbuf=4096) as passer:
            passer.say("hello", "/join tea", *numbered(0, 20, 300))
            match n % 3:
                case 0:
                    passer.reset()
                case 1:
                    passer.say("/quit")
                    passer.to_the_end()


def ask(control: Path) -> None:
    """A console that looks, one that kicks, one that speaks nonsense, one that dies."""
    with Raw(control) as console, Raw(control) as script, Raw(control) as dying:
        console.send(Poll(now=True))
        assert isinstance(console.read(), Update)
        for ask_it in (Ask(1, commands.Kick(("3",), "enough")), Ask(2, commands.Ban("10.1.2.3")),
                       Ask(3, commands.Selector("poll")), Ask(4, commands.Selector("epoll"))):
            script.send(ask_it)
            assert isinstance(script.read(), Done)
        dying.sock.sendall(pack(Poll())[:-1])
    with Raw(control, greeted=False) as nonsense:
        nonsense.sock.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert nonsense.at_end()


def test_python_in_development_mode_has_nothing_to_complain_about(
        served: Callable[..., Served], control_path: Path) -> None:
    server = served("--max-clients", "12", "--outbox", "64K", "--sndbuf", "4K", "--control",
                    str(control_path), "--history", "history", "--ban-file", "bans",
                    program=("-X", "dev", "-m", "chatops"))
    server.must_live = False
    speaker, reader, kicked = server.client(), server.client(), server.client()
    come_and_go(server.address)
    ask(control_path)
    assert kicked.to_the_end()[-1] == "*** you were kicked: enough"
    kicked.close()
    speaker.say("/history", "/history 5 words")
    reader.heard()
    deaf = [server.client(rcvbuf=4096, greeted=False) for _ in range(20)]
    say_and_hear(speaker, numbered(0, 300, 1000), [reader])
    assert len(deaf) == 20
    server.signal(signal.SIGTERM)
    assert server.status() == 0
    complaints = [line for line in server.lines if "Warning" in line or "Traceback" in line]
    assert complaints == []


def test_python_in_development_mode_has_nothing_to_complain_about_of_the_console_either(
        console: Callable[..., Console], tmp_path: Path) -> None:
    chatops = console("--rate-limit", "off", program=("-X", "dev", "-c", COMPLAINING))
    chatops.must_live = False
    ada = chatops.client("ada")
    chatops.see_row(ada)
    come_and_go(chatops.address)
    for key, sign in (("2", "2 Selector"), ("3", "3 Events"), ("5", "5 Log"), ("1", "1 Clients")):
        chatops.type(key)
        chatops.see(f":pane {sign[2:].lower()}")
    chatops.see_row(ada)
    os.kill(chatops.pid, signal.SIGTERM)
    assert ada.to_the_end()[-1].startswith("*** the server is shutting down")
    assert chatops.status() == 0
    assert (tmp_path / "complaints").read_text("utf-8") == ""
