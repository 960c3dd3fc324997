"""What other nodes tell, item by item, and who of them is there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal

from msgspec.structs import replace

from chatops.api import events
from chatops.api.commands import Answer, CommandResult
from chatops.chat import abroad, owners, room_state
from chatops.chat.elsewhere import Elsewhere, Person
from chatops.chat.room_state import RoomState
from chatops.cluster import notices
from chatops.cluster.catching_up import CatchingUp
from chatops.cluster.frames import (
    STALE,
    AccountsChanged,
    AllTold,
    BadFrame,
    Changed,
    Codec,
    Gone,
    Heard,
    Here,
    Item,
    NickTaken,
    NodeEnds,
    NodeFrame,
    Order,
    OrderDone,
    OtherVersion,
    RoomsStand,
    Roster,
    RosterWanted,
    Whisper,
)
from chatops.cluster.items import WRONG, unpack
from chatops.cluster.lateness import Lag, stamped
from chatops.cluster.numbers import REMEMBERED, Seen
from chatops.cluster.orders import Orders, shifted
from chatops.cluster.pace import Pace
from chatops.cluster.peers import Leases, Peer
from chatops.cluster.shared_accounts import SharedAccounts
from chatops.server.orders import Obeys, Ordered
from chatops.server.state import ServerState

MARGIN = 5.0                   # seconds by which two boots may differ over the engine's clock
PORTION = 500                  # groups at once: a millisecond
PEOPLE = 100_000               # on one node: more than a process can have connections
FORGOTTEN = 3600.0             # seconds after which a node that is not there is not even named


class Reader:
    """Belongs to the reactor's thread."""

    def __init__(self, state: ServerState, codec: Codec, pace: Pace, orders: Orders,
                 send: Callable[[Item], None], owe_roster: Callable[[], None],
                 past: CatchingUp) -> None:
        """`codec` says who this node is; `past` gets what is not to be heard."""
        self.peers: dict[str, Peer] = {}
        self.obeys: Obeys = _disobeys
        self.accounts: SharedAccounts | None = None
        self._orders = orders
        self._state = state
        self._hub = state.hub
        self._node, self._boot = codec.node, codec.boot
        self._codec = codec
        self._past = past
        self._lag = Lag()              # of the frame that is read now
        self._left: Iterator[None] | None = None   # of it,
        self.unfinished = False        # if a turn was not enough: nothing else is read before that
        self.spent: Callable[[], bool] = lambda: False     # whether this turn has had enough
        self.lines = 0                 # that rooms here have heard of others, so far
        self.orders = 0                # that have been carried out, so far
        self.absent: set[str] = set()      # nodes of which it is not known who is there: they
                                           # are gone and may come back, or have not told yet
        self._over: dict[tuple[str, str], None] = {}   # boots that others have followed
        self._pace = pace
        self._send = send
        self._owe_roster = owe_roster
        self._judged_from = 0.0        # monotonic: leases that have run out say nothing before

    def grace(self, now: float) -> None:
        """The engine is there (again): others may still be on their way to it."""
        self._judged_from = now + self._pace.lease

    def take(self, frame: NodeFrame, seen: Seen, lag: float = 0.0) -> None:
        """A frame of another node, closed `lag` seconds ago: as much of it as fits into a turn.
        One that came again says nothing of who is there.  Raises `BadFrame`.
        """
        known = self.peers.get(frame.node)
        if not seen.new:
            if known is not None and known.boot == frame.boot:
                known.doubled += 1
            return
        if (frame.node, frame.boot) in self._over:
            return                     # of a process that was frozen while another took its name
        if (known is not None and known.boot != frame.boot
                and MARGIN < known.written - frame.written < STALE):
            # Of one that was over before: somebody has put it there.  What is older is not read,
            # unless the engine's clock was set back.
            return
        peer = self._peer(frame)
        peer.skew, peer.written = frame.skew, frame.written
        ahead = self._codec.skew - frame.skew      # seconds, of our clock
        peer.late = self._state.wall() - frame.at - ahead
        if seen.missing:
            self._missing(peer, seen.missing)
        self._lag = Lag(lag, frame.at)
        self._left = self._read(peer, frame, ahead)
        self.go_on()

    def go_on(self) -> None:
        """With what is left of it.  Raises `BadFrame`."""
        assert self._left is not None
        self.unfinished = False
        for _ in self._left:
            if self.spent():
                self.unfinished = True
                return

    def _read(self, peer: Peer, frame: NodeFrame, ahead: float) -> Iterator[None]:
        """All that it says, in steps between which a turn may end.  An item that means nothing, or
        with which something goes wrong, costs no other; but after `WRONG` of them the rest does not
        count, nor does it if the node is found to be gone meanwhile.
        """
        bad: BadFrame | None = None
        wrong = 0
        for number, raw in enumerate(frame.items):
            if number:
                yield
            if peer.state == "gone" or wrong == WRONG:
                break
            try:
                if steps := self._do(peer, unpack(raw), ahead):
                    yield from steps
            except BadFrame as error:
                bad = error
                wrong += 1
            except Exception as error:
                self._state.mishap("Reader.take", -1, error, None)
                wrong += 1
        if bad is not None:            # nobody knows what it would have said
            if not peer.asked_anew:
                peer.asked_anew = True
                self._send(RosterWanted(peer.node))
            raise bad

    def unreadable(self, error: OtherVersion) -> None:
        """A frame of another version shows that its node is there, and no more.  That is said
        once, and whoever was there before, under its name, is gone.
        """
        if error.node == self._node:
            return                     # of before it was changed
        peer = self.peers.setdefault(error.node, Peer(error.node, "", "left"))
        if peer.state == "up":
            self._gone(peer, "was started again")
        self.absent.discard(error.node)        # nothing that is said here is for it
        if peer.state != "other version":
            peer.state = "other version"
            self._state.say(events.Warned(self._hub.at, f"{error}; it and this node go on, each "
                                                        "by itself"))
        peer.seen = self._state.reactor.now

    def called(self, leases: Leases) -> None:
        """The roll has been called: these hold their leases.  Of one that has died since it renewed
        its own, that was the last word.
        """
        now = self._state.reactor.now
        for peer in list(self.peers.values()):
            if peer.state != "up" and now - peer.seen > FORGOTTEN:
                del self.peers[peer.node]
                self.absent.discard(peer.node)
                self._is_over(peer)
                continue
            boot, left = leases.get(peer.node, ("", 0.0))
            if boot and (boot == peer.boot or peer.state == "other version"):
                peer.seen = max(peer.seen, now - max(0.0, self._pace.lease - left))
            elif peer.state == "up" and now >= self._judged_from:
                self._gone(peer, "is gone")

    def _peer(self, frame: NodeFrame) -> Peer:
        """The node that wrote it, which may be new, another boot of itself, or back."""
        peer = self.peers.get(frame.node)
        if peer is not None and peer.boot != frame.boot and peer.state == "up":
            self._gone(peer, "was started again")
        if peer is None or peer.boot != frame.boot:
            if peer is not None:
                self._is_over(peer)
            peer = self.peers[frame.node] = Peer(frame.node, frame.boot)
            self.absent.add(peer.node)
            self._owe_roster()
        elif peer.state != "up":
            peer.state, peer.introduced, peer.all_told = "up", False, False
            self._send(RosterWanted(peer.node))
        peer.seen = self._state.reactor.now
        return peer

    def _is_over(self, peer: Peer) -> None:
        self._orders.forget(peer)
        self._over[peer.node, peer.boot] = None
        if len(self._over) > REMEMBERED:
            del self._over[next(iter(self._over))]

    def _ordered(self, peer: Peer, order: Order) -> None:
        self.orders += 1
        ours = replace(order, what=shifted(order.what, self._codec.skew))
        self._orders.taken(peer, ours, self._boot, self.obeys)

    def _do(self, peer: Peer, item: Item, ahead: float) -> Iterator[None] | None:
        """Do what it says, or return the steps of that."""
        hub, node = self._hub, peer.node
        match item:
            case Heard(groups=groups) if len(groups) > PORTION:
                return self._heard_in_parts(item, node, ahead)
            case Heard():
                self._heard(item, node, ahead)
            case Changed(rooms, group):
                abroad.changed(hub, rooms, stamped(group, node, ahead))
            case Here(person):
                abroad.count(hub, self._there.put(self._placed(person, node)))
            case Gone(id):
                abroad.count(hub, self._there.take(node, id))
            case Roster():
                return self._roster(peer, item)
            case RosterWanted(whose):
                if whose == self._node:
                    self._owe_roster()
                    self._orders.again(peer)
            case Whisper(whither, id, group):
                if whither == self._node:
                    late = self._lag.late(group, self._pace.late)
                    abroad.whispered(hub, id, stamped(group, node, ahead, late=late))
            case NickTaken(whither, id, nick, account, close):
                if whither == self._node:
                    owners.give_way(hub, id, nick, account, close=close)
            case RoomsStand(states):
                return self._stand(states)
            case AllTold():
                peer.all_told = True
            case Order(whither, _, _, _):
                if whither in ("", self._node):
                    self._ordered(peer, item)
            case OrderDone(whither, boot, _, _, _):
                if (whither, boot) == (self._node, self._boot):
                    self._orders.answered(peer, item)
            case AccountsChanged(names):
                if self.accounts is not None:
                    self.accounts.changed_elsewhere(names)
            case NodeEnds(catches_up):
                self._gone(peer, "was shut down", "left")
                if catches_up:         # and finds in the log what is said meanwhile
                    self.absent.add(peer.node)
        return None

    def _stand(self, states: list[RoomState]) -> Iterator[None]:
        for state in states:
            room_state.settle(self._hub, state.shifted(self._codec.skew))
            yield

    def _heard_in_parts(self, heard: Heard, node: str, ahead: float) -> Iterator[None]:
        for n in range(0, len(heard.groups), PORTION):
            self._heard(replace(heard, groups=heard.groups[n:n + PORTION]), node, ahead)
            yield

    def _heard(self, heard: Heard, node: str, ahead: float) -> None:
        """What was said too long ago goes to the history, or where none is kept, is dated."""
        hub, most = self._hub, self._pace.late
        if heard.room not in hub.rooms or not hub.rooms.open(heard.room).members:
            self._past.unheard(heard, node, ahead)
            return
        self.lines += sum([group.lines for group in heard.groups])
        if heard.groups and self._lag.since(heard.groups[0]) <= most:      # the oldest
            hub.hear(heard.room, [stamped(group, node, ahead) for group in heard.groups])
            return
        judged = [(group, self._lag.late(group, most)) for group in heard.groups]
        if self._past.keeps:
            self._past.late(replace(heard, groups=[group for group, late in judged if late]),
                            node, ahead)
            judged = [(group, late) for group, late in judged if not late]
        hub.hear(heard.room, [stamped(group, node, ahead, late=late) for group, late in judged])

    @property
    def _there(self) -> Elsewhere:
        there = self._hub.elsewhere
        assert there is not None
        return there

    def _roster(self, peer: Peer, roster: Roster) -> Iterator[None]:
        people, peer.gathering = ([] if roster.first else peer.gathering), None
        if people is None:
            return                     # its beginning was lost, and it is asked for again
        if len(people) + len(roster.people) > PEOPLE:
            raise BadFrame(f"node {peer.node} tells of more than {PEOPLE} people")
        people += [self._placed(person, peer.node) for person in roster.people]
        if not roster.last:
            peer.gathering = people
            return
        self._there.nodes.add(peer.node)
        entered: list[tuple[Person, str]] = []
        for moves in self._there.replacing(peer.node, people):
            abroad.follow(self._hub, moves, f"node {peer.node} has lost sight of it")
            entered += moves.entered
            yield
            if peer.state == "gone":
                return
        self.absent.discard(peer.node)
        if not peer.introduced:
            peer.introduced = True
            self._orders.again(peer)
            self._state.say(events.NodeUp(self._hub.at, peer.node, len(people)))
            notices.moved(self._hub, peer.node, entered, "is there")

    def _placed(self, person: Person, node: str) -> Person:
        """Where it is, and with times of our clock."""
        until = person.muted_until
        return replace(person, who=replace(person.who, node=node),
                       muted_until=until + self._codec.skew if until else 0.0)

    def _missing(self, peer: Peer, frames: int) -> None:
        peer.missing += frames
        peer.all_told = False
        self._state.say(events.FramesLost(self._hub.at, peer.node, frames))
        notices.lines_missing(self._hub, peer.node, self._there.of(peer.node))
        self._send(RosterWanted(peer.node))
        if self.accounts is not None:
            self.accounts.missed()

    def _gone(self, peer: Peer, how: str, state: Literal["gone", "left"] = "gone") -> None:
        peer.state, peer.introduced, peer.all_told = state, False, False
        peer.gathering = None
        if state == "gone":
            self.absent.add(peer.node)
        else:
            self.absent.discard(peer.node)
        people = self._there.of(peer.node)
        self._there.nodes.discard(peer.node)
        moves = self._there.replace(peer.node, ())
        notices.moved(self._hub, peer.node, moves.left, how)
        abroad.follow(self._hub, moves, f"node {peer.node} {how}")
        self._state.say(events.NodeGone(self._hub.at, peer.node, len(people), how))


def _disobeys(_node: str, _what: Ordered, answer: Answer) -> None:
    answer(CommandResult(False, "no admin there carries out anything"))

