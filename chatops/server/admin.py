"""Carrying out an admin's commands, on the reactor's thread."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import assert_never

from chatops import settings
from chatops.api import commands, events
from chatops.api.command_line import render
from chatops.api.command_table import spec_of
from chatops.api.commands import Answer, Command, CommandResult, Fact, only_looks
from chatops.chat.groups import ADMIN
from chatops.chat.sanitize import clean_text
from chatops.loop.backends import BackendError
from chatops.server import bans, targets
from chatops.server.across import AcrossNodes
from chatops.server.ban_file import BanKeeper
from chatops.server.banning import Banning
from chatops.server.server import ChatServer
from chatops.server.targets import CommandRefused
from chatops.units import counted, format_duration

ALWAYS_WRITE_SECONDS = 30.0    # until watching for writing returns to on demand


class Admin:
    """Belongs to the reactor's thread; `run` and `carry_out` never raise."""

    def __init__(self, server: ChatServer, keeper: BanKeeper | None = None,
                 reloads: Sequence[Callable[[Answer], None]] = (),
                 reopen: Callable[[Answer], None] | None = None,
                 restore: Callable[[], CommandResult | None] = lambda: None) -> None:
        """`keeper` has bans written to a file; each of `reloads` has something else read
        again, `reopen` has the log opened again, and they answer how that went.  None waits.
        `restore` makes the control socket again if it is gone, and else answers None.
        """
        self._server = server
        self._banning = Banning(server, keeper)
        self._reloads = [*reloads]
        self._reopen = reopen
        self._restore = restore
        if keeper is not None:
            self._reloads.append(self._banning.reload)
        others = server.state.others
        self._across = (AcrossNodes(server, others, self._banning, self._tried)
                        if others is not None else None)
        self._always_write = 0         # how often it was asked for: the last one counts

    def carry_out(self, command: Command, answer: Answer, uid: int = -1) -> None:
        """Do it, and answer: at once, or after this turn where a disk must be waited for.

        `uid` is the user who asks, -1 where nobody knows.
        """
        match command:
            case commands.Reload():
                self._reload(lambda result: answer(self._did(command, result, uid)))
            case commands.Reopen() if self._reopen is not None:
                self._reopen(lambda result: answer(self._did(command, result, uid)))
            case (commands.Kick() | commands.Ban() | commands.Unban() | commands.Mute()
                  | commands.Unmute() | commands.Broadcast()) if self._across is not None:
                self._across.carry_out(command,
                                       lambda result: answer(self._did(command, result, uid)))
            case commands.Ban() | commands.Unban():
                self._banning.kept(self._tried(command),
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
                return self._banning.ban(command)
            case commands.Unban():
                return self._banning.unban(command)
            case commands.Bans():
                return self._banning.listed()
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

    def _kick(self, command: commands.Kick) -> CommandResult:
        sessions, missing = targets.find(self._server.hub, command.targets)
        reason = clean_text(command.reason).strip() or "no reason given"
        for session in sessions:
            self._server.hub.leave(session, f"kicked: {reason}", f"you were kicked: {reason}",
                                   by=ADMIN)
        return targets.outcome("kicked", sessions, missing)

    def _reload(self, answer: Answer) -> None:
        """Have everything read again; one answer for all."""
        restored = self._restore()
        results = [restored] if restored is not None else []
        due = len(results) + len(self._reloads)
        if not self._reloads:
            answer(restored or self._tried(commands.Reload()))
            return

        def read(result: CommandResult) -> None:
            results.append(result)
            if len(results) == due:
                answer(CommandResult(all(result.ok for result in results),
                                     "; ".join(result.text for result in results)))

        for reload in self._reloads:
            reload(read)

    def _mute(self, command: commands.Mute) -> CommandResult:
        hub = self._server.hub
        sessions, missing = targets.find(hub, command.targets)
        muted, idle = targets.parted(sessions, lambda session: hub.mute(session, command.seconds))
        return targets.outcome("muted", muted, missing, (
            f" for {format_duration(command.seconds)}" if command.seconds else ""),
            idle=(idle, "muted already"))

    def _unmute(self, command: commands.Unmute) -> CommandResult:
        sessions, missing = targets.find(self._server.hub, command.targets)
        unmuted, idle = targets.parted(sessions, self._server.hub.unmute)
        return targets.outcome("unmuted", unmuted, missing, idle=(idle, "not muted"))

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
            facts: tuple[dict[str, Fact], ...] = tuple(
                {"name": name, "value": getattr(server.state.settings, setting.field),
                 "why": setting.why} for name, setting in settings.LIMITS.items())
            return CommandResult(True, f"{len(rows)} limits", rows, facts)
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
