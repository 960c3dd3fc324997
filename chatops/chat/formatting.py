"""Colours and styles inside text: passed on to IRC clients, taken out for everybody else.

Source: Modern IRC, "Formatting" (https://modern.ircdocs.horse/formatting).
"""

from __future__ import annotations

import re

from chatops.chat.sanitize import clean_text

# Bold, colour, hexadecimal colour, reset, monospace, reverse, italics, strikethrough, underline.
CODES = "\x02\x03\x04\x0f\x11\x16\x1d\x1e\x1f"
DELIMITER = "\x01"             # of CTCP

_CODE = re.compile(f"[{CODES}]")
_FORMATTED = re.compile(
    "\x03(?:[0-9]{1,2}(?:,[0-9]{1,2})?)?"
    "|\x04(?:[0-9A-Fa-f]{6}(?:,[0-9A-Fa-f]{6})?)?"
    f"|[{CODES}]")


def strip(text: str) -> str:
    """The text without codes, nor the digits that belong to them."""
    return _FORMATTED.sub("", text) if _CODE.search(text) else text


def clean(text: str) -> str:
    """Safe for IRC clients: as `sanitize.clean_text`, but formatting stays."""
    if text.isprintable() or _CODE.search(text) is None:
        return clean_text(text)
    kept = _CODE.findall(text)
    parts = [clean_text(part) for part in _CODE.split(text)]
    return parts[0] + "".join([code + part for code, part in zip(kept, parts[1:], strict=True)])


def ctcp(text: str) -> tuple[str, str] | None:
    """The command, in upper case, and the rest of a CTCP message; None if it is none.

    Source: draft-oakley-irc-ctcp-02: the closing delimiter may be missing.
    """
    if not text.startswith(DELIMITER):
        return None
    command, _, rest = text.strip(DELIMITER).partition(" ")
    return command.upper(), rest
