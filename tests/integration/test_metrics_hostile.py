"""Collectors that ask for what cannot be had: it is theirs alone."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from chatops.metrics.text import Page
from tests.integration.harness import PATIENCE, Server
from tests.integration.scrapes import METRICS, asked, get, held, value, where
from tests.integration.until import until

StartServer = Callable[..., Server]


@pytest.mark.parametrize("accept", ["application/openmetrics-text; version=\xff",
                                    "application/openmetrics-text;version=1e999;q=nan", ";;;q=q"])
def test_whoever_accepts_what_cannot_be_read_gets_the_usual_text(server: StartServer,
                                                                 accept: str) -> None:
    chat = server(metrics=METRICS)
    status, fields, text = asked(where(chat), (
        f"GET /metrics HTTP/1.1\r\nAccept: {accept}\r\n\r\n").encode("latin-1"))
    assert status == 200
    assert int(fields["Content-Length"]) == len(text.encode())
    assert value(text, "chatops_connections") == 0


def test_a_collector_whose_answer_fails_costs_the_others_nothing(
        server: StartServer, monkeypatch: pytest.MonkeyPatch) -> None:
    text = Page.text

    def fails(page: Page, accept: str) -> tuple[str, bytes]:
        if accept == "bad":
            raise ValueError(accept)
        return text(page, accept)

    monkeypatch.setattr(Page, "text", fails)
    chat = server(metrics=METRICS)
    exporter = chat.thread.exporter
    assert exporter is not None
    with ThreadPoolExecutor(4) as pool:
        with held(chat):
            answers = []
            for n, accept in enumerate(("*/*", "bad", "*/*", "text/plain"), start=1):
                answers.append(pool.submit(get, where(chat), accept=accept))
                until(lambda: len(exporter._figures.waiting) == n)  # noqa: B023
        assert [answer.result(PATIENCE)[0] for answer in answers] == [200, 500, 200, 200]
