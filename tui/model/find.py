"""Which row is meant by an id or a nick: by the rule that the server has for it."""

from __future__ import annotations

from chatops.api.snapshot import ClientRow, Snapshot
from chatops.chat import names


def find_row(word: str, snapshot: Snapshot | None) -> ClientRow | None:
    """The client that is meant, among those of a snapshot."""
    rows = (*snapshot.clients, *snapshot.elsewhere) if snapshot is not None else ()
    if "#" in word[1:]:
        return next((row for row in rows if row.word == word.casefold()), None)
    return names.find(
        word,
        lambda ident: next((row for row in rows if row.id == ident), None),
        lambda folded: next((row for row in rows if names.fold(row.nick) == folded), None),
        lambda look: next((row for row in rows if not names.is_guest(row.nick)
                           and names.skeleton(row.nick) == look), None))
