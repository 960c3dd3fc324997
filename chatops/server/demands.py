"""What IRC operators want done on other nodes, and what those of other nodes want done here."""

from __future__ import annotations

from collections.abc import Sequence

from chatops.api import events
from chatops.api.commands import CommandResult
from chatops.chat.effects import Demand, Kill, Wallops
from chatops.chat.hub import Hub
from chatops.chat.irc import operator
from chatops.chat.irc.context import Irc
from chatops.chat.sanitize import clean_text
from chatops.server.orders import NodeAnswer
from chatops.server.state import OtherNodes


def order(hub: Hub, others: OtherNodes, demand: Demand) -> None:
    """Have it done there.  Of a KILL it is put on record here what came of it, and its operator
    is told if nothing did.
    """
    node, what, whom = demand
    if not isinstance(what, Kill):
        others.order(node, what, _unheard)
        return

    def told(answers: Sequence[NodeAnswer]) -> None:
        [answer] = answers
        who = f"{node}#{what.id} {whom}"
        said = answer.text if answer.answered else f"node {node} {answer.text}"
        result = f"{what.by.nick} killed {who}" if answer.ok else f"{who} was not killed: {said}"
        hub.effects.append(events.AdminDid(hub.at, clean_text(f"kick {node}#{what.id} "
                                                              f"{what.reason}"),
                                           clean_text(result), answer.ok))
        asker = hub.sessions.get(what.by.id)
        if asker is not None and not answer.ok:
            hub.notice(asker, result)

    others.order(node, what, told)


def obey(hub: Hub, irc: Irc | None, node: str, what: Kill | Wallops) -> CommandResult:
    """Do here what an operator on a node wants; `irc` is None where IRC is not spoken."""
    if isinstance(what, Wallops):
        told = operator.tell_all(irc, what.by, what.text) if irc is not None else 0
        return CommandResult(True, f"told {told}")
    victim = hub.sessions.get(what.id)
    if victim is None or not victim.registered:
        return CommandResult(False, f"#{what.id} is not here (any more)")
    did = f"{what.by.nick} killed #{victim.id} {victim.nick}"
    hub.effects.append(events.AdminDid(hub.at, clean_text(f"kick #{victim.id} {what.reason}"),
                                       clean_text(f"for node {node}: {did}")))
    operator.end(hub, victim, what.by, what.reason)
    return CommandResult(True, did)


def _unheard(_answers: Sequence[NodeAnswer]) -> None:
    """What came of it is no news to anybody."""
