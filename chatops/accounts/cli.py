"""`chatops account`: who has an account, from the command line."""

from __future__ import annotations

import sys
from typing import NoReturn

import click

from chatops.accounts.passwords import Passwords
from chatops.accounts.store import AccountError, AccountStore
from chatops.system.paths import PathError, expand
from chatops.system.streams import say


@click.group()
def account() -> None:
    """Accounts for clients: add, passwd, list, remove.

    Passwords are read from standard input, one line, and asked for where that is a terminal.
    """


def _file(command: click.Command) -> click.Command:
    return click.option("--accounts", "path", envvar="CHATOPS_ACCOUNTS", required=True,
                        metavar="FILE", help="the file that `chatops --accounts` has")(command)


def _open(path: str) -> AccountStore:
    try:
        return AccountStore(str(expand(path)))
    except PathError as error:
        _fail(str(error))


def _fail(text: str) -> NoReturn:
    say(f"chatops: {text}")
    sys.exit(1)


def _password() -> str:
    if sys.stdin.isatty():
        given: str = click.prompt("password", hide_input=True, confirmation_prompt=True)
        return given
    line = sys.stdin.buffer.readline().rstrip(b"\r\n")
    try:
        return line.decode()
    except UnicodeDecodeError:
        _fail("the password is not UTF-8")


@_file
@account.command()
@click.argument("name")
@click.option("--admin", is_flag=True, help="an operator of the server as well")
def add(path: str, name: str, admin: bool) -> None:
    """Make an account."""
    try:
        _open(path).add(name, Passwords().hash(_password()), admin=admin)
    except AccountError as error:
        _fail(str(error))
    say(f"chatops: there is an account {name} now")


@_file
@account.command()
@click.argument("name")
def passwd(path: str, name: str) -> None:
    """Give an account another password."""
    try:
        _open(path).set_hash(name, Passwords().hash(_password()))
    except AccountError as error:
        _fail(str(error))
    say(f"chatops: {name} has a new password")


@_file
@account.command("list")
def list_(path: str) -> None:
    """Every account, one a line, `*` behind those of operators."""
    try:
        for one in _open(path).all():
            click.echo(f"{one.name}{' *' if one.admin else ''}")
    except AccountError as error:
        _fail(str(error))


@_file
@account.command()
@click.argument("name")
def remove(path: str, name: str) -> None:
    """Forget an account."""
    try:
        _open(path).remove(name)
    except AccountError as error:
        _fail(str(error))
    say(f"chatops: there is no account {name} any more")
