"""An event loop of asyncio on the selector of a stage."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from chatops.lab.stages.selector import StageSelector
from chatops.loop import naming, private


def observed_loop(selector: StageSelector, say: Callable[[str], object]
                  ) -> asyncio.AbstractEventLoop:
    """One that waits with `selector`, and closes it when it is closed itself.

    What asyncio would log to standard error, which here is a console's screen, is said.
    """
    naming.on_behalf("asyncio.")       # who arms a descriptor is who has called asyncio
    private.mark_scheduler()
    selector.timed = False             # it only queues what is ready while it iterates
    loop = asyncio.SelectorEventLoop(selector)

    def tell(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if isinstance(error, asyncio.CancelledError):
            return                     # a task that had not begun when the stage was stopped
        say(f"asyncio: {context['message']}" + (f": {error!r}" if error is not None else ""))

    loop.set_exception_handler(tell)
    return loop
