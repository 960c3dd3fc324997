"""What an IRC client makes of all that it hears: who is in which channel, with which prefixes."""

from __future__ import annotations

from collections.abc import Iterable

from chatops.chat.irc.message import parse

PREFIXES = "@+"
LETTERS = {"o": "@", "v": "+"}


class View:
    """As strict as a client can be: what makes no sense to it is an error.  It has to have asked
    for multi-prefix, or it would not know who is an operator with a voice.
    """

    def __init__(self, nick: str) -> None:
        self.nick = nick
        self.channels: dict[str, dict[str, str]] = {}
        self._listing: set[str] = set()        # of which the first NAMES has not ended

    def hear(self, lines: Iterable[str]) -> None:
        for line in lines:
            message = parse(line)
            assert message is not None
            step = getattr(self, f"_{message.command.lower()}", None)
            try:
                if step is not None:
                    step(message.source.partition("!")[0], *message.params)
            except KeyError:
                raise AssertionError(f"{line!r} to {self.nick}, who sees {self.channels}") from None

    def _join(self, who: str, channel: str, *_more: str) -> None:
        if who == self.nick:
            assert channel not in self.channels
            self.channels[channel] = {}
            self._listing.add(channel)
        assert who not in self.channels[channel]
        self.channels[channel][who] = ""

    def _part(self, who: str, channel: str, _reason: str = "") -> None:
        del self.channels[channel][who]
        if who == self.nick:
            del self.channels[channel]

    def _kick(self, _by: str, channel: str, who: str, _reason: str) -> None:
        self._part(who, channel)

    def _quit(self, who: str, _reason: str = "") -> None:
        shared = [people for people in self.channels.values() if who in people]
        for people in shared or [{}]:
            del people[who]

    def _nick(self, who: str, new: str) -> None:
        shared = [people for people in self.channels.values() if who in people]
        for people in shared or ([] if who == self.nick else [{}]):
            people[new] = people.pop(who)
        if who == self.nick:
            self.nick = new

    def _mode(self, _by: str, target: str, letters: str, *parameters: str) -> None:
        if not target.startswith("#"):
            return
        left, adding = list(parameters), True
        for letter in letters:
            if letter in "+-":
                adding = letter == "+"
            elif (prefix := LETTERS.get(letter)) is not None:
                who = left.pop(0)
                had = self.channels[target][who]
                assert (prefix in had) != adding
                self.channels[target][who] = "".join(
                    [each for each in PREFIXES if (each in had) != (each == prefix)])
            elif letter in "beI" or letter == "k" or (letter == "l" and adding):
                left.pop(0)

    def _353(self, _server: str, _me: str, _kind: str, channel: str, names: str) -> None:
        people = self.channels.get(channel)
        if people is None:
            return
        for name in names.split(" "):
            nick = name.lstrip(PREFIXES)
            assert nick in people or channel in self._listing
            people[nick] = name.removesuffix(nick)

    def _366(self, _server: str, _me: str, channel: str, _end: str) -> None:
        self._listing.discard(channel)
