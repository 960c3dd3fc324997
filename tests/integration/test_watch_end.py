"""A program under `chatops watch` and its console: which of them ends the other, and how."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from chatops.api.commands import Quit
from chatops.watch.output import LAST_LINES
from tests.integration.terminal import LEAVE_SCREEN, Terminal
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


def _watch(folder: Path) -> Terminal:
    return Terminal("-m", "chatops", "watch", "program.py", cwd=folder)


def _its_pid(terminal: Terminal) -> int:
    """Of a program that has printed it, once the loop is seen."""
    terminal.see("asyncio epoll")
    terminal.type("5")
    return int(terminal.see(r"pid (\d+) here")[1])


def _is_gone(pid: int) -> bool:
    """Also where nobody has asked yet how it ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def test_a_program_ends_with_the_terminal_of_its_console(tmp_path: Path) -> None:
    script(tmp_path, """
        import asyncio, os
        print("pid", os.getpid(), "here")
        asyncio.run(asyncio.sleep(3600))
    """)
    with closing(_watch(tmp_path)) as terminal:
        pid = _its_pid(terminal)
        terminal.process.send_signal(signal.SIGKILL)
        terminal.process.wait(START)
        until(lambda: _is_gone(pid), START)


def test_a_program_that_does_not_end_when_asked_ends_all_the_same_when_its_terminal_is_closed(
        tmp_path: Path) -> None:
    script(tmp_path, """
        import asyncio, os, signal
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        print("pid", os.getpid(), "here")
        asyncio.run(asyncio.sleep(3600))
    """)
    with closing(_watch(tmp_path)) as terminal:
        pid = _its_pid(terminal)
        terminal.hang_up()
        terminal.process.wait(START)
        until(lambda: not Path(f"/proc/{pid}").exists(), START)


def left(program: str, folder: Path) -> tuple[int, list[str]]:
    """The status of a console that is left when its program has ended, and what it says then."""
    script(folder, program)
    terminal = Terminal("-m", "chatops", "watch", "program.py", cwd=folder)
    try:
        terminal.see("GONE")
        terminal.type("q")
        status = terminal.status()
        after = terminal.written.rpartition(LEAVE_SCREEN)[2].decode()
        return status, re.sub(r"\x1b\[[^a-zA-Z]*[a-zA-Z]", "", after).split("\r\n")
    finally:
        terminal.close()


def test_a_program_that_raised_is_left_with_the_last_lines_that_it_wrote(tmp_path: Path) -> None:
    status, said = left("""
        for n in range(100):
            print("line", n)
        raise RuntimeError("what has gone wrong")
    """, tmp_path)
    assert status == 1
    assert said[-2:] == ["RuntimeError: what has gone wrong", ""]
    assert "Traceback (most recent call last):" in said
    assert len(said[:-1]) == LAST_LINES
    assert "line 99" in said


def test_a_program_that_ended_well_is_left_in_silence(tmp_path: Path) -> None:
    status, said = left("print('all is well')", tmp_path)
    assert status == 0
    assert said == [""]
