"""What a collector reads: right, in Prometheus' own judgement, and never at the chat's cost."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from click.testing import CliRunner

from chatops.api import commands
from chatops.api.events import ServerStarted
from chatops.cli import main
from chatops.metrics import door
from chatops.metrics.families import FAMILIES
from chatops.metrics.text import Page
from chatops.service import StartError
from tests.integration.harness import PATIENCE, Served, Server
from tests.integration.scrapes import METRICS, asked, get, held, value, where
from tests.integration.until import until

StartServer = Callable[..., Server]
StartServed = Callable[..., Served]


def test_the_event_of_the_start_says_where_collectors_are_answered(server: StartServer) -> None:
    chat = server(metrics=METRICS)
    assert chat.thread.exporter is not None
    host, port = chat.thread.exporter.address[:2]
    assert chat.wait_for(ServerStarted).metrics == f"{host}:{port}"
    assert server().wait_for(ServerStarted).metrics == ""


# -- what it says


def test_a_scrape_tells_what_the_server_has_done(server: StartServer) -> None:
    chat = server(metrics=METRICS, max_clients=2)
    ada, bob = chat.client(), chat.client()
    chat.open_to_all = False
    ada.say("hello")
    bob.read_until(f"{ada.nick}: hello")
    refused = socket.create_connection(chat.address, PATIENCE)
    assert b"full" in refused.recv(1000)
    refused.close()
    status, fields, text = get(where(chat))
    assert status == 200
    assert fields["Content-Type"].startswith("text/plain; version=0.0.4")
    assert value(text, "chatops_connections") == 2
    assert value(text, "chatops_connections_accepted_total") == 2
    assert value(text, 'chatops_connections_refused_total{reason="full"}') == 1
    assert value(text, 'chatops_connections_refused_total{reason="banned"}') == 0
    assert value(text, "chatops_messages_received_total") == 1
    assert value(text, "chatops_received_bytes_total") == len("hello\n")
    assert value(text, "chatops_callback_seconds_count") > 0
    assert value(text, 'chatops_history{state="off"}') == 1


def test_evictions_are_counted_by_what_the_client_did(server: StartServer) -> None:
    chat = server(metrics=METRICS, outbox=1024, sndbuf=4096)
    chat.client(rcvbuf=4096)
    chat.client(rcvbuf=4096)
    for _ in range(200):
        chat.do(commands.Broadcast("x" * 400))
    chat.until(lambda chat: chat.state.evicted == 2)
    text = get(where(chat))[2]
    assert value(text, 'chatops_clients_evicted_total{reason="queue-full"}') == 2
    assert value(text, 'chatops_clients_evicted_total{reason="stalled"}') == 0


@pytest.mark.skipif(shutil.which("promtool") is None,
                    reason="promtool is not installed (Debian: prometheus)")
def test_prometheus_own_tool_finds_nothing_to_say_about_the_text(server: StartServer) -> None:
    chat = server(metrics=METRICS)
    chat.client()
    text = get(where(chat))[2]
    done = subprocess.run(["promtool", "check", "metrics"], input=text, text=True,
                          capture_output=True, timeout=PATIENCE, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    bad = subprocess.run(["promtool", "check", "metrics"], input=text.replace(
        "chatops_messages_sent_total", "chatops_messages_sent"), text=True, capture_output=True,
        timeout=PATIENCE, check=False)
    assert bad.returncode != 0, "a tool that finds nothing in bad text proves nothing"


def test_openmetrics_is_spoken_to_whoever_asks_for_it(server: StartServer) -> None:
    from prometheus_client.openmetrics.parser import text_string_to_metric_families

    chat = server(metrics=METRICS)
    _, fields, text = get(where(chat), accept="application/openmetrics-text; version=1.0.0")
    assert fields["Content-Type"].startswith("application/openmetrics-text; version=1.0.0")
    names = {family.name for family in text_string_to_metric_families(  # type: ignore[no-untyped-call]
        text)}
    assert {family.name.removesuffix("_total") for family in FAMILIES} <= names


def test_no_label_says_which_client(server: StartServer) -> None:
    chat = server(metrics=METRICS)
    chat.client().rename("ada")
    alone = get(where(chat))[2]
    assert "ada" not in alone
    assert "127.0.0.1" not in alone
    more = server(metrics=METRICS)
    more.clients(5)
    assert len(get(where(more))[2].splitlines()) == len(alone.splitlines())


# -- health


def test_health_is_503_while_the_server_drains(server: StartServer) -> None:
    chat = server(metrics=METRICS, drain=PATIENCE)
    chat.must_live = False
    client = chat.client()
    assert get(where(chat), "/healthz")[::2] == (200, "ok\n")
    chat.call(lambda: setattr(chat.chat.state, "phase", "draining"))
    assert get(where(chat), "/healthz")[::2] == (503, "draining\n")
    client.close()


def test_a_loop_that_hangs_is_told_to_who_asks(server: StartServer) -> None:
    chat = server(metrics=METRICS)
    exporter = chat.thread.exporter
    assert exporter is not None
    ahead = 0.0
    exporter._reactor.clock = lambda: time.monotonic() + ahead
    with held(chat):
        with ThreadPoolExecutor(2) as pool:
            answers = [pool.submit(get, where(chat), path) for path in ("/healthz", "/metrics")]
            until(lambda: exporter._turn.waiting and exporter._figures.waiting)
            ahead = 5.0
            exporter._reactor.wake()
            for answer in answers:
                status, _, text = answer.result(PATIENCE)
                assert (status, text) == (503, "the loop has not turned for 5 s\n")
        # Who asks now need not wait again.
        assert get(where(chat), "/healthz")[0] == 503
    until(lambda: get(where(chat), "/healthz")[0] == 200)
    assert get(where(chat))[0] == 200


def test_a_server_that_has_ended_is_told_to_who_asks(server: StartServer) -> None:
    chat = server(metrics=METRICS)
    chat.must_live = False
    chat.do(commands.Quit("now"))
    assert chat.thread.wait(PATIENCE)
    assert get(where(chat), "/healthz")[::2] == (503, "the server has ended\n")
    assert get(where(chat))[::2] == (503, "the server has ended\n")


# -- what it costs


def test_a_thousand_scrapes_at_once_are_all_answered_from_a_few_snapshots(
        server: StartServer) -> None:
    chat = server(metrics=METRICS)
    built = 0
    build = chat.thread.survey.build

    def counting(shown: int | None = None, *_gathered: object) -> object:
        nonlocal built
        built += 1
        return build(shown)

    chat.call(lambda: setattr(chat.thread.survey, "build", counting))
    scrapers = [socket.create_connection(where(chat), PATIENCE) for _ in range(1000)]
    try:
        for scraper in scrapers:
            scraper.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        answers = {b"".join(iter(lambda: scraper.recv(1 << 16), b""))[:15]  # noqa: B023
                   for scraper in scrapers}
    finally:
        for scraper in scrapers:
            scraper.close()
    assert answers == {b"HTTP/1.1 200 OK"}
    assert built <= 20


def test_nobody_who_scrapes_is_no_wake_up(server: StartServer) -> None:
    chat = server(metrics=METRICS)
    chat.client()
    get(where(chat))
    reactor = chat.chat.reactor
    chat.turn()
    before = chat.call(lambda: reactor.selector.turns)
    # The exporter's own loop turns, and asks nothing of the server's.
    for _ in range(20):
        assert get(where(chat), "/nothing")[0] == 404
    assert chat.call(lambda: reactor.selector.turns) - before == 1


# -- those who ask badly


@pytest.fixture
def hangers() -> Iterator[list[socket.socket]]:
    hanging: list[socket.socket] = []
    yield hanging
    for sock in hanging:
        sock.close()


def test_collectors_that_hang_in_the_middle_of_a_request_keep_nobody_out(
        server: StartServer, hangers: list[socket.socket], monkeypatch: pytest.MonkeyPatch
        ) -> None:
    monkeypatch.setattr(door, "ASKING", 0.05)
    chat = server(metrics=METRICS)
    for _ in range(3 * door.PLACES):
        hangers.append(socket.create_connection(where(chat), PATIENCE))
        hangers[-1].sendall(b"GET /metr")
    assert get(where(chat))[0] == 200
    client = chat.client()
    client.say("the chat goes on")
    client.read_until(f"{client.nick}: the chat goes on")


def test_a_collector_that_does_not_read_is_let_go(
        server: StartServer, hangers: list[socket.socket], monkeypatch: pytest.MonkeyPatch
        ) -> None:
    monkeypatch.setattr(door, "PATIENCE", 0.3)
    monkeypatch.setattr(Page, "text", lambda _page, _accept: ("text/plain", b"#" * (32 << 20)))
    chat = server(metrics=METRICS)
    exporter = chat.thread.exporter
    assert exporter is not None
    hangers.append(socket.socket())
    hangers[0].setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    hangers[0].connect(where(chat))
    hangers[0].sendall(b"GET /metrics HTTP/1.1\r\n\r\n")
    assert hangers[0].recv(1) == b"H"
    assert len(exporter._doors[0]) == 1
    until(lambda: len(exporter._doors[0]) == 0)
    monkeypatch.setattr(door, "PATIENCE", PATIENCE)  # whatever the core does
    assert len(get(where(chat))[2]) == 32 << 20


@pytest.mark.parametrize(("request_", "status"), [
    (b"POST /metrics HTTP/1.1\r\n\r\n", 405),
    (b"GET /metrics\r\n\r\n", 400),
    (b"\xff\xfe\r\n\r\n", 400),
    (b"\n\n", 400), (b"\r\n\r\n", 400),
    (b"GET /metrics HTTP/1.1\r\nX: " + b"x" * 9000, 431),
    (b"GET /../etc/passwd HTTP/1.1\r\n\r\n", 404),
    (b"HEAD /healthz HTTP/1.1\r\n\r\n", 200),
    (b"GET /metrics?x=1 HTTP/1.0\n\n", 200),
])
def test_requests_of_every_kind_get_an_answer(
        server: StartServer, request_: bytes, status: int) -> None:
    chat = server(metrics=METRICS)
    got, fields, body = asked(where(chat), request_)
    assert got == status
    assert fields["Connection"] == "close"
    if request_.startswith(b"HEAD"):
        assert body == ""
        assert fields["Content-Length"] == "3"


# -- starting


def test_a_metrics_port_that_is_taken_is_said_and_nothing_runs() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        threads = threading.active_count()
        with pytest.raises(StartError, match=rf"--metrics 127.0.0.1:{port}: it is in use"):
            Server(metrics=f"127.0.0.1:{port}")
        assert threading.active_count() == threads


@pytest.mark.parametrize("flag", ["port", "irc-port"])
def test_a_metrics_port_that_is_one_of_our_own_is_told_from_another_programs(flag: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(StartError, match=rf"--metrics 127.0.0.1:{port}: --{flag} has this port; "):
        Server(metrics=f"127.0.0.1:{port}", **{flag.replace("-", "_"): port})


def test_without_the_library_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(StartError, match=re.escape("pip install 'chatops[metrics]'")):
        Server(metrics=METRICS)


def test_serve_says_where_its_metrics_are(served: StartServed, tmp_path: Path) -> None:
    chat = served("--metrics", METRICS)
    line = chat.wait_for_line(r"metrics on (\S+):(\d+)")
    assert get((line[1], int(line[2])), "/healthz")[0] == 200


# -- the dashboard


def test_the_dashboard_asks_only_for_metrics_that_there_are(server: StartServer) -> None:
    made = json.loads(CliRunner().invoke(main, ["metrics", "--dashboard"]).output)
    asked_for = {name for panel in made["panels"] for target in panel["targets"]
                 for name in re.findall(r"chatops_\w+", target["expr"])}
    chat = server(metrics=METRICS)
    there = set(re.findall(r"^(chatops_\w+)", get(where(chat))[2], re.MULTILINE))
    assert asked_for
    assert asked_for - there == set()
    places = {(p["gridPos"]["x"], p["gridPos"]["y"]) for p in made["panels"]}
    assert len(places) == len(made["panels"])
