"""What a history has of before this start, looked up before anything runs."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from chatops.settings import Settings
from chatops.storage.chat_history import Cursor
from chatops.storage.history_file import HistoryFileError, cursor, newest
from chatops.storage.recent import Recent
from chatops.system.errors import ChatopsError
from chatops.system.files import check_place


class HistoryError(ChatopsError):
    """The history cannot be kept where it is to be; one line."""


def check_place_of(history: str) -> None:
    """That there is a place for it: SQLite would find out when the first line is said.

    Raises `HistoryError`.
    """
    if history and history != ":memory:":
        try:
            check_place(Path(history))
        except OSError as error:
            raise HistoryError(f"{history}: {error.strerror}") from None


def recent(settings: Settings) -> Recent:
    """What was said in each room.  What is wrong with the file is told when it is first written
    to.
    """
    known = {}
    if settings.replay and _is_there(settings.history):
        with suppress(HistoryFileError):
            known = newest(settings.history, settings.replay)
    return Recent(settings.replay, known)


def archived(settings: Settings) -> tuple[Cursor | None, str]:
    """How far the log of several nodes was archived, if it was; and why that is not known."""
    if settings.cluster and _is_there(settings.history):
        try:
            return cursor(settings.history), ""
        except HistoryFileError as error:
            return None, str(error)
    return None, ""


def _is_there(history: str) -> bool:
    return (bool(history) and history != ":memory:" and Path(history).exists()
            and Path(history).stat().st_size > 0)
