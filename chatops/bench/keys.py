"""How soon the console answers a key: with many clients, and with few in the same run.

The console runs as it ships, on a terminal; a key is written into it, and the clock stops when
what the key brings about has been read: the `:` line that it echoes, which is drawn with all
the rest that changes.  Seconds depend on the machine; the ratios to a console that has next to
nothing to show do not.
"""

from __future__ import annotations

import random
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path

import msgspec

from chatops.bench.answers import Answers, KeysResult
from chatops.bench.contenders import CONSOLE
from chatops.bench.load import LoadSpec
from chatops.bench.runner import LOAD_DEADLINE, BenchError, NullTerminal, ServerProcess, end, spawn

FEW = 40                       # clients of the other console: enough for a page to scroll
ROUND = 40                     # keys of each kind
TALK = 300.0                   # seconds that the crowd could talk; it is ended before
APART = (0.08, 0.2)            # seconds between two keys: who is faster pastes
PATIENCE = 10.0                # seconds for an answer
SETTLE = 2.0
BUSY_CLIENTS, BUSY_RATE, BUSY_SECONDS = 100, 200.0, 5.0
STYLED = rb"(?:\x1b\[[0-9;]*m)*"
BETWEEN = rb"(?:\x1b\[[0-9;]*m| )+"
PAGE_DOWN, PAGE_UP, ESCAPE = b"\x1b[6~", b"\x1b[5~", b"\x1b"

# What is asked for, in milliseconds: the key that is one in a hundred, or the median of those
# that have all the rows to go through.
WANTED = {"key": 50.0, "sort": 100.0, "filter": 100.0, "page": 30.0}


def measure_keys(clients: int, tell: Callable[[str], None], keys: int = ROUND) -> KeysResult:
    """With `clients` of whom half talk now and then.  Raises BenchError."""
    taken: dict[int, dict[str, list[float]]] = {}
    for count in (FEW, clients):
        tell(f"keys of a console with {count:,} clients")
        rate = 0.0 if count == FEW else BUSY_RATE * min(1.0, BUSY_CLIENTS / count)
        with crowded(count, count // 2, rate) as server:
            taken[count] = _press(server.screen, keys)
    tell(f"what drawing costs with {BUSY_CLIENTS} clients")
    with crowded(BUSY_CLIENTS, BUSY_CLIENTS, BUSY_RATE) as server:
        drawing = _drawing(server.pid)
    return KeysResult(clients, tuple(
        Answers(kind, _share(many, 0.5), _share(many, 0.99),
                _share(taken[FEW][kind], 0.5), _share(taken[FEW][kind], 0.99))
        for kind, many in taken[clients].items()), drawing)


@contextmanager
def crowded(clients: int, senders: int, rate: float) -> Iterator[ServerProcess]:
    """A console that has so many clients, some of which say `rate` lines a second together."""
    with ServerProcess(CONSOLE) as server:
        spec = LoadSpec(port=server.port, clients=clients, senders=max(1, senders), seconds=0.0,
                        rate=rate, latency_seconds=TALK if rate else 0.0,
                        idle_seconds=0.0 if rate else TALK)
        load = spawn([sys.executable, "-m", "chatops.bench.load",
                      msgspec.json.encode(spec).decode()],
                     stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                     stderr=subprocess.DEVNULL)
        try:
            server.screen.ask(b"", re.compile(_all_there(clients)), LOAD_DEADLINE)
            time.sleep(SETTLE)
            yield server
            if load.poll() is not None:
                raise BenchError("the crowd of clients ended too early")
        finally:
            end(load)


def _all_there(clients: int) -> bytes:
    """In the title of their pane: digits alone are in colours too, and in every figure."""
    return re.escape(f"Clients ({clients:,})".encode())


def _press(screen: NullTerminal, keys: int) -> dict[str, list[float]]:
    """Each kind of key, so many times."""
    chance = random.Random(1)
    taken: dict[str, list[float]] = {kind: [] for kind in WANTED}

    def ask(kind: str, key: bytes, sign: bytes) -> None:
        time.sleep(chance.uniform(*APART))
        took = screen.ask(key, re.compile(sign), PATIENCE)
        if kind:
            taken[kind].append(took)

    panes = cycle(((b"2", b"pane selector"), (b"1", b"pane clients")))
    for _ in range(keys):
        key, line = next(panes)
        ask("key", key, b":" + STYLED + line)
    ask("", b"1", b":" + STYLED + b"pane clients")
    orders = cycle((b"smallest first", b"largest first"))
    for _ in range(keys):
        ask("sort", b"I", next(orders))
    for n in range(keys):
        ask("", b"/", rb"filter")
        digit = b"%d" % (n % 9 + 1)
        ask("filter", digit, b"filter: " + digit)
        ask("", ESCAPE, rb"\d\)  sort: ")
    _scroll(screen, keys, chance, taken["page"])
    return taken


def _scroll(screen: NullTerminal, keys: int, chance: random.Random, taken: list[float]) -> None:
    """Pages of the table: after each the cursor's mark stands before another client."""
    screen.ask(PAGE_DOWN, re.compile(_marked(rb"\d+")), PATIENCE)
    for n in range(keys):
        time.sleep(chance.uniform(*APART))
        # What has been drawn meanwhile counts: a refresh may have told of the row before.
        here = re.findall(_marked(rb"(\d+)"), screen.answer)[-1]
        other = re.compile(_marked(rb"(?!" + here + rb"\b)\d+"))
        taken.append(screen.ask(PAGE_DOWN if n % 2 else PAGE_UP, other, PATIENCE))


def _marked(ident: bytes) -> bytes:
    """The row of the client under the cursor: its mark, its number and its descriptor."""
    return rb">" + BETWEEN + ident + BETWEEN + rb"\d+\b"


def _share(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def _drawing(pid: int) -> float | None:
    """The share of a core that the main thread takes, None where the system does not tell."""
    path = Path(f"/proc/{pid}/task/{pid}/schedstat")
    try:
        before, began = int(path.read_text("ascii").split()[0]), time.monotonic()
        time.sleep(BUSY_SECONDS)
        after = int(path.read_text("ascii").split()[0])
    except (OSError, ValueError):
        return None
    return (after - before) / 1e9 / (time.monotonic() - began)


def keys_lines(result: KeysResult) -> list[str]:
    """As a table: milliseconds, and how many times those of a console with next to nothing."""
    lines = [f"answers of the console with {result.clients:,} clients, half of whom talk now and "
             f"then ({FEW} silent ones in brackets):",
             f"  {'':8}{'median':>17}{'p99':>17}{'x median':>11}{'x p99':>8}{'wanted':>12}"]
    for each in result.answers:
        wanted = f"{WANTED[each.kind]:.0f} ms"
        lines.append(
            f"  {each.kind:8}{_pair(each.median, each.few_median):>17}"
            f"{_pair(each.p99, each.few_p99):>17}{each.median / each.few_median:>11.1f}"
            f"{each.p99 / each.few_p99:>8.1f}{wanted:>12}")
    if result.drawing is not None:
        lines.append(f"  drawing  {result.drawing:.0%} of a core with {BUSY_CLIENTS} clients and "
                     f"{BUSY_RATE:g} lines a second (15% wanted)")
    return lines


def _pair(many: float, few: float) -> str:
    return f"{many * 1e3:.0f} ms ({few * 1e3:.0f} ms)"
