"""Takes telnet negotiation (RFC 854) out of a stream, and answers what must be answered."""

from __future__ import annotations

from enum import Enum

IAC = b"\xff"                      # begins every command
SE, SB, WILL, WONT, DO, DONT = 240, 250, 251, 252, 253, 254
FIRST_COMMAND = 236                # EOF, RFC 1184; everything below is no command
ERASE_CHARACTER = 247
TIMING_MARK = 6                    # RFC 860
_IAC, _NEWLINE = 255, 10

# What a subnegotiation may take before it is taken for a lie.  The longest honest one, a
# terminal's list of environment variables, stays far below.
SUBNEGOTIATION_LIMIT = 1024
# Of one read: what is answered, and how many changes of state are followed (a quarter of a
# millisecond of them).  A telnet needs half of it; whoever sends more is after our time, and
# the rest of its read is text to us.
ANSWER_LIMIT = 32
STEP_LIMIT = 512


class TelnetState(Enum):
    """Where in a command the last read ended."""

    GROUND = "ground"              # plain data
    COMMAND = "command"            # after IAC
    OPTION = "option"              # after IAC WILL, WONT, DO or DONT
    INSIDE = "inside"              # within IAC SB … IAC SE
    INSIDE_COMMAND = "inside-command"  # after an IAC in there


class TelnetFilter:
    """One peer's commands, also when they are cut anywhere by the network.

    Made when the first 0xFF arrives and dropped as soon as it is `idle`, for most clients
    never send one.  Every option is refused, which needs no memory and cannot loop: only
    requests are answered, never answers.  The exception is the timing mark, because
    `telnet` throws its input away after Ctrl-C until that is answered.

    0xFF that begins no command is data: a peer that writes Latin-1 or UTF-16 keeps its
    line ends, and its text decodes to U+FFFD later.
    """

    __slots__ = ("_room", "_state", "_verb", "flooded")

    def __init__(self) -> None:
        self.flooded = False       # the last read held more than is followed
        self._state = TelnetState.GROUND
        self._verb = 0
        self._room = 0             # bytes that the subnegotiation may still take

    def __repr__(self) -> str:
        return f"<TelnetFilter {self._state.value}>"

    @property
    def idle(self) -> bool:
        """Nothing is half-read: the filter may be forgotten."""
        return self._state is TelnetState.GROUND

    def feed(self, data: bytes) -> tuple[bytes, bytes]:
        """(data without commands, bytes to send back)."""
        kept: list[bytes] = []
        answers: dict[bytes, None] = {}
        self.flooded = False
        at = 0
        for _ in range(STEP_LIMIT):
            if at == len(data):
                break
            match self._state:
                case TelnetState.GROUND:
                    at = self._ground(data, at, kept)
                case TelnetState.COMMAND:
                    at = self._command(data, at, kept)
                case TelnetState.OPTION:
                    at = self._option(data, at, kept, answers)
                case TelnetState.INSIDE:
                    at = self._inside(data, at)
                case TelnetState.INSIDE_COMMAND:
                    at = self._inside_command(data, at)
        else:
            self._state = TelnetState.GROUND
            self.flooded = True
            kept.append(data[at:])
        return b"".join(kept), b"".join(answers)

    # Each takes the position to read at and returns the one to go on from.

    def _ground(self, data: bytes, at: int, kept: list[bytes]) -> int:
        mark = data.find(IAC, at)
        if mark < 0:
            kept.append(data[at:])
            return len(data)
        kept.append(data[at:mark])
        self._state = TelnetState.COMMAND
        return mark + 1

    def _command(self, data: bytes, at: int, kept: list[bytes]) -> int:
        byte = data[at]
        self._state = TelnetState.GROUND
        if WILL <= byte <= DONT:
            self._verb = byte
            self._state = TelnetState.OPTION
        elif byte == SB:
            self._room = SUBNEGOTIATION_LIMIT
            self._state = TelnetState.INSIDE
        elif byte == _IAC:
            kept.append(IAC)       # escaped
        elif byte == ERASE_CHARACTER:
            kept.append(b"\b")     # what it asks for is done where lines are cleaned
        elif byte < FIRST_COMMAND:
            kept.append(IAC)       # not telnet at all; the byte is looked at as data
            return at
        return at + 1

    def _option(self, data: bytes, at: int, kept: list[bytes],
                answers: dict[bytes, None]) -> int:
        option = data[at]
        self._state = TelnetState.GROUND
        if option == _NEWLINE:
            # Option 10 died in 1977.  This is a line of text that ends in two odd bytes.
            kept.append(bytes((_IAC, self._verb)))
            return at
        if self._verb in (DO, WILL) and len(answers) < ANSWER_LIMIT:
            answers[bytes((_IAC, _reply(self._verb, option), option))] = None
        return at + 1

    def _inside(self, data: bytes, at: int) -> int:
        mark = data.find(IAC, at, at + self._room)
        if mark < 0:
            taken = min(len(data) - at, self._room)
            self._room -= taken
            if not self._room:
                self._state = TelnetState.GROUND
            return at + taken
        self._room -= mark - at
        self._state = TelnetState.INSIDE_COMMAND
        return mark + 1

    def _inside_command(self, data: bytes, at: int) -> int:
        byte = data[at]
        if byte == SE:
            self._state = TelnetState.GROUND
        elif byte == _IAC:
            self._room -= 1        # an escaped 0xFF within
            self._state = TelnetState.INSIDE if self._room else TelnetState.GROUND
        else:
            self._state = TelnetState.COMMAND
            return at
        return at + 1


def _reply(verb: int, option: int) -> int:
    if verb == WILL:
        return DONT
    return WILL if option == TIMING_MARK else WONT
