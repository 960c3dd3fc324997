"""tests/FAULTS.md, what holds after every row: nobody else loses a line, and the server is whole.

Each row is done to `chatops serve` as it ships, a process that lives through all of them one
after another, while others talk in its lobby.  The rows' own demands are in the other files;
here is what they have in common: the others hear each line once and in order, an event names
the fault where there is one, no descriptor is left open, and newcomers can talk.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import pytest

from chatops.api import commands
from chatops.control.frames import HEAD, Ask, pack
from tests.integration.bystanders import talking_on
from tests.integration.client import SOON
from tests.integration.harms import (
    Harm,
    Victim,
    abuses,
    comes,
    ends_inside_a_line,
    fifteen_hundred_come_and_go,
    in_every_field,
    interrupts_telnet,
    kicked,
    never_ends_its_line,
    never_reads,
    resets,
    resets_with_lines_queued,
    says_no_more,
    says_too_much,
    sends,
    speaks_another_protocol,
    storms,
    trickles,
    twenty_end_in_one_turn,
    two_hundred_at_once,
    two_hundred_stall,
    without_descriptors,
)
from tests.integration.harness import Served
from tests.integration.test_faults_injection import NEVER_A_NICK, PAYLOADS
from tests.integration.until import until

MEBIBYTE = 1 << 20
SERVERS = {
    "plain": (),
    "tight": ("--rate-limit", "off", "--sndbuf", "4K", "--outbox", "64K", "--total-outbox", "1M",
              "--stall", "1s"),
    "narrow": ("--max-clients", "40", "--per-address", "30", "--connect-rate", "20/s",
               "--trusted", "127.0.0.1/32", "--line-deadline", "1s"),
}


class Row(NamedTuple):
    """What is done, to which of the servers, and the log's word for it."""

    harm: Harm
    names: str = ""                # a pattern; "" where nothing is wrong with what is done
    server: str = "plain"


@pytest.fixture(scope="module")
def victims() -> Iterator[Callable[[str], Victim]]:
    """The servers of this file, each started when it is first needed."""
    started: dict[str, Victim] = {}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="rows-")))

        def find(name: str) -> Victim:
            if name not in started:
                control = folder / f"{name}.sock"
                served = Served(*SERVERS[name], "--control", str(control), cwd=folder)
                stack.callback(served.close)
                started[name] = Victim(served, control, served.descriptors())
            return started[name]

        yield find


ROWS: dict[str, Row] = {
    "b01": Row(sends(*(bytes([byte]) for byte in b"one at a time\n"))),
    "b02": Row(sends(b"a\nb\n")),
    "b03": Row(sends(b"\xe2\x82", b"\xac\n")),
    "b04": Row(sends(b"\xff\xfe\n"), 'BadInput .*"invalid UTF-8"'),
    "b06": Row(sends(b"\xed\xa0\x80 \xc0\xaf\n"), 'BadInput .*"invalid UTF-8"'),
    "b07": Row(sends(b"a\r\nb\nc\r\n")),
    "b08": Row(sends(b"a\0b\n"), 'BadInput .*"control characters"'),
    "b09": Row(sends(b"\n\n  \n\t\n")),
    "b10": Row(sends(b"x" * 65_536), 'BadInput .*"line too long"'),
    "b11": Row(sends(b"x" * MEBIBYTE, times=32), 'BadInput .*"line too long"'),
    "b12": Row(ends_inside_a_line, 'Disconnected .*reason="left"'),
    "b13": Row(says_no_more, 'Disconnected .*reason="left"'),
    "b14": Row(interrupts_telnet, 'BadInput .*"telnet negotiation"'),
    "b16": Row(speaks_another_protocol(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
                   'BadInput .*"HTTP on the port'),
    "b16-tls": Row(speaks_another_protocol(b"\x16\x03\x01\x02\0\x01\0\x01\xfc"
                                           + bytes(range(256)) * 2),
                   'BadInput .*"TLS on the port'),
    "b18": Row(sends(b"\xff\xfa" + b"x" * 100_000), 'BadInput .*"telnet negotiation"'),
    "b20": Row(sends(b"hi\r\0\n"), 'BadInput .*"control characters"'),
    **{name: Row(in_every_field(payload), "BadInput ") for name, payload in PAYLOADS.items()},
    "i11": Row(in_every_field(b"[@click=app.quit]x[/]")),
    "i13": Row(sends(*(f"/nick {nick}\n".encode() for nick in NEVER_A_NICK))),
    "i14": Row(sends(b"z" + "\u0301".encode() * 2000 + b"\n"), "BadInput "),
    "i14-long": Row(sends(b"z" * 200_000 + b"\n"), 'BadInput .*"line too long"'),
    "i15": Row(in_every_field(b"%s %n {0} ${x}")),
    "s01": Row(never_reads, r"Disconnected .*evicted: queue full \(64\.0K\)", "tight"),
    "s03": Row(resets, 'Disconnected .*reason="peer reset"'),
    "s04": Row(resets_with_lines_queued, 'Disconnected .*reason="peer reset"', "tight"),
    "s06": Row(twenty_end_in_one_turn, "Disconnected "),
    "s10": Row(trickles, "Disconnected .*took next to nothing for 1s", "tight"),
    "s11": Row(two_hundred_stall, "Disconnected .*all queues together reached 1.0M", "tight"),
    "s12-s13": Row(kicked, 'Disconnected .*reason="kicked: too loud"'),
    "l01": Row(without_descriptors, "ListenerPaused .*Too many open files"),
    "l02": Row(fifteen_hundred_come_and_go, "Disconnected "),
    "l05": Row(two_hundred_at_once, "Connected "),
    "l06": Row(comes(50, "127.0.0.1"), "Refused .*the server is full", "narrow"),
    "l07": Row(comes(35, "127.0.0.2"), "Refused .*too many connections from your", "narrow"),
    "l08": Row(comes(200, "127.0.0.3", stays=False), "Refused .*you connect too often", "narrow"),
    "l10": Row(never_ends_its_line, 'Disconnected .*reason="line never ended"', "narrow"),
    "r01-r05": Row(says_too_much, "Throttled "),
    "r03": Row(storms, "Renamed "),
    "u05-length": Row(abuses((1 << 31).to_bytes(HEAD) + b"x" * 100, stays=True),
                      "Warned .*console .* was dropped"),
    "u05-dies": Row(abuses(pack(Ask(1, commands.Bans()))[:-3])),
}


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_others_hear_each_line_the_fault_is_named_and_nothing_is_left_open(
        victims: Callable[[str], Victim], row: Row) -> None:
    victim = victims(row.server)
    served = victim.served
    logged = len(served.lines)
    with talking_on(served.address):
        row.harm(victim)
        if row.names:
            served.wait_for_line(row.names, after=logged)
    until(lambda: served.descriptors() == victim.open, SOON)
    assert not any("Crashed" in line or "CallbackFailed" in line for line in served.lines)
    served.check()
