"""`chatops web` ends, and so does each console, whatever browsers do or do not do."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

pytest.importorskip("textual_serve")

from chatops.web import pages
from chatops.web.pages import BrowserConsole, Pages, _OpenPage


class Deaf:
    """A browser that reads nothing any more, and the task that waits for what it says."""

    def __init__(self) -> None:
        self.aborted = False
        self.task = asyncio.ensure_future(asyncio.Event().wait())
        request = SimpleNamespace(transport=SimpleNamespace(abort=self._abort))
        self.page = _OpenPage(cast(Any, self), cast(Any, request), cast(Any, self.task))

    async def close(self, **_why: object) -> None:
        await asyncio.Event().wait()   # aiohttp: until what was written before has gone out

    def _abort(self) -> None:
        self.aborted = True


def test_browsers_that_read_nothing_do_not_hold_up_the_end(monkeypatch: pytest.MonkeyPatch
                                                           ) -> None:
    monkeypatch.setattr(pages, "GRACE", 0.01)

    async def end() -> list[Deaf]:
        serving = Pages(Path("control"), host="127.0.0.1", port=0, allow_changes=False)
        browsers = [Deaf(), Deaf()]
        serving._open_pages.update(browser.page for browser in browsers)
        await serving.on_shutdown(cast(Any, None))
        await asyncio.wait([browser.task for browser in browsers])
        return browsers

    for browser in asyncio.run(end()):
        assert browser.aborted
        assert browser.task.cancelled()


def test_a_console_that_ends_by_itself_lets_a_deaf_browser_go(monkeypatch: pytest.MonkeyPatch
                                                              ) -> None:
    monkeypatch.setattr(pages, "GRACE", 0.01)

    async def end() -> Deaf:
        browser = Deaf()
        await browser.page.end()
        await asyncio.wait([browser.task])
        return browser

    assert asyncio.run(end()).aborted


def test_a_console_that_stands_before_a_full_pipe_ends_by_itself() -> None:
    code = "import sys; sys.stdout.write('x' * (1 << 20)); sys.stdout.flush()"

    async def stop() -> int | None:
        async def nothing(*_: object) -> None: ...
        console = BrowserConsole("", write_bytes=cast(Any, nothing), write_str=cast(Any, nothing),
                                 close=nothing, download_manager=cast(Any, None))
        pipe = asyncio.subprocess.PIPE
        process = console._process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", code, stdin=pipe, stdout=pipe, stderr=pipe)
        await console.stop()
        return process.returncode

    assert asyncio.run(stop()) == 0
