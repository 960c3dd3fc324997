"""Stage 6: the same group chat, written with asyncio's streams."""

from __future__ import annotations

import asyncio

from chatops.lab.stages.base import StageServer
from chatops.lab.stages.observed_loop import observed_loop
from chatops.loop.private import unsent


class StreamsStage(StageServer):
    number = 6
    title = "asyncio"
    what = ("The group chat with asyncio.start_server: a task for each client reads its lines "
            "and writes them to all. Beneath it is the loop of stage 5.")
    fault = "nobody awaits drain(): for one slow reader the memory grows without bound"
    why = ("write() never waits and never refuses. What the kernel does not take stays in the "
           "transport's buffer; above its high-water mark the transport calls pause_writing(), "
           "and only a task that awaits drain() notices. To await it for each client would let "
           "the slowest one set everybody's pace, as in stage 3; a chat wants a bound, as in "
           "stage 5: look at get_write_buffer_size(), and abort() who is over it.")
    try_it = "nc {host} {port} in two terminals; stop one with Ctrl-S or :spawn mute, and talk"
    look_at = ("the map, which asyncio keeps as stage 5 does: R alone, RW only while bytes wait, "
               "changed by modify() as you look. Its self-pipe is in it too. The queue of who "
               "does not read goes over its mark, and on.")

    loop: asyncio.AbstractEventLoop | None = None

    def serve(self) -> None:
        self.writers: set[asyncio.StreamWriter] = set()
        self.listens = False                     # the loop turns twice before it does
        with asyncio.Runner(loop_factory=lambda: observed_loop(self.selector, self.say)) as runner:
            runner.run(self.main())

    async def main(self) -> None:
        self.stopping = asyncio.Event()
        self.loop = asyncio.get_running_loop()
        server = await asyncio.start_server(self.handle, sock=self.listener)
        self.listens = True
        if self.running:                         # not stopped before the loop was there
            await self.stopping.wait()
        server.close()
        for writer in self.writers:
            writer.transport.abort()             # close() would wait until they have read all
        while self.writers:                      # noqa: ASYNC110  (a turn or two, no waiting)
            await asyncio.sleep(0)               # their tasks read the end, and end

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.add(writer)
        self.say(f"accepted {writer.get_extra_info('peername')}")
        try:
            while (line := await reader.readline()) and line.strip() != b"quit":
                self.to_all(b"your msg is " + line.rstrip() + b"\n")
        except (ConnectionError, ValueError):
            pass                                 # reset, or a line of more than 64 KB
        finally:
            self.writers.discard(writer)
            writer.close()

    def to_all(self, line: bytes) -> None:
        for writer in self.writers:
            if not writer.is_closing():
                writer.write(line)               # and nobody awaits writer.drain()

    def buffered(self) -> int:
        return sum([unsent(writer.transport) for writer in self.writers])

    def interrupt(self) -> None:
        """Through the self-pipe, the only way into a loop from another thread."""
        if self.loop is not None and not self.loop.is_closed():
            self.loop.call_soon_threadsafe(self.stopping.set)
