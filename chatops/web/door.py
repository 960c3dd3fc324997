"""How long and how many may stand at the port of `chatops web` before they have shown the token.

Two libraries leave that open.  aiohttp waits an hour for the head of a request, and no middleware
sees half a head.  asyncio, where descriptors have run out, plans a hundred further listeners for
each that fails, says each with a traceback, and so fills the disk (`_accept_connection`).  So the
door accepts by itself, one at a time, and hands over to aiohttp what it has accepted.

A stranger costs a descriptor until the deadline.  When all places for strangers are taken, the one
that has stood there for longest has to go, of the address that has most of them: to turn away the
newcomer would let whoever takes all places keep a colleague out.
"""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web

from chatops.net.listener import PAUSE, SHORTAGES
from chatops.server.admission import source_of

TO_SHOW = 5.0                  # seconds from a connection to a whole head with the token in it
STRANGERS = 64                 # at once, where there are descriptors
CONSOLES = 16                  # browsers at once: each costs a process of some 60 MB
CONNECTIONS = 8                # of one browser: six for what its page loads, a WebSocket, a spare
PIPES = 4                      # descriptors by which a console hangs
OWN = 24                       # descriptors of the process, with those of a console's start
SHORT = "descriptors have run out: browsers wait until some are free"


@dataclass(frozen=True)
class Places:
    """How many may come, so that descriptors do not run out."""

    strangers: int
    consoles: int

    @property
    def known(self) -> int:
        """Connections of those who have the token."""
        return self.consoles * CONNECTIONS


def places(descriptors: int) -> Places:
    """What a process that may have so many descriptors has room for."""
    strangers = max(1, min(STRANGERS, descriptors // 4))
    left = descriptors - OWN - strangers
    return Places(strangers, max(1, min(CONSOLES, left // (CONNECTIONS + PIPES))))


@dataclass(eq=False)
class _Guest:
    """One connection; the transport is there once aiohttp has it."""

    sock: socket.socket
    source: str
    deadline: asyncio.TimerHandle | None = None
    transport: asyncio.Transport | None = None
    known: bool = False

    @property
    def has_gone(self) -> bool:
        return self.sock.fileno() < 0      # the transport has closed it

    def stay(self) -> None:
        """It has no deadline any more."""
        if self.deadline is not None:
            self.deadline.cancel()

    def expel(self) -> None:
        """Have it go, whatever it still has to read."""
        if self.transport is not None:
            self.transport.abort()


class Entrance:
    """Lets in who comes, and out who shows no token.  Belongs to one asyncio loop."""

    def __init__(self, server: web.Server, places: Places, say: Callable[[str], None]) -> None:
        """`say` is told once, if ever, that descriptors have run out."""
        self._server = server
        self._places = places
        self._say = say
        self._said = False
        self._guests: dict[web.RequestHandler, _Guest] = {}

    async def receive(self, listening: socket.socket) -> None:
        """Let in who comes there, without an end."""
        loop = asyncio.get_running_loop()
        listening.setblocking(False)
        while True:
            try:
                sock, address = await loop.sock_accept(listening)
            except OSError as error:
                if error.errno in SHORTAGES:   # to try again at once would spin
                    self._short()
                    await asyncio.sleep(PAUSE)
                else:
                    await asyncio.sleep(0)     # that newcomer's trouble alone
                continue
            await self._enter(loop, sock, source_of(address[0]))

    def knows(self, protocol: web.RequestHandler) -> bool:
        """It has shown the token, and may stay; whether there is room for it."""
        guest = self._guests.get(protocol)
        if guest is None:
            return False           # its time was over just now
        if not guest.known:
            self._forget_gone()
            if sum(each.known for each in self._guests.values()) >= self._places.known:
                return False
            guest.known = True
            guest.stay()
        return True

    async def _enter(self, loop: asyncio.AbstractEventLoop, sock: socket.socket, source: str
                     ) -> None:
        self._forget_gone()
        strangers = [each for each in self._guests.values() if not each.known]
        if len(strangers) >= self._places.strangers:
            _one_too_many(strangers).expel()
        protocol = self._server()
        guest = self._guests[protocol] = _Guest(sock, source)
        guest.deadline = loop.call_later(TO_SHOW, guest.expel)
        try:
            guest.transport, _ = await loop.connect_accepted_socket(lambda: protocol, sock)
        except OSError:
            sock.close()

    def _forget_gone(self) -> None:
        for protocol, guest in [*self._guests.items()]:
            if guest.has_gone:
                guest.stay()
                del self._guests[protocol]

    def _short(self) -> None:
        if not self._said:
            self._said = True
            self._say(SHORT)


def _one_too_many(strangers: list[_Guest]) -> _Guest:
    crowds = Counter(each.source for each in strangers)
    largest = max(crowds, key=crowds.__getitem__)
    return next(each for each in strangers if each.source == largest)
