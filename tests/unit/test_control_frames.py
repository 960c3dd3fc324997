"""Frames on the control socket: found in any stream, bounded, and every message survives."""

from __future__ import annotations

import typing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatops.api import events
from chatops.api.command_line import parse
from chatops.api.command_table import SPECS
from chatops.api.commands import Command, CommandResult
from chatops.control.frames import (
    HEAD,
    MAX_REQUEST,
    PROTOCOL,
    Ask,
    Bye,
    ControlMessage,
    Done,
    FrameDecoder,
    FrameError,
    Hello,
    Poll,
    ServerCommand,
    Update,
    Welcome,
    pack,
    read_reply,
    read_request,
)
from tests.unit.imagined import client, idle_turn, snapshot

REQUESTS: tuple[ControlMessage, ...] = (
    Hello(PROTOCOL), Poll(), Poll(snapshot=False), Poll(now=True),
    *(Ask(n, parse(line)) for n, line in enumerate((  # type: ignore[arg-type]  # server commands
        "kick 3,bob too loud", "ban 10.0.0.0/8 1h spam", "unban 10.0.0.1", "bans",
        "mute bob 5m", "unmute 3", "broadcast hello", "limit outbox 2M", "selector poll",
        "write-interest always stay", "slow-consumer evict", "spawn slow 3", "despawn",
        "quit drain"))),
)
REPLIES: tuple[ControlMessage, ...] = (
    Welcome(PROTOCOL, "1.0", 1, "127.0.0.1", 9999),
    Done(7, CommandResult(True, "kicked", ("a", "b"))),
    Update((), 0), Bye("the server has stopped"), Bye("it crashed", failed=True),
    Update((events.Said(1.0, 1, "ada", "lobby", "grüße"), events.ServerStopped(2.0, "x")), 3),
)


def frames(splitter: FrameDecoder) -> list[bytes]:
    return list(iter(splitter.next, None))


@pytest.mark.parametrize("message", REQUESTS, ids=str)
def test_every_request_arrives_as_it_was(message: ControlMessage) -> None:
    assert read_request(pack(message)[HEAD:]) == message


@pytest.mark.parametrize("message", REPLIES, ids=lambda message: type(message).__name__)
def test_every_reply_arrives_as_it_was(message: ControlMessage) -> None:
    assert read_reply(pack(message)[HEAD:]) == message


def test_a_snapshot_arrives_as_it_was() -> None:
    taken = snapshot(7, 1.5, (client(3, 9, queued=70_000),), turns=(idle_turn(6, 2),))
    reply = read_reply(pack(Update((), 0, taken))[HEAD:])
    assert isinstance(reply, Update)
    assert reply.snapshot == taken


def test_what_can_be_asked_is_what_the_table_gives_to_the_server() -> None:
    assert set(typing.get_args(ServerCommand)) == {
        spec.command for spec in SPECS if spec.where == "server"}
    assert all(issubclass(command, Command) for command in typing.get_args(ServerCommand))


@given(st.lists(st.binary(min_size=1, max_size=300), max_size=8), st.data())
def test_frames_are_found_however_the_stream_is_cut(bodies: list[bytes],
                                                    data: st.DataObject) -> None:
    stream = b"".join(len(body).to_bytes(HEAD) + body for body in bodies)
    splitter, found, at = FrameDecoder(300), [], 0
    while at < len(stream):
        step = data.draw(st.integers(1, len(stream) - at))
        splitter.feed(stream[at:at + step])
        found += frames(splitter)
        at += step
    assert found == bodies


@pytest.mark.parametrize("size", [0, 301, 1 << 31, (1 << 32) - 1])
def test_a_length_that_cannot_be_is_refused_before_anything_is_held(size: int) -> None:
    splitter = FrameDecoder(300)
    splitter.feed(size.to_bytes(HEAD))
    with pytest.raises(FrameError, match=f"{size:,} bytes"):
        splitter.next()


def test_a_frame_that_has_not_ended_is_none() -> None:
    splitter = FrameDecoder(MAX_REQUEST)
    splitter.feed(pack(Hello(PROTOCOL))[:-1])
    assert splitter.next() is None


@given(st.binary(max_size=200))
def test_bytes_that_are_no_message_are_refused_in_one_line(body: bytes) -> None:
    for read in (read_request, read_reply):
        try:
            outcome: object = read(body)
        except FrameError as error:
            outcome = str(error).split("\n")
        assert isinstance(outcome, ControlMessage) or len(outcome) == 1  # type: ignore[arg-type]  # lines


@pytest.mark.parametrize("body", [
    b"\x91" * 100_000,                                  # an array in an array in an array …
    b"\x81\xa4type\xa4Look",                            # a request, in its shortest form
    b"\x81\xa4type\xa5Quit!",
    b"\x82\xa4type\xa5Hello\xa8protocol\xa3one",
])
def test_a_wrong_shape_is_refused_and_a_short_one_is_not(body: bytes) -> None:
    if b"Look" in body:
        assert read_request(body) == Poll()
    else:
        with pytest.raises(FrameError):
            read_request(body)
