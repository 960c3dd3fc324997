"""The settings file, read again while the server runs: what can change then does, and is named."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from chatops.api.commands import Answer, CommandResult
from chatops.server.server import ChatServer
from chatops.settings import SETTINGS, Setting, Settings, SettingsError
from chatops.storage.worker import Journal, reason


class SettingsFile:
    """Belongs to the reactor's thread; the file is read on the journal's, which may wait.

    What has changed in the file since it was read last holds from now on.  What has not, but
    was changed by `:limit`, stays so: somebody who renews a certificate means only that.
    """

    def __init__(self, server: ChatServer, path: str, read: Callable[[], Settings],
                 journal: Journal, hand_over: Callable[[Callable[[], None]], None]) -> None:
        """`read` puts the settings together as at the start, and raises `SettingsError`;
        `hand_over` has a call made on the reactor's thread.
        """
        self._server = server
        self._path = path
        self._read = read
        self._journal = journal
        self._hand_over = hand_over
        self._loaded = server.state.settings

    def ask(self, answer: Answer) -> None:
        """Have it read, and answer what that has changed.  Never waits."""
        def job() -> None:
            try:
                fresh = self._read()
            except SettingsError as error:         # what somebody has written is no mishap
                failure = CommandResult(False, f"{error}; no setting has changed")
                self._hand_over(lambda: answer(failure))
            else:
                self._hand_over(lambda: answer(self._adopt(fresh)))

        def failed(error: Exception) -> None:
            self._hand_over(lambda: answer(CommandResult(
                False, f"cannot read {self._path}: {reason(error)}; no setting has changed")))

        self._journal.later(job, "read the settings", failed)

    def _adopt(self, fresh: Settings) -> CommandResult:
        before, now, self._loaded = self._loaded, self._server.state.settings, fresh
        changes: list[str] = []
        restart: list[str] = []
        kept: list[str] = []
        values = {}
        for setting in SETTINGS:
            old, new, held = (getattr(each, setting.field) for each in (before, fresh, now))
            if new == held:
                continue
            if not setting.live:
                restart.append(_arrow(setting, held, new))
            elif new == old:
                kept.append(f"{setting.name} stays {_shown(setting, held)}, as it was set since")
            else:
                values[setting.field] = new
                changes.append(_arrow(setting, held, new))
        if values:
            self._server.apply(msgspec.structs.replace(now, **values))
        parts = [", ".join(changes) or f"{self._path} changes no setting"]
        if restart:
            need = "need" if len(restart) > 1 else "needs"
            parts.append(f"{', '.join(restart)} {need} a restart")
        return CommandResult(True, "; ".join([*parts, *kept]))


def _arrow(setting: Setting, old: object, new: object) -> str:
    return f"{setting.name} {_shown(setting, old)} -> {_shown(setting, new)}"


def _shown(setting: Setting, value: object) -> str:
    return setting.write(value) or "none"
