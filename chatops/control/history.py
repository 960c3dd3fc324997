"""`chatops history`: what was said, read from the file while the server runs."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Any

import click
import msgspec

from chatops.control import complete
from chatops.control.client import ControlClient
from chatops.control.find import find
from chatops.control.socket_path import ControlError
from chatops.storage.history_file import HistoryEntry, HistoryFileError, actions, entries, reading
from chatops.storage.log_lines import json_line, line_of
from chatops.system.streams import say
from chatops.units import UnitError, parse_duration


def _seconds(_context: click.Context, _parameter: click.Parameter, text: str) -> float:
    try:
        return parse_duration(text) if text else 0.0
    except UnitError as error:
        raise click.BadParameter(str(error)) from None


@click.command()
@click.argument("file", default="", metavar="[FILE]", envvar="CHATOPS_HISTORY")
@click.option("--room", default="", metavar="ROOM", help="what was said there",
              shell_complete=complete.rooms)
@click.option("--since", "age", default="", metavar="DURATION", callback=_seconds,
              help="no older than that: 2h, 30m")
@click.option("--grep", "text", default="", metavar="TEXT",
              help="lines with this in them, nicks included; letters match in either case")
@click.option("--admin", is_flag=True, help="what admins have done instead, and who that was")
@click.option("--json", "as_json", is_flag=True, help="print an object a line")
@click.option("--port", type=click.IntRange(1, 65535), help="of the server on this port")
@click.option("--socket", default="", metavar="PATH", help="of the server with this one")
def history(file: str, room: str, age: float, text: str, admin: bool, as_json: bool,
            port: int | None, socket: str) -> None:
    """Print what was said in rooms, the oldest first.

    FILE is what a server was given with --history; with one running there is no need to say
    which.
    """
    try:
        with reading(file or _file_of(socket, port)) as database:
            since = time.time() - age if age else 0.0
            if admin:
                for did in actions(database, since=since, text=text):
                    click.echo((json_line if as_json else line_of)(did))
                return
            for entry in entries(database, room=room, since=since, text=text):
                click.echo(_json(entry) if as_json else _plain(entry))
    except (ControlError, HistoryFileError) as error:
        say(f"chatops: {error}")
        raise SystemExit(1) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None


def _file_of(path: str, port: int | None) -> str:
    wire = ControlClient(find(path, port), read_only=True)
    wire.close()
    if not wire.welcome.history:
        raise ControlError("this server keeps no history: it was started without --history")
    return wire.welcome.history


def _moment(at: float) -> datetime:
    return datetime.fromtimestamp(at).astimezone()


def _plain(entry: HistoryEntry) -> str:
    return f"{_moment(entry.at):%Y-%m-%d %H:%M:%S} {entry.room} {entry.line}"


def _json(entry: HistoryEntry) -> Any:
    return msgspec.json.encode({
        "time": _moment(entry.at).isoformat(timespec="milliseconds"), "room": entry.room,
        "line": entry.line})
