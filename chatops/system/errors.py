"""The one root of all errors that are meant to be caught by who uses this package."""

from __future__ import annotations


class ChatopsError(Exception):
    """Something that was asked for cannot be done; the message is one line for a person."""


class StartError(ChatopsError):
    """A server cannot start."""
