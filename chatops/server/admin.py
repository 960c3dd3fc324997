"""Carrying out an admin's commands, on the reactor's thread."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import assert_never

from chatops import settings
from chatops.api import commands, events
from chatops.api.command_line import render
from chatops.api.commands import Answer, Command, CommandResult, only_looks, spec_of
from chatops.chat import names
from chatops.chat.groups import ADMIN
from chatops.chat.sanitize import clean_text
from chatops.chat.session import Session
from chatops.loop.backends import BackendError
from chatops.server import bans
from chatops.server.ban_file import BanFileEdits, BanKeeper, apply
from chatops.server.server import ChatServer
from chatops.units import counted, format_duration, shown

ALWAYS_WRITE_SECONDS = 30.0    # until watching for writing returns to on demand
SAVE_PATIENCE = 3.0            # seconds until who has banned is told that the disk is slow


class CommandRefused(Exception):  # noqa: N818  (it is an answer, not an error)
    """What was asked cannot be done; the message is for the operator."""


class Admin:
    """Belongs to the reactor's thread; `run` and `carry_out` never raise."""

    def __init__(self, server: ChatServer, keeper: BanKeeper | None = None,
                 reloads: Sequence[Callable[[Answer], None]] = (),
                 reopen: Callable[[Answer], None] | None = None) -> None:
        """`keeper` has bans written to a file; each of `reloads` has something else read
        again, `reopen` has the log opened again, and they answer how that went.  None waits.
        """
        self._server = server
        self._keeper = keeper
        self._reloads = [*reloads]
        self._reopen = reopen
        if keeper is not None:
            keeper.adopt = self._adopt
            self._reloads.append(self._reload_bans)
        self._always_write = 0         # how often it was asked for: the last one counts

    def carry_out(self, command: Command, answer: Answer, uid: int = -1) -> None:
        """Do it, and answer: at once, or after this turn where a disk must be waited for.

        `uid` is the user who asks, -1 where nobody knows.
        """
        match command:
            case commands.Reload() if self._reloads:
                self._reload(lambda result: answer(self._did(command, result, uid)))
            case commands.Reopen() if self._reopen is not None:
                self._reopen(lambda result: answer(self._did(command, result, uid)))
            case commands.Ban() | commands.Unban() if self._keeper is not None:
                self._kept(self._tried(command), self._keeper,
                           lambda result: answer(self._did(command, result, uid)))
            case _:
                answer(self.run(command, uid))

    def run(self, command: Command, uid: int = -1) -> CommandResult:
        """Do what can be done at once, and say in the log that it was done; a look is no deed."""
        result = self._tried(command)
        return result if only_looks(command) else self._did(command, result, uid)

    def _tried(self, command: Command) -> CommandResult:
        if not isinstance(command, commands.ServerCommand):
            return CommandResult(False, f"'{spec_of(command).name}' is not for the server")
        try:
            return self._do(command)
        except (CommandRefused, bans.BanError, settings.SettingsError, BackendError) as error:
            return CommandResult(False, str(error))

    def _do(self, command: commands.ServerCommand) -> CommandResult:
        match command:
            case commands.Kick():
                return self._kick(command)
            case commands.Ban():
                return self._ban(command)
            case commands.Unban():
                return self._unban(command)
            case commands.Bans():
                return self._bans(command)
            case commands.Mute():
                return self._mute(command)
            case commands.Unmute():
                return self._unmute(command)
            case commands.Broadcast():
                return self._broadcast(command)
            case commands.Limit():
                return self._limit(command)
            case commands.Reload():
                return self._no_reload(command)
            case commands.Reopen():
                return self._no_reopen(command)
            case commands.SlowConsumer():
                return self._slow_consumer(command)
            case commands.Selector():
                return self._selector(command)
            case commands.WriteInterest():
                return self._write_interest(command)
            case commands.Quit():
                return self._quit(command)
            case _:
                assert_never(command)

    def _did(self, command: Command, result: CommandResult, uid: int) -> CommandResult:
        hub, history = self._server.hub, self._server.state.history
        did = events.AdminDid(hub.at, clean_text(render(command)), clean_text(result.text),
                              result.ok, uid)
        hub.effects.append(did)
        if history is not None:
            history.note(did)
        return result

    # -- clients

    def _sessions(self, targets: tuple[str, ...]) -> tuple[list[Session], list[str]]:
        """Who is meant, and which targets are not here (any more)."""
        hub = self._server.hub
        found: dict[int, Session] = {}
        missing = []
        for target in targets:
            session = names.find(target, hub.sessions.get, hub.nicks.find, hub.nicks.alike)
            if session is None:
                name = shown(target.removeprefix("#"))
                missing.append(f"#{name}" if names.id_of(target) is not None else name)
            else:
                found[session.id] = session
        return list(found.values()), missing

    def _kick(self, command: commands.Kick) -> CommandResult:
        sessions, missing = self._sessions(command.targets)
        reason = clean_text(command.reason).strip() or "no reason given"
        for session in sessions:
            self._send_away(session, f"you were kicked: {reason}", f"kicked: {reason}")
        return _outcome("kicked", sessions, missing)

    def _send_away(self, session: Session, words: str, reason: str) -> None:
        self._server.hub.leave(session, reason, words, by=ADMIN)

    def _ban(self, command: commands.Ban) -> CommandResult:
        server = self._server
        network = self._address_of(command.target)
        reason = clean_text(command.reason).strip()
        ban = server.state.admission.bans.add(network, server.hub.at, command.seconds, reason)
        kept_out = self._keep_out()
        how_long = f"for {format_duration(command.seconds)}" if command.seconds else "for good"
        gone = f"; {_names(kept_out)} disconnected" if kept_out else ""
        return CommandResult(True, f"banned {ban.network} {how_long}{gone}")

    def _keep_out(self) -> list[Session]:
        """Send away whom a ban holds for; returns them."""
        state = self._server.state
        gone = []
        for session in list(state.hub.sessions.values()):
            ban = state.admission.bans.find(state.connections[session.id].host, state.hub.at)
            if ban is not None:
                gone.append(session)
                self._send_away(session, f"you were banned: {ban.reason or 'no reason given'}",
                                f"banned: {ban.reason}" if ban.reason else "banned")
        return gone

    def _address_of(self, target: str) -> str:
        sessions, _ = self._sessions((target,))
        if sessions:
            return self._server.state.connections[sessions[0].id].host
        try:
            return str(bans.network_of(target))
        except bans.BanError:
            raise CommandRefused(f"'{shown(target)}' is not a client here, nor an address or "
                                 "network") from None

    def _unban(self, command: commands.Unban) -> CommandResult:
        network = bans.network_of(command.network)
        if not self._server.state.admission.bans.remove(command.network):
            raise CommandRefused(f"{network} is not banned; `bans` lists who is")
        return CommandResult(True, f"{network} may come in again")

    def _bans(self, _command: commands.Bans) -> CommandResult:
        at = self._server.hub.at
        rows = tuple(
            f"{ban.network}  {format_duration(int(ban.left(at))) if ban.until else 'for good'}"
            f"  {ban.reason}".rstrip()
            for ban in self._server.state.admission.bans.all(at))
        return CommandResult(True, counted(len(rows), "ban") if rows else "nobody is banned", rows)

    def _kept(self, result: CommandResult, keeper: BanKeeper, answer: Answer) -> None:
        """Answer when the bans have been written, or when that takes too long."""
        if not result.ok:
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

    def _adopt(self, change: BanFileEdits) -> None:
        """What somebody has changed in the file holds from now on."""
        apply(change, self._server.state.admission.bans)
        self._keep_out()
        hub = self._server.hub
        hub.effects.append(events.Warned(hub.at, f"the ban file was {change}"))

    def _reload_bans(self, answer: Answer) -> None:
        assert self._keeper is not None
        path = self._keeper.path
        self._keeper.reload(lambda why, found: answer(CommandResult(
            not why, why or (f"{path} was {found}" if found else f"{path} has no other bans"))))

    def _reload(self, answer: Answer) -> None:
        """Have everything read again; one answer for all."""
        results: list[CommandResult] = []

        def read(result: CommandResult) -> None:
            results.append(result)
            if len(results) == len(self._reloads):
                answer(CommandResult(all(result.ok for result in results),
                                     "; ".join(result.text for result in results)))

        for reload in self._reloads:
            reload(read)

    def _mute(self, command: commands.Mute) -> CommandResult:
        sessions, missing = self._sessions(command.targets)
        for session in sessions:
            self._server.hub.mute(session, command.seconds)
        return _outcome("muted", sessions, missing)

    def _unmute(self, command: commands.Unmute) -> CommandResult:
        sessions, missing = self._sessions(command.targets)
        for session in sessions:
            self._server.hub.unmute(session)
        return _outcome("unmuted", sessions, missing)

    def _broadcast(self, command: commands.Broadcast) -> CommandResult:
        if not clean_text(command.text).strip():
            raise CommandRefused("there is nothing to say")
        reached = self._server.hub.broadcast(command.text)
        return CommandResult(True, f"said to {counted(reached, 'client')}")

    # -- the server

    def _limit(self, command: commands.Limit) -> CommandResult:
        server = self._server
        if not command.name:
            rows = tuple(f"{settings.show(server.state.settings, name):28}{setting.why}"
                         for name, setting in settings.LIMITS.items())
            return CommandResult(True, f"{len(rows)} limits", rows)
        name = command.name.replace("_", "-")
        if command.value:
            server.apply(settings.changed(server.state.settings, name, command.value))
        elif name not in settings.LIMITS:
            settings.changed(server.state.settings, name, "")    # says which are there
        return CommandResult(True, settings.show(server.state.settings, name))

    def _no_reload(self, _command: commands.Reload) -> CommandResult:
        raise CommandRefused("there is nothing to read again: neither --config nor --tls-cert nor "
                             "--ban-file was given")

    def _no_reopen(self, _command: commands.Reopen) -> CommandResult:
        raise CommandRefused("there is no log file to open again: --log-file was not given")

    def _slow_consumer(self, command: commands.SlowConsumer) -> CommandResult:
        server = self._server
        server.apply(settings.changed(server.state.settings, "slow-consumer", command.policy))
        return CommandResult(True, settings.show(server.state.settings, "slow-consumer"))

    def _selector(self, command: commands.Selector) -> CommandResult:
        selector = self._server.selector
        before = selector.backend
        if command.backend == before:
            return CommandResult(True, f"the selector is {before} already")
        selector.swap(command.backend)
        return CommandResult(True, f"{before} -> {selector.backend}: "
                                   f"{counted(len(selector.get_map()), 'descriptor')} moved")

    def _write_interest(self, command: commands.WriteInterest) -> CommandResult:
        always = command.mode == "always"
        self._always_write += 1
        returns = always and not command.stay
        self._server.state.context.always_until = (
            self._server.reactor.clock() + ALWAYS_WRITE_SECONDS if returns else 0.0)
        self._watch_writing(always)
        if not always:
            return CommandResult(True, "watching for writing only while bytes wait")
        if command.stay:
            return CommandResult(True, "watching always for writing, until told otherwise")
        asked = self._always_write
        self._server.reactor.call_later(
            ALWAYS_WRITE_SECONDS,
            lambda: self._watch_writing(False) if self._always_write == asked else None)
        return CommandResult(True, "watching always for writing; back to on demand in "
                                   f"{format_duration(ALWAYS_WRITE_SECONDS)}")

    def _watch_writing(self, always: bool) -> None:
        server = self._server
        if not always:
            server.state.context.always_until = 0.0
        if server.state.context.always_write == always:
            return
        server.state.context.always_write = always
        for connection in server.state.connections.values():
            connection.update_interest()
        server.hub.effects.append(events.Warned(
            server.hub.at, "write interest is always on: the loop never sleeps" if always
            else "write interest is on demand again"))

    def _quit(self, command: commands.Quit) -> CommandResult:
        server = self._server
        if command.how == "now" or server.state.phase == "draining":
            server.reactor.stop()
            return CommandResult(True, "stopped")
        server.drain(server.state.settings.drain, server.reactor.stop)
        seconds = format_duration(server.state.settings.drain)
        return CommandResult(True, f"draining for at most {seconds}")


def _saved(result: CommandResult, why: str, found: str, path: str) -> CommandResult:
    if why:
        return CommandResult(False, f"{result.text}, but only until the server stops: {why}")
    return CommandResult(True, f"{result.text}; {path} had been {found}" if found else result.text)


def _names(sessions: list[Session]) -> str:
    shown = ", ".join(f"#{session.id} {session.nick}" for session in sessions[:5])
    return shown + (f" and {len(sessions) - 5} more" if len(sessions) > 5 else "")


def _outcome(did: str, sessions: list[Session], missing: list[str]) -> CommandResult:
    parts = []
    if sessions:
        parts.append(f"{did} {_names(sessions)}")
    if missing:
        parts.append(f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} not here "
                     "(any more)")
    return CommandResult(bool(sessions), "; ".join(parts))
