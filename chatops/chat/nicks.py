"""Who is called what: each nick once, and no two that look alike."""

from __future__ import annotations

from chatops.chat import names
from chatops.chat.elsewhere import Elsewhere
from chatops.chat.session import Session


class Nicks:
    """Nicks in use, found in any case, and compared by what they look like.

    Guests are called by their number; as nobody may choose such a nick, theirs need not
    be compared.
    """

    __slots__ = ("_by_look", "_by_nick", "elsewhere", "guests")

    def __init__(self) -> None:
        self.guests = "guest-"         # what stands before their number
        self.elsewhere: Elsewhere | None = None    # who is on other nodes, if there are any
        self._by_nick: dict[str, Session] = {}
        self._by_look: dict[str, Session] = {}

    def find(self, nick: str) -> Session | None:
        """Who is called this, in any case."""
        return self._by_nick.get(names.fold(nick))

    def alike(self, look: str) -> Session | None:
        """Whose nick, chosen and not given, has this skeleton."""
        return self._by_look.get(look)

    def greet(self, newcomer: Session) -> None:
        """A newcomer, who is a guest of this node; to others only if it is anybody yet."""
        if self.elsewhere is None:
            return
        if newcomer.registered:
            newcomer.rename(f"{self.guests}{newcomer.id}")
        else:
            newcomer.nick = f"{self.guests}{newcomer.id}"

    def welcome(self, guest: Session) -> None:
        """A newcomer, with the name that its number gives it."""
        self._by_nick[guest.nick] = guest

    def check(self, session: Session, nick: str, *, max_width: int, ascii_only: bool) -> str:
        """What this nick looks like, if the session may have it.  Raises `names.InvalidName`."""
        names.check_nick(nick, max_width=max_width, ascii_only=ascii_only)
        look = names.skeleton(nick)
        other = self._by_look.get(look)
        if other is not None and other is not session:
            raise names.TakenName(f"'{nick}' is taken, or looks like '{other.nick}'")
        if self.elsewhere is not None and (there := self.elsewhere.alike(look)) is not None:
            raise names.TakenName(f"'{nick}' is taken, or looks like '{there.who.nick}', on node "
                                  f"{there.who.node}")
        return look

    def claim(self, session: Session, nick: str, *, max_width: int, ascii_only: bool) -> None:
        """Give a session the nick it asks for.  Raises `names.InvalidName`."""
        look = self.check(session, nick, max_width=max_width, ascii_only=ascii_only)
        self.release(session)
        session.guest = False
        session.rename(nick)
        self._by_look[look] = session
        self._by_nick[names.fold(nick)] = session

    def strip(self, session: Session) -> str:
        """Take its nick away, for the one of a guest, which is returned."""
        self.release(session)
        session.guest = True
        session.rename(f"{self.guests}{session.id}")
        self.welcome(session)
        return session.nick

    def release(self, session: Session) -> None:
        """Somebody else may take its nick now."""
        self._by_nick.pop(names.fold(session.nick), None)
        if not session.guest:
            self._by_look.pop(names.skeleton(session.nick), None)
