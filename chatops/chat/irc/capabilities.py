"""The capabilities there are, and which of them change what a room's lines look like.

Source: the IRCv3 specifications (https://ircv3.net/irc/).
"""

from __future__ import annotations

from enum import IntFlag


class Form(IntFlag):
    """The forms of what a room hears: each set of these is a dialect of its own."""

    TIME = 1
    TAGS = 2
    ACCOUNT_TAG = 4
    JOIN = 8
    AWAY = 16
    ACCOUNT = 32
    SETNAME = 64
    HOST = 128
    INVITE = 256
    ECHO = 512


TALK = Form.TIME | Form.TAGS | Form.ACCOUNT_TAG        # those that change talk

FORMS: dict[str, Form] = {
    "server-time": Form.TIME, "message-tags": Form.TAGS, "account-tag": Form.ACCOUNT_TAG,
    "extended-join": Form.JOIN, "away-notify": Form.AWAY, "account-notify": Form.ACCOUNT,
    "setname": Form.SETNAME, "chghost": Form.HOST, "invite-notify": Form.INVITE,
    "echo-message": Form.ECHO,
}

# These change answers to one client alone.
OTHERS = ("batch", "cap-notify", "extended-monitor", "labeled-response", "multi-prefix",
          "no-implicit-names", "standard-replies", "userhost-in-names")

OFFERED = tuple(sorted((*FORMS, *OTHERS)))


def form_of(names: set[str]) -> Form:
    """What a room's lines look like to a client with these capabilities."""
    form = Form(0)
    for name in names:
        form |= FORMS.get(name, Form(0))
    return form
