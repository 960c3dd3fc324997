"""The server in a thread of its own: its sockets, its files, its start and its end."""

from __future__ import annotations

from chatops.service.thread import ServerThread, last_words, tune_collector
from chatops.system.errors import StartError

__all__ = ["ServerThread", "StartError", "last_words", "tune_collector"]
