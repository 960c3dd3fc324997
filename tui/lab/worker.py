"""Waiting, on the app's loop, for something that blocks: in a thread of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from functools import partial
from typing import TypeVar

Result = TypeVar("Result")


async def in_thread(work: Callable[[], Result], name: str) -> Result:
    """What `work` returns or raises.

    The thread is a daemon: unlike one of the loop's own pool, nobody has to wait for it
    who wants to leave in the middle.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Result] = loop.create_future()

    def run() -> None:
        try:
            settled = partial(done.set_result, work())
        except Exception as error:
            settled = partial(done.set_exception, error)
        try:
            loop.call_soon_threadsafe(deliver, settled)
        except RuntimeError:
            pass                   # the loop is closed: nobody waits any more

    def deliver(settled: Callable[[], None]) -> None:
        if not done.done():        # the waiter may have been cancelled
            settled()

    threading.Thread(target=run, name=name, daemon=True).start()
    return await done
