"""What the lab is shown with in tests and pictures: results measured once, and a fault."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from chatops.api import events
from chatops.api.snapshot import ClientRow, KeyRow, Lint, LoopFigures, Ready, Turn
from chatops.lab.experiments import EXPERIMENTS
from chatops.lab.lessons import LESSONS
from tests.tui.feed import RW, Feed
from tui.app import ConsoleApp

_MEASURED: dict[str, msgspec.Raw] = msgspec.json.decode(
    Path(__file__).with_name("measured.json").read_bytes(), type=dict[str, msgspec.Raw])

RESULTS: dict[str, Any] = {
    lesson.name: msgspec.json.decode(_MEASURED[lesson.experiment],
                                     type=EXPERIMENTS[lesson.experiment].result)
    for lesson in LESSONS}


def measured(app: ConsoleApp) -> None:
    """As if every experiment had been made already."""
    app.navigation.progress.results.update(RESULTS)


def learnt(app: ConsoleApp) -> None:
    """As if somebody had come halfway: two stages, four answers, one of them wrong."""
    measured(app)
    app.navigation.progress.stages.update((1, 2))
    for lesson, choice in zip(LESSONS, (0, 3, 1, 1), strict=False):
        app.navigation.progress.choices[lesson.name] = choice


@dataclass
class SpinningFeed(Feed):
    """A feed that can be told to watch always for writing; then its loop never sleeps."""

    always_until: float = 0.0
    stays: bool = False

    def always(self, seconds: float = 30.0) -> None:
        """Watch for writing, whether anything waits or not, for so long."""
        self.always_until = self.now + seconds
        self.happened.append(events.Warned(
            self.wall, "write interest is always on: the loop never sleeps"))

    @property
    def spins(self) -> bool:
        return self.now < self.always_until

    def step(self, seconds: float = 0.1) -> None:
        super().step(seconds)
        if not self.spins:
            return
        turns = round(seconds * random.Random(self.turn).uniform(52_000, 61_000))
        everybody = tuple(Ready(t.fd, 2, f"#{t.id} {t.nick}", 8e-7)
                          for t in self.talkers.values())
        self.turns.append(Turn(self.turn + 1, self.now, 0.0, 2e-6, 1.4e-5, everybody,
                               repeats=turns - 1))
        for talker in self.talkers.values():
            talker.fires += turns
        self.turn += turns
        self.ready += turns * len(everybody)
        self.waited -= seconds * 0.8
        self.worked += seconds * 0.8

    def _loop(self) -> LoopFigures:
        loop = super()._loop()
        until = 0.0 if self.stays else self.always_until
        return replace(loop, write_interest="always", write_until=until) if self.spins else loop

    def _client(self, t: Any) -> ClientRow:
        row = super()._client(t)
        return replace(row, mask=RW, masks="w" * 16) if self.spins else row

    def _key(self, t: Any) -> KeyRow:
        row = super()._key(t)
        return replace(row, events=RW, masks="w" * 16,
                       armed_by="Admin._watch_writing (admin.py:192)") if self.spins else row

    def _lints(self) -> tuple[Lint, ...]:
        return (Lint("write-idle", f"write interest is always on: {len(self.talkers)} "
                     "descriptors fire with nothing to write", since=self.always_until - 30),
                ) if self.spins else super()._lints()


def spinning() -> Feed:
    return SpinningFeed(clients=8, slow=())


def go_always(feed: Feed) -> None:
    assert isinstance(feed, SpinningFeed)
    feed.always()
