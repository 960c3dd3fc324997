"""How much of each there may be; most of it is told in 005."""

from chatops.chat.limits import AWAY, TOPIC

__all__ = ["AWAY", "TOPIC"]    # as plain clients have them

CHANNELS = 100                 # that one client is in
KICK = 300                     # characters of a reason
USER = 10
REALNAME = 150
KEY = 32
LISTED = 100                   # entries in all lists of a channel
MODES = 12                     # with a parameter, in one MODE
MONITORED = 100
TARGETS = 4                    # of one PRIVMSG
EARLY = 1024                   # lines before 001
HISTORY = 1000                 # messages of one CHATHISTORY
LONGEST = 4096 + 512           # bytes of a line, its tags included
