"""Answers that say which line they answer.

Source: IRCv3 labeled-response and batch.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from chatops.chat.dialect import without
from chatops.chat.effects import Deliver, Effect, Enter, Leave, Replay, Tell
from chatops.chat.irc.client import Client
from chatops.chat.irc.context import Irc
from chatops.chat.irc.message import escape

LONGEST = 64                   # bytes of a label


def labelled(irc: Irc, client: Client, label: str, run: Callable[[], None]) -> None:
    """Run a command, and put its label on all that the client hears because of it.

    What rooms of its were told meanwhile is rendered for it here, and it is taken out of them
    for that: otherwise its own line would reach it as everybody else's does, without the label.
    """
    hub = irc.hub
    rooms = list(client.rooms.values())
    hub.send_off(client)
    mark = len(hub.effects)
    irc.asides, irc.label = [], label
    run()
    later = not irc.take_label()
    asides, irc.asides = irc.asides, None
    for room in rooms:                 # also those that it has left: they have heard of that
        hub.send_off_room(room)
    happened = hub.effects[mark:]
    del hub.effects[mark:]
    told_of = {effect.room for effect in happened if isinstance(effect, Deliver)}
    here = dict.fromkeys([room.name for room in rooms if room.name in told_of])
    hub.effects += [Leave(client.id, name) for name in here]
    heard: list[bytes] = []
    entered: dict[str, Effect] = {}    # from then on it hears that room here as well, to the end;
    replays: list[Effect] = []         # what was said there before comes after the answer
    for effect in happened:
        if isinstance(effect, Leave) and effect.id == client.id:
            here.pop(effect.room, None)        # what is told there now is not for it
        if isinstance(effect, Enter) and effect.id == client.id:
            entered[effect.room] = effect
            here[effect.room] = None
            continue
        if isinstance(effect, Replay) and effect.id == client.id:
            replays.append(effect)
            continue
        told = _told(client, effect, here)
        if told is None:
            hub.effects.append(effect)
        else:
            heard += told.splitlines(keepends=True)
        if isinstance(effect, Deliver) and effect.room in here:
            hub.effects.append(effect)
    if client.id in hub.sessions:
        for room in rooms:
            if room.name in here and room.name not in entered and client.id in room.members:
                hub.effects.append(Enter(client.id, room.name, client.dialect, client.echo,
                                         room.kept_as, back=True))
        hub.effects += entered.values()
        data = b"".join(heard) if later else _answer(irc, client, label, heard)
        if data:
            hub.effects.append(Tell(client.id, data, data.count(b"\n")))
        hub.effects += replays
        hub.effects += [Tell(client.id, aside, aside.count(b"\n")) for aside in asides]
    elif heard:
        hub.effects.append(Tell(client.id, b"".join(heard), len(heard)))


def _told(client: Client, effect: Effect, here: Collection[str]) -> bytes | None:
    """What it hears of this, or None if that is nothing of its own."""
    if isinstance(effect, Tell) and effect.id == client.id:
        return effect.data
    if isinstance(effect, Deliver) and effect.room in here:
        rendered = client.dialect.render(effect.room, effect.groups)
        if client.echo:
            return rendered.chunk
        return without(rendered, effect.groups, client.id)[0]
    return None


def _answer(irc: Irc, client: Client, label: str, heard: list[bytes]) -> bytes:
    server, tag = irc.network.server, f"label={escape(label)}"
    if not heard:
        return f"@{tag} :{server} ACK\r\n".encode()
    if len(heard) == 1:
        return tagged(tag, heard[0])
    if "batch" not in client.capabilities:     # then the most there can be is this
        return b"".join([tagged(tag, line) for line in heard])
    name = f"b{irc.hub.lines_in:x}"
    return b"".join([f"@{tag} :{server} BATCH +{name} labeled-response\r\n".encode(),
                     *[tagged(f"batch={name}", line) for line in heard],
                     f":{server} BATCH -{name}\r\n".encode()])


def tagged(tag: str, line: bytes) -> bytes:
    """A line with one tag more."""
    if line.startswith(b"@"):
        return f"@{tag};".encode() + line[1:]
    return f"@{tag} ".encode() + line
