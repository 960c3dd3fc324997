"""`chatops web` in a process of its own, for tests that look at it from outside."""

from __future__ import annotations

import http.client
import re
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.integration.harness import PYTHON, environment
from tests.integration.until import until
from tests.patience import PATIENCE, scaled


class Pages:
    """`chatops web` as it ships: a process of its own."""

    def __init__(self, control: Path, folder: Path, *flags: str,
                 program: Sequence[str] = ("-m", "chatops")) -> None:
        self.out = folder / "web.txt"
        with open(self.out, "wb") as out:
            self.process = subprocess.Popen(
                [PYTHON, *program, "web", "--port", "0", *flags, str(control)],
                env=environment(), stdin=subprocess.DEVNULL, stdout=out,
                stderr=subprocess.STDOUT, cwd=folder)
        until(lambda: "\n" in self.printed or self.process.poll() is not None, scaled(20.0))
        self.link = "".join(re.findall(r"http://\S+", self.printed))

    @property
    def printed(self) -> str:
        return self.out.read_text("utf-8")

    @property
    def consoles(self) -> list[int]:
        """Process ids of the consoles that browsers have."""
        path = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in path.read_text().split()]

    @property
    def address(self) -> tuple[str, int]:
        where = urlsplit(self.link)
        assert where.hostname is not None
        assert where.port is not None
        return where.hostname, where.port

    def get(self, path: str, **headers: str) -> int:
        """The status of an answer."""
        connection = http.client.HTTPConnection(*self.address, timeout=PATIENCE)
        connection.request("GET", path, headers=headers)
        status = connection.getresponse().status
        connection.close()
        return status

    @property
    def cookie(self) -> str:
        where = urlsplit(self.link)
        return f"chatops-{where.port}={where.query.removeprefix('token=')}"

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(PATIENCE)


@pytest.fixture
def pages(control_path: Path, tmp_path: Path) -> Iterator[Callable[..., Pages]]:
    with ExitStack() as stack:

        def start(*flags: str, **options: Any) -> Pages:
            started = Pages(control_path, tmp_path, *flags, **options)
            stack.callback(started.close)
            assert started.link, started.printed
            return started

        yield start
