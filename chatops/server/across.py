"""An admin's word for people on all nodes: who of them is where, and what each node answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec.structs import replace

from chatops.api import commands, events
from chatops.api.command_line import render
from chatops.api.commands import Answer, CommandResult
from chatops.chat import names
from chatops.chat.effects import Kill, Wallops
from chatops.chat.elsewhere import Person
from chatops.chat.sanitize import clean_text
from chatops.server import bans, demands, targets
from chatops.server.banning import Banning
from chatops.server.orders import Locate, NodeAnswer, Ordered, Rulings
from chatops.server.rulings import Ruling, as_command
from chatops.server.server import ChatServer
from chatops.server.state import OtherNodes
from chatops.server.targets import CommandRefused
from chatops.units import counted

Shared = (commands.Kick | commands.Ban | commands.Unban | commands.Mute | commands.Unmute
          | commands.Broadcast)
ToPeople = commands.Kick | commands.Mute | commands.Unmute
NAMED = 5                      # rulings of one node that have an event each


class AcrossNodes:
    """Belongs to the reactor's thread."""

    def __init__(self, server: ChatServer, others: OtherNodes, banning: Banning,
                 here: Callable[[commands.ServerCommand], CommandResult]) -> None:
        """`here` does a command on this node, and never raises."""
        self._server = server
        self._others = others
        self._banning = banning
        self._here = here
        others.obeys = self._obey
        banning.adopted = lambda rulings: others.order("", Rulings(tuple(rulings)), _nobody)

    def carry_out(self, command: Shared, answer: Answer) -> None:
        """Do it on all nodes, and answer when each has, or has had its time."""
        match command:
            case commands.Kick() | commands.Mute() | commands.Unmute():
                self._people(command, answer)
            case commands.Broadcast():
                self._everywhere(self._here(command), command, answer)
            case commands.Ban():
                self._ban(command, answer)
            case commands.Unban():
                self._ruled(self._here(command), command.network, answer)

    # -- what is asked here

    def _people(self, command: ToPeople, answer: Answer) -> None:
        here, there = self._sorted(command.targets)
        asked = [(node, replace(command, targets=tuple(ids))) for node, ids in there.items()]
        results = [self._here(replace(command, targets=tuple(here)))] if here else []
        gathered: list[NodeAnswer] = []

        def told(answers: Sequence[NodeAnswer]) -> None:
            gathered.extend(answers)
            if len(gathered) == len(asked):
                answer(_joined(results, gathered))

        if not asked:
            answer(results[0])
        for node, each in asked:
            self._others.order(node, each, told)

    def _sorted(self, words: Sequence[str]) -> tuple[list[str], dict[str, list[str]]]:
        """Who is for this node, unknown ones among them, and who is on which other."""
        here: list[str] = []
        there: dict[str, list[str]] = {}
        for target in words:
            person = self._elsewhere(target)
            if person is not None:
                there.setdefault(person.who.node, []).append(f"#{person.who.id}")
            else:
                here.append(self._of_here(target))
        return here, there

    def _elsewhere(self, target: str) -> Person | None:
        """Who on another node is meant; own people come first."""
        hub = self._server.hub
        there = hub.elsewhere
        node, marked, number = target.partition("#")
        if there is None or targets.find(hub, (target,))[0]:
            return None
        if node and marked:
            id = names.id_of(number)  # noqa: A001
            return None if id is None else there.people.get((node, id))
        return names.find(target, lambda _: None, there.find, there.alike)

    def _of_here(self, target: str) -> str:
        """`a#3` on node a is `#3`."""
        node = self._others.node
        return target.removeprefix(node) if target.startswith(f"{node}#") else target

    def _ban(self, command: commands.Ban, answer: Answer) -> None:
        person = self._elsewhere(command.target)
        if person is None:
            self._ban_address(replace(command, target=self._of_here(command.target)), answer)
            return

        def told(answers: Sequence[NodeAnswer]) -> None:
            found = answers[0]
            if found.ok:
                self._ban_address(replace(command, target=found.text), answer)
            else:
                answer(_joined([], answers))

        self._others.order(person.who.node, Locate(f"#{person.who.id}"), told)

    def _ban_address(self, command: commands.Ban, answer: Answer) -> None:
        try:
            address = self._banning.address_of(command.target)
        except CommandRefused as error:
            answer(CommandResult(False, str(error)))
            return
        self._ruled(self._here(replace(command, target=address)), address, answer)

    def _ruled(self, result: CommandResult, network: str, answer: Answer) -> None:
        """Have the others hold to what has been decided here about a network."""
        if not result.ok:
            answer(result)
            return
        known = self._server.state.admission.bans
        ban, at = known.get(network), known.ruled_at(network)
        ruling = (Ruling(ban.network, at, ban.until, ban.reason) if ban is not None
                  else Ruling(str(bans.network_of(network)), at, lifted=True))
        results: list[CommandResult] = []
        gathered: list[Sequence[NodeAnswer]] = []

        def done() -> None:
            if results and gathered:
                answer(_joined(results, gathered[0], ok=results[0].ok))

        def saved(result: CommandResult) -> None:
            results.append(result)
            done()

        def told(answers: Sequence[NodeAnswer]) -> None:
            gathered.append(answers)
            done()

        self._banning.kept(result, saved)
        self._others.order("", Rulings((ruling,)), told)

    def _everywhere(self, result: CommandResult, command: commands.Broadcast, answer: Answer
                    ) -> None:
        if not result.ok:
            answer(result)
        else:
            self._others.order("", command,
                               lambda answers: answer(_joined([result], answers)))

    # -- what others ask

    def _obey(self, node: str, what: Ordered, answer: Answer) -> None:
        """Do what an admin on another node wants done here."""
        match what:
            case Rulings(rulings):
                new, gone = self._banning.settle(rulings)
                outcome = f"{targets.named(gone)} disconnected" if gone else ""
                result = CommandResult(True, outcome or "it holds there too")
                if new:
                    self._taken_over(node, new, outcome or "it holds here too")
                    self._banning.kept(result, answer)
                else:
                    answer(result)
            case Locate(target):
                try:
                    answer(CommandResult(True, self._banning.address_of(target)))
                except CommandRefused as error:
                    answer(CommandResult(False, str(error)))
            case Kill() | Wallops():
                irc = self._server.irc
                answer(demands.obey(self._server.hub, irc.irc if irc is not None else None, node,
                                    what))
            case _:
                result = self._here(what)
                self._say(node, what, result.text, ok=result.ok)
                answer(result)

    def _taken_over(self, node: str, rulings: Sequence[Ruling], outcome: str) -> None:
        """Say what holds here from now on; of many, as a node that was away is told, how many."""
        hub = self._server.hub
        if len(rulings) > NAMED:
            hub.effects.append(events.Warned(hub.at, f"{counted(len(rulings), 'ruling')} about "
                                             f"addresses taken over from {self._whose(node)}: "
                                             f"{outcome}"))
            return
        for ruling in rulings:
            self._say(node, as_command(ruling), outcome, ok=True)

    def _say(self, node: str, what: commands.ServerCommand, text: str, *, ok: bool) -> None:
        hub = self._server.hub
        hub.effects.append(events.AdminDid(
            hub.at, clean_text(render(what)), clean_text(f"for {self._whose(node)}: {text}"), ok,
            -1))

    def _whose(self, node: str) -> str:
        """Whose word it is: what the engine keeps is told by nobody else."""
        return "the cluster" if node == self._others.node else f"node {node}"


def _joined(here: Sequence[CommandResult], there: Sequence[NodeAnswer], *, ok: bool | None = None
            ) -> CommandResult:
    """One line of what each node did; it went well if it did anywhere."""
    texts = [result.text for result in here] + [
        f"node {answer.node}: {answer.text}" if answer.answered
        else f"node {answer.node} {answer.text}" for answer in there]
    any_ok = any([*[result.ok for result in here], *[answer.ok for answer in there]])
    return CommandResult(any_ok if ok is None else ok, "; ".join(texts))


def _nobody(_answers: Sequence[NodeAnswer]) -> None:
    """Nobody waits to be told."""
