"""Orders to other nodes, until each has answered, and theirs to this one, each done once."""

from __future__ import annotations

from collections.abc import Callable

from chatops.api.commands import CommandResult
from chatops.cluster.frames import Item, Order, OrderDone
from chatops.cluster.peers import Peer
from chatops.cluster.standing import rulings
from chatops.server.orders import NodeAnswer, Obeys, Ordered, Rulings, Told

REMEMBERED = 256               # orders of a node, and to it


class _Waiting:
    """Who is to answer an order, and who has."""

    def __init__(self, nodes: list[str], told: Told) -> None:
        self.left = dict.fromkeys(nodes)
        self.answers: list[NodeAnswer] = []
        self.told = told


class Orders:
    """Belongs to the reactor's thread.  Sans-I/O but for what it is given to call."""

    def __init__(self, send: Callable[[Item], None], peers: Callable[[], dict[str, Peer]],
                 after: Callable[[float, Callable[[], None]], object], patience: float) -> None:
        """`after` calls back in so many seconds; an answer may take `patience` seconds."""
        self._send = send
        self._peers = peers
        self._after = after
        self._patience = patience
        self._number = 0
        self._waiting: dict[int, _Waiting] = {}
        self._owed: dict[str, dict[int, Order]] = {}       # by node: what it has not answered
        self._done: dict[tuple[str, str], dict[int, CommandResult | None]] = {}

    # -- ours

    def give(self, node: str, what: Ordered, told: Told) -> None:
        """Have it done on this node, or on all others if it is ""."""
        if isinstance(what, Rulings):
            *before, what = rulings(what.rulings) or [what]
            for part in before:
                self._send(Order(node, "", 0, part))       # its answer nobody waits for
        self._number += 1
        number = self._number
        known = self._peers()
        nodes = [node] if node else [peer.node for peer in known.values() if peer.state == "up"]
        order = Order(node, known[node].boot if node in known else "", number, what)
        self._send(order)
        waiting = self._waiting[number] = _Waiting(nodes, told)
        for each in nodes:
            owed = self._owed.setdefault(each, {})
            # Ids begin anew in each boot of a node: no order is for another one than it was.
            owed[number] = Order(each, known[each].boot if each in known else "", number, what)
            if len(owed) > REMEMBERED:
                del owed[next(iter(owed))]
        if nodes:
            self._after(self._patience, lambda: self._overdue(number))
        else:
            self._close(number, waiting)

    def answered(self, peer: Peer, done: OrderDone) -> None:
        """A node has done it, or has not."""
        self._owed.get(peer.node, {}).pop(done.number, None)
        waiting = self._waiting.get(done.number)
        if waiting is not None and peer.node in waiting.left:
            del waiting.left[peer.node]
            waiting.answers.append(NodeAnswer(peer.node, done.ok, done.text))
            if not waiting.left:
                self._close(done.number, waiting)

    def again(self, peer: Peer) -> None:
        """A node may have missed something: what it has not answered it is asked again."""
        owed = self._owed.get(peer.node, {})
        for number, order in list(owed.items()):
            if order.boot == peer.boot:
                self._send(order)
            else:
                del owed[number]

    def _overdue(self, number: int) -> None:
        waiting = self._waiting.get(number)
        if waiting is None:
            return
        for node in waiting.left:
            peer = self._peers().get(node)
            gone = peer is None or peer.state != "up"
            waiting.answers.append(NodeAnswer(
                node, False, "is gone" if gone else
                "did not answer; it will be done when it is back", answered=False))
        self._close(number, waiting)

    def _close(self, number: int, waiting: _Waiting) -> None:
        del self._waiting[number]
        waiting.told(sorted(waiting.answers))

    # -- theirs

    def taken(self, peer: Peer, order: Order, boot: str, obeys: Obeys) -> None:
        """Do what another node asks, once, and tell it how that went as often as it asks; what
        is for another boot of this node is no affair of ours.
        """
        if order.boot not in ("", boot):
            return
        done = self._done.setdefault((peer.node, peer.boot), {})
        number = order.number
        if number in done:
            if (result := done[number]) is not None:
                self._send(OrderDone(peer.node, peer.boot, number, result.ok, result.text))
            return
        if number:                     # 0: nobody waits for an answer
            done[number] = None
            if len(done) > REMEMBERED:
                del done[next(iter(done))]

        def told(result: CommandResult) -> None:
            if number:
                done[number] = result
                self._send(OrderDone(peer.node, peer.boot, number, result.ok, result.text))

        obeys(peer.node, order.what, told)

    def forget(self, peer: Peer) -> None:
        """This boot of a node is over."""
        self._done.pop((peer.node, peer.boot), None)
        self._owed.pop(peer.node, None)


def shifted(what: Ordered, seconds: float) -> Ordered:
    """The same by a clock that is so far ahead."""
    if isinstance(what, Rulings):
        return Rulings(tuple([ruling.shifted(seconds) for ruling in what.rulings]))
    return what
