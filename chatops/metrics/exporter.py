"""`--metrics`: /metrics and /healthz of a running server.

Two threads meet here.  The exporter's own speaks HTTP and makes text; the server's is asked
for a snapshot, as a console asks, and hands it over at the end of a turn.  So however many
scrape, the server makes no more snapshots than it can afford, and one that is fresh is
shared.  Nothing is asked while nobody scrapes: an idle server sleeps on.
"""

from __future__ import annotations

import math
import selectors
import socket
import threading
import traceback
from collections.abc import Callable, Sequence
from functools import partial

from msgspec.structs import replace

from chatops import lints
from chatops.api.slot import SnapshotSlot
from chatops.api.snapshot import Snapshot
from chatops.loop.reactor import Reactor
from chatops.metrics.door import HttpDoor, Request, Respond, Response
from chatops.metrics.families import Figures
from chatops.metrics.text import Page
from chatops.server.server import ChatServer
from chatops.server.snapshots import SnapshotPublisher

FRESH = 0.5                    # seconds that one snapshot serves all who scrape
SILENCE = 5.0                  # seconds without a turn, though asked for one: it hangs
HANGS = Response(503, f"the loop has not turned for {SILENCE:g} s\n".encode())
ENDED = Response(503, b"the server has ended\n")
NO_TEXT = Response(500, b"no text could be made of it\n")


class _SharedQuery:
    """Something that the server's thread is asked once for all who want to know it."""

    def __init__(self) -> None:
        self.waiting: list[Respond] = []
        self.asked_at = math.inf       # monotonic; infinite while nothing is asked

    def answered(self) -> list[Respond]:
        """Who wanted to know."""
        self.asked_at = math.inf
        waiting, self.waiting = self.waiting, []
        return waiting


class Exporter:
    """Made by the thread that starts the server, then two threads' as the methods say."""

    def __init__(self, socks: Sequence[socket.socket], server: ChatServer,
                 survey: SnapshotPublisher, *,
                 version: str, places: int, backlog: Callable[[], int], alive: Callable[[], bool],
                 mishap: Callable[[str, Exception], None], died: Callable[[str], None]) -> None:
        """`socks` listen, and have so many `places` together.  `backlog` and `alive` are asked
        from the exporter's thread, `mishap` is told there of a callback that failed, and `died`
        of what ended the thread.
        """
        self.address = socks[0].getsockname()
        self._server = server
        self._survey = survey
        self._version = version
        self._backlog = backlog
        self._alive = alive
        self._mishap = mishap
        self._died = died
        self._view = SnapshotSlot()
        self._told: Snapshot | None = None     # the server's thread: what it has handed over
        self._reactor = Reactor()
        self._reactor.on_failure = self._failed
        self._doors = [HttpDoor(self._reactor, sock, self._serve,
                                max(1, places // len(socks))) for sock in socks]
        self._figures = _SharedQuery()
        self._turn = _SharedQuery()
        self._snapshot: Snapshot | None = None
        self._page: Page | None = None
        survey.views.append(self._view)
        server.on_publish.append(self._publish)
        server.selector.watch()        # or no callback would be timed
        self._thread = threading.Thread(target=self._run, name="metrics", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self, timeout: float = 2.0) -> None:
        """Give the port back.  From any thread but its own; idempotent."""
        self._reactor.submit(self._reactor.stop)
        if self._thread.is_alive():
            self._thread.join(timeout)

    # -- on the server's thread

    def _publish(self) -> None:
        """At the end of every turn, after the survey."""
        latest = self._view.latest
        if latest is not self._told and latest is not None:
            self._told = latest
            self._view.took(latest)
            self._reactor.submit(partial(self._arrived, latest))

    def _turned(self) -> None:
        self._survey.looks += 1        # that somebody asked is no news
        self._reactor.submit(partial(self._healthy, self._server.state.phase))

    # -- on the exporter's

    def _run(self) -> None:
        try:
            self._reactor.run()
        except BaseException:
            self._died(traceback.format_exc())
        finally:
            for door in self._doors:
                door.close()
            self._reactor.close()

    def _failed(self, key: selectors.SelectorKey | None, error: Exception) -> None:
        self._mishap("the metrics", error)
        visit = getattr(key.data, "__self__", None) if key is not None else None
        if visit is not None and hasattr(visit, "close"):
            visit.close()

    def _serve(self, request: Request, respond: Respond) -> None:
        match request.path:
            case "/metrics":
                self._metrics(request.accept, respond)
            case "/healthz":
                self._ask(self._turn, respond, partial(self._server.reactor.submit, self._turned))
            case _:
                respond(Response(404, b"/metrics and /healthz are here\n"))

    def _metrics(self, accept: str, respond: Respond) -> None:
        def give(response: Response) -> None:
            if response.status == 200 and self._page is not None:
                try:
                    content_type, body = self._page.text(accept)
                except Exception as error:
                    self._mishap("the metrics", error)
                    response = NO_TEXT
                else:
                    response = Response(200, body, content_type)
            respond(response)

        if self._page is not None and self._reactor.now - self._page.made_at < FRESH:
            give(Response(200, b""))
        else:
            self._ask(self._figures, give, self._want)

    def _want(self) -> None:
        self._view.wanted = True
        self._server.reactor.wake()

    def _ask(self, question: _SharedQuery, respond: Respond, ask: Callable[[], None]) -> None:
        now = self._reactor.now
        if not self._alive():
            respond(ENDED)
        elif now - question.asked_at >= SILENCE:
            respond(HANGS)
        else:
            question.waiting.append(respond)
            if question.asked_at == math.inf:
                question.asked_at = now
                self._reactor.call_later(SILENCE, partial(self._late, question, now))
                ask()

    def _late(self, question: _SharedQuery, asked_at: float) -> None:
        """If it is still not answered, nobody waits any longer; it stays asked."""
        if question.asked_at == asked_at:
            waiting, question.waiting = question.waiting, []
            self._tell(waiting, HANGS if self._alive() else ENDED)

    def _arrived(self, snapshot: Snapshot) -> None:
        self._snapshot = replace(snapshot, lints=lints.find(snapshot, self._snapshot))
        self._page = Page(Figures(self._snapshot, self._version, self._backlog(),
                                  bool(self._server.state.settings.history)), self._reactor.now)
        self._tell(self._figures.answered(), Response(200, b""))

    def _healthy(self, phase: str) -> None:
        response = Response(200, b"ok\n") if phase == "running" else Response(
            503, f"{phase}\n".encode())
        self._tell(self._turn.answered(), response)

    def _tell(self, waiting: Sequence[Respond], response: Response) -> None:
        """All of them, whatever comes of one: nobody else has them any more."""
        for respond in waiting:
            try:
                respond(response)
            except Exception as error:
                self._mishap("the metrics", error)
