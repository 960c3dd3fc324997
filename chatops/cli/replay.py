"""`chatops replay`: a recording, in the console or as a film."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from chatops.api.command_table import SPEEDS
from chatops.cli.parts import (
    LEAST_COLUMNS,
    LEAST_LINES,
    ascii_option,
    check_terminal,
    fail,
    look_of_console,
)
from chatops.links.replay import ReplayLink
from chatops.replay.recording import Recording, RecordingError, read
from chatops.system.paths import PathError, expand
from chatops.system.streams import say

MOST_CELLS = 400               # of a film, either way


@click.command()
@click.argument("file", type=click.Path())
@click.option("--svg", metavar="OUT", help="write it as a film, an animated picture, instead")
@click.option("--size", default="120x40", show_default=True, metavar="COLUMNSxLINES",
              help="of the film")
@click.option("--frames", default=24, show_default=True, type=click.IntRange(1, 120),
              help="of the film, at most")
@click.option("--speed", default="1", show_default=True, type=click.Choice(SPEEDS),
              metavar="TIMES", help=f"as fast as it happened: {', '.join(SPEEDS)}")
@ascii_option
def replay(file: str, svg: str | None, size: str, frames: int, speed: str, plain: bool) -> None:
    """Open the console on a recording, made with `:record` or `:save`."""
    from tui.process import run_console

    try:
        recording = read(expand(file))
    except (PathError, RecordingError) as error:
        fail(str(error))
    if svg is not None:
        _write_film(recording, svg, size, frames)
        return
    check_terminal()
    if recording.warning:
        say(f"chatops: {recording.warning}")
    link = ReplayLink(recording)
    link.speed = float(speed)
    sys.exit(run_console(link, replay=True, **look_of_console(plain)))


def _write_film(recording: Recording, out: str, size: str, frames: int) -> None:
    from tui.film import film

    columns, _, lines = size.partition("x")
    if not (columns.isdecimal() and lines.isdecimal()
            and LEAST_COLUMNS <= int(columns) <= MOST_CELLS
            and LEAST_LINES <= int(lines) <= MOST_CELLS):
        fail(f"'{size}' is no size; write {LEAST_COLUMNS}x{LEAST_LINES} to "
             f"{MOST_CELLS}x{MOST_CELLS}", 2)
    try:
        target = expand(out)
        was_there = target.exists()
        if was_there and not _is_svg(target):
            fail(f"{target} is there already, and no SVG picture; the film needs another name")
        text = film(recording, (int(columns), int(lines)), frames)
        try:
            target.write_text(text, "utf-8")
        except OSError:
            if not was_there:          # the disk is full: half a film is none
                target.unlink(missing_ok=True)
            raise
    except PathError as error:
        fail(f"cannot write the film: {error}")
    except OSError as error:
        fail(f"cannot write {out}: {error.strerror}")


def _is_svg(path: Path) -> bool:
    """An earlier film, say, which another may take the place of, or of which nothing was written;
    a recording may be mistyped.
    """
    with path.open("rb") as file:
        begins = file.read(256).lstrip()
    return not begins or begins.startswith((b"<svg", b"<?xml"))
