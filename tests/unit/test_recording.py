"""Recordings: what was written is read back, and no file can harm who reads it."""

from __future__ import annotations

import math
import os
import zlib
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from chatops.api.events import Said
from chatops.api.snapshot import Ready, Snapshot, Turn
from chatops.replay import recording
from chatops.replay.recording import FORMAT, MAGIC, Frame, Header, RecordingError, read
from chatops.replay.writer import save
from tests.tui.program_feed import ProgramFeed
from tests.unit.imagined import WALL, as_read, client, moments, snapshot

HEADER = Header(1.7e9, "9.9", "3.11", "Linux x86_64", "epoll")


def container(stream: bytes, *, version: int = FORMAT, header: bytes | None = None) -> bytes:
    raw = msgspec.msgpack.encode(HEADER) if header is None else header
    return MAGIC + version.to_bytes(2) + len(raw).to_bytes(2) + raw + stream


def framed(*payloads: bytes) -> bytes:
    return b"".join(len(p).to_bytes(4) + zlib.crc32(p).to_bytes(4) + p for p in payloads)


def file_of(path: Path, *frames: Frame | bytes) -> Path:
    payloads = [f if isinstance(f, bytes) else msgspec.msgpack.encode(f) for f in frames]
    path.write_bytes(container(zlib.compress(framed(*payloads))))
    return path


def whole(s: Snapshot, *events: Any) -> Frame:
    return Frame(s, events, tuple(c.id for c in s.clients), tuple(k.fd for k in s.keys))


def test_a_file_cut_anywhere_gives_what_is_whole_or_says_why_not(tmp_path: Path) -> None:
    taken = as_read(moments(10))
    save(tmp_path / "demo.chatops", moments(10))
    data = (tmp_path / "demo.chatops").read_bytes()
    shown = []
    for cut in range(len(data)):
        path = tmp_path / "cut.chatops"
        path.write_bytes(data[:cut])
        try:
            found = read(path)
        except RecordingError as error:
            assert "\n" not in str(error)  # noqa: PT017  # it may also be read
            shown.append(0)
        else:
            assert list(found.moments) == taken[:len(found.moments)]
            assert found.warning.startswith("cut.chatops ends early: the first ")
            shown.append(len(found.moments))
    assert shown == sorted(shown)
    assert shown[-1] == len(taken)


@settings(deadline=None, max_examples=300)
@given(st.data())
def test_a_damaged_file_never_shows_what_was_not_written(
        tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    folder = tmp_path_factory.mktemp("damage")
    save(folder / "demo.chatops", moments(5))
    raw = bytearray((folder / "demo.chatops").read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
    (folder / "bad.chatops").write_bytes(raw)
    try:
        found = read(folder / "bad.chatops")
    except RecordingError as error:
        assert "\n" not in str(error)  # noqa: PT017
    else:
        assert list(found.moments) == as_read(moments(5))[:len(found.moments)]


@pytest.mark.parametrize(("content", "message"), [
    (b"", "is empty"),
    (b"PK\x03\x04", "is not a chatops recording"),
    (b"hello world, I am a text\n" * 99, "is not a chatops recording"),
    (MAGIC, "ends, or is damaged, within its header"),
    (container(b"", header=b"\xff" * 9), "the header of .* is damaged"),
    (container(b"", header=msgspec.msgpack.encode(replace(HEADER, made_at=math.nan))),
     "the header of .* is damaged"),
    (container(b"", version=7), r"needs a newer chatops: it is of format 7, made by chatops 9\.9;"
                                " this one reads up to format 1"),
    (container(b"", version=7, header=b"?"), "needs a newer chatops: it is of format 7; this"),
    (container(b""), "ends early: nothing of it can be shown"),
    (container(b"nonsense"), "is damaged: nothing of it can be shown"),
    (container(zlib.compress(b"")), "holds no snapshot"),
    (container(zlib.compress(b"\xff" * 8)), r"is damaged \(a frame of 4\.0G\)"),
    (container(zlib.compress(b"abc")), "is damaged"),
    (container(zlib.compress(framed(b"\x91" * 100_000))), "is damaged"),
    (container(zlib.compress(framed(b"\x00"))), "is damaged"),
])
def test_what_is_no_recording_is_refused_in_one_line(
        tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "odd.chatops"
    path.write_bytes(content)
    with pytest.raises(RecordingError, match=message) as caught:
        read(path)
    assert "\n" not in str(caught.value)


def test_what_is_no_file_is_refused_in_one_line(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for path, message in ((tmp_path, "Is a directory"), (tmp_path / "pipe", "is not a file"),
                          (tmp_path / "none", "No such file"), (tmp_path / "link", "No such file"),
                          ("a\0b", "cannot read"), ("/dev/zero", "is not a file")):
        with pytest.raises(RecordingError, match=message):
            read(path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_refused_in_one_line(tmp_path: Path) -> None:
    path = file_of(tmp_path / "secret.chatops", whole(snapshot(1, 0.1)))
    path.chmod(0)
    with pytest.raises(RecordingError, match="Permission denied"):
        read(path)


def test_a_bomb_is_unpacked_one_frame_at_a_time_and_only_so_far(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "MAX_BYTES", 10_000)
    path = file_of(tmp_path / "bomb.chatops", *[
        whole(snapshot(n, n / 10), Said(WALL, 1, "bob", "lobby", "a" * 1000)) for n in range(50)])
    found = read(path)
    assert 1 <= len(found.moments) < 10
    assert found.warning.startswith("bomb.chatops is too long: the first ")


def test_small_frames_that_unfold_into_great_snapshots_are_counted(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "MAX_ROWS", 5000)
    crowd = tuple(client(n, n) for n in range(100))
    frames = [whole(snapshot(0, 0.0, crowd))]
    frames += [Frame(snapshot(n, n / 10, (client(1, 1, queued=n),))) for n in range(1, 200)]
    found = read(file_of(tmp_path / "bomb.chatops", *frames))
    assert 10 < len(found.moments) < 50
    assert "is too long" in found.warning


BAD_TURN = Turn(2, 0.1, None, 0.0, 0.0, (), repeats=-1)


@pytest.mark.parametrize("bad", [
    whole(snapshot(2, math.nan)),
    whole(snapshot(2, math.inf)),
    whole(snapshot(2, 0.05)),
    whole(snapshot(2, 1e300)),
    whole(replace(snapshot(2, 0.2), at=1e18)),
    whole(replace(snapshot(2, 0.2), at=-5.0)),
    whole(snapshot(-2, 0.2)),
    whole(snapshot(2, 0.2, turns=(BAD_TURN,))),
    whole(snapshot(2, 0.2), Said(math.nan, 1, "bob", "lobby", "hi")),
    whole(snapshot(2, 0.2), Said(1e300, 1, "bob", "lobby", "hi")),
    whole(snapshot(2, 0.2, (replace(client(1, 1), active_at=math.nan),))),
    whole(replace(snapshot(2, 0.2), loop=replace(snapshot(2, 0.2).loop, p99=math.inf))),
    Frame(snapshot(2, 0.2), client_ids=(1, 2, 3)),
    Frame(snapshot(2, 0.2, (client(1, 1),)), client_ids=(1, 1, 1)),
    b"\xc0",
    msgspec.msgpack.encode(["a", [], None, None]),
    msgspec.msgpack.encode(whole(snapshot(2, 0.2))).replace(b"127.0.0.1", b"\xed\xa0\x80.0.0.\xff"),
])
def test_a_frame_that_makes_no_sense_ends_the_recording_there(
        tmp_path: Path, bad: Frame | bytes) -> None:
    good = whole(snapshot(1, 0.1, (client(5, 5),)))
    found = read(file_of(tmp_path / "odd.chatops", good, bad, whole(snapshot(3, 0.3))))
    assert len(found.moments) == 1
    assert "odd.chatops is damaged" in found.warning


def test_times_that_may_be_unknown_are_no_damage(tmp_path: Path) -> None:
    turn = Turn(1, 0.1, None, 0.0, 0.0, (Ready(7, 1, "waker", math.nan),))
    path = file_of(tmp_path / "fine.chatops", whole(
        snapshot(1, 0.1, turns=(turn,)), Said(WALL, 1, "null", "a", 'x":null} "y":null')))
    assert read(path).warning == ""


def test_texts_from_a_file_are_made_safe_for_a_terminal(tmp_path: Path) -> None:
    evil = "\x1b]52;c;AAAA\x07\x1b[2Jhi\u202e\x9b1m\rthere\nsecond \x00line"
    s = replace(snapshot(1, 0.1, (replace(client(1, 8), nick=evil),)), host=evil)
    plain = Said(WALL, 1, "é", "名", "-")
    found = read(file_of(tmp_path / "evil.chatops",
                         whole(s, Said(WALL, 1, evil, "lobby", evil), plain)))
    moment = found.moments[0]
    for text in (moment.snapshot.host, moment.snapshot.clients[0].nick,
                 moment.events[0].text if isinstance(moment.events[0], Said) else ""):
        assert text == "hithere\nsecond line"
    assert moment.events[1] == plain


def test_a_field_of_a_later_version_is_passed_over(tmp_path: Path) -> None:
    plain = msgspec.to_builtins(whole(snapshot(1, 0.1), Said(WALL, 1, "bob", "lobby", "hi")))
    plain[0]["colour"] = plain[1][0]["colour"] = "red"
    found = read(file_of(tmp_path / "later.chatops", msgspec.msgpack.encode(plain)))
    assert found.moments[0].snapshot == snapshot(1, 0.1)
    assert found.warning == ""


def test_a_recording_of_a_program_is_read_as_it_was_written(tmp_path: Path) -> None:
    feed = ProgramFeed(clients=3)
    feed.hold()
    feed.step(1.0)
    pictures = [feed.snapshot()]
    feed.held_since = None
    feed.step(1.0)
    pictures.append(feed.snapshot())
    save(tmp_path / "program.chatops", [(picture, ()) for picture in pictures])
    read_back = [moment.snapshot for moment in read(tmp_path / "program.chatops").moments]
    assert [s.program for s in read_back] == [s.program for s in pictures]
    assert [s.tasks for s in read_back] == [s.tasks for s in pictures]
