"""`chatops lab`: a stage of the lab as a server of its own."""

from __future__ import annotations

from collections.abc import Iterator

import click

from chatops.cli.parts import fail
from chatops.lab.stages import STAGES
from chatops.lab.stages.terminal import run_stage
from chatops.system.addresses import bare
from chatops.system.errors import StartError


@click.command()
@click.argument("stage", type=click.IntRange(1, 6), required=False)
@click.option("--host", default="127.0.0.1", show_default=True, help="address to listen on")
@click.option("--port", default=0, type=click.IntRange(0, 65535), show_default="any",
              help="port to listen on")
def lab(stage: int | None, host: str, port: int) -> None:
    """Run one of the lab's six servers here, without the console.  Without STAGE, list them.

    \b
    1  listen      a connection that nobody watches
    2  echo        an end of file that nobody notices
    3  broadcast   one client that does not read stops everybody
    4  queues      a loop that never sleeps
    5  on demand   how it is done
    6  asyncio     memory that grows because nobody awaits drain()
    """
    if stage is None:
        click.echo("\n".join(_listed()))
        return
    try:
        run_stage(stage, bare(host), port)
    except StartError as error:
        fail(str(error))


def _listed() -> Iterator[str]:
    yield "The lab: six servers of a few lines each, and what there is to see in them."
    yield ""
    wide = max(len(stage.title) for stage in STAGES.values())
    for number, stage in STAGES.items():
        yield f"  {number}  {stage.title:{wide}}  {stage.fault}"
    yield ""
    yield "  chatops lab 2    runs the second one in this terminal"
    yield "  chatops --demo   opens the console; L there opens the lab and its lessons"
