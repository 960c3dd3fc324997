"""Has what rooms hear archived by the journal's thread, and looks it up there."""

from __future__ import annotations

import sqlite3
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence, Sized
from typing import NamedTuple, TypeVar

from chatops.api import events
from chatops.chat.dialect import Rendered
from chatops.chat.effects import Recall
from chatops.chat.groups import Group
from chatops.chat.hub import Hub
from chatops.chat.past import Found, Selection
from chatops.loop.reactor import Reactor
from chatops.storage.chat_history import ALL, ChatHistory, Chunk, Cursor, Keep
from chatops.storage.recent import Recent, told
from chatops.storage.worker import Journal, reason
from chatops.units import counted

GATHER = 0.2                   # seconds of talk in one transaction: the journal's thread, woken
                               # by every line, would take the GIL from the reactor
TRIM_SOON, TRIM_LATER = 0.5, 600.0     # seconds to the next deletion: with more to do, without
LONGEST = 10.0                 # seconds that anybody waits for an answer
ANSWERED = 256                 # messages of answers in one turn: about 5 ms of work; one answer
                               # is not split, and has a thousand at most
WAITING = 16 << 20             # bytes that may wait for the disk; what comes then is dropped

Kept = TypeVar("Kept", bound=Sized)


def _lines(count: int) -> str:
    return f"{counted(count, 'line')} {'is' if count == 1 else 'are'}"


class _Batch(NamedTuple):
    chunks: list[Chunk]
    cursor: Cursor | None


class HistoryWriter:
    """Gathers on the reactor's thread; what touches the file is done on the journal's.

    A disk that is slow, full or gone costs history, never the chat.  What could not be
    written waits, as far as there is room for it, for the next talk.
    """

    def __init__(self, archive: ChatHistory, journal: Journal, hub: Hub, reactor: Reactor, *,
                 recent: Recent | None = None, keep: Keep = ALL, token: str = "") -> None:
        """`recent` is what who enters is shown; what is more than `keep` is deleted; `token`
        begins the id of each message.
        """
        self._token = token
        self._archive = archive
        self._hub = hub
        self._reactor = reactor
        self._journal = journal
        self._recent = recent or Recent(0)
        self._keep = keep
        # The reactor's alone:
        self._gathered: list[Chunk] = []
        self._unheard: list[Chunk] = []        # in this turn; the next are gathered after them
        self._cursor: Cursor | None = None     # of the nodes' log, not handed over yet
        self._accepted = 0             # bytes so far
        self._armed = False
        self._dropped = 0              # lines since the queue was last full
        self._asking: set[int] = set()
        self._answers: deque[tuple[Callable[[], None], int]] = deque()
        self._unwritable = ""          # why, as long as it is
        # The journal's alone; the reactor reads the count:
        self._unwritten: deque[_Batch] = deque()
        self._written = 0              # bytes so far
        self._failing = False
        archive.moved = lambda: self._submit_warning(
            "the history's file was moved or deleted: what is said goes into a new one")

    @property
    def fault(self) -> str:
        """What is wrong now, "" if nothing is.  On the reactor's thread."""
        return self._unwritable or (f"the disk is too slow; {_lines(self._dropped)} missing"
                                    if self._dropped else "")

    def begin(self) -> None:
        """Open the file, so that what is wrong with it is told now."""
        self._journal.later(lambda: self._write(_Batch([], None)), "write the history")
        if self._keep != ALL:
            self._trim()

    # -- on the reactor's thread

    def keep(self, room: str, rendered: Rendered, groups: Sequence[Group]) -> None:
        """Have what a room hears archived: these groups, in plain words.  Never waits."""
        self._gather_unheard()
        self._gather(Chunk(self._hub.at, room, rendered.chunk, groups, rendered.parts,
                           self._token), rendered.lines)

    def _gather_unheard(self) -> None:
        unheard, self._unheard = self._unheard, []
        for chunk in unheard:
            self._gather(chunk, sum([group.lines for group in chunk.groups]))

    def _gather(self, chunk: Chunk, lines: int) -> None:
        self._recent.heard(chunk.at, chunk.room, chunk.data)
        waiting = self._accepted - self._written
        if waiting + chunk.size > (WAITING // 2 if self._dropped else WAITING):
            if not self._dropped:
                self._tell("the history's disk is too slow: what is said is not kept for now")
            self._dropped += lines
            return
        if self._dropped:
            self._tell(f"the history is kept again; {_lines(self._dropped)} missing")
            self._dropped = 0
        self._accepted += chunk.size
        self._gathered.append(chunk)
        self._arm()

    def _arm(self) -> None:
        if not self._armed:
            self._armed = True
            self._reactor.call_later(GATHER, self._hand_over)

    def unheard(self, chunk: Chunk) -> None:
        """Have it archived before what rooms hear in this turn; `archived` is to follow."""
        self._unheard.append(chunk)

    def archived(self, cursor: Cursor) -> None:
        """Of the log that nodes share all has been read up to there: with what was heard, or
        `unheard`, so far the cursor is written.  To be called at the end of a turn.
        """
        self._gather_unheard()
        self._cursor = cursor
        self._arm()

    def note(self, did: events.AdminDid) -> None:
        """Have it kept what an admin has done, and who that was.  Never waits."""
        def job() -> None:
            try:
                self._archive.note(did)
            except sqlite3.Error as error:
                text = f"the history lacks what an admin did: {error}"
                self._submit(lambda: self._tell(text))

        self._journal.later(job, "write the history")

    def recent(self, room: str) -> list[str]:
        """Its last lines, with their time, for who enters."""
        return [told(line, self._hub.at) for line in self._recent.lines(room)]

    def _trim(self) -> None:
        """A small step, and another soon as long as there is more to delete."""
        now = self._hub.at or time.time()

        def step() -> None:
            try:
                more = self._archive.trim(self._keep, now)
            except sqlite3.Error:      # whoever writes to it says so
                more = False
            self._submit(lambda: self._trim_after(TRIM_SOON if more else TRIM_LATER))

        self._journal.later(step, "trim the history",
                            lambda _error: self._submit(lambda: self._trim_after(TRIM_LATER)))

    def _trim_after(self, seconds: float) -> None:
        self._reactor.call_later(seconds, self._trim)

    def recall(self, question: Recall) -> None:
        """Look lines up for a client; one question at a time each."""
        session = self._hub.sessions.get(question.id)
        if session is None:
            return
        if question.id in self._asking:
            self._hub.error(session, "your last /history is still being looked up")
            return
        self._asking.add(question.id)
        # What its room hears in this turn may come after this effect, and is to be found.
        self._reactor.call_soon(lambda: self._ask(question))

    def select(self, selection: Selection, answer: Callable[[Found], None]) -> None:
        """Look up messages (`chatops.chat.past.ChatArchive`)."""
        self._look(lambda: self._archive.select(selection), answer)

    def newest(self, rooms: Sequence[str],
               answer: Callable[[Mapping[str, float] | None], None]) -> None:
        """When each of these rooms last heard something (`chatops.chat.past.ChatArchive`)."""
        self._look(lambda: self._archive.newest(rooms), answer)

    def _look(self, find: Callable[[], Kept | None], answer: Callable[[Kept | None], None]) -> None:
        """Have something looked up once all that was heard until now is written, and answer on
        this thread, once; a disk that takes longer than `LONGEST` has no answer.
        """
        left = [answer]

        def answered(found: Kept | None) -> None:
            if left:
                answer = left.pop()
                self._in_its_turn(lambda: answer(found), len(found or ()))

        def job() -> None:
            try:
                found = find()
            except sqlite3.Error:      # whoever writes to it says so
                self._submit(lambda: answered(None))
            else:
                self._submit(lambda: answered(found))

        def ask() -> None:
            self._hand_over()
            self._journal.later(job, "look up the history",
                                lambda _error: self._submit(lambda: answered(None)))

        # Not within a turn: nodes' talk and their log's cursor are handed over together.
        self._reactor.call_soon(ask)
        self._reactor.call_later(LONGEST, lambda: answered(None))

    def _in_its_turn(self, answer: Callable[[], None], messages: int) -> None:
        """Many that ask at once are often all found before the loop has turned."""
        self._answers.append((answer, messages))
        if len(self._answers) == 1:
            self._reactor.call_soon(self._answer_some)

    def _answer_some(self) -> None:
        """Those that the next turn has time for."""
        messages = 0
        while self._answers and messages < ANSWERED:
            answer, more = self._answers.popleft()
            messages += more
            self._reactor.call_soon(answer)
        if self._answers:
            self._reactor.call_soon(self._answer_some)

    def close(self, say: Callable[[events.Event], None]) -> None:
        """Hand over what is left, and say what is not.  After the loop has ended, on its
        thread: nobody carries out an effect any more.
        """
        if self._dropped:
            lost = counted(self._dropped, "line")
            say(events.Warned(self._hub.at, f"the history lacks the last {lost}"))
        self._hand_over()
        self._journal.later(lambda: self._finish(say), "close the history")

    def _hand_over(self) -> None:
        self._armed = False
        if self._gathered or self._cursor is not None:
            batch = _Batch(self._gathered, self._cursor)
            self._gathered, self._cursor = [], None
            self._journal.later(lambda: self._write(batch), "write the history")

    def _ask(self, question: Recall) -> None:
        self._hand_over()
        now = self._hub.at
        self._journal.later(
            lambda: self._look_up(question, now), "look up the history",
            lambda error: self._submit(lambda: self._answer(question, [_unreadable(error)])))

    def _answer(self, question: Recall, lines: list[str]) -> None:
        self._asking.discard(question.id)
        session = self._hub.sessions.get(question.id)
        if session is not None and question.room in session.rooms:
            self._hub.notice(session, *lines)

    def _tell(self, text: str) -> None:
        self._hub.effects.append(events.Warned(self._hub.at, text))

    # -- on the journal's thread

    def _write(self, batch: _Batch) -> None:
        """A transaction for each batch, so that a failure is found out with the oldest."""
        if self._failing and self._unwritten and not batch.chunks:     # or one with every frame
            last = self._unwritten.pop()
            batch = _Batch(last.chunks, batch.cursor or last.cursor)
        self._unwritten.append(batch)
        try:
            while self._unwritten:
                self._archive.append(*self._unwritten[0])
                self._written += sum(chunk.size for chunk in self._unwritten.popleft().chunks)
        except sqlite3.Error as error:
            if not self._failing:
                self._failing = True
                self._submit_warning(f"the history cannot be written: {error}; the chat goes on",
                                     str(error))
        except Exception:              # it would fail the same way for ever
            self._written += sum(chunk.size for chunk in self._unwritten.popleft().chunks)
            raise
        else:
            if self._failing:
                self._failing = False
                self._submit_warning("the history is written again")

    def _finish(self, say: Callable[[events.Event], None]) -> None:
        lost = sum(len(list(chunk.rows())) for batch in self._unwritten for chunk in batch.chunks)
        if lost:
            say(events.Warned(time.time(), f"the history lacks the last {counted(lost, 'line')}"))
        self._archive.close()

    def _look_up(self, question: Recall, now: float) -> None:
        try:
            if question.text:
                found = self._archive.search(question.room, question.text, question.limit)
            else:
                found = self._archive.last(question.room, question.limit)
            lines = [told(line, now) for line in found] or ["nothing like that is kept here"]
        except sqlite3.Error as error:
            lines = [_unreadable(error)]
        self._submit(lambda: self._answer(question, lines))

    def _submit_warning(self, text: str, unwritable: str = "") -> None:
        def warn() -> None:
            self._unwritable = unwritable
            self._tell(text)

        self._submit(warn)

    def _submit(self, call: Callable[[], None]) -> None:
        self._reactor.submit(call)


def _unreadable(error: Exception) -> str:
    why = str(error) if isinstance(error, sqlite3.Error) else reason(error)
    return f"error: the history cannot be read now: {why}"
