"""However many come by whichever door, descriptors are left for what the operator asks."""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from chatops.metrics.door import PLACES
from chatops.service import room
from chatops.settings import Settings
from tests.integration.client import Client
from tests.integration.command import Ctl
from tests.integration.harness import PATIENCE, Served
from tests.integration.scrapes import METRICS, get

FEW = """
import resource
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
from chatops import cli
cli.main()
"""


def test_crowds_at_every_door_leave_the_operator_a_ban_and_collectors_an_answer(
        served: Callable[..., Served], control_path: Path, ctl: Ctl, tmp_path: Path) -> None:
    server = served("--control", str(control_path), "--irc-port", "0", "--metrics", METRICS,
                    "--history", "h.db", "--accounts", "a.db",
                    "--ban-file", "bans.json", program=("-c", FEW))
    found = server.wait_for_line(r"IRC on (\d+), metrics on (\S+):(\d+)")
    irc, metrics = int(found[1]), (found[2], int(found[3]))
    with ExitStack() as stack:
        for address in ((server.address[0], irc), metrics):
            for _ in range(80):
                stack.enter_context(socket.create_connection(address, PATIENCE))
        for _ in range(80):
            crowd = stack.enter_context(Client(server.address, greeted=False))
            assert crowd.read_line().startswith("***")
        done = ctl("ban", "192.0.2.9", "spam")
        assert (done.returncode, done.stdout) == (0, "banned 192.0.2.9/32 for good\n"), done
        assert "192.0.2.9" in (tmp_path / "bans.json").read_text("utf-8")
    assert get(metrics, "/healthz")[0] == 200
    assert not any("ListenerPaused" in line for line in server.lines)


@pytest.mark.parametrize(("descriptors", "places"), [(8, 1), (64, 4), (1024, PLACES)])
def test_collectors_have_fewer_places_where_there_are_few_descriptors(descriptors: int,
                                                                      places: int) -> None:
    assert room.metrics_places(descriptors) == places


def test_whatever_a_server_opens_besides_is_not_left_to_clients() -> None:
    assert room.left(Settings(), 1024, measured=False) == 1024
    everything = Settings(irc_port=1, irc_tls_port=2, history="h", accounts="a", cluster="c")
    assert room.left(everything, 1024, measured=True) == (
        1024 - 2 * room.LISTENER - room.METRICS - PLACES - 2 * room.DATABASE - room.ENGINE)
