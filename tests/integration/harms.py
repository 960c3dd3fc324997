"""What tests/FAULTS.md's rows do to a server: one function for each, given where to do it."""

from __future__ import annotations

import os
import resource
import select
import signal
import socket
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from threading import Event
from typing import NamedTuple

from chatops.api import commands
from chatops.control.frames import Ask
from tests.integration.client import Client
from tests.integration.control import Raw
from tests.integration.harness import Served
from tests.integration.talk import numbered, say_and_hear

TIGHT = 4096                   # bytes of a kernel buffer that fills at once


class Victim(NamedTuple):
    """A server, and where to do it harm."""

    served: Served
    control: Path
    open: int                      # its descriptors, with nobody connected

    @property
    def address(self) -> tuple[str, int]:
        return self.served.address


Harm = Callable[[Victim], None]


# -- bytes


def sends(*segments: bytes, times: int = 1) -> Harm:
    """These bytes from one client, which then leaves as people do."""

    def harm(victim: Victim) -> None:
        with Client(victim.address) as client:
            for _ in range(times):
                for segment in segments:
                    client.send(segment)
            client.send(b"\n/quit\n")
            client.read_until("*** bye")

    return harm


def speaks_another_protocol(first: bytes) -> Harm:
    """These bytes before any line, to a server that lets such a client go."""
    def harm(victim: Victim) -> None:
        with Client(victim.address) as client:
            client.send(first)
            client.to_the_end()

    return harm


def in_every_field(payload: bytes) -> Harm:
    """As what is said, as nick, as room, as command, and as reason to leave."""
    return sends(b"said" + payload + b"\n/me " + payload + b" acts\n/nick x" + payload
                 + b"\n/join y" + payload + b"\n/msg guest-1 " + payload + b" hear\n/" + payload
                 + b"\n/quit because " + payload)


def interrupts_telnet(victim: Victim) -> None:
    """Ctrl-C, as `telnet` sends it."""
    with Client(victim.address) as client:
        client.send(b"\xff\xf4\xff\xfd\x06")
        assert client.read_bytes(3) == b"\xff\xfb\x06"


def ends_inside_a_line(victim: Victim) -> None:
    with Client(victim.address) as client:
        client.send(b"unfinished \xe2\x82")


def says_no_more(victim: Victim) -> None:
    with Client(victim.address) as client:
        client.send(b"one\n/who\ntwo")
        client.half_close()
        assert client.to_the_end()[-1].endswith("two")


# -- readers


def crowd(stack: ExitStack, victim: Victim, count: int, room: str = "flood", *, rcvbuf: int = 0
          ) -> list[Client]:
    """So many clients in a room of their own."""
    clients = [stack.enter_context(Client(victim.address, rcvbuf=rcvbuf)) for _ in range(count)]
    for client in clients:
        client.join(room)
    return clients


def never_reads(victim: Victim) -> None:
    with ExitStack() as stack:
        (speaker,) = crowd(stack, victim, 1)
        crowd(stack, victim, 1, rcvbuf=TIGHT)
        say_and_hear(speaker, numbered(0, 1024, 1024))


def trickles(victim: Victim) -> None:
    with ExitStack() as stack:
        (speaker,) = crowd(stack, victim, 1)
        (slow,) = crowd(stack, victim, 1, rcvbuf=TIGHT)
        say_and_hear(speaker, numbered(0, 30, 1024))
        while not select.select([speaker.sock], [], [], 0.1)[0]:
            slow.read_bytes(1)
        assert "evicted" in speaker.read_line()


def resets(victim: Victim) -> None:
    with Client(victim.address) as client:
        client.reset()


def resets_with_lines_queued(victim: Victim) -> None:
    with ExitStack() as stack:
        (speaker,) = crowd(stack, victim, 1)
        (mute,) = crowd(stack, victim, 1, rcvbuf=TIGHT)
        say_and_hear(speaker, numbered(0, 30, 1024))
        mute.reset()
        speaker.expect(f"*** {mute.nick} left (peer reset)")


def twenty_end_in_one_turn(victim: Victim) -> None:
    served = victim.served
    with ExitStack() as stack:
        speaker, *others = crowd(stack, victim, 21)
        logged = len(served.lines)
        os.kill(served.pid, signal.SIGSTOP)
        try:
            speaker.say("before")
            for client in others:
                client.close()
            speaker.say("after")
        finally:
            os.kill(served.pid, signal.SIGCONT)
        for client in others:
            served.wait_for_line(rf"Disconnected id={client.id} ", after=logged)


def two_hundred_stall(victim: Victim) -> None:
    with ExitStack() as stack:
        (speaker,) = crowd(stack, victim, 1)
        crowd(stack, victim, 200, rcvbuf=TIGHT)
        say_and_hear(speaker, numbered(0, 40, 1024))


def kicked(victim: Victim) -> None:
    """While it floods, and once more when it has gone."""
    with Client(victim.address) as rude, Raw(victim.control) as admin:
        rude.send(b"flood\n" * 2000)
        for _ in range(2):
            admin.send(Ask(1, commands.Kick((str(rude.id),), "too loud")))
            admin.read()
        rude.read_until("*** you were kicked: too loud")


# -- newcomers


def without_descriptors(victim: Victim) -> None:
    served = victim.served
    soft, hard = resource.prlimit(served.pid, resource.RLIMIT_NOFILE)
    logged = len(served.lines)
    resource.prlimit(served.pid, resource.RLIMIT_NOFILE, (served.descriptors() + 5, hard))
    try:
        with ExitStack() as stack:
            for _ in range(100):
                stack.enter_context(Client(victim.address, greeted=False))
            served.wait_for_line("ListenerPaused", after=logged)
    finally:
        resource.prlimit(served.pid, resource.RLIMIT_NOFILE, (soft, hard))
    served.wait_for_line("ListenerResumed", after=logged)


def fifteen_hundred_come_and_go(victim: Victim) -> None:
    for n in range(1500):
        client = Client(victim.address, greeted=False)
        client.reset() if n % 2 else client.close()


def two_hundred_at_once(victim: Victim) -> None:
    with ExitStack() as stack:
        for sock in [stack.enter_context(socket.socket()) for _ in range(200)]:
            sock.setblocking(False)
            sock.connect_ex(victim.address)


def comes(count: int, source: str, *, stays: bool = True) -> Harm:
    """So many from one address, all of which get an answer."""

    def harm(victim: Victim) -> None:
        with ExitStack() as stack:
            for _ in range(count):
                client = Client(victim.address, source=source, greeted=False)
                stack.callback(client.close)
                client.read_line()
                if not stays:
                    client.close()

    return harm


def never_ends_its_line(victim: Victim) -> None:
    with Client(victim.address) as client:
        pace = Event()
        while True:
            client.send(b"x")
            pace.wait(0.1)
            if client.sock.recv(4096, socket.MSG_DONTWAIT | socket.MSG_PEEK).endswith(b"ended\n"):
                return


# -- rates


def says_too_much(victim: Victim) -> None:
    with Client(victim.address) as talker:
        talker.say(*numbered(0, 1500))
        talker.read_until(lambda line: "you are read more slowly" in line)
        talker.reset()


def storms(victim: Victim) -> None:
    with ExitStack() as stack:
        (restless,) = crowd(stack, victim, 1, "lobby2")
        for n in range(200):
            restless.say(f"/nick restless{n}", f"/join room{n}")
            with Client(victim.address) as passing:
                passing.say("/join lobby2")
        restless.heard()


# -- the control socket


def abuses(data: bytes, *, stays: bool = False) -> Harm:
    """Of the control socket."""

    def harm(victim: Victim) -> None:
        with Raw(victim.control, greeted=not stays) as raw:
            raw.sock.sendall(data)

    return harm
