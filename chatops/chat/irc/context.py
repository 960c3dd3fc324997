"""What every IRC command works with: the hub, the server's name, and ways to answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from chatops.chat.hub import Hub
from chatops.chat.irc import capabilities
from chatops.chat.irc.client import Client
from chatops.chat.irc.message import Message, cut, format_message
from chatops.chat.irc.network import Network
from chatops.chat.irc.numerics import Numeric
from chatops.chat.irc.tongue import Tongue
from chatops.chat.irc.whowas import WhoWas
from chatops.chat.login import Gate
from chatops.chat.masks import fold
from chatops.chat.session import Room, Session
from chatops.chat.throttle import Throttle

MUTED = "You are muted; nobody heard that"


class Irc:
    """One for each door, or shared by several; belongs to the thread of its hub."""

    def __init__(self, hub: Hub, network: Network) -> None:
        self.hub = hub
        self.network = network
        self.tongue = Tongue(network.server, network.token)
        self.began = hub.now           # monotonic
        self.whowas = WhoWas()
        self.watchers: dict[str, set[int]] = {}    # who monitors a nick, folded
        self.here = self.most = 0      # who is registered, now and at most
        self.most_everywhere = 0       # the same of all nodes
        self.opers = self.hidden = 0   # of these: counted, for each newcomer is told
        self.tries = Throttle()        # at the operator's password
        self.gate: Gate | None = None  # who knows the accounts, where there are any
        self.keeps_history = False     # what is said can be looked up later
        self.label = ""                # of the command that runs, until who answers later takes it
        self.asides: list[bytes] | None = None     # while a labelled command runs: what its
                                       # sender hears then, and is no answer
        self.rehash: Callable[[], object] = lambda: None       # the operator's `:reload`

    # -- who and what there is

    def find(self, nick: str) -> Session | None:
        """Who is called this; nobody who has not registered."""
        return self.hub.nicks.find(fold(nick))

    def room(self, channel: str) -> Room | None:
        """The room of this channel, if there is one that anybody is in."""
        name = fold(channel.removeprefix("#"))
        if not channel.startswith("#") or name not in self.hub.rooms:
            return None
        room = self.hub.rooms.open(name)
        return room if room.population or room is self.hub.lobby else None

    def is_muted(self, client: Client) -> bool:
        """Whether an admin lets it listen only."""
        return client.muted_until > self.hub.now

    def silenced(self, client: Client, room: Room) -> str:
        """Why others in this room are not to read anything that it has written; "" if they are."""
        if self.is_muted(client):
            return MUTED
        why = room.rules.hushed(client.sender)
        if why == "moderated":
            return "Cannot send to channel (+m): it is moderated"
        return "Cannot send to channel (+b): you are banned" if why else ""

    def people(self) -> list[Session]:
        """Everybody who is somebody."""
        return [session for session in self.hub.sessions.values() if session.registered]

    def arrived(self, session: Session) -> None:
        """One more is registered."""
        self.here += 1
        self.most = max(self.most, self.here)
        self.counted()
        if isinstance(session, Client):
            self.opers += "o" in session.modes
            self.hidden += "i" in session.modes

    def counted(self) -> int:
        """How many are registered on all nodes; the most that there have been is known too."""
        there = self.hub.elsewhere
        everybody = self.here + (len(there.people) if there is not None else 0)
        self.most_everywhere = max(self.most_everywhere, everybody)
        return everybody

    def left(self, session: Session) -> None:
        """One that was registered is gone."""
        self.here -= 1
        if isinstance(session, Client):
            for letter in sorted(session.modes):
                self.set_mode(session, letter, False)

    def set_mode(self, client: Client, letter: str, on: bool) -> bool:
        """One of its own modes; whether that changes anything."""
        if (letter in client.modes) == on:
            return False
        (client.modes.add if on else client.modes.discard)(letter)
        if client.registered:              # or `arrived` will count it, if it ever does arrive
            self.hub.touch(client)         # other nodes know who is one of these
            self.opers += (1 if on else -1) * (letter == "o")
            self.hidden += (1 if on else -1) * (letter == "i")
        return True

    def speak(self, client: Client) -> None:
        """Its capabilities are others now."""
        form = capabilities.form_of(client.capabilities)
        echo = bool(form & capabilities.Form.ECHO)
        self.hub.speak(client, self.tongue.speaking(form), echo=echo)

    # -- answers

    def reply(self, client: Client, numeric: Numeric, *params: str) -> None:
        """One numeric, with the words that belong to it behind these."""
        self.hub.tell(client, self.numeric(client, numeric, *params).encode())

    def numeric(self, client: Client, numeric: Numeric, *params: str) -> str:
        """As `reply`, to be sent with others."""
        text = (numeric.text,) if numeric.text else ()
        return cut(format_message(numeric.code, (client.sender.nick, *params, *text),
                                  self.network.server)) + "\r\n"

    def send(self, client: Client, lines: Iterable[str]) -> None:
        """Lines that have their ends."""
        lines = list(lines)
        if lines:
            self.hub.tell(client, "".join(lines).encode())

    def message(self, client: Client, command: str, *params: str, source: str = "") -> None:
        """A message of the server, or of somebody else."""
        self.hub.tell(client, self.message_text(command, *params, source=source).encode())

    def message_text(self, command: str, *params: str, source: str = "") -> str:
        """As `message`, to be sent later."""
        return cut(format_message(command, params, source or self.network.server)) + "\r\n"

    def aside(self, client: Client, data: bytes) -> None:
        """Something that it hears now, but not as an answer to what it has said."""
        if self.asides is not None:
            self.asides.append(data)
        else:
            self.hub.tell(client, data)

    def take_label(self) -> str:
        """The label of the command that runs, "" without; its answer comes later and bears it."""
        label, self.label = self.label, ""
        return label

    def fail(self, client: Client, command: str, code: str, *context: str, text: str,
             always: bool = False) -> None:
        """A standard reply, or to who does not know those a notice, unless it is `always` one."""
        if always or "standard-replies" in client.capabilities:
            self.message(client, "FAIL", command, code, *context, text)
        else:
            self.hub.notice(client, f"{command}: {text}")

    def source(self, session: Session) -> str:
        return self.tongue.source(session.sender)


class IrcCommand(NamedTuple):
    """What a command does, with how many parameters at least, and whether also before 001."""

    run: Callable[[Irc, Client, Message], None]
    least: int = 0
    early: bool = False


Commands = dict[str, IrcCommand]


def as_middle(word: str) -> str:
    """What somebody has written, as it can stand before other parameters."""
    return word.split(" ")[0].lstrip(":") or "*"


def joined(words: Iterable[str], room: int, separator: str = " ") -> list[str]:
    """Words in as few lines as they fit into, of so many bytes each."""
    lines: list[str] = []
    size = room + 1
    for word in words:
        more = len(word.encode()) + len(separator)
        if size + more > room:
            lines.append(word)
            size = more
        else:
            lines[-1] += separator + word
            size += more
    return lines
