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
from chatops.chat.lines import cut
from chatops.chat.session import Session
from chatops.net.context import LINE
from chatops.net.fanout import FanOut
from chatops.net.kernel import pending_error
from chatops.net.state import reason_of
from chatops.server import demands
from chatops.server.backpressure import Backpressure
from chatops.server.state import ClientConnection, ServerState
from chatops.units import counted

# Bytes of lines for single clients that are gathered at most.  A chunk that the kernel has
# taken a part of is queued to its end, and one that finds no room is dropped as a whole: so it
# must be far smaller than an outbox.
GATHERED = 1 << 13
SLICE = 1 << 16                # bytes of a long answer that are sent at once
HELD = 1 << 12                 # bytes of what was held that are said at once, at least
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
        self._pressure = pressure
        pressure.read_on = self._resume
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
                if type(effect) in events.TALK:
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
                self._hold(effect)
            case Park():
                self._park(effect)
            case Unpark():
                self._unpark(effect)
            case Pour():
                self._pour(effect)
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
        room, groups, _, kept_as = effect
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
                history.keep(kept_as or room, plain, groups)

    def _own(self, fan: FanOut[Session], rendered: Rendered, groups: list[Group]
             ) -> dict[ClientConnection, tuple[bytes, int]]:
        """What those members get who have spoken, and do not want to hear that."""
        speakers = {group.sender.id for group in groups
                    if group.kind in SAID and not group.sender.node} & self._echoless
        connections = self._state.connections
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

    def _hold(self, effect: PauseReading) -> None:
        state = self._state
        connection = state.connections.get(effect.id)
        if connection is not None and connection.is_open:
            connection.pause()
            state.partials.stop(connection)       # it is we who keep it waiting
            state.reactor.call_later(effect.seconds, lambda: self._read_on(connection))

    def _park(self, effect: Park) -> None:
        connection = self._state.connections.get(effect.id)
        if connection is not None and connection.is_open:
            connection.pause()
            self._state.partials.stop(connection)

    def _unpark(self, effect: Unpark) -> None:
        connection = self._state.connections.get(effect.id)
        if connection is not None:
            self._read_on_soon(connection)

    def _pour(self, effect: Pour) -> None:
        connection = self._state.connections.get(effect.id)
        if connection is not None:
            self._pour_on(connection, effect.data, 0)

    def _pour_on(self, connection: ClientConnection, data: bytes, start: int) -> None:
        """The next slice, and the one after it when this one is out, in a later turn."""
        if not connection.is_open:
            return
        slice_ = min(SLICE, self._state.context.outbox_limit // 4)
        end = data.rfind(b"\n", start, start + slice_) + 1 or len(data)
        connection.write(data[start:end], data.count(b"\n", start, end))
        if end == len(data):
            connection.session.parked = False
            self._read_on_soon(connection)
        elif connection.outbox:
            connection.on_empty = lambda: self._pour_on(connection, data, end)
        else:
            self._state.reactor.call_soon(lambda: self._pour_on(connection, data, end))

    def _read_on_soon(self, connection: ClientConnection) -> None:
        """In the next turn: who has its answer at once may have many questions more."""
        self._state.reactor.call_soon(lambda: self._read_on(connection))

    def _read_on(self, connection: ClientConnection) -> None:
        if not self._pressure.comes_too_late(connection):
            self._resume(connection)

    def _resume(self, connection: ClientConnection) -> None:
        """Say what was held, and read what comes, unless its rooms cannot take more now."""
        state = self._state
        if connection.is_open and state.context.pressed and self._pressure.waits(connection):
            return
        # The selector does not watch who is held: a reset would go unnoticed until all that
        # is held was said.
        if connection.is_open and (error := pending_error(connection.sock)) is not None:
            connection.abort(reason_of(error))
        if connection.is_open:
            if state.idles.seconds:
                state.idles.start(connection)
            self._say_held(connection)

    def _say_held(self, connection: ClientConnection) -> None:
        """As much of it as this turn may bring in; then read what comes, if that was all."""
        state, session = self._state, connection.session
        before = session.lines_in
        session.held, later = cut(session.held, max(state.context.intake_left, HELD))
        said = len(session.held)
        read = session.door.resume(session)
        state.context.intake_left -= (said - len(session.held)
                                      + LINE * (session.lines_in - before))
        session.held += later
        if read and later:
            self._read_on_soon(connection)
        elif read:
            connection.resume()
            if session.mid_line:
                state.partials.start(connection)

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
