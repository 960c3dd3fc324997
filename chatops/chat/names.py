"""What a nick or a room may be called, and which two nicks look the same."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeVar
from unicodedata import category, normalize

from chatops.system.columns import width


class InvalidName(ValueError):  # noqa: N818  (reads as what it says)
    """This name is not allowed; the message says why, to the one who chose it."""


class TakenName(InvalidName):
    """Somebody else has it, or one that looks like it."""


ROOM_LIMIT = 32
NICK_BYTES = 128               # it stands twice before a line of IRC, which has 510
_ROOM = re.compile(rf"[A-Za-z0-9_#-][A-Za-z0-9_.+~#-]{{0,{ROOM_LIMIT - 1}}}")
_ASCII_NICK = re.compile(r"[A-Za-z_\[\]{}\\|`^][A-Za-z0-9_\-\[\]{}\\|`^]*")
_PUNCTUATION = frozenset("_-[]{}\\|`^")
_FIRST = _PUNCTUATION - {"-"}

# Who the server speaks as, and whom people address.
RESERVED = ("admin", "administrator", "all", "everybody", "everyone", "here", "host", "moderator",
            "nickserv", "operator", "server", "system", "you")


def check_nick(nick: str, *, max_width: int = 20, ascii_only: bool = True) -> None:
    """Raise `InvalidName` unless somebody may be called this.  `max_width` is in cells."""
    if not nick or nick.isspace():
        raise InvalidName("a nick needs at least one letter")
    if width(nick) > max_width:
        raise InvalidName(f"a nick is at most {max_width} columns wide")
    if len(nick.encode()) > NICK_BYTES:            # some letters have no width at all
        raise InvalidName(f"a nick is at most {NICK_BYTES} bytes long")
    if ascii_only and not _ASCII_NICK.fullmatch(nick):
        raise InvalidName("a nick is letters A-Z, digits and _ - [ ] { } \\ | ` ^, and begins "
                          "with no digit nor -")
    if not ascii_only and not _is_word(nick):
        raise InvalidName("a nick is letters, digits and _ - [ ] { } \\ | ` ^, and begins with "
                          "no digit nor -")
    look = skeleton(nick)
    if look.startswith(_GUEST):
        raise InvalidName("nicks that begin with guest are given by the server")
    if "".join(filter(str.isalnum, look)) in _RESERVED:
        raise InvalidName(f"'{nick}' is reserved, or looks like a name that is")


def check_room(name: str) -> str:
    """The room's name as it is kept, without `#`.  Raises `InvalidName`."""
    room = name.removeprefix("#")
    if not _ROOM.fullmatch(room):
        raise InvalidName(f"a room's name has 1 to {ROOM_LIMIT} of a-z 0-9 _ - . + ~")
    return room.lower()


def _is_word(nick: str) -> bool:
    """Letters, their marks and digits, written in the one way that Unicode prefers.

    That way (NFKC) has no fullwidth, circled or mathematical letters.
    """
    return ((nick[0].isalpha() or nick[0] in _FIRST) and normalize("NFKC", nick) == nick
            and all(c in _PUNCTUATION or category(c)[0] in "LM" or c.isdecimal() for c in nick))


# -- lookalikes

# Strong ones only: the pairs that most fonts draw alike.  Unicode's own table (UTS #39) has
# thousands, most of them from scripts that no keyboard has.  Left: what is meant; right:
# what is drawn like it, after case folding.
_ALIKE = {
    "a": "\u0430\u03b1\u0251",             # Cyrillic а, Greek α, Latin ɑ
    "b": "\u0432\u03b2\u042c\u044c",       # в and β, by their capitals; soft sign
    "c": "\u0441\u03f2\u1d04",             # с, lunate sigma
    "d": "\u0501\u0257",
    "e": "\u0435\u03b5\u0454\u212e",       # е, ε by its capital, є
    "f": "\u0192\u0584",
    "g": "\u0261\u0581",                   # script g, Armenian co
    "h": "\u04bb\u0570\u043d\u03b7",       # shha, ho; н and η by their capitals
    "j": "\u0458\u03f3",
    "k": "\u043a\u03ba",
    "l": "i1|\u0131\u0456\u03b9\u04cf\u0457\u01c0\u0196\u0269\u217c",  # i counts, for I does
    "m": "\u043c\u03bc",
    "n": "\u03bd\u0578\u057c\u03c0",       # ν by its capital, Armenian vo and ra
    "o": "0\u043e\u03bf\u03c3\u0585\u0f0b\u07c0\u0966\u0ae6",  # о, ο, σ, Armenian oh, zeros
    "p": "\u0440\u03c1\u03f1",
    "q": "\u051b\u0563\u0566",
    "r": "\u0433\u1d26",
    "s": "\u0455\u0405\ua731",
    "t": "\u0442\u03c4",
    "u": "\u057d\u03c5\u028b",
    "v": "\u0475\u1d20",
    "w": "\u051d\u0461\u0561",
    "x": "\u0445\u03c7",
    "y": "\u0443\u04af\u03b3",
    "z": "\u03b6\u1d22",
}
_DRAWN_AS = str.maketrans({alike: letter for letter, all_ in _ALIKE.items() for alike in all_})


def skeleton(nick: str) -> str:
    """What a nick looks like: two nicks with the same skeleton can be taken for each other.

    Compatibility forms, case, accents and invisible characters go; lookalikes become the
    Latin letter they look like.  Not for display.
    """
    if nick.isascii():
        bare = nick.lower()
    else:
        text = normalize("NFKD", normalize("NFKC", nick).casefold()).casefold()
        bare = "".join(c for c in text if category(c) not in ("Mn", "Me", "Cf"))
    return bare.translate(_DRAWN_AS).replace("rn", "m").replace("vv", "w")


def fold(nick: str) -> str:
    """A nick without its case, and without the way that its accents were typed."""
    return nick.lower() if nick.isascii() else normalize("NFC", normalize("NFC", nick).casefold())


# -- who is meant

LONGEST_ID = 18                # digits; nobody has ever had so many connections
C = TypeVar("C")


def id_of(word: str) -> int | None:
    """The connection id in `3` or `#3`; None where it is none, and 0, which nobody has, for
    a number that is none by its length alone.
    """
    digits = word.removeprefix("#")
    if not (digits.isascii() and digits.isdecimal()):
        return None
    return int(digits) if len(digits) <= LONGEST_ID else 0


def find(word: str, by_id: Callable[[int], C | None], by_fold: Callable[[str], C | None],
         by_look: Callable[[str], C | None]) -> C | None:
    """The one whom an operator means: by id, else by nick in any case and any way of typing
    accents, else by what the nick looks like, as the server tells nicks apart.

    Asked by the server and by the console, each with what it has to look in.
    """
    ident = id_of(word)
    if ident is not None:
        return by_id(ident)
    name = word.strip().removeprefix("#")
    found = by_fold(fold(name))
    if found is None and not is_guest(name):
        found = by_look(skeleton(name))
    return found


def is_guest(nick: str) -> bool:
    """Whether it looks like a nick that the server gives; nobody else may have such."""
    return skeleton(nick).startswith(_GUEST)


_GUEST = skeleton("guest")
_RESERVED = frozenset(map(skeleton, RESERVED))
