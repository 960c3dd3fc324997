"""The film of the README: `python -m tests.tui.films` makes it from a recording of the feed."""

from __future__ import annotations

from chatops.replay.recording import Header, Moment, Recording
from tests.tui.feed import EPOCH, Feed
from tests.tui.shots import FOLDER, in_utc, leavers
from tui.film import film

NAME = "film.svg"
SECONDS, STEP = 30.0, 0.25
SIZE = (100, 32)


def recording(feed: Feed | None = None, seconds: float = SECONDS) -> Recording:
    """So many seconds of an imagined server, as a recording that was read."""
    feed = feed or Feed(clients=12, slow=(2, 8))
    moments = []
    for number in range(round(seconds / STEP)):
        feed.step(STEP)
        if number * STEP == 12.0 and 6 in feed.talkers:
            leavers(feed)
        moments.append(Moment(feed.snapshot(), tuple(feed.take())))
    return Recording(Header(EPOCH, "0", "3.11", "Linux x86_64", "epoll"), tuple(moments))


def main() -> None:
    with in_utc():
        (FOLDER / NAME).write_text(film(recording(), SIZE, frames=20), encoding="utf-8")
    print(NAME)


if __name__ == "__main__":
    main()
