"""What the chat allows."""

from __future__ import annotations

from dataclasses import dataclass

AWAY = 200                     # characters of why somebody is away
TOPIC = 390

@dataclass(slots=True)
class ChatLimits:
    """What the chat allows; changed while it runs by assigning to it."""

    line: int = 4096               # bytes before the newline
    rate: float = 50.0             # lines a second for one client; 0 is no limit
    burst: float = 500.0           # lines at once
    turn: int = 1024               # of one client in a turn: each is longer when it is heard
    nick_width: int = 20           # columns
    ascii_nicks: bool = True
    announce_up_to: int = 50       # members of a room in which joins and leaves are told
    announce_rate: float = 10.0    # of them a second
    announce_after: float = 0.0    # seconds that a newcomer may be silent before it is announced
    rooms: int = 1000
