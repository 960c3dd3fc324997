"""SASL, REGISTER and NickServ: three ways to one set of accounts.

Source: IRCv3 sasl-3.1 and 3.2, RFC 4616 (PLAIN), RFC 4422 appendix A (EXTERNAL),
draft/account-registration.
"""

from __future__ import annotations

import binascii
from base64 import b64decode

from chatops.chat import names, owners
from chatops.chat.irc import numerics as n
from chatops.chat.irc.client import Client
from chatops.chat.irc.context import Commands, Irc, IrcCommand
from chatops.chat.irc.labels import labelled
from chatops.chat.irc.message import Message
from chatops.chat.login import Outcome, Question, Told, ask, taken, unfit

CHUNK = 400                    # of base64 in one AUTHENTICATE; a shorter one is the last
LONGEST = 8192                 # of base64 altogether
NICKSERV = "NickServ"


# -- SASL

def authenticate(irc: Irc, client: Client, message: Message) -> None:
    word = message.params[0]
    if irc.gate is None or not client.secure:
        irc.reply(client, n.ERR_SASLFAIL)
    elif word == "*":
        client.sasl = None
        irc.reply(client, n.ERR_SASLABORTED)
    elif client.sasl is None:
        _begun(irc, client, word.upper())
    elif len(word) > CHUNK:
        client.sasl = None
        irc.reply(client, n.ERR_SASLTOOLONG)
    else:
        _more(irc, client, "" if word == "+" else word)


def _begun(irc: Irc, client: Client, mechanism: str) -> None:
    if client.sender.account:
        irc.reply(client, n.ERR_SASLALREADY)
    elif mechanism not in mechanisms(client):
        irc.reply(client, n.RPL_SASLMECHS, ",".join(mechanisms(client)))
        if mechanism == "EXTERNAL":
            _failed(irc, client, "you have shown no certificate")
        else:
            irc.reply(client, n.ERR_SASLFAIL)
    else:
        client.sasl, client.mechanism = "", mechanism
        irc.hub.tell(client, b"AUTHENTICATE +\r\n")


def _more(irc: Irc, client: Client, chunk: str) -> None:
    text = (client.sasl or "") + chunk
    client.sasl = text
    if len(text) > LONGEST:
        client.sasl = None
        irc.reply(client, n.ERR_SASLFAIL)
        return
    if len(chunk) == CHUNK:
        return
    client.sasl = None
    try:
        given = b64decode(text, validate=True).decode()
    except (binascii.Error, ValueError):
        irc.reply(client, n.ERR_SASLFAIL)
        return
    assert irc.gate is not None

    def told(outcome: Outcome) -> None:
        if outcome.account:
            logged_in(irc, client, outcome)
            irc.reply(client, n.RPL_SASLSUCCESS)
        else:
            _failed(irc, client, outcome.reason)

    if client.mechanism == "EXTERNAL":     # what is given is who it wants to be, or nothing
        _ask(irc, client, irc.gate.certified, given, client.certificate, told)
        return
    parts = given.split("\0")
    if len(parts) != 3 or not parts[1] or parts[0] not in ("", parts[1]):
        irc.reply(client, n.ERR_SASLFAIL)
        return
    _ask(irc, client, irc.gate.verify, parts[1], parts[2], told)


def _ask(irc: Irc, client: Client, question: Question, name: str, password: str,
         told: Told) -> None:
    """As `chatops.chat.login.ask`; the answer bears the label of the line that asks."""
    label = irc.take_label() if client.secure and not client.parked else ""

    def answered(outcome: Outcome) -> None:
        if label:
            labelled(irc, client, label, lambda: told(outcome))
        else:
            told(outcome)

    ask(irc.hub, client, question, name, password, answered)


def mechanisms(client: Client) -> tuple[str, ...]:
    """By which it can log in.  EXTERNAL is for who has shown a certificate: some clients try the
    first that is listed, and it would fail.
    """
    return ("PLAIN", "EXTERNAL") if client.certificate else ("PLAIN",)


def _failed(irc: Irc, client: Client, why: str) -> None:
    irc.reply(client, n.Numeric("904"), f"SASL authentication failed: {why}")


def logged_in(irc: Irc, client: Client, outcome: Outcome) -> None:
    """It is told so, and if the account is an operator's, it is one."""
    irc.reply(client, n.RPL_LOGGEDIN, irc.source(client), outcome.account,
              f"You are now logged in as {outcome.account}")
    if outcome.admin and irc.set_mode(client, "o", True):
        client.oper_by_account = True
        if client.registered:
            irc.message(client, "MODE", client.nick, "+o", source=irc.source(client))


def logged_out(irc: Irc, client: Client) -> None:
    """It is told so, and is no operator any more if its account made it one."""
    irc.reply(client, n.RPL_LOGGEDOUT, irc.source(client))
    by_account, client.oper_by_account = client.oper_by_account, False
    if by_account and irc.set_mode(client, "o", False) and client.registered:
        irc.message(client, "MODE", client.nick, "-o", source=irc.source(client))


# -- REGISTER

def register(irc: Irc, client: Client, message: Message) -> None:
    account, _, password = message.params[:3]
    gate = irc.gate
    name = (client.nick if client.registered else client.wanted) if account == "*" else account
    code, text = "", ""
    if gate is None or gate.registration == "off":
        code, text = "DISALLOWED", "Accounts are made by whoever runs this server"
    elif not client.registered and gate.registration != "before-connect":
        code, text = "COMPLETE_CONNECTION_REQUIRED", "Register your connection first"
    elif client.sender.account:
        code, text = "ALREADY_AUTHENTICATED", "You are logged in already"
    elif not name and client.taken:
        code, text = "ACCOUNT_EXISTS", f"{client.taken} is somebody else's"
    elif name and (why := taken(irc.hub, client, name)):
        code, text = "ACCOUNT_EXISTS", why
    elif not name or (client.registered and client.guest):
        code, text = "NEED_NICK", "Choose a nick first"
    elif name != (client.nick if client.registered else client.wanted):
        code, text = "ACCOUNT_NAME_MUST_BE_NICK", "The account has to be called as you are"
    if code:
        irc.fail(client, "REGISTER", code, account, text=text, always=True)
        return
    assert gate is not None

    def told(outcome: Outcome) -> None:
        if outcome.account:
            irc.message(client, "REGISTER", "SUCCESS", outcome.account,
                        "The account is yours, and you are logged in")
            logged_in(irc, client, outcome)
        else:
            irc.fail(client, "REGISTER", "ACCOUNT_EXISTS" if "already" in outcome.reason
                     else "UNACCEPTABLE_PASSWORD" if "password" in outcome.reason
                     else "TEMPORARILY_UNAVAILABLE", name, text=outcome.reason, always=True)

    _ask(irc, client, gate.register, name, password, told)


def verify(irc: Irc, client: Client, message: Message) -> None:
    """There is nothing to verify: no mail is sent."""
    irc.fail(client, "VERIFY", "INVALID_CODE", message.params[0],
             text="Accounts here need no verification", always=True)


# -- NickServ

WORDS = {"IDENTIFY": (1, 2), "REGISTER": (1,), "PASSWD": (1,),     # a password has no blank here
         "GHOST": (1,), "REGAIN": (1,)}
HELP = ("IDENTIFY [ACCOUNT] PASSWORD   log in", "REGISTER PASSWORD   make an account of your nick",
        "PASSWD NEW   give your account another password",
        "GHOST NICK   send away who has the nick of your account",
        "REGAIN NICK   the same, and take the nick", "HELP   this")


def nickserv(irc: Irc, client: Client, text: str) -> None:
    """What is said to NickServ is for nobody else, and is kept nowhere."""
    words = text.split()
    command, rest = (words[0].upper(), words[1:]) if words else ("", [])
    gate, account = irc.gate, client.sender.account

    def told(outcome: Outcome) -> None:
        if outcome.account and command == "PASSWD":
            _says(irc, client, f"the password of {outcome.account} is changed")
            return
        if outcome.account:
            logged_in(irc, client, outcome)
            if command == "REGISTER":
                _says(irc, client, f"the account {outcome.account} is yours now")
        elif client.guest and command == "IDENTIFY" and len(rest) == 1:
            _says(irc, client, f"you are called {client.nick} here: IDENTIFY ACCOUNT PASSWORD")
        _says(irc, client, f"you are logged in as {outcome.account}" if outcome.account
              else outcome.reason)
        if outcome.account and client.guest:
            _says(irc, client, f"you are called {client.nick} still: REGAIN {outcome.account} "
                               "takes the nick")

    if gate is None:
        _says(irc, client, "there are no accounts here")
    elif command in WORDS and len(rest) not in WORDS[command]:
        _says(irc, client, f"usage: {_usage(command)}")
    elif command == "IDENTIFY":
        _ask(irc, client, gate.verify, client.nick if len(rest) == 1 else rest[0], rest[-1], told)
    elif command == "REGISTER" and gate.registration != "off":
        if why := unfit(irc.hub, client, client.nick):
            _says(irc, client, why)
            return
        _ask(irc, client, gate.register, client.nick, rest[0], told)
    elif command == "REGISTER":
        _says(irc, client, "accounts are made by whoever runs this server")
    elif command == "PASSWD" and account:
        _ask(irc, client, gate.change, account, rest[0], told)
    elif command == "PASSWD":
        _says(irc, client, "log in first")
    elif command in ("GHOST", "REGAIN"):
        _ghost(irc, client, rest[0], regain=command == "REGAIN")
    else:
        for line in HELP:
            if gate.registration != "off" or not line.startswith("REGISTER"):
                _says(irc, client, line)


def _usage(command: str) -> str:
    """As the help has it, without what it is for."""
    return next(line.partition("   ")[0] for line in HELP if line.startswith(command))


def _ghost(irc: Irc, client: Client, nick: str, *, regain: bool) -> None:
    outcome = owners.reclaim(irc.hub, client, nick)
    if regain and client.nick != nick and (irc.find(nick) is None or owners.owns(client, nick)):
        try:
            irc.hub.rename(client, nick)
        except names.InvalidName as error:
            outcome = str(error)
    _says(irc, client, outcome)


def _says(irc: Irc, client: Client, text: str) -> None:
    irc.message(client, "NOTICE", client.nick, text,
                source=f"{NICKSERV}!{NICKSERV}@{irc.network.server}")


def _ns(irc: Irc, client: Client, message: Message) -> None:
    nickserv(irc, client, " ".join(message.params))


COMMANDS: Commands = {
    "AUTHENTICATE": IrcCommand(authenticate, 1, True), "REGISTER": IrcCommand(register, 3, True),
    "VERIFY": IrcCommand(verify, 2, True), "NS": IrcCommand(_ns), "NICKSERV": IrcCommand(_ns),
}
