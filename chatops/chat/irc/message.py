"""IRC messages as bytes and as parts: `@tags :source COMMAND params :trailing`.

Source: Modern IRC, "Message Format"; the IRCv3 message-tags specification.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from chatops.chat.sanitize import clean_text

BODY = 510                     # bytes of a message without its tags and its CR LF (RFC 1459, 2.3)
TAGS = 8191                    # bytes of all tags with their `@` and the space behind them
CLIENT_TAGS = 4094             # bytes of those that a client may send, without `@` and space
PARAMS = 15                    # more than these belong to the last one (RFC 2812, 2.3.1)

_ESCAPES = {"\\": "\\\\", ";": "\\:", " ": "\\s", "\r": "\\r", "\n": "\\n"}
_UNESCAPES = {":": ";", "s": " ", "r": "\r", "n": "\n"}
_ESCAPABLE = re.compile(r"[\\; \r\n]")
_ESCAPED = re.compile(r"\\(.?)", re.DOTALL)
_CLIENT_KEY = re.compile(r"\+[\w./-]+", re.ASCII)
_LINE_END = re.compile("([\r\n])")     # which a tag may hold: it is escaped on its way


class Message(NamedTuple):
    """One message.  `source` is without its colon, `command` in upper case; tags without a
    value have an empty one, as the specification has it.
    """

    command: str
    params: list[str]
    source: str = ""
    tags: Mapping[str, str] = {}

    def param(self, index: int) -> str:
        """This parameter, or "" if there are not so many."""
        return self.params[index] if index < len(self.params) else ""


def parse(line: str) -> Message | None:
    """The parts of a line without its line end; None if there is no command in it.

    Never raises.  Several spaces separate as one does, but for those of the trailing
    parameter (RFC 1459, 2.3.1).
    """
    tags: dict[str, str] = {}
    source = ""
    if line.startswith("@"):
        tag_text, _, line = line[1:].partition(" ")
        tags = parse_tags(tag_text)
    line = line.lstrip(" ")
    if line.startswith(":"):
        source, _, line = line[1:].partition(" ")
        line = line.lstrip(" ")
    middle, colon, trailing = _split_trailing(line)
    words = [word for word in middle.split(" ") if word]
    if not words:
        return None
    command, params = words[0].upper(), words[1:]
    if colon:
        params.append(trailing)
    if len(params) > PARAMS:
        params[PARAMS - 1:] = [" ".join(params[PARAMS - 1:])]
    return Message(command, params, source, tags)


def _split_trailing(line: str) -> tuple[str, bool, str]:
    """What stands before ` :`, whether that stands there, and what follows."""
    if line.startswith(":"):           # a trailing parameter and no command
        return "", True, line[1:]
    middle, colon, trailing = line.partition(" :")
    return middle, bool(colon), trailing


def parse_tags(text: str) -> dict[str, str]:
    """The tags between `@` and the space; of a key that comes twice the last one counts."""
    tags: dict[str, str] = {}
    for item in text.split(";"):
        key, _, value = item.partition("=")
        if key:
            tags[key] = unescape(value) if "\\" in value else value
    return tags


def clean_tags(tags: Mapping[str, str]) -> Mapping[str, str]:
    """The same, but of those that are passed on (`+…`) none can hurt a terminal, or a client to
    which NUL is the end of a line.
    """
    if not any(key[0] == "+" and not (value.isprintable() and _CLIENT_KEY.fullmatch(key))
               for key, value in tags.items()):
        return tags
    return {key: _clean_value(value) if key[0] == "+" else value for key, value in tags.items()
            if key[0] != "+" or _CLIENT_KEY.fullmatch(key)}


def _clean_value(value: str) -> str:
    return "".join([part if part in ("\r", "\n") else clean_text(part)
                    for part in _LINE_END.split(value)])


def escape(value: str) -> str:
    """A tag's value as it is sent."""
    return _ESCAPABLE.sub(lambda found: _ESCAPES[found[0]], value)


def unescape(value: str) -> str:
    """A tag's value as it was meant; a backslash before anything else vanishes."""
    return _ESCAPED.sub(lambda found: _UNESCAPES.get(found[1], found[1]), value)


def format_tags(tags: Mapping[str, str]) -> str:
    """`@a=1;b ` with the space behind it, or "" if there are none."""
    if not tags:
        return ""
    return "@" + ";".join([f"{key}={escape(value)}" if value else key
                           for key, value in tags.items()]) + " "


def format_message(command: str, params: Iterable[str] = (), source: str = "",
                   tags: Mapping[str, str] | None = None) -> str:
    """One line without its line end.  The last parameter gets a colon where it needs one.

    The caller sees to it that no part holds CR, LF or NUL, and none but the last a space.
    """
    head = format_tags(tags) if tags else ""
    if source:
        head += f":{source} "
    params = list(params)
    if params:
        last = params[-1]
        if not last or " " in last or last[0] == ":":
            params[-1] = f":{last}"
    return head + " ".join([command, *params])


def cut(line: str) -> str:
    """A line without tags and without its end, cut between characters where it is longer than
    one may be.
    """
    if 4 * len(line) <= BODY or (len(line) <= BODY and line.isascii()):
        return line
    return line.encode()[:BODY].decode(errors="ignore")


def split_text(text: str, limit: int) -> list[str]:
    """Text in pieces of at most `limit` bytes of UTF-8, cut at a space if one is near the
    end, else between characters, and never inside one.
    """
    if 4 * len(text) <= limit or (len(text) <= limit and text.isascii()):
        return [text]
    limit = max(limit, 4)              # a character, or it would never end
    pieces: list[str] = []
    raw = text.encode()
    while len(raw) > limit:
        end = limit
        while end > 1 and raw[end] & 0xC0 == 0x80:     # inside a character
            end -= 1
        space = raw.rfind(b" ", limit // 2, end + 1)
        if space > 0:
            pieces.append(raw[:space].decode())
            raw = raw[space + 1:]
        else:
            pieces.append(raw[:end].decode(errors="replace"))
            raw = raw[end:]
    pieces.append(raw.decode())
    return pieces
