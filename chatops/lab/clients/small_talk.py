"""What the chatty built-in clients say: small conversations, at the pace of people.

Written for this program.  A line is `speaker: text`; speakers are letters, cast anew each
time, and `{b}` in a text is whoever plays b.
"""

from __future__ import annotations

import random

NAMES = (
    "alice", "bob", "carol", "dave", "eve", "frank", "grace", "heidi", "ivan", "judy", "ken",
    "lena", "mallory", "nina", "oscar", "peggy", "quinn", "rosa", "sybil", "trent", "ursula",
    "victor", "wendy", "xavier", "yara", "zoe", "amir", "bea", "chen", "dina", "emil", "fatima",
    "goran", "hana", "ines", "jonas", "kaya", "luis", "mila", "noor",
)

_SCRIPTS = """
a: morning all
b: morning {a}
a: did the nightly build go through?
b: it did, twelve minutes, nothing red
a: first time this week

a: {b}: is the staging box slow or is it me?
b: it is you and everybody else
a: what is it doing?
b: a backup that somebody started by hand
a: was that somebody me?
b: the log says {a}, so yes
a: stopping it now, sorry

a: lunch?
b: in ten minutes
c: I have a call, bring me something
a: the usual?
c: the usual, and not too hot

a: can anyone review a small change? forty lines, thirty of them tests
b: send it over
a: done, it is the one about the retry loop
b: why three tries and not five?
a: because the fourth never helped in the logs
b: good reason. put it in a comment and I approve

a: does somebody know why select() returns at once all the time?
b: is something in your write set?
a: all of them, I thought that is how one does it
b: a socket is nearly always writable, so it has nothing to wait for
c: ask for writing only while you have something to write
a: oh. one core less on fire. thanks

a: who is on call this week?
b: {c}, until friday
c: it has been quiet, do not say it aloud
b: too late
c: thanks a lot

a: the new coffee machine has a firmware update
b: please do not
a: it says it improves the crema
b: it will want an account
a: it wants an account

a: I cannot reach the wiki
b: works here
a: found it, the cable
b: which cable?
a: the one that the cat sat on

a: standup in five
b: I did the thing, I will do the next thing, nothing blocks me
a: you could still come
b: on my way

a: {b}, the customer from yesterday wrote again
b: happy or unhappy?
a: happy! the export works, they want it every hour now
b: every hour is fine, every minute would not be
c: I can put it on the schedule today

a: why is this test green on my machine and red on the server?
b: time zones
a: it has no dates in it
b: then the order of a set
a: ... it is the order of a set

a: my terminal stopped. nothing I type shows up
b: you pressed ctrl-s
a: how do you know?
b: everybody presses ctrl-s once. try ctrl-q
a: I am back. and there is a lot to read

a: release notes are up, please have a look
b: reading
b: second paragraph, "it's" without the apostrophe
c: and the link at the end goes to last month's
a: both fixed, thank you

a: how many people can this little server hold?
b: ten thousand sit in here on a laptop, if most of them keep quiet
a: and if they do not keep quiet?
b: then it depends on who reads slowly
c: it always depends on who reads slowly

a: found the leak
b: memory?
a: water. under the kitchen sink
b: do we have a runbook for that?
a: the runbook is a bucket

a: is there a word for a bug that goes away when you log it?
b: a shy one
c: timing. the log line is a small sleep
a: so I ship the log line
c: so you do not ship the log line

a: talking to myself until somebody comes in
a: note to self: rotate the keys on monday
a: note to self: monday is today

a: testing, one, two
a: works. what a nice quiet room
"""


def _parsed(scripts: str) -> tuple[tuple[tuple[str, str], ...], ...]:
    conversations = []
    for block in scripts.strip().split("\n\n"):
        lines = [line.partition(": ") for line in block.splitlines()]
        conversations.append(tuple((speaker, text) for speaker, _, text in lines))
    return tuple(conversations)


CONVERSATIONS = _parsed(_SCRIPTS)


class Circle:
    """A few people who talk with each other; the same seed and people say the same."""

    def __init__(self, seed: int) -> None:
        self.members: list[str] = []
        self.talking = False           # whoever says the lines sets it
        self._random = random.Random(seed)
        self._left: list[tuple[str, str]] = []     # lines to come: who, what
        self._said: list[int] = []                 # conversations not to repeat yet

    def join(self, nick: str) -> None:
        """Take part from the next conversation on."""
        self.members.append(nick)

    def leave(self, nick: str) -> None:
        """Take part no more; whoever is not in it is ignored."""
        if nick in self.members:
            self.members.remove(nick)

    def next_line(self) -> tuple[float, str, str]:
        """Seconds to wait, who speaks, and what; there must be a member."""
        pause = 0.0
        self._left = [line for line in self._left if line[0] in self.members]
        if not self._left:
            pause = self._random.uniform(0.5, 3.0)
            self._left = self._cast()
        who, text = self._left.pop(0)
        # A second to think, and about twenty keys a second: quick people, for a demo.
        return pause + self._random.uniform(0.6, 1.4) + len(text) / 20, who, text

    def _cast(self) -> list[tuple[str, str]]:
        """A conversation for as many as there are, with its speakers."""
        people = min(len(self.members), 3)
        fitting = [n for n, lines in enumerate(CONVERSATIONS)
                   if people >= len({s for s, _ in lines}) >= min(people, 2)]
        fresh = [n for n in fitting if n not in self._said] or fitting
        chosen = self._random.choice(fresh)
        self._said = [*self._said, chosen][-len(CONVERSATIONS) // 2:]
        speakers = sorted({speaker for speaker, _ in CONVERSATIONS[chosen]})
        people_in_it = self._random.sample(self.members, len(speakers))
        cast = dict(zip(speakers, people_in_it, strict=True))
        return [(cast[speaker], text.format_map(cast))
                for speaker, text in CONVERSATIONS[chosen]]
