"""How an address is printed, and read: case 30."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chatops.api.commands import Ban, Spawn
from chatops.links.local import LocalLink
from chatops.net.listen_error import explain
from chatops.service import ServerThread, StartError
from chatops.settings import Settings, SettingsError
from tests.given import load
from tests.integration.command import run
from tests.integration.harness import PATIENCE, Served, Server
from tests.integration.ipv6 import link_local, six

StartServer = Callable[..., Server]


@six
@pytest.mark.parametrize("host", ["::1", "[::1]"])
def test_an_address_of_ipv6_is_printed_in_brackets_and_taken_in_them(
        served: Callable[..., Served], control_path: Path, tmp_path: Path, host: str) -> None:
    chat = served("--host", host, "--control", str(control_path))
    listed = next(line for line in chat.lines if "listening on" in line)
    port = chat.address[1]
    assert listed == f"chatops: listening on [::1]:{port} (epoll)" or "(epoll)" not in listed
    chat.address = ("::1", port)
    status = run("ctl", "--socket", str(control_path), "status", cwd=tmp_path)
    assert status.stdout.splitlines()[0].split() == ["server", f"[::1]:{port},", "running"]


@pytest.mark.skipif(not link_local(), reason="needs a link-local address")
@pytest.mark.parametrize("brackets", [False, True])
def test_a_link_local_address_works_with_its_zone_and_is_printed_with_it(
        server: StartServer, brackets: bool) -> None:
    host = link_local()
    chat = server(host=load({"host": f"[{host}]" if brackets else host}).host)
    port = chat.address[1]
    assert chat.address == (host, port)
    assert chat.snapshot().host == host
    address: Any = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][4]
    chat.address = address         # with the number of the zone, as connect(2) wants it
    client = chat.client()
    bare = host.partition("%")[0]
    (row,) = chat.snapshot().clients
    assert row.peer.startswith(f"[{host}]:")
    link = LocalLink(chat.thread)
    assert link.submit(Spawn("mute", 1)).result(PATIENCE).ok
    chat.until(lambda server: server.state.accepted == 2)
    link.close()
    chat.until(lambda server: len(server.state.connections) == 1)
    assert chat.do(Ban(host)).text.startswith(f"banned {bare}/128 for good; #1 guest-1")
    assert client.to_the_end()[-1].startswith("*** you were banned")
    chat.open_to_all = False


@pytest.mark.skipif(not link_local(), reason="needs a link-local address")
@pytest.mark.parametrize(("zone", "says"), [
    ("", r"one of an interface, as in fe80:\S+%\w+; there are .*\blo\b"),
    ("%nosuch", r"there is no interface nosuch; there are .*\blo\b"),
])
def test_a_zone_that_is_missing_or_wrong_is_hinted_at(zone: str, says: str) -> None:
    host = link_local().partition("%")[0] + zone
    with pytest.raises(StartError, match=says) as refused:
        ServerThread(Settings(host=host, port=0, control="off")).start()
    assert str(refused.value).startswith(f"cannot listen on [{host}]:0: ")


@pytest.mark.parametrize(("host", "number", "says"), [
    ("::1", errno.EADDRINUSE, "[::1]:9 is in use"),
    ("::1", errno.EACCES, "[::1]:9 needs privileges"),
    ("fe80::1%lo", errno.EADDRINUSE, "[fe80::1%lo]:9 is in use"),
    ("127.0.0.1", errno.EIO, "cannot listen on 127.0.0.1:9: "),
])
def test_what_cannot_be_listened_on_is_said_with_brackets(
        host: str, number: int, says: str) -> None:
    assert explain(OSError(number, os.strerror(number)), host, 9).startswith(says)


@pytest.mark.parametrize(("given", "host"), [
    ("[::1]", "::1"), ("[fe80::1%eth0]", "fe80::1%eth0"), (" ::1 ", "::1"),
    ("127.0.0.1", "127.0.0.1"), ("localhost", "localhost")])
def test_a_host_is_read_in_brackets_and_without(given: str, host: str) -> None:
    assert load({"host": given}).host == host


@pytest.mark.parametrize("given", ["[]", " ", "[ ]"])
def test_empty_brackets_do_not_open_the_server_to_everybody(given: str) -> None:
    with pytest.raises(SettingsError, match="empty"):
        load({"host": given})
