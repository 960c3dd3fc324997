"""Which channels a LIST asks for.

Source: Modern IRC, "LIST message" and "ELIST": C, M, N, T and U.
"""

from __future__ import annotations

from collections.abc import Callable

from chatops.chat.masks import fold, matches
from chatops.chat.session import Room

Condition = Callable[[Room], bool]


def wanted(text: str, at: float) -> Condition:
    """Whether a room is one of those that are asked for.  `at` is wall clock."""
    masks: dict[str, None] = {}        # each once: a line has room for a hundred like ones
    conditions: list[Condition] = []
    for word in text.split(","):
        condition = _condition(word, at)
        if condition is not None:
            conditions.append(condition)
        elif word:
            masks[fold(word)] = None

    def asked(room: Room) -> bool:
        name = f"#{room.name}"
        return (all(condition(room) for condition in conditions)
                and (not masks or any(matches(mask, name) for mask in masks)))
    return asked


def _condition(word: str, at: float) -> Condition | None:
    if word.startswith("!") and len(word) > 1:
        return lambda room: not matches(word[1:], f"#{room.name}")
    kind, sign, number = _split(word)
    if not sign:
        return None
    more = sign == ">"
    match kind:
        case "":
            return lambda room: room.population > number if more \
                else room.population < number
        case "C":
            return lambda room: _age(room.rules.created_at, at, number, more)
        case _:
            return lambda room: bool(room.rules.topic_at) and _age(
                room.rules.topic_at, at, number, more)


def _split(word: str) -> tuple[str, str, int]:
    """`T>30` as its parts; no sign if it is no condition."""
    kind = word[:1] if word[:1] in ("C", "T") else ""
    sign, number = word[len(kind):len(kind) + 1], word[len(kind) + 1:]
    if sign in ("<", ">") and number.isascii() and number.isdecimal() and len(number) < 10:
        return kind, sign, int(number)
    return "", "", 0


def _age(when: float, at: float, minutes: int, more: bool) -> bool:
    age = (at - when) / 60
    return age > minutes if more else age < minutes
