"""An operator's day beside a server that is measured: a console's link, and a collector.

`python -m chatops.bench.onlooker SOCKET`: a link alone, to a program that is observed.
`python -m chatops.bench.onlooker PORT METRICS`: when it reads `look` it attaches to the server on
that port, asks it for snapshots and events as often as a console does, and scrapes its metrics once
a second, until it reads `rest`.  Nothing is drawn: what is measured is what it costs the server.
"""

from __future__ import annotations

import select
import sys
import time
import urllib.request
from pathlib import Path

from chatops.control.find import find
from chatops.links.remote import RemoteLink

REFRESH = 0.1                  # seconds, as a console's
SOON = 0.01                    # seconds between two looks for the first picture
SCRAPE = 1.0                   # seconds between two scrapes


def look_at(path: str) -> None:
    """Look at a program by its control socket until it has gone, or this process is ended; says
    so when it has the first picture.
    """
    link = RemoteLink(Path(path))
    seen = False
    while link.status.alive:
        snapshot = link.poll()
        if snapshot is not None and snapshot.program is not None and not seen:
            seen = True
            sys.stdout.write(f"looks at {snapshot.program.name}\n")
            sys.stdout.flush()
        link.drain()
        time.sleep(REFRESH)


def main(port: int, metrics: int) -> None:
    """Look at the server, and rest, as lines on standard input say, until there are no more."""
    link: RemoteLink | None = None
    scrape_at = 0.0
    while True:
        if select.select([sys.stdin], [], [], None if link is None else REFRESH)[0]:
            order = sys.stdin.readline()
            if link is not None:
                link.close()
                link = None
            if not order:
                return
            if order == "look\n":
                link = RemoteLink(find("", port))
                while link.poll() is None and link.status.alive:
                    time.sleep(SOON)
                scrape_at = time.monotonic()
            sys.stdout.write(f"{order.strip()}s\n")       # it looks, or rests
            sys.stdout.flush()
        if link is None:
            continue
        if not link.status.alive:
            raise SystemExit(f"the server has gone: {link.status.detail}")
        link.poll()
        link.drain()
        if time.monotonic() >= scrape_at:
            scrape_at += SCRAPE
            with urllib.request.urlopen(f"http://127.0.0.1:{metrics}/metrics", timeout=5) as page:
                page.read()


if __name__ == "__main__":
    if len(sys.argv) == 2:
        look_at(sys.argv[1])
    else:
        main(*map(int, sys.argv[1:]))
