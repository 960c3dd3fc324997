"""What a thread waits in is read from its stack: real calls that block, and some that do not."""

from __future__ import annotations

import os
import queue
import socket
import subprocess
import sys
import threading
import time
import time as clock
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import sleep as pause
from types import FrameType, ModuleType
from typing import Any

import pytest

from chatops.watch import watchdog
from chatops.watch.blocking import blocking_call, called_in
from tests.integration.until import until


@contextmanager
def seen_in(work: Callable[[], object], over: Callable[[], object], then: str = "", *,
            run: Callable[[], object] | None = None) -> Iterator[tuple[str, str]]:
    """What `work`, in a thread of its own, is found to wait in; `over` lets it end.  Of several
    calls in a row `then` is the one that is meant.  The thread may `run` what calls it.
    """
    thread = threading.Thread(target=run or work)
    thread.start()
    found = [("", "")]

    def blocked() -> bool:
        found[0] = blocking_call(frames_of(thread, work))
        return bool(found[0][1]) and then in ("", found[0][0])

    try:
        until(blocked)
        yield found[0]
    finally:
        over()
        thread.join()


def frames_of(thread: threading.Thread, work: Callable[[], object]) -> list[FrameType]:
    """From the line that its author wrote inwards."""
    frame = sys._current_frames().get(thread.ident or 0)
    found: list[FrameType] = []
    while frame is not None:
        found.insert(0, frame)
        if frame.f_code is work.__code__:
            return found
        frame = frame.f_back
    return []


@pytest.mark.parametrize("work", [
    lambda: time.sleep(0.01), lambda: clock.sleep(0.01), lambda: pause(0.01)])
def test_a_sleep_is_named_however_it_was_imported(work: Callable[[], object]) -> None:
    seen = threading.Event()

    def again() -> None:           # nobody can end a sleep early: so there are many short ones
        while not seen.is_set():
            work()

    with seen_in(work, seen.set, run=again) as found:
        assert found == ("time.sleep", "sleep")


@pytest.fixture
def fifo(tmp_path: Path) -> Path:
    """A file whose other end nobody has opened: to open it for reading waits."""
    path = tmp_path / "fifo"
    os.mkfifo(path)
    return path


def written(path: Path) -> None:
    path.write_bytes(b"x")


def test_a_file_that_is_opened_is_named(fifo: Path) -> None:
    def work() -> None:
        with open(fifo) as file:
            file.read()

    with seen_in(work, lambda: written(fifo)) as found:
        assert found == ("open", "file")


def test_a_file_that_is_read_is_named_with_what_opened_it(fifo: Path) -> None:
    keep = os.open(fifo, os.O_RDWR)        # to open it does not wait any more, to read it does

    def work() -> None:
        open(fifo).read()  # noqa: SIM115  (as people write it)

    def over() -> None:
        os.write(keep, b"x")
        os.close(keep)

    with pytest.warns(ResourceWarning), seen_in(work, over, "open().read") as found:
        assert found == ("open().read", "file")


def test_a_path_is_named_by_the_method_that_was_called(fifo: Path) -> None:
    with seen_in(lambda: fifo.read_text(), lambda: written(fifo)) as (call, kind):
        assert call == "pathlib.Path.read_text"
        assert kind == "file"


def test_a_name_that_is_looked_up_is_named_whoever_asked_for_it(
        monkeypatch: pytest.MonkeyPatch) -> None:
    go_on = threading.Event()

    def slow(*_: object) -> list[object]:
        go_on.wait()
        return []

    monkeypatch.setattr(socket._socket, "getaddrinfo", slow)  # type: ignore[attr-defined]
    with seen_in(lambda: socket.getaddrinfo("chat.example", 80), go_on.set) as found:
        assert found == ("socket.getaddrinfo", "name")


def test_a_process_that_is_waited_for_is_named_as_it_was_started() -> None:
    reader, writer = os.pipe()

    def work() -> None:
        subprocess.run([sys.executable, "-c", "input()"], stdin=reader, check=False,
                       stderr=subprocess.DEVNULL)

    with seen_in(work, lambda: os.close(writer)) as found:
        assert found == ("subprocess.run", "process")
    os.close(reader)


def test_a_queue_and_a_socket_and_a_lock_are_named_by_their_methods() -> None:
    lines: queue.Queue[int] = queue.Queue()
    with seen_in(lambda: lines.get(), lambda: lines.put(1)) as found:
        assert found == ("queue.Queue.get", "thread")
    ours, theirs = socket.socketpair()
    with ours, theirs, seen_in(lambda: ours.recv(1), lambda: theirs.send(b"x")) as found:
        assert found == ("ours.recv", "network")
    lock = threading.Lock()
    lock.acquire()
    with seen_in(lambda: lock.acquire(), lock.release) as found:
        assert found == ("lock.acquire", "thread")


def test_a_package_is_named_by_what_it_offers_and_not_by_where_that_is(
        monkeypatch: pytest.MonkeyPatch) -> None:
    package, inner = ModuleType("requests"), ModuleType("requests.api")
    exec("def get(wait):\n    return request(wait)\n\ndef request(wait):\n    return wait()\n",
         vars(inner))
    vars(package)["get"] = vars(inner)["get"]
    monkeypatch.setitem(sys.modules, "requests", package)
    monkeypatch.setitem(sys.modules, "requests.api", inner)
    go_on = threading.Event()
    get = vars(package)["get"]
    with seen_in(lambda: get(go_on.wait), go_on.set) as found:
        assert found == ("requests.get", "network")


def test_a_calculation_waits_for_nothing() -> None:
    going = [True]

    def work() -> None:
        while going:
            sorted(range(50_000), key=str)

    thread = threading.Thread(target=work)
    thread.start()
    seen: list[FrameType] = []

    def there() -> bool:
        seen[:] = frames_of(thread, work)
        return bool(seen) and called_in(seen[-1]) == "sorted"

    try:
        until(there)
        assert blocking_call(seen) == ("", "")
    finally:
        going.clear()
        thread.join()


def test_where_a_loop_is_held_is_one_moment_s_though_it_goes_on_while_that_is_read(
        monkeypatch: pytest.MonkeyPatch) -> None:
    def body() -> Iterator[None]:
        yield
        yield

    held = body()
    next(held)
    frame: Any = getattr(held, "gi_frame", None)

    def goes_on(_frames: object) -> tuple[str, str]:
        next(held)
        return "", ""

    monkeypatch.setattr(watchdog, "blocking_call", goes_on)
    told = watchdog._held([frame], 1, 0.0, 1.0)
    line = body.__code__.co_firstlineno + 1
    assert frame.f_lineno == line + 1
    assert told.at.endswith(f":{line})")
    assert told.stack == (told.at,)
