"""Time travel on the real server: what the past shows is what was, turn for turn."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec

from chatops.api.commands import Kick, Selector, WriteInterest
from chatops.api.snapshot import Snapshot
from chatops.links.replay import ReplayLink
from chatops.loop.naming import masks_text
from chatops.replay.history import TurnHistory
from chatops.replay.recording import read
from chatops.replay.writer import save
from tests.integration.harness import Server

EVERY = 7                      # turns from one keyframe to the next
Facts = tuple[int, list[tuple[object, ...]], dict[int, tuple[int, int]]]


class Witness:
    """Sees every turn of a server from inside, and a snapshot now and then."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.history = TurnHistory()
        self.truth: dict[int, Facts] = {}
        server.call(self._begin)

    def _begin(self) -> None:
        self.server.chat.selector.watch()
        self.server.chat.on_publish.append(self._look)

    def _look(self) -> None:
        chat = self.server.chat
        turn = chat.selector.turns
        self.truth[turn] = (
            turn,
            [(r.fd, r.events, r.fires, r.last_mask, masks_text(r.masks))
             for r in chat.selector.registrations()],
            {c.client_id: (c.mask, c.queued) for c in chat.state.connections.values()})
        if turn % EVERY == 0 or len(self.history) == 0:
            self.keep()

    def keep(self) -> None:
        self.history.add(self.server.thread.survey.build(),
                         self.server.subscription.drain())

    def end(self) -> TurnHistory:
        """Look no more; the past."""
        def stop() -> None:
            self.server.chat.on_publish.remove(self._look)
            self.keep()

        self.server.call(stop)
        return self.history


def facts(s: Snapshot) -> Facts:
    return (s.turn, [(k.fd, k.events, k.fires, k.last_mask, k.masks) for k in s.keys],
            {c.id: (c.mask, c.queued) for c in s.clients})


def a_busy_minute(server: Server) -> None:
    """Talk, a reader who stops, the always mode, a swap, a kick, and people who leave."""
    ann, bob = server.client(), server.client()
    mute = server.client(rcvbuf=4096)
    for n in range(30):
        ann.say(f"line {n}", "and another")
        bob.say("yes")
    bob.expect("guest-1: line 29")
    server.do(WriteInterest("always"))
    server.until(lambda chat: chat.selector.turns > 400)
    ann.say("the loop spins")
    bob.expect("guest-1: the loop spins")
    server.do(WriteInterest("on-demand"))
    server.do(Selector("poll"))
    for n in range(20):
        ann.say(*["x" * 4000] * 20, f"round {n}")
        ann.expect(f"guest-1: round {n}")
        bob.expect(f"guest-1: round {n}")
    server.until(lambda chat: chat.state.context.queued > 0)
    passing = server.client()
    passing.say("/quit")
    passing.to_the_end()
    passing.close()
    server.do(Kick((str(mute.id),)))
    mute.close()
    bob.close()
    server.until(lambda chat: len(chat.state.connections) == 1)


def test_every_turn_of_a_real_server_looks_as_it_did(server: Callable[..., Server]) -> None:
    running = server(sndbuf=4096, outbox=1 << 22, rate_limit=0.0)
    witness = Witness(running)
    a_busy_minute(running)
    history = witness.end()
    assert history.newest - history.oldest > 400
    position, seen = history.newest, 0
    while position > history.oldest:
        position = history.step(position, -1)
        shown = history.at(position)
        if shown is None or position not in witness.truth:
            continue
        assert facts(shown) == witness.truth[position]
        seen += 1
    assert seen > 50
    assert any(turn.repeats for turn in history.turns_around(history.oldest, 10_000))


def test_the_past_of_a_real_server_survives_a_file(
        server: Callable[..., Server], tmp_path: Path) -> None:
    running = server(sndbuf=4096, outbox=1 << 22, rate_limit=0.0)
    witness = Witness(running)
    a_busy_minute(running)
    history = witness.end()
    save(tmp_path / "demo.chatops", history.frames())
    recording = read(tmp_path / "demo.chatops")
    assert recording.warning == ""
    again = ReplayLink(recording).history
    assert (again.oldest, again.newest) == (history.oldest, history.newest)
    position = history.oldest
    while position < history.newest:
        # As bytes, because costs that nobody measured are NaN.
        assert (msgspec.msgpack.encode(again.at(position))
                == msgspec.msgpack.encode(history.at(position)))
        position = history.step(position, 1)
