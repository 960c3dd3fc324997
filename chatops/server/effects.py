"""Carrying out effects: the one place where what the hub has decided meets the sockets."""

from __future__ import annotations

from collections.abc import Callable
from typing import assert_never

from chatops.api import events
from chatops.chat.dialect import PLAIN, Dialect, Rendered, without_each
from chatops.chat.effects import (
    Announce,
    Answer,
    CloseConnection,
    Deliver,
    Demand,
    Effect,
    Enter,
    Forward,
    Leave,
    LookUp,
    MakeWay,
    Park,
    PauseReading,
    Pour,
    Recall,
    Replay,
    Tell,
    Unpark,
)
from chatops.chat.groups import SAID, SERVER, Group
from chatops.chat.session import Session
from chatops.net.fanout import FanOut
from chatops.server import demands
from chatops.server.backpressure import Backpressure
from chatops.server.held import HeldClients
from chatops.server.state import ClientConnection, ServerState
from chatops.units import counted

# Bytes of lines for single clients that are gathered at most.  A chunk that the kernel has
# taken a part of is queued to its end, and one that finds no room is dropped as a whole: so it
# must be far smaller than an outbox.
GATHERED = 1 << 13
NOBODY: dict[Dialect, FanOut[Session]] = {}


class EffectRunner:
    """One method per kind of effect.  Belongs to the reactor's thread."""

    def __init__(self, state: ServerState, relieve: Callable[[], None],
                 pressure: Backpressure) -> None:
        """`relieve` sends the worst away where all queues together hold too much."""
        # By room, and there by what is spoken to them.
        self.fans: dict[str, dict[Dialect, FanOut[Session]]] = {}
        self._state = state
        self._relieve = relieve
        self._held = HeldClients(state, pressure)
        self._echoless: set[int] = set()       # clients that do not hear what they say

    def flush(self) -> None:
        """Carry out all that this turn decided, and what follows from it, in order."""
        state = self._state
        hub = state.hub
        hub.flush()
        while hub.effects:
            effects, hub.effects = hub.effects, []
            if state.others is not None:
                state.others.decided(effects)
            self.carry_out(effects)
            if state.context.queued:
                self._relieve()
            if hub.dirty:
                hub.flush()

    def carry_out(self, effects: list[Effect]) -> None:
        """Do these, in order.  One that fails costs the client it is for, and no other.

        Lines for single clients are gathered until something might overtake them, so that
        each client gets one write for all of them.
        """
        state = self._state
        told: dict[int, list[Tell]] = {}
        gathered = 0
        for effect in effects:
            if type(effect) is Tell:
                told.setdefault(effect.id, []).append(effect)
                gathered += len(effect.data)
                if gathered >= GATHERED:
                    self._tell(told)
                    gathered = 0
                continue
            if told and not isinstance(effect, events.Event):
                self._tell(told)
                gathered = 0
            try:
                if type(effect) is Deliver:
                    self._deliver(effect)
                elif type(effect) in events.TALK:
                    state.bus.publish(effect)  # type: ignore[arg-type]  # an event; see `say`
                else:
                    self._do(effect)
            except Exception as error:
                state.mishap(type(effect).__name__, -1, error,
                              state.connections.get(getattr(effect, "id", 0)))
        self._tell(told)

    def _do(self, effect: Effect) -> None:
        match effect:
            case Deliver():
                self._deliver(effect)
            case events.Renamed():
                self._renamed(effect)
            case events.Event():
                self._state.say(effect)
            case Tell():
                self._tell({effect.id: [effect]})
            case Enter():
                self._enter(effect)
            case Leave():
                self._leave(effect)
            case Answer():
                self._answer(effect)
            case PauseReading():
                self._held.hold(effect)
            case Park():
                self._held.park(effect)
            case Unpark():
                self._held.unpark(effect)
            case Pour():
                self._held.pour(effect)
            case LookUp():
                self._look_up(effect)
            case Replay():
                self._replay_as_notices(effect)
            case Recall():
                self._recall(effect)
            case CloseConnection():
                self._close(effect)
            case Announce() | Forward() | MakeWay():
                pass               # for other nodes, who know already
            case Demand():
                if self._state.others is not None:
                    demands.order(self._state.hub, self._state.others, effect)
            case _:
                assert_never(effect)

    def _deliver(self, effect: Deliver) -> None:
        room, groups = effect.room, effect.groups
        plain: Rendered | None = None
        for dialect, fan in self.fans.get(room, NOBODY).items():
            rendered = dialect.render(room, groups)
            chunk, lines = rendered.chunk, rendered.lines
            if dialect is PLAIN:
                plain = rendered
            if not chunk:
                continue
            if self._echoless and (own := self._own(fan, rendered, groups)):
                fan.send_apart(chunk, lines, own)
            else:
                fan.send(chunk, lines)
            if self._state.selector.watched:
                self._state.selector.note(f"fan-out {room}: {counted(lines, 'line')}, "
                                           f"{counted(len(chunk), 'byte')} to {len(fan)}")
        history = self._state.history
        if history is not None:        # in plain words, whoever has heard it
            plain = plain or PLAIN.render(room, groups)
            if plain.chunk:
                history.keep(effect.kept_as or room, plain, groups)

    def _own(self, fan: FanOut[Session], rendered: Rendered, groups: list[Group]
             ) -> dict[ClientConnection, tuple[bytes, int]]:
        """What those members get who have spoken, and do not want to hear that."""
        connections = self._state.connections
        if len(groups) == 1:           # as in most rooms; the whole chunk is the speaker's own
            group, = groups
            sender = group.sender
            if sender.id not in self._echoless or sender.node or group.kind not in SAID:
                return {}
            connection = connections.get(sender.id)
            return ({} if connection is None or fan not in connection.fans
                    else {connection: (b"", 0)})
        speakers = {group.sender.id for group in groups
                    if group.kind in SAID and not group.sender.node} & self._echoless
        here = [speaker for speaker in speakers
                if speaker in connections and fan in connections[speaker].fans]
        return {connections[speaker]: left
                for speaker, left in without_each(rendered, groups, here).items()} if here else {}

    def _tell(self, told: dict[int, list[Tell]]) -> None:
        """Write what was gathered, client by client, and begin anew."""
        for id, tells in told.items():  # noqa: A001
            connection = self._state.connections.get(id)
            if connection is None:
                continue
            try:
                connection.write(b"".join([tell.data for tell in tells]),
                                 sum([tell.lines for tell in tells]))
            except Exception as error:
                self._state.mishap(Tell.__name__, -1, error, connection)
        told.clear()

    def _answer(self, effect: Answer) -> None:
        connection = self._state.connections.get(effect.id)
        if connection is not None:
            connection.write(effect.data, 0)

    def _enter(self, effect: Enter) -> None:
        connection = self._state.connections.get(effect.id)
        if connection is not None and connection.is_open:      # it may have been evicted since
            fans = self.fans.setdefault(effect.room, {})
            fan = fans.get(effect.dialect)
            if fan is None:
                fan = fans[effect.dialect] = FanOut(effect.room)
            fan.add(connection)
            if effect.echo:
                self._echoless.discard(effect.id)
            else:
                self._echoless.add(effect.id)
            if not effect.back:
                self._replay(connection, effect.kept_as or effect.room)

    def _replay(self, connection: ClientConnection, room: str) -> None:
        """What was said there lately, before anything new.  Clients that follow who is there
        have to hear first that they are: see `Replay`.
        """
        history = self._state.history
        if history is None or connection.session.dialect.follows:
            return
        lines = history.recent(room)
        if lines:
            session = connection.session
            data = session.dialect.notice(session.sender, lines)
            connection.write(data, data.count(b"\n"))

    def _replay_as_notices(self, effect: Replay) -> None:
        """The same, as the server's words: an IRC client would take talk for what is said now."""
        connection = self._state.connections.get(effect.id)
        history = self._state.history
        if connection is None or history is None:
            return
        groups = [self._state.hub.group(SERVER, "server", line)
                  for line in history.recent(effect.kept_as)]
        if groups:
            shown = connection.session.dialect.render(effect.room, groups)
            connection.write(shown.chunk, shown.lines)

    def _leave(self, effect: Leave) -> None:
        fans = self.fans.get(effect.room, {})
        connection = self._state.connections.get(effect.id)
        for dialect, fan in list(fans.items()):
            if connection is not None:
                fan.discard(connection)
            if not fan:
                del fans[dialect]
        if not fans:
            self.fans.pop(effect.room, None)
        if effect.id not in self._state.hub.sessions:
            self._echoless.discard(effect.id)

    def _recall(self, effect: Recall) -> None:
        session = self._state.hub.sessions.get(effect.id)
        if self._state.history is not None:
            self._state.history.recall(effect)
        elif session is not None:
            self._state.hub.error(session, "no history is kept here")

    def _look_up(self, effect: LookUp) -> None:
        if self._state.history is not None:
            effect.ask(self._state.history)

    def _close(self, effect: CloseConnection) -> None:
        connection = self._state.connections.get(effect.id)
        if connection is not None:
            self._state.reasons.setdefault(effect.id, (effect.reason, 0))
            connection.finish(effect.last_words)

    def _renamed(self, event: events.Renamed) -> None:
        connection = self._state.connections.get(event.id)
        if connection is not None:
            connection.label = f"#{event.id} {event.new}"
        self._state.say(event)
        self._state.named(event.id, event.new)
