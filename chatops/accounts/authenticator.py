"""The thread `auth`: it hashes and looks accounts up, so that neither the reactor nor the
journal waits for that.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from queue import Full, Queue
from typing import NamedTuple, TypeVar

from chatops.accounts.background import Background
from chatops.accounts.passwords import Passwords, hasher
from chatops.accounts.store import Account, AccountError, AccountStore, AccountsUnusable, fold

WAITING = 1024                 # logins that may wait; at 20 ms each the last waits 20 s
BUSY = "too many logins at once; try again"
UNUSABLE = "accounts cannot be used right now; try again later"

T = TypeVar("T")


class LoginVerdict(NamedTuple):
    """What came of it: an account, or why not; `looked` is false where that was not found out."""

    account: Account | None
    reason: str = ""
    looked: bool = True


Answer = Callable[[LoginVerdict], None]


class Authenticator:
    """Answers each question once, whatever happens.  `submit` brings the answer to the thread
    of who asked; it is called on this one.
    """

    def __init__(self, store: AccountStore, submit: Callable[[Callable[[], None]], None]) -> None:
        """Raises `AccountError` where argon2-cffi is missing or the file cannot be used."""
        self._store = store
        store.all()
        hasher()                   # what is missing is said before a thread is begun
        self._background = Background()
        self._passwords = Passwords(self._background.do)
        self._submit = submit
        self.changed: Callable[[], None] = lambda: None    # told where answers go: somebody has
                                                           # made an account, or changed one
        self.unusable: Callable[[str], None] = lambda why: None    # and there: why no account can
                                                           # be used, or "" when they can again
        self._fault = ""
        self._jobs: Queue[Callable[[], None] | None] = Queue(WAITING)
        self._thread = threading.Thread(target=self._run, name="auth", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """Questions not answered yet, roughly."""
        return self._jobs.qsize()

    def verify(self, name: str, password: str, answer: Answer) -> None:
        """Whether this is the account's password.  From any thread; never waits."""
        self._ask(lambda: self._verified(name, password), answer)

    def owned(self, name: str, answer: Answer) -> None:
        """Whether there is an account of this name: costs no hash."""
        self._ask(lambda: self._store.find(name), answer)

    def verify_certificate(self, fingerprint: str, name: str, answer: Answer) -> None:
        """Which account this certificate logs in to; it has to be of this name, unless that is "".
        """
        self._ask(lambda: self._certified(fingerprint, name), answer)

    def register(self, name: str, password: str, answer: Answer) -> None:
        """Make an account; its maker is logged in to it."""
        self._ask(lambda: self._registered(name, password), answer, changes=True)

    def change(self, name: str, password: str, answer: Answer) -> None:
        """Give an account another password."""
        self._ask(lambda: self._changed(name, password), answer, changes=True)

    def later(self, job: Callable[[AccountStore], T | None],
              told: Callable[[T | AccountError], None]) -> None:
        """Have something else done to the accounts; `told` hears what came of it, unless that is
        None: then nobody is woken.
        """
        def run() -> None:
            try:
                result: T | AccountError | None = job(self._store)
            except AccountError as error:
                result = error
            except Exception as error:         # a fault of ours
                result = AccountsUnusable(f"internal error: {error!r}")
            self._found(result)
            if result is not None:
                self._submit(partial(told, result))

        self._enqueue(run, lambda: told(AccountError(BUSY)))

    def close(self, timeout: float = 2.0) -> None:
        """Answer what waits, for at most `timeout` seconds, and end."""
        try:
            self._jobs.put_nowait(None)
        except Full:
            return                 # a daemon: it ends with the process
        self._thread.join(timeout)

    # -- on the thread

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()
        self._background.close()
        self._store.close()

    def _ask(self, look: Callable[[], Account | None], answer: Answer, *, changes: bool = False
             ) -> None:
        def job() -> None:
            found: Account | Exception | None
            try:
                found = look()
            except AccountError as error:
                found = error
            except Exception as error:         # a fault of ours: whoever waits is told all the same
                found = AccountsUnusable(f"internal error: {error!r}")
            self._found(found)
            self._submit(lambda: told(_verdict(found)))

        def told(verdict: LoginVerdict) -> None:
            if changes and verdict.account is not None:
                self.changed()
            answer(verdict)

        self._enqueue(job, lambda: answer(LoginVerdict(None, BUSY, looked=False)))

    def _found(self, result: object) -> None:
        """Tell the operator of a file that fails, and when it works again; once each."""
        fault = str(result) if isinstance(result, AccountsUnusable) else ""
        if fault != self._fault:
            self._fault = fault
            self._submit(lambda: self.unusable(fault))

    def _enqueue(self, job: Callable[[], None], refused: Callable[[], None]) -> None:
        try:
            self._jobs.put_nowait(job)
        except Full:
            self._submit(refused)

    def _verified(self, name: str, password: str) -> Account | None:
        account = self._store.find(name)
        if not self._passwords.verify(account.hash if account else None, password):
            return None
        self._seen(account)
        return account

    def _certified(self, fingerprint: str, name: str) -> Account:
        account = self._store.find_certificate(fingerprint)
        if account is None:
            raise AccountError("no account has this certificate")
        if name and fold(name) != fold(account.name):
            raise AccountError("this certificate is of another account")
        self._seen(account)
        return account

    def _seen(self, account: Account | None) -> None:
        if account is not None:
            with suppress(AccountError):       # a file that cannot be written now: it is the right
                self._store.seen(account.name)     # one all the same

    def _registered(self, name: str, password: str) -> Account | None:
        self._store.add(name, self._passwords.hash(password))
        return self._store.find(name)

    def _changed(self, name: str, password: str) -> Account | None:
        self._store.set_hash(name, self._passwords.hash(password))
        return self._store.find(name)


def _verdict(found: Account | Exception | None) -> LoginVerdict:
    """For who asked: of the file itself only the operator is told."""
    if isinstance(found, Exception):
        reason = UNUSABLE if isinstance(found, AccountsUnusable) else str(found)
        return LoginVerdict(None, reason, looked=False)
    return LoginVerdict(found, "" if found else "the name or the password is wrong")
