"""`chatops watch`: any Python program, with the console looking in."""

from __future__ import annotations

import os
import sys

import click

from chatops.cli.parts import ascii_option, check_terminal, fail, hold_signals, look_of_console
from chatops.system.streams import say
from chatops.watch.launch import LaunchError, command_line, prepared


class _WatchCommand(click.Command):
    """What follows MODULE is the module's own, as with `python -m`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, _apart(args))


def _apart(args: list[str]) -> list[str]:
    valued = False                 # what comes is the value of an option
    for at, arg in enumerate(args):
        if valued:
            valued = False
        elif arg.startswith("-m"):
            end = at + (2 if arg == "-m" else 1)
            return [*args[:end], "--", *args[end:]]
        elif arg == "--" or not arg.startswith("-"):
            break
        else:
            valued = arg == "--socket"
    return args


@click.command(cls=_WatchCommand, context_settings={"allow_interspersed_args": False})
@click.option("-m", "module", default="", metavar="MODULE", help="a module, as `python -m` runs it")
@click.option("--serve", is_flag=True,
              help="no console here: the program keeps the terminal; `chatops attach` elsewhere")
@click.option("--children", is_flag=True,
              help="observe the Python processes that it starts too, a control socket each")
@click.option("--force-asyncio", is_flag=True,
              help="hide uvloop from it, so that it falls back to asyncio's own loop")
@click.option("--socket", "path", default="", metavar="PATH", help="where its control socket is")
@click.argument("words", nargs=-1, type=click.UNPROCESSED, metavar="SCRIPT|COMMAND [ARG]…")
@ascii_option
def watch(module: str, serve: bool, children: bool, force_asyncio: bool, path: str,
          words: tuple[str, ...], plain: bool) -> None:
    """Look into any Python program's event loop, in this console.

    Runs a script, a module or a command such as `uvicorn app:app` as by hand, and shows its
    selector, connections, tasks and loop.  Nothing in the program changes, and its exit
    status is ours.  What it reads from standard input is empty, since the keys are the
    console's: with --serve it has the terminal.
    """
    try:
        argv = command_line(words, module)
        if not serve:
            check_terminal("`chatops watch --serve` runs the program without one")
        name = os.path.basename(module or words[0])
        launch = prepared(argv, name, children=children, force_asyncio=force_asyncio,
                          lines=not serve, path=path)
    except LaunchError as error:
        fail(str(error), 2)
    if serve:
        click.echo(f"chatops: watching {name}; chatops attach {launch.place.path}", err=True)
        sys.stderr.flush()
        try:
            # In our place: its process id, signals and exit status are what they would be.
            os.execve(launch.argv[0], launch.argv, launch.environment)
        except OSError as error:
            launch.place.close()
            fail(f"cannot start {launch.argv[0]}: {error.strerror}")
    from chatops.watch.link import LAST_CHANCE, WatchLink
    from tui.process import run_console

    looks = look_of_console(plain)
    try:
        link = WatchLink(launch, name)
    except LaunchError as error:
        launch.place.close()
        fail(str(error))
    hold_signals()                 # the program answers them; the console lets them through
    try:
        run_console(link, patience=LAST_CHANCE, **looks)
    finally:
        link.close()
    for line in link.last_words:
        say(line)
    sys.exit(link.exit_status)
