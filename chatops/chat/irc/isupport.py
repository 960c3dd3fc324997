"""RPL_ISUPPORT: what a client may rely on.

Source: Modern IRC, "RPL_ISUPPORT Parameters"; each of these is kept somewhere in this package.
"""

from __future__ import annotations

from chatops.chat.irc.limits import (
    AWAY,
    CHANNELS,
    HISTORY,
    KICK,
    LISTED,
    MODES,
    MONITORED,
    TARGETS,
    TOPIC,
    USER,
)
from chatops.chat.names import ROOM_LIMIT

A_LINE = 12                    # tokens, with which a line is far from 510 bytes


def tokens(network: str, nick_length: int, *, history: bool = False) -> list[str]:
    """All of them, in alphabetical order; with a `history`, those of that."""
    kept = [f"CHATHISTORY={HISTORY}", "MSGREFTYPES=msgid,timestamp"] if history else []
    return sorted([*kept,
        f"AWAYLEN={AWAY}", "ACCOUNTEXTBAN=a", "BOT=B", "CASEMAPPING=ascii",
        f"CHANLIMIT=#:{CHANNELS}", "CHANMODES=beI,k,l,imnstC", f"CHANNELLEN={ROOM_LIMIT + 1}",
        "CHANTYPES=#", "ELIST=CMNTU", "EXCEPTS=e", "EXTBAN=~,am", "INVEX=I", f"KICKLEN={KICK}",
        f"MAXLIST=beI:{LISTED}", f"MODES={MODES}", f"MONITOR={MONITORED}",
        f"NETWORK={network}", f"NICKLEN={nick_length}", "PREFIX=(ov)@+", "SAFELIST", "SAFERATE",
        "STATUSMSG=@+",
        f"TARGMAX=JOIN:,KICK:,LIST:,MONITOR:{MONITORED},NAMES:,NOTICE:{TARGETS},"
        f"PRIVMSG:{TARGETS},TAGMSG:{TARGETS},WHOIS:1",
        f"TOPICLEN={TOPIC}", f"USERLEN={USER}", "UTF8ONLY", "WHOX",
    ])


def lines(network: str, nick_length: int, *, history: bool = False) -> list[list[str]]:
    """The same, in the portions in which they are sent."""
    every = tokens(network, nick_length, history=history)
    return [every[at:at + A_LINE] for at in range(0, len(every), A_LINE)]
