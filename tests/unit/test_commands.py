"""One table of commands: what is rendered parses back, and errors say what was expected."""

from __future__ import annotations

import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatops.api.command_line import CommandError, parse, render
from chatops.api.command_table import SPECS, Param, Spec, find, spec_of
from chatops.api.commands import (
    Ban,
    Broadcast,
    Command,
    Details,
    Filter,
    Kick,
    Limit,
    Mute,
    Quit,
    Spawn,
    Step,
)

letters = st.sampled_from(string.ascii_letters)
nicks = st.builds(str.__add__, letters,
                  st.text(string.ascii_letters + string.digits + "_-[]`^", max_size=8))
clients = nicks | st.integers(1, 10**6).map(str)
words = st.text(max_size=12) | st.sampled_from(['"', "'", "a b", '"a" b', "\\", "a\\\\ b", "-10s"])
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "targets": st.lists(clients, min_size=1, max_size=4).map(tuple),
    "target": clients,
    "ban": clients | st.sampled_from(["10.0.0.1", "10.0.0.0/8", "2001:db8::/32"]),
    "duration": st.floats(0, 1e8) | st.integers(0, 10**8).map(float),
    "seconds": st.floats(0, 1e8),
    "number": st.integers(),
    "network": words, "limit": words, "word": words, "column": words, "file": words,
    "lesson": words, "text": words, "theme": words, "columns": words, "view": words,
    "alert": words,
}


def values(spec: Spec, param: Param) -> st.SearchStrategy[Any]:
    """What a parameter may hold; its default as well when it may be left out."""
    given_ = st.sampled_from(param.choices) if param.kind == "choice" else VALUES[param.kind]
    if not param.optional:
        return given_
    default = getattr(spec.command(**_required(spec)), param.field)
    return st.just(default) | given_


def _required(spec: Spec) -> dict[str, Any]:
    return {p.field: () for p in spec.params if not p.optional}


commands = st.sampled_from(SPECS).flatmap(lambda spec: st.builds(
    spec.command, **{param.field: values(spec, param) for param in spec.params}))


@given(commands)
def test_what_is_rendered_parses_back(command: Command) -> None:
    line = render(command)
    assert parse(line) == command
    assert parse(f":{line}") == command
    assert render(parse(line)) == line


@given(st.text(max_size=40))
def test_any_line_is_a_command_or_an_error(line: str) -> None:
    try:
        command = parse(line)
    except CommandError:
        return
    assert parse(render(command)) == command


@given(st.sampled_from(SPECS), st.text(max_size=20))
def test_any_argument_is_understood_or_refused(spec: Spec, rest: str) -> None:
    try:
        command = parse(f"{spec.name} {rest}")
    except CommandError:
        return
    assert isinstance(command, spec.command)


@pytest.mark.parametrize(("line", "command"), [
    ("kick 3", Kick(("3",))),
    ("kick #3,bob being rude", Kick(("3", "bob"), "being rude")),
    ('kick 3 "slow reader"', Kick(("3",), "slow reader")),
    ("kick 3 'it''s'", Kick(("3",), "its")),
    ('kick 3 "a" and "b"', Kick(("3",), '"a" and "b"')),
    ("ban bob", Ban("bob")),
    ("ban bob 10m", Ban("bob", 600.0)),
    ("ban bob spam again", Ban("bob", 0.0, "spam again")),
    ("ban 10.0.0.0/8 1d spam", Ban("10.0.0.0/8", 86_400.0, "spam")),
    ("mute 3 30s", Mute(("3",), 30.0)),
    ("say   hello  there ", Broadcast("hello  there")),
    ("broadcast [/] %s", Broadcast("[/] %s")),
    ("limits", Limit()),
    ("limit rate off", Limit("rate", "off")),
    ("spawn slow", Spawn("slow")),
    ("spawn slow 5", Spawn("slow", 5)),
    ("step -1", Step(-1)),
    ("details", Details()),
    ("filter !bob", Filter("!bob")),
    ("filter", Filter()),
    (" : q now ", Quit("now")),
    ("kick\t3", Kick(("3",))),
])
def test_a_line_is_read_as_an_operator_means_it(line: str, command: Command) -> None:
    assert parse(line) == command


@pytest.mark.parametrize(("line", "says"), [
    ("", r"\? lists them"),
    (":", r"\? lists them"),
    ("nonsense", r"no command 'nonsense'; \?"),
    ("bro", "did you mean broadcast"),
    ("kik 1", r"no command 'kik'; did you mean kick\?"),
    ("syay hi", r"did you mean say\?"),
    ("x" * 5000, r"; \? lists them"),
    ("un", "unban or unmute or untag"),
    ("kick", r"usage: kick CLIENT,… \[REASON\]"),
    ("kick ,#", "wants ids or nicks, as in 3,bob"),
    ("spawn", "usage: spawn KIND"),
    ("spawn nice", "KIND is one of chat, bot, slow"),
    ("spawn slow many", "COUNT wants a whole number, not 'many'"),
    ("selector kq", "BACKEND is one of select, poll"),
    ("mute 3 soon", "too much: 'soon'"),
    ("refresh soon", "write 30s"),
    ("bans all", "usage: bans; too much: 'all'"),
    ("step", "usage: step"),
])
def test_an_error_says_what_was_expected(line: str, says: str) -> None:
    with pytest.raises(CommandError, match=says):
        parse(line)


def test_every_command_is_in_the_table_once() -> None:
    listed = [spec.command for spec in SPECS]
    assert len(listed) == len(set(listed))
    assert set(listed) == set(Command.__subclasses__())
    names = [name for spec in SPECS for name in (spec.name, *spec.aliases)]
    assert len(names) == len(set(names))
    for spec in SPECS:
        assert find(spec.name) is spec
        assert spec_of(spec.command) is spec
    assert find("nonsense") is None


def test_every_row_agrees_with_its_command() -> None:
    for spec in SPECS:
        fields = spec.command.__struct_fields__
        assert fields == tuple(param.field for param in spec.params), spec.name
        assert spec.command.__struct_config__.tag == spec.name
        optional = [param.optional for param in spec.params]
        assert optional == sorted(optional), f"{spec.name}: a must after a may"
        assert len(spec.command.__struct_defaults__) == sum(optional), spec.name
        assert all(param.kind != "text" for param in spec.params[:-1]), spec.name


def test_no_key_runs_two_commands_and_each_begins_a_command_there_is() -> None:
    keys = [(key, line) for spec in SPECS for key, line in spec.keys]
    assert len(keys) == len({key for key, _ in keys})
    for key, line in keys:
        assert find(line.split()[0]) is not None, key


def test_nothing_that_harms_sits_on_a_key_pressed_by_mistake() -> None:
    treacherous = {"ctrl+k", "ctrl+d", "delete", "backspace"}
    assert not treacherous & {key for spec in SPECS for key, _ in spec.keys}


def test_every_row_has_a_sentence_and_a_usage() -> None:
    for spec in SPECS:
        assert spec.help.endswith("."), spec.name
        assert spec.usage.startswith(spec.name)
        assert len(spec.help) <= 80
