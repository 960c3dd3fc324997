"""`chatops serve`: the server, with no console."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from chatops.cli.options import reread, server_options, settings_of
from chatops.cli.parts import SIGNALS, fail, let_signals_end_it
from chatops.cli.running import fail_if_dead, started
from chatops.system.streams import say

if TYPE_CHECKING:              # what it needs is imported when signals end it, not before
    from chatops.service import ServerThread


def _wait(thread: ServerThread, *tell: Callable[[], None]) -> None:
    """Tell that it is ready, and wait until the server has ended.

    Signal handlers run meanwhile.
    CPython looks for signals between two instructions of the main thread: one that arrives
    just as it begins to wait for a lock would lie there until the next.  So it waits for a
    socket, into which signals and the end of the server write a byte.
    """
    news, writer = socket.socketpair()
    with news, writer:
        writer.setblocking(False)
        thread.on_end = lambda: writer.send(b"\0")
        signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
        for each in tell:      # from here on no descriptor is needed that clients may take
            each()
        while thread.alive:
            news.recv(64)
        signal.set_wakeup_fd(-1)
        thread.close()


@click.command()
@server_options
@click.pass_context
def serve(context: click.Context, /, **_: object) -> None:
    """Run the server with no console; log to standard error."""
    let_signals_end_it()
    from chatops.api.commands import Reload
    from chatops.service import tune_collector
    from chatops.supervision.inherited import InheritedError, inherited
    from chatops.supervision.notify import Notifier
    from chatops.supervision.reports import Reports
    from chatops.system.addresses import with_port

    notifier = Notifier()
    settings = settings_of(context)
    try:
        thread = started(settings, settings.log_file or "-", reread(context), inherited())
    except InheritedError as error:
        fail(str(error))
    if notifier.supervised:
        thread.server.reactor.submit(
            lambda: Reports(thread.server, thread.survey, notifier).begin())
    if os.getpid() == 1:           # then the orphans of a container are its children
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)

    def stop(_signum: int, _frame: Any) -> None:
        thread.stop()

    def reload(_signum: int, _frame: Any) -> None:
        thread.reopen_log()
        if thread.reloads or not thread.reopens:       # the log says so where nothing is read
            notifier.reloading()
            thread.submit(Reload()).add_done_callback(lambda _: notifier.tell(READY=1))

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    # A terminal that goes sends it too, and takes nobody along.
    signal.signal(signal.SIGHUP, reload)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    tune_collector()
    where = " and ".join(with_port(*address) for address in thread.server.addresses)
    spoken = f"{thread.server.selector.backend}{', TLS' if settings.tls_cert else ''}"
    spoken += "".join([f", IRC{' over TLS' if tls else ''} on {port}"
                       for port, tls in thread.server.irc_ports])
    if thread.exporter is not None:
        spoken += f", metrics on {'{}:{}'.format(*thread.exporter.address[:2])}"
    # Where the log is JSON, whoever reads it has events instead, and nothing else among them.
    to_people = (lambda _: None) if settings.log_format == "json" and settings.log_file in (
        "", "-") else say
    _wait(thread, lambda: to_people(f"chatops: listening on {where} ({spoken})"),
          lambda: notifier.tell(READY=1))
    notifier.tell(STOPPING=1, STATUS="stopped")
    notifier.close()
    fail_if_dead(thread)
    to_people("chatops: stopped")
