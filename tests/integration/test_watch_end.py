"""A program under `chatops watch` and its console: which of them ends the other, and how."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

from chatops.api.commands import Quit
from tests.integration.terminal import Terminal
from tests.integration.until import until
from tests.integration.watched import START, Watched, script

Start = Callable[..., Watched]

SLEEPER = """
    import asyncio, signal, sys
    async def main():
        print("ready", flush=True)
        await asyncio.sleep(3600)
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        print("interrupted")
        sys.exit(9)
"""


def test_an_interrupt_is_the_programs_own_also_while_somebody_looks(
        watched: Start, tmp_path: Path) -> None:
    script(tmp_path, SLEEPER)
    program = watched("program.py")
    program.has_printed("ready")
    program.see(lambda s: s.tasks)
    program.process.send_signal(signal.SIGINT)
    assert program.status() == 9
    assert "interrupted" in program.printed


def test_a_console_is_told_that_the_program_has_ended(watched: Start, tmp_path: Path) -> None:
    script(tmp_path, SLEEPER)
    program = watched("program.py")
    program.see(lambda s: s.tasks)
    program.process.send_signal(signal.SIGINT)

    def told() -> bool:
        program.link.poll()
        return not program.link.status.alive

    until(told, START)
    assert program.link.status.detail == "the program has ended"
    assert not program.control.exists()


def test_a_program_is_told_to_end_by_a_console(watched: Start, tmp_path: Path) -> None:
    script(tmp_path, SLEEPER)
    program = watched("program.py")
    program.see(lambda s: s.tasks)
    assert program.ask(Quit("drain")).ok
    assert program.status() == -signal.SIGTERM


# -- on a terminal


def test_the_console_shows_the_output_and_has_the_programs_exit_status(tmp_path: Path) -> None:
    script(tmp_path, """
        import asyncio, sys
        async def main():
            print("hello \\x1b[31mred\\x1b[0m")
            await asyncio.sleep(3600)
        try:
            asyncio.run(main())
        except KeyboardInterrupt:
            sys.exit(4)
    """)
    terminal = Terminal("-m", "chatops", "watch", "program.py", cwd=tmp_path)
    try:
        terminal.see("asyncio epoll")
        terminal.type("5")
        terminal.see("hello red")
        terminal.type(":quit drain\r")
        assert terminal.status() == 4
    finally:
        terminal.close()


def test_a_program_ends_with_the_terminal_of_its_console(tmp_path: Path) -> None:
    script(tmp_path, """
        import asyncio, os
        print("pid", os.getpid(), "here")
        asyncio.run(asyncio.sleep(3600))
    """)
    terminal = Terminal("-m", "chatops", "watch", "program.py", cwd=tmp_path)
    try:
        terminal.see("asyncio epoll")
        terminal.type("5")
        pid = int(terminal.see(r"pid (\d+) here")[1])
        terminal.process.send_signal(signal.SIGKILL)
        terminal.process.wait(START)

        def gone() -> bool:
            try:
                os.kill(pid, 0)
            except ProcessLookupError:
                return True
            return Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z"

        until(gone, START)
    finally:
        terminal.close()
