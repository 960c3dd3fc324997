"""Messages that concern more than one widget."""

from __future__ import annotations

from dataclasses import dataclass

from textual.message import Message


@dataclass
class RunLine(Message):
    """Somebody (a key, a click, the command line) wants this command line carried out."""

    line: str
