"""When a picture is made, and of what it may cost: the observer's side of a look.

A tick, ten times a second while anybody looks and never otherwise.  In it the watchdog sees
whether the loop is held; and if a console wants news and there are some, a picture is begun:
slices of it run at the loop's safe points, so far apart that they take 2 % of its time.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator

from msgspec.structs import replace

from chatops.api import events
from chatops.api.program import Held, Process, Program
from chatops.api.slot import SnapshotSlot
from chatops.api.snapshot import LoopFigures, Pulse, Snapshot
from chatops.loop import private
from chatops.loop.reactor import Reactor, Timer
from chatops.watch import registry
from chatops.watch.loops import Loops
from chatops.watch.selector import WatchedSelector
from chatops.watch.watchdog import Sentry

TICK = 0.1                     # seconds
SLICE = 0.003                  # seconds of the loop's that one safe point may take
SHARE = 0.02                   # of the loop's time that pictures may take
FIRST = 0.2                    # and the first of a loop, since somebody waits for it
LONGEST = 10.0                 # seconds that packing alone may put the next picture off
AGES = 1.0                     # seconds between looks at what is news by lasting: a held lock
LOST = 3.0                     # seconds after which a slice that has not come back is given up

Painting = Iterator[Snapshot | None]       # a step at a time; the picture at last


class ProgramPictures:
    """What fills the consoles' slots (chatops.control.host.SnapshotSource).

    Belongs to the observer's thread, but for `_slice`.
    """

    def __init__(self, reactor: Reactor, loops: Loops, program: Program,
                 say: Callable[[events.Event], None], path: str) -> None:
        self.looks = 0
        self.cpu = time.thread_time
        self._reactor = reactor
        self._loops = loops
        self._program = program
        self._say = say
        self._path = path
        self._views: list[SnapshotSlot] = []
        self._timer: Timer | None = None
        self._watched: list[WatchedSelector] = []
        self._latest: Snapshot | None = None
        self.activity = 0
        self._painting: Painting | None = None     # the picture that is being made
        self._asked_at = 0.0           # when a slice of it was left with the loop; 0: none is out
        self._pictured = 0             # the loop that the last one was of, by its number
        self._spent = 0.0              # by the loop, on the picture that is being made
        self._next_at = 0.0
        self._seen_at = 0.0            # when the last picture was finished
        self._held: Held | None = None
        self._was_held: Held | None = None     # the last one that is over
        self._sentries: list[Sentry] = []      # of the loops that are not shown

    # -- chatops.control.host.SnapshotSource

    def view(self) -> SnapshotSlot:
        return SnapshotSlot()

    def begin(self, view: SnapshotSlot) -> None:
        self._views.append(view)
        if self._timer is None:
            self._tick()

    def end(self, view: SnapshotSlot) -> None:
        self._views.remove(view)
        if not self._views:
            self._look_away()

    def lend(self, view: SnapshotSlot) -> None:
        """Nothing waits here: a tick is never far."""

    def pulse(self, view: SnapshotSlot) -> Pulse | None:
        """The counters of the loop that is shown; None until there is a picture of it."""
        selector, now = self._loops.shown, self._reactor.clock()
        if self._latest is None:
            return None
        behind = view.activity != self.activity
        if selector is None:
            return Pulse(now, 0, 0, 0.0, 0.0, self.activity, behind)
        return Pulse(now, selector.turns, selector.ready, selector.waited,
                     selector.worked_until(now), self.activity, behind,
                     off_cpu=selector.off_cpu)

    def charge(self, seconds: float) -> None:
        """Packing it took the observer's time, not the loop's; but the interpreter's."""
        later = min(self._next_at + seconds / SHARE, self._reactor.clock() + LONGEST)
        self._next_at = max(self._next_at, later)

    def look_again(self) -> None:
        """Another loop is shown."""
        self._give_up()
        self._latest = None
        for view in self._views:
            # There is news for everybody, and what nobody took is of another loop.
            view.activity, view.shown, view.latest = -1, 0, None

    # -- the tick

    def _tick(self) -> None:
        self._timer = self._reactor.call_later(TICK, self._tick)
        now = self._reactor.clock()
        if self._loops.settle():
            self.look_again()
        self._watch_all()
        self.activity = sum(selector.turns for selector in registry.alive())
        self._guard(now)
        self._guard_others(now)
        if self._asked_at and now - self._asked_at > LOST and self._held is None:
            self._give_up()            # its loop has ended, or never sleeps long enough
        ages = now - self._seen_at >= AGES and any(
            task.holder for task in (self._latest.tasks if self._latest is not None else ()))
        due = [view for view in self._views
               if view.wanted or (view.on_news and (ages or self._loops.shown is None
                                                    or view.activity != self.activity))]
        if due and self._painting is None and now >= self._next_at:
            self._begin_picture(now)

    def _watch_all(self) -> None:
        """Watch those that have come since, and asyncio's calls if the program has it by now."""
        private.time_handles(time.monotonic)
        for selector in registry.alive():
            if not any(each is selector for each in self._watched):
                self._watched.append(selector)
                selector.submit(selector.watch)
        self._watched = [selector for selector in self._watched if not selector.closed]

    def _look_away(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        private.leave_handles()
        for selector in self._watched:
            selector.submit(lambda selector=selector: selector.watch(False))  # type: ignore[misc]
        self._watched.clear()
        self._sentries.clear()
        self._give_up()
        if self._loops.painter is not None:
            self._loops.painter.tasks.serving = {}     # of a picture that was not finished

    # -- held loops

    def _guard_others(self, now: float) -> None:
        """Of loops that are not shown it is only said.  What somebody's own loop does between two
        calls of `select` may be its purpose.
        """
        known = {sentry.selector: sentry for sentry in self._sentries}
        self._sentries = [known.get(selector) or Sentry(selector) for selector in registry.alive()
                          if selector.asyncio and selector is not self._loops.shown]
        for sentry in self._sentries:
            for event in sentry.look(now):
                self._say(event)

    def _guard(self, now: float) -> None:
        watchdog, selector = self._loops.watchdog, self._loops.shown
        held, before = watchdog.look(now) if watchdog is not None else None, self._held
        self._held = held
        if before is not None and (held is None or held.since != before.since):
            over = watchdog.let_go(before, now) if watchdog is not None else before
            self._was_held = over
            self._say(events.LoopHeld(time.time(), over.seconds, over.at, over.inside, over=True))
        if held is not None and (before is None or before.since != held.since):
            self._say(events.LoopHeld(time.time(), held.seconds, held.at, held.inside))
        if held is None and before is None:
            return
        latest = self._latest
        if latest is None or latest.program is None:
            latest = self._nothing(now)
        assert latest.program is not None
        # The loop cannot be asked; what is known of it still stands, and this is news.
        late = max(latest.loop.lag, held.seconds) if held is not None else latest.loop.lag
        worked = selector.worked_until(now) if selector is not None else latest.loop.worked
        self._fill(replace(latest, mono=now, at=time.time(), turns=(), built_in=0.0,
                           loop=replace(latest.loop, lag=late, worked=worked),
                           program=replace(latest.program, held=held, was_held=self._was_held)),
                   self._views)

    # -- pictures

    def _begin_picture(self, now: float) -> None:
        selector, painter = self._loops.shown, self._loops.painter
        program = replace(self._program, loops=self._loops.rows(), unseen=self._loops.unseen(),
                          processes=self._processes(), held=self._held,
                          was_held=self._was_held)
        if selector is None or painter is None:
            self._next_at = now + AGES
            if (program != self._program or self._latest is None
                    or any(view.wanted for view in self._views)):
                self._program = program
                self._fill(self._nothing(now), self._views)
            return
        shown = min((view.shown for view in self._views), default=0)
        self._paint(selector, painter.paint(program, shown))

    def _paint(self, selector: WatchedSelector, painting: Painting) -> None:
        self._painting, self._spent = painting, 0.0
        self._leave(selector, painting)

    def _give_up(self) -> None:
        self._painting, self._asked_at = None, 0.0

    def _leave(self, selector: WatchedSelector, painting: Painting) -> None:
        if painting is self._painting:
            self._asked_at = self._reactor.clock()
            selector.submit(lambda: self._slice(selector, painting))

    def _slice(self, selector: WatchedSelector, painting: Painting) -> None:
        """On the loop's thread: paint for a moment."""
        if painting is not self._painting:
            return                     # given up meanwhile
        clock = selector.clock
        began = clock()
        snapshot: Snapshot | None = None
        error: BaseException | None = None
        try:
            while snapshot is None and clock() - began < SLICE:
                snapshot = next(painting)
        except StopIteration:
            pass
        except KeyboardInterrupt:      # the program's own, which came just now
            self._reactor.submit(self._give_up)
            raise
        except BaseException as raised:    # whatever somebody's `__repr__` does
            error = raised
        spent = clock() - began
        self._reactor.submit(
            lambda: self._sliced(selector, painting, snapshot, error, spent))

    def _sliced(self, selector: WatchedSelector, painting: Painting, snapshot: Snapshot | None,
                error: BaseException | None, spent: float) -> None:
        if painting is not self._painting or selector is not self._loops.shown:
            return                     # given up meanwhile
        self._spent += spent
        self._asked_at = 0.0
        if error is not None:
            self._give_up()
            self._next_at = self._reactor.clock() + 1.0
            registry.failed(error)
        elif snapshot is None:
            share = SHARE if self._pictured == selector.number else FIRST
            self._reactor.call_later(spent / share, lambda: self._leave(selector, painting))
        else:
            self._give_up()
            self._seen_at, self._pictured = self._reactor.clock(), selector.number
            self._next_at = self._seen_at + self._spent / SHARE
            self._fill(replace(snapshot, built_in=self._spent), self._views)

    def _fill(self, snapshot: Snapshot, views: list[SnapshotSlot]) -> None:
        self._latest = snapshot
        for view in views:
            view.wanted = view.on_news = False
            view.latest = snapshot
            view.activity = self.activity

    def _nothing(self, now: float) -> Snapshot:
        """Of a program that has no loop, or none that has been seen yet."""
        return Snapshot(
            turn=0, at=time.time(), mono=now, started_at=self._reactor.selector.started_at,
            host="", port=0, phase="running",
            loop=LoopFigures("-", "on-demand", "evict", 0, 0, 0, 0.0, 0.0, 0.0, "", 0.0, 0.0, 0, 0),
            clients=(), keys=(), rooms=(), threads=(),
            program=replace(self._program, held=self._held, was_held=self._was_held))

    def _processes(self) -> tuple[Process, ...]:
        """Those of the same program, by the sockets beside this one."""
        folder, name = os.path.split(self._path)
        family = name.removesuffix(".sock").split("+")[0]
        try:
            names = sorted(os.listdir(folder))
        except OSError:
            return ()
        found = []
        for each in names:
            pid = each.removesuffix(".sock").removeprefix(f"{family}+")
            if each != name and each == f"{family}+{pid}.sock" and pid.isdecimal():
                found.append(Process(int(pid), os.path.join(folder, each)))
        return tuple(found)
