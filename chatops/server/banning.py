"""Who is kept out: an admin's bans, in force at once and in the file as soon as a disk allows."""

from __future__ import annotations

from collections.abc import Callable

from chatops.api import commands, events
from chatops.api.commands import Answer, CommandResult, Fact
from chatops.chat.groups import ADMIN
from chatops.chat.sanitize import clean_text
from chatops.chat.session import Session
from chatops.server import bans, targets
from chatops.server.ban_file import BanFileEdits, BanKeeper, apply
from chatops.server.rulings import Ruling, of_ban, settle
from chatops.server.server import ChatServer
from chatops.server.targets import CommandRefused
from chatops.units import counted, format_duration, shown

REASON = 300                   # characters
SAVE_PATIENCE = 3.0            # seconds until who has banned is told that the disk is slow


class Banning:
    """Belongs to the reactor's thread."""

    def __init__(self, server: ChatServer, keeper: BanKeeper | None) -> None:
        """`keeper` has bans written to a file, if there is one."""
        self.keeper = keeper
        # Told of what holds from now on because the file was changed.
        self.adopted: Callable[[list[Ruling]], object] = lambda rulings: None
        self._server = server
        self._bans = server.state.admission.bans
        if keeper is not None:
            keeper.adopt = self._adopt

    def ban(self, command: commands.Ban) -> CommandResult:
        """Raises `CommandRefused` and `bans.BanError`."""
        server = self._server
        reason = clean_text(command.reason).strip()
        if len(reason) > REASON:
            raise CommandRefused(f"a reason has {REASON} characters at most")
        ban = self._bans.add(self.address_of(command.target), server.hub.at, command.seconds,
                             reason)
        how_long = f"for {format_duration(command.seconds)}" if command.seconds else "for good"
        kept_out = self.keep_out()
        gone = f"; {targets.named(kept_out)} disconnected" if kept_out else ""
        return CommandResult(True, f"banned {ban.network} {how_long}{gone}")

    def unban(self, command: commands.Unban) -> CommandResult:
        """Raises `CommandRefused` and `bans.BanError`."""
        network = bans.network_of(command.network)
        if self._bans.get(command.network) is None:
            raise CommandRefused(f"{network} is not banned; `bans` lists who is")
        self._bans.remove(command.network, self._server.hub.at)
        return CommandResult(True, f"{network} may come in again")

    def listed(self) -> CommandResult:
        """Those in force."""
        at = self._server.hub.at
        facts: tuple[dict[str, Fact], ...] = tuple(
            {"network": ban.network, "at": ban.at, "until": ban.until or None,
             "reason": ban.reason} for ban in self._bans.all(at))
        rows = tuple(
            f"{ban.network}  {format_duration(int(ban.left(at))) if ban.until else 'for good'}"
            f"  {ban.reason}".rstrip()
            for ban in self._bans.all(at))
        return CommandResult(True, counted(len(rows), "ban") if rows else "nobody is banned", rows,
                             facts)

    def settle(self, rulings: tuple[Ruling, ...]) -> tuple[list[Ruling], list[Session]]:
        """Have what other nodes have decided hold here: what of it was new, and who is gone."""
        new = [ruling for ruling in rulings if settle(self._bans, ruling)]
        return new, self.keep_out() if new else []

    def keep_out(self) -> list[Session]:
        """Send away whom a ban holds for; returns them."""
        state = self._server.state
        gone = []
        for session in list(state.hub.sessions.values()):
            ban = self._bans.find(state.connections[session.id].host, state.hub.at)
            if ban is not None:
                gone.append(session)
                state.hub.leave(session, f"banned: {ban.reason}" if ban.reason else "banned",
                                f"you were banned: {ban.reason or 'no reason given'}", by=ADMIN)
        return gone

    def address_of(self, target: str) -> str:
        """Of a client, or as it is written.  Raises `CommandRefused`."""
        state = self._server.state
        sessions, _ = targets.find(state.hub, (target,))
        if sessions:
            return state.connections[sessions[0].id].host
        try:
            return str(bans.network_of(target))
        except bans.BanError:
            raise CommandRefused(f"'{shown(target)}' is not a client here, nor an address or "
                          "network") from None

    def kept(self, result: CommandResult, answer: Answer) -> None:
        """Answer when the bans have been written, or when that takes too long."""
        keeper = self.keeper
        if keeper is None or not result.ok:
            answer(result)
            return
        waiting = [answer]

        def told(why: str, found: str) -> None:
            late.cancel()
            if waiting:
                waiting.pop()(_saved(result, why, found, str(keeper.path)))

        def too_late() -> None:
            waiting.pop()(CommandResult(
                False, f"{result.text}, but it is not in {keeper.path} yet: the disk is slow"))

        late = self._server.reactor.call_later(SAVE_PATIENCE, too_late)
        keeper.save(told)

    def reload(self, answer: Answer) -> None:
        """Have the file read again."""
        assert self.keeper is not None
        path = self.keeper.path
        self.keeper.reload(lambda why, found: answer(CommandResult(
            not why, why or (f"{path} was {found}" if found else f"{path} has no other bans"))))

    def _adopt(self, change: BanFileEdits) -> None:
        """What somebody has changed in the file holds from now on."""
        hub = self._server.hub
        apply(change, self._bans, hub.at)
        self.keep_out()
        hub.effects.append(events.Warned(hub.at, f"the ban file was {change}"))
        self.adopted([*[of_ban(ban) for ban in change.added],
                      *[Ruling(str(network), hub.at, lifted=True) for network in change.lifted]])


def _saved(result: CommandResult, why: str, found: str, path: str) -> CommandResult:
    if why:
        return CommandResult(False, f"{result.text}, but only until the server stops: {why}")
    return CommandResult(True, f"{result.text}; {path} had been {found}" if found else result.text)
