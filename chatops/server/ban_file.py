"""The file of bans: read at the start and on `:reload`, written after every ban."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import msgspec

from chatops.server.bans import BanEntry, BanError, BanList, network_of
from chatops.server.state import ServerState
from chatops.storage.worker import Journal, reason
from chatops.system import files
from chatops.system.addresses import Network

# Where no file can be put in its place: a bind mount, a directory that is not ours to write.
IN_PLACE = (errno.EBUSY, errno.EXDEV, errno.EACCES, errno.EPERM, errno.EROFS)


class BanFileEdits(NamedTuple):
    """What somebody else has done to the file since it was last read or written here."""

    added: tuple[BanEntry, ...] = ()
    lifted: tuple[Network, ...] = ()

    def __str__(self) -> str:
        parts = [f"{len(which)} {word}" for which, word in ((self.added, "added"),
                                                            (self.lifted, "lifted")) if which]
        return f"changed by hand ({', '.join(parts)})" if parts else ""


class BanFile:
    """The file, and what was in it when it was last looked at.  Belongs to the journal's
    thread; every method may raise OSError or `BanError`.
    """

    def __init__(self, path: Path) -> None:
        """Nothing is read yet."""
        self.path = path
        self._data = b""               # as it was last seen
        self._known: dict[Network, BanEntry] = {}

    def load(self) -> list[BanEntry]:
        """All bans of the file; none when there is no file, but a place for it."""
        try:
            files.check_place(self.path)
            data = files.read(self.path, regular=True)
        except FileNotFoundError as error:
            if error.filename is None:
                raise BanError(f"{self.path}: {error.strerror}") from None
            data = b""
        except OSError as error:
            raise BanError(f"{self.path}: {error.strerror}") from None
        self._known, self._data = self._decoded(data), data
        return list(self._known.values())

    def look(self) -> BanFileEdits:
        """What has been done to it meanwhile.  That it is gone lifts no bans."""
        try:
            data = files.read(self.path, regular=True)
        except FileNotFoundError:
            if not self._known:
                return BanFileEdits()
            raise BanError(f"{self.path} is gone; its bans stay, and the next one brings it "
                           "back") from None
        if data == self._data:
            return BanFileEdits()
        before, now = self._known, self._decoded(data)
        self._known, self._data = now, data
        return BanFileEdits(
            tuple(ban for network, ban in now.items() if before.get(network) != ban),
            tuple(network for network in before if network not in now))

    def save(self, ours: list[BanEntry], now: float) -> BanFileEdits:
        """Write all bans in force here, and what has been changed by hand; returns that.

        Of what has been changed on both sides, ours stays.
        """
        before = self._known, self._data
        change = self._mine_kept(ours, now) if self.path.exists() else BanFileEdits()
        bans = BanList(ours)
        apply(change, bans, now)
        held = bans.all(0.0)
        data = msgspec.json.format(msgspec.json.encode(held), indent=2) + b"\n"
        try:
            write(self.path, data)
        except OSError:
            self._known, self._data = before       # the change is still to be told
            raise
        self._known, self._data = {network_of(ban.network): ban for ban in held}, data
        return change

    def _mine_kept(self, ours: list[BanEntry], now: float) -> BanFileEdits:
        known, mine = self._known, {network_of(ban.network): ban for ban in ours}
        change = self.look()

        def untouched(network: Network) -> bool:
            base = known.get(network)
            over = base is not None and base.left(now) <= 0 and network not in mine
            return over or mine.get(network) == base

        return BanFileEdits(
            tuple(ban for ban in change.added if untouched(network_of(ban.network))),
            tuple(filter(untouched, change.lifted)))

    def _decoded(self, data: bytes) -> dict[Network, BanEntry]:
        try:
            text = files.text_of(data)
            bans = msgspec.json.decode(text, type=list[BanEntry]) if text.strip() else []
            return {network_of(ban.network): ban for ban in bans}
        except BanError as error:
            raise BanError(f"{self.path}: {error}") from None
        except (msgspec.MsgspecError, UnicodeError) as error:
            raise BanError(f"{self.path}: not a file of bans: {error}") from None


def apply(change: BanFileEdits, bans: BanList, now: float) -> None:
    """Do here what has been done to the file."""
    for network in change.lifted:
        bans.remove(str(network), now)
    for ban in change.added:
        bans.put(ban)


def write(path: Path, data: bytes) -> None:
    """Replace a file as a whole, so that a crash leaves the old one or the new one.

    A link stays one; what it leads to keeps its mode and its owner.  Where a file cannot be
    replaced, or not without giving it to somebody else, it is written in place.
    Raises OSError.
    """
    path = Path(os.path.realpath(path))
    try:
        before = os.stat(path)
    except FileNotFoundError:
        before = None
    beside = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        with open(beside, "wb") as file:
            if before is not None:
                _give(file.fileno(), before)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        try:
            beside.unlink(missing_ok=True)
        except OSError:
            pass               # the directory is not ours, and nothing was made there
        if before is None or error.errno not in IN_PLACE:
            raise
        _write_in_place(path, data)


def _give(fd: int, before: os.stat_result) -> None:
    """The new file is whose the old one was.  The owner first: a change of it costs bits."""
    fresh = os.fstat(fd)
    if (fresh.st_uid, fresh.st_gid) != (before.st_uid, before.st_gid):
        os.fchown(fd, before.st_uid, before.st_gid)
    os.fchmod(fd, before.st_mode & 0o7777)


def _write_in_place(path: Path, data: bytes) -> None:
    with open(path, "r+b") as file:
        file.write(data)
        file.truncate()
        file.flush()
        os.fsync(file.fileno())


Told = Callable[[str, str], object]    # why it was not done, and what was found; or ""


class BanKeeper:
    """Has the file written and read by the journal's thread.  Belongs to the reactor's.

    One job at a time, and each begins with the bans of that moment: what the one before has
    found in the file is among them, and those who ask meanwhile share the next.
    """

    def __init__(self, file: BanFile, state: ServerState, journal: Journal,
                 hand_over: Callable[[Callable[[], None]], None]) -> None:
        """`hand_over` has a call made on the reactor's thread."""
        self._file = file
        self._state = state
        self._journal = journal
        self._hand_over = hand_over
        self.adopt: Callable[[BanFileEdits], object] = lambda change: None   # told what was found
        self._savers: list[Told] = []
        self._readers: list[Told] = []
        self._busy = False

    @property
    def path(self) -> Path:
        return self._file.path

    def save(self, told: Told) -> None:
        """Have the bans written.  Never waits."""
        self._savers.append(told)
        self._go_on()

    def reload(self, told: Told) -> None:
        """Have the file read again.  Never waits."""
        self._readers.append(told)
        self._go_on()

    def _go_on(self) -> None:
        if self._busy or not (self._savers or self._readers):
            return
        self._busy = True
        if self._savers:
            asked, self._savers = self._savers, []
            now = self._state.hub.at
            ours = self._state.admission.bans.all(now)
            self._later("write the ban file", lambda: self._file.save(ours, now), asked)
        else:
            asked, self._readers = self._readers, []
            self._later("read the ban file", self._file.look, asked)

    def _later(self, name: str, work: Callable[[], BanFileEdits], asked: list[Told]) -> None:
        def job() -> None:
            try:
                change = work()
            except BanError as error:      # what somebody has written there is no mishap
                failed(error)
            else:
                self._hand_over(lambda: self._done(asked, "", change))

        def failed(error: Exception) -> None:
            why = f"cannot {name}: {reason(error)}"
            self._hand_over(lambda: self._done(asked, why, BanFileEdits()))

        self._journal.later(job, name, failed)

    def _done(self, asked: list[Told], why: str, change: BanFileEdits) -> None:
        self._busy = False
        if change.added or change.lifted:
            self.adopt(change)
        self._go_on()
        for told in asked:
            told(why, str(change))
