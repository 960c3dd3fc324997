"""The server's certificate: read at the start, and again for whoever asks while it runs."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Sequence

from chatops.api.commands import Answer, CommandResult
from chatops.net.tls import CertificateError, load
from chatops.server.acceptor import Acceptor
from chatops.settings import Settings
from chatops.storage.worker import Journal, reason


def configured(settings: Settings) -> ssl.SSLContext | None:
    """What the settings name, read now; None for plain TCP.  Raises `CertificateError`."""
    if settings.tls_cert:
        return load(settings.tls_cert, settings.tls_key)
    if settings.tls_key:
        raise CertificateError("--tls-key is a key without a certificate; name one with "
                               "--tls-cert")
    return None


def configured_for_irc(settings: Settings, usual: ssl.SSLContext | None) -> ssl.SSLContext | None:
    """For IRC over TLS: the usual, or another where clients are asked for a certificate.  Raises
    `CertificateError`.
    """
    if not settings.irc_client_ca:
        return usual
    return load(settings.tls_cert, settings.tls_key, settings.irc_client_ca)


class CertificateReloader:
    """Belongs to the reactor's thread; the files are read on the journal's, which may wait.

    One reading at a time: those who ask meanwhile share the next, for the files may have
    changed since this one began.
    """

    def __init__(self, settings: Settings, acceptors: Sequence[Acceptor], journal: Journal,
                 hand_over: Callable[[Callable[[], None]], None]) -> None:
        """`hand_over` has a call made on the reactor's thread."""
        self._settings = settings
        self._acceptors = acceptors
        self._journal = journal
        self._hand_over = hand_over
        self._waiting: list[Answer] = []
        self._reading = False

    def ask(self, answer: Answer) -> None:
        """Have it read, and answer how that went.  Never waits."""
        self._waiting.append(answer)
        if not self._reading:
            self._begin()

    def _begin(self) -> None:
        asked, self._waiting = self._waiting, []
        self._reading = True
        self._journal.later(lambda: self._read(asked), "read the certificate",
                            lambda error: self._hand_over(lambda: self._failed(asked, error)))

    def _read(self, asked: list[Answer]) -> None:
        """On the journal's thread."""
        path = self._settings.tls_cert
        try:
            context = load(path, self._settings.tls_key)
            asking = configured_for_irc(self._settings, context) or context
        except CertificateError as error:
            failure = CommandResult(False, f"{error}; the old certificate stays")
            self._hand_over(lambda: self._tell(asked, failure))
        else:
            success = CommandResult(True, f"new connections get what {path} holds now")
            self._hand_over(lambda: self._adopt(context, asking, asked, success))

    def _adopt(self, context: ssl.SSLContext, asking: ssl.SSLContext, asked: list[Answer],
               success: CommandResult) -> None:
        try:
            for acceptor in self._acceptors:
                acceptor.renew(asking if acceptor.asks else context)
        except Exception as error:
            self._failed(asked, error)
            raise
        self._tell(asked, success)

    def _failed(self, asked: list[Answer], error: Exception) -> None:
        self._tell(asked, CommandResult(
            False, f"cannot read the certificate: {reason(error)}; the old one stays"))

    def _tell(self, asked: list[Answer], result: CommandResult) -> None:
        self._reading = False
        if self._waiting:
            self._begin()
        for answer in asked:
            answer(result)
