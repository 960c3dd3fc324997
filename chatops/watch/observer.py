"""The observer's thread: asleep until a console connects, and out of the way of a fork.

Until then nothing of the control protocol is even imported.  The thread is not one of
`threading`'s, so the program does not find it among its own.  A fork waits until it has
stopped, and starts it again: the child inherits no lock that is held, and Python 3.12 sees
no second thread to warn of.

It is started before Python has come up, and that is waited for.  A new thread frees what it was
started with before it has the GIL (`pythread_wrapper` in CPython's `Python/thread_pthread.h`),
and in development mode Python's start takes the debugging allocator away for moments
(`_PyMem_SetDefaultAllocator`): what was allocated with it and is freed without it ends the
program with "munmap_chunk(): invalid pointer".
"""

from __future__ import annotations

import _thread
import atexit
import fcntl
import os
import select
import socket
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from chatops.loop import private
from chatops.watch import imports, registry

if TYPE_CHECKING:
    from chatops.watch.engine import Engine

HIGH = 200                     # numbers of descriptors from here on are ours
PATIENCE = 1.0                 # seconds that a fork waits for the thread


class InheritedEndpoint:
    """A control socket that listens at a path, and the lock that goes with it."""

    def __init__(self, path: str, sock: socket.socket, lock: int) -> None:
        """`lock` is the descriptor of `path`.lock, -1 where somebody else looks after it."""
        self.path = path
        self.sock = sock
        self._lock = lock
        self._made = _identity(sock.fileno()), _identity(lock)

    @property
    def is_there(self) -> bool:
        """Nobody asks a program."""
        return True

    def renew(self) -> None:
        """Nobody asks a program."""

    @property
    def is_ours(self) -> bool:
        """Whether the program has not closed it, as daemons close all that they have not opened;
        then something else of the program's may have its number by now.
        """
        return self.sock.fileno() >= 0 and _identity(self.sock.fileno()) == self._made[0]

    def hand_on(self, *, on: bool) -> str:
        """Have both inherited by who replaces this process, or no longer; which they are."""
        for fd in (self.sock.fileno(), self._lock):
            if fd >= 0:
                os.set_inheritable(fd, on)
        return f"{self.sock.fileno()},{self._lock}"

    def close(self) -> None:
        """Listen no more and take the files away.  Idempotent."""
        if self.sock.fileno() < 0:
            return
        self._let_go()
        for name in (self.path, f"{self.path}.lock"):
            try:
                os.unlink(name)
            except OSError:
                pass           # somebody tidied up
        self.abandon()

    def abandon(self) -> None:
        """Let go of the descriptors and leave the files to whoever has them too."""
        self._let_go()
        lock, self._lock = self._lock, -1
        if lock >= 0 and _identity(lock) == self._made[1]:
            os.close(lock)

    def _let_go(self) -> None:
        if self.is_ours:
            self.sock.close()
        else:
            self.sock.detach()


def _identity(fd: int) -> tuple[int, int] | None:
    """What is open there, None where nothing is."""
    try:
        found = os.fstat(fd)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _out_of_the_way(fd: int) -> int:
    """The same with a high number: those that the program opens are as without us."""
    try:
        high = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, HIGH)
    except OSError:
        return fd
    os.close(fd)
    return high


def _refuse(sock: socket.socket, why: str) -> None:
    """Tell those who have connected why nobody answers: a `Bye` of the control protocol,
    written by hand, for what writes it may be what is missing (MessagePack: a map of three).
    """
    text = why.encode(errors="replace")[:250]
    body = (b"\x83\xa4type\xa3Bye\xa6detail\xd9" + bytes([len(text)]) + text
            + b"\xa6failed\xc3")
    sock.setblocking(False)
    try:
        while True:
            peer, _ = sock.accept()
            with peer:
                peer.send(len(body).to_bytes(4, "big") + body)
    except OSError:
        pass                           # nobody else is waiting


class Observer:
    """One per process."""

    def __init__(self, listening: InheritedEndpoint, name: str, *,
                 in_child: Callable[[], None] = lambda: None) -> None:
        """`in_child` is called in a forked child, where this observer has ceased to be."""
        self.listening = listening
        self.name = name
        self.fault = ""                # why it has given up
        self._in_child = in_child
        self._engine: Engine | None = None
        self._news, self._tell = map(_out_of_the_way, os.pipe())
        self._parking = self._dead = False
        self._parked = _thread.allocate_lock()
        self._native = 0
        imports.install()
        self._go()
        os.register_at_fork(before=self._before_fork, after_in_parent=self._after_fork,
                            after_in_child=self._forked)
        atexit.register(self.finish)

    def finish(self) -> None:
        """Tell the consoles that the program has ended, and give the path back."""
        if self._dead:
            return
        self._park()
        self._dead = True
        try:
            if self._engine is not None:
                self._engine.finish()
        finally:
            self.listening.close()

    # -- the thread

    def _go(self) -> None:
        self._parking = False
        self._parked.acquire()
        begun = _thread.allocate_lock()
        begun.acquire()
        _thread.start_new_thread(self._main, (begun,))
        begun.acquire()

    def _main(self, begun: _thread.LockType) -> None:
        self._native = _thread.get_native_id()
        imports.finder.thread = _thread.get_ident()
        begun.release()
        try:
            if self._engine is None and self._called():
                from chatops.watch.engine import Engine

                self._engine = Engine(self.listening, self.name)
                imports.finder.give_back()
            if self._engine is not None and not self._parking:
                self._engine.reactor.run()
        except BaseException as error:     # the program goes on; a console finds nobody
            self.fault = f"{type(error).__name__}: {error}"
            self._dead = True
            if self.listening.is_ours:
                _refuse(self.listening.sock, f"the program cannot be observed: {self.fault}")
            self.listening.close()
        finally:
            self._parked.release()

    def _called(self) -> bool:
        """Wait until somebody connects; False when this thread is to stop instead."""
        news = select.poll()
        news.register(self.listening.sock, select.POLLIN)
        news.register(self._news, select.POLLIN)
        ready = dict(news.poll())
        if self._news in ready:
            os.read(self._news, 16)
            return False
        return True

    def _park(self) -> bool:
        """Stop the thread; whether it has."""
        if registry.resume:
            registry.resume.clear()    # it has not been started since the last time
            return True
        self._parking = True
        if self._engine is not None:
            self._engine.reactor.submit(self._engine.reactor.stop)
        else:
            os.write(self._tell, b"\0")
        if not self._parked.acquire(timeout=PATIENCE):
            return False
        self._parked.release()
        # It has said its last word, but the system may still count it, and Python 3.12 warns of
        # a fork beside a thread by the system's count.
        until = time.monotonic() + PATIENCE
        while os.path.exists(f"/proc/self/task/{self._native}") and time.monotonic() < until:
            time.sleep(0.0001)
        return True

    # -- forks

    def _before_fork(self) -> None:
        if not self._dead:
            self._park()

    def _after_fork(self) -> None:
        if self._dead or self._parked.locked():
            return
        # From 3.13 on a fork counts the threads only after this, so the thread is started by
        # the next `select` of a loop instead.
        if sys.version_info >= (3, 13):
            registry.resume.append(self._go)
        else:
            self._go()

    def _forked(self) -> None:
        if self._dead:
            return
        self._dead = True
        imports.finder.thread = 0
        for selector in registry.alive():
            selector.forked()
        private.leave_handles()
        private.leave_locks()
        self.listening.abandon()
        os.close(self._news)
        os.close(self._tell)
        if self._engine is not None:
            self._engine.abandon()
        self._in_child()
