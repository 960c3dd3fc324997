"""An operator's day beside a server that is measured: a console's link, and a collector.

`python -m chatops.bench.onlooker SOCKET`: a link alone, to a program that is observed.
`python -m chatops.bench.onlooker PORT METRICS`: attaches to the server on that port, asks it for
snapshots and events as often as a console does, and scrapes its metrics once a second, until it is
ended.  Nothing is drawn: what is measured is what it costs the server.
"""

from __future__ import annotations

import sys
import time
import urllib.request
from pathlib import Path

from chatops.control.find import find
from chatops.links.remote import RemoteLink

REFRESH = 0.1                  # seconds, as a console's
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
    """Look until the server has gone, or this process is ended."""
    link = RemoteLink(find("", port))
    scrape_at = time.monotonic()
    while link.status.alive:
        link.poll()
        link.drain()
        if time.monotonic() >= scrape_at:
            scrape_at += SCRAPE
            with urllib.request.urlopen(f"http://127.0.0.1:{metrics}/metrics", timeout=5) as page:
                page.read()
        time.sleep(REFRESH)


if __name__ == "__main__":
    if len(sys.argv) == 2:
        look_at(sys.argv[1])
    else:
        main(*map(int, sys.argv[1:]))
