"""What holds in a room on all nodes: its topic, modes, key and lists, as nodes tell each other.

Of two topics, and of two sets of modes, the later one holds.  Of two rooms of one name, made
while their nodes could not reach each other, the older keeps its operators: as servers of IRC do
(TS6), but for the modes, or a room with a key could be opened by one without.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from chatops.chat.bounds import Few, Moment, Name, Text
from chatops.chat.groups import Sender
from chatops.chat.hub import Hub
from chatops.chat.moderation import MaskEntry
from chatops.chat.session import Room


class RoomState(msgspec.Struct, frozen=True, array_like=True):
    """Times are of one wall clock, in seconds; 0 is never."""

    room: Name
    created_at: Moment
    maker: Name                # the node and connection that made it, to tell two rooms apart
    topic: Text
    topic_by: Name
    topic_at: Moment
    modes_at: Moment
    flags: Name
    key: Name
    limit: int
    lists: Annotated[dict[str, Annotated[list[MaskEntry], Few]], Few]
    ops_at: Moment = 0.0       # older nodes do not say it, nor what follows
    op_accounts: Annotated[tuple[Name, ...], Few] = ()
    op_since: Annotated[tuple[Moment, ...], Few] = ()      # of each; not said: `ops_at`

    def shifted(self, seconds: float) -> RoomState:
        """The same by a clock that is so far ahead."""
        def later(at: float) -> float:
            return at + seconds if at else 0.0

        return RoomState(
            self.room, later(self.created_at), self.maker, self.topic, self.topic_by,
            later(self.topic_at), later(self.modes_at), self.flags, self.key, self.limit,
            {letter: [entry._replace(at=later(entry.at)) for entry in entries]
             for letter, entries in self.lists.items()},
            later(self.ops_at), self.op_accounts, tuple([later(at) for at in self.op_since]))


def state_of(room: Room) -> RoomState:
    """How it stands here."""
    rules = room.rules
    return RoomState(
        room.name, rules.created_at, rules.maker, rules.topic, rules.topic_by, rules.topic_at,
        rules.modes_at, "".join(sorted(rules.flags)), rules.key, rules.limit,
        {letter: list(entries.values()) for letter, entries in rules.lists.items() if entries},
        rules.ops_at, tuple(rules.op_accounts), tuple(rules.op_accounts.values()))


def settle(hub: Hub, state: RoomState) -> None:
    """Have it hold here as well, as far as nothing later does; of no account where nobody knows
    of the room.
    """
    if state.room not in hub.rooms:
        return
    room = hub.rooms.open(state.room)
    rules = room.rules
    if state.topic_at > rules.topic_at:
        rules.topic, rules.topic_by, rules.topic_at = state.topic, state.topic_by, state.topic_at
    if state.modes_at > rules.modes_at:
        hub.send_off_room(room)        # it was said under the rules that there were
        rules.flags, rules.key, rules.limit = set(state.flags), state.key, state.limit
        rules.lists = {letter: {entry.mask: entry for entry in entries}
                       for letter, entries in state.lists.items()}
        rules.modes_at = state.modes_at
        room.apply_rules()
        hub.rooms.changed()
    older = (state.created_at, state.maker) < (rules.created_at, rules.maker)
    rival = bool(state.maker and rules.maker) and state.maker != rules.maker
    if older if rival else state.ops_at > rules.ops_at:
        since = state.op_since or (state.ops_at,) * len(state.op_accounts)
        rules.ops_at = state.ops_at
        rules.op_accounts = dict(zip(state.op_accounts, since, strict=True))
    if not state.maker or state.maker == rules.maker:
        return
    if not rules.maker:
        rules.created_at, rules.maker = state.created_at, state.maker
    elif older:
        rules.created_at, rules.maker = state.created_at, state.maker
        _deposed(hub, room, state.maker.partition("#")[0])


def _deposed(hub: Hub, room: Room, node: str) -> None:
    """Those who are its operators because they made it are so no more: others did sooner."""
    ops = [hub.sessions[id] for id in room.rules.ops if id in hub.sessions]  # noqa: A001
    room.rules.ops.clear()
    for session in ops:
        hub.touch(session)
    if ops:
        nicks = " ".join([session.nick for session in ops])
        hub.gather(room, hub.group(Sender(0, node, node=node), "mode",
                                   f"-{'o' * len(ops)} {nicks}"))
