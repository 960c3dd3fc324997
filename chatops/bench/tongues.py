"""What a load says to a server, in the tongue of the door that it comes in by."""

from __future__ import annotations

from typing import Literal

Spoken = Literal["line", "irc"]


class LineTongue:
    """For the door of `nc`, and for relays: a line is a message.

    The mark is one byte that is in every message, and in nothing else that is heard while
    deliveries are counted.
    """

    mark = b"@"
    echo = True                    # who speaks hears itself
    before, end = b"", b"\n"       # what is around a message
    longest = 4000                 # bytes of a message

    def hello(self, number: int, room: str) -> tuple[bytes, bytes]:
        """What the client of this number says first, and what it waits for then; "" is for the
        room that everybody is in.
        """
        del number
        return (f"/join {room}\n".encode(), f" in {room} with ".encode()) if room else (b"", b"\n")


class IrcTongue(LineTongue):
    """For the door of IRC clients: no capabilities, everybody in one channel.

    The source of each line has `!`, `~` and `@` in it, and tags, were there any, `=`, `;` and
    digits of base 64: the mark is none of them.
    """

    mark = b"$"
    echo = False
    before, end = b"PRIVMSG #lobby :", b"\r\n"
    longest = 380                  # with the longest source that is no more than 510

    def hello(self, number: int, room: str) -> tuple[bytes, bytes]:
        said = f"NICK u{number}\r\nUSER u 0 * :u\r\nJOIN #{room or 'lobby'}\r\n"
        return said.encode(), b" 366 "


LINE = LineTongue()
TONGUES: dict[Spoken, LineTongue] = {"line": LINE, "irc": IrcTongue()}
