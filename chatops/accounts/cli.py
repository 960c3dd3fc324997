"""`chatops account`: who has an account, from the command line."""

from __future__ import annotations

import sys
from typing import NoReturn

import click

from chatops.accounts.fingerprints import read_fingerprint
from chatops.accounts.passwords import Passwords
from chatops.accounts.store import AccountError, AccountStore
from chatops.system.paths import PathError, expand
from chatops.system.streams import say


@click.group()
def account() -> None:
    """Accounts for clients: add, passwd, admin, list, remove, fingerprint.

    Each takes the file that they are in, by --accounts FILE or from CHATOPS_ACCOUNTS.
    Passwords are read from standard input, one line, and asked for where that is a terminal.
    """


def _file(command: click.Command) -> click.Command:
    return click.option("--accounts", "path", envvar="CHATOPS_ACCOUNTS", required=True,
                        metavar="FILE", show_envvar=True,
                        help="the file that `chatops --accounts` has")(command)


def _open(path: str, *, make: bool = False) -> AccountStore:
    """The accounts in this file; where there is none, only `add` makes one."""
    try:
        file = expand(path)
    except PathError as error:
        _fail(str(error))
    if not make and not file.exists():
        _fail(f"there is no file {file}; `chatops account add` makes it")
    store = AccountStore(str(file))
    click.get_current_context().call_on_close(store.close)
    return store


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
        _open(path, make=True).add(name, Passwords().hash(_password()), admin=admin)
    except AccountError as error:
        _fail(str(error))
    say(f"chatops: there is an account {name} now")


@_file
@account.command()
@click.argument("name")
def passwd(path: str, name: str) -> None:
    """Give an account another password."""
    try:
        store = _open(path)
        store.check(name)          # before a password is asked for
        store.set_hash(name, Passwords().hash(_password()))
    except AccountError as error:
        _fail(str(error))
    say(f"chatops: {name} has a new password")


@_file
@account.command()
@click.argument("name")
@click.argument("state", type=click.Choice(["on", "off"]))
def admin(path: str, name: str, state: str) -> None:
    """Make it an operator of the server from its next login on, or no longer."""
    try:
        _open(path).set_admin(name, state == "on")
    except AccountError as error:
        _fail(str(error))
    say(f"chatops: {name} is {'an' if state == 'on' else 'no'} operator"
        f"{'' if state == 'on' else ' any more'}")


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
    """Forget an account; who is logged in to it on a server is so no more, seconds later."""
    try:
        _open(path).remove(name)
    except AccountError as error:
        _fail(str(error))
    say(f"chatops: there is no account {name} any more")


@account.group()
def fingerprint() -> None:
    """Certificates that log in to accounts (SASL EXTERNAL): add, list, remove.

    A certificate is meant by its SHA-256 in hexadecimal, with or without colons, or by the file
    that it is in, in PEM.  Whoever signed it has to be in the file of `--irc-client-ca`.
    """


@_file
@fingerprint.command("add")
@click.argument("name")
@click.argument("certificate")
def add_fingerprint(path: str, name: str, certificate: str) -> None:
    """Let a certificate log in to an account."""
    try:
        found = read_fingerprint(certificate)
        _open(path).add_certificate(name, found)
    except AccountError as error:
        _fail(str(error))
    say(f"chatops: the certificate {found} logs in to {name} now")


@_file
@fingerprint.command("list")
@click.argument("name", default="")
def list_fingerprints(path: str, name: str) -> None:
    """Every certificate, one a line, and whose it is; or those of one account."""
    try:
        store = _open(path)
        if name:
            store.check(name)
        for found, owner in store.certificates(name):
            click.echo(f"{found} {owner}")
    except AccountError as error:
        _fail(str(error))


@_file
@fingerprint.command("remove")
@click.argument("certificate")
def remove_fingerprint(path: str, certificate: str) -> None:
    """Let nobody log in with a certificate any more."""
    try:
        found = read_fingerprint(certificate)
        _open(path).remove_certificate(found)
    except AccountError as error:
        _fail(str(error))
    say(f"chatops: the certificate {found} logs in to nothing any more")
