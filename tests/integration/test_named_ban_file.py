"""The file of bans: what it may be, who else writes to it, and a disk that fails it."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
from collections.abc import Callable
from pathlib import Path
from threading import Event

import pytest

from chatops.api.commands import Ban, Bans, Reload, Unban
from chatops.api.events import Warned
from chatops.server import ban_file
from chatops.server.banning import SAVE_PATIENCE
from tests.integration.command import refused, run
from tests.integration.harness import PATIENCE, Clock, Served, Server

StartServer = Callable[..., Server]
StartProcess = Callable[..., Served]

HERE = [{"network": "127.0.0.2/32", "at": 1.0}]


def networks(file: Path) -> set[str]:
    return {row["network"] for row in json.loads(file.read_text("utf-8"))}


def assert_set(event: Event) -> None:
    assert event.wait(PATIENCE)


def turned_away(chat: Server | Served, source: str) -> bool:
    with socket.create_connection(chat.address, PATIENCE, (source, 0)) as sock:
        return sock.recv(100).startswith(b"*** error: you are banned")



@pytest.mark.parametrize("content", [b"", b" \n", b"\xef\xbb\xbf", b"\xef\xbb\xbf[]",
                                     "[]".encode("utf-16")])
def test_an_empty_file_is_no_bans(server: StartServer, tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "bans.json"
    file.write_bytes(content)
    chat = server(ban_file=str(file))
    assert chat.do(Bans()).text == "nobody is banned"
    chat.do(Ban("127.0.0.2"))
    assert networks(file) == {"127.0.0.2/32"}


def test_a_link_stays_one_and_its_target_keeps_its_mode(server: StartServer,
                                                        tmp_path: Path) -> None:
    target, link = tmp_path / "real" / "bans.json", tmp_path / "bans.json"
    target.parent.mkdir()
    target.write_text("[]", "utf-8")
    target.chmod(0o640)
    link.symlink_to("real/bans.json")
    chat = server(ban_file=str(link))
    chat.do(Ban("127.0.0.2"))
    assert os.readlink(link) == "real/bans.json"
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    assert networks(target) == {"127.0.0.2/32"}
    assert os.listdir(target.parent) == ["bans.json"]


def test_a_link_that_leads_nowhere_yet_leads_to_the_bans(server: StartServer,
                                                         tmp_path: Path) -> None:
    link = tmp_path / "bans.json"
    link.symlink_to("target.json")
    server(ban_file=str(link)).do(Ban("127.0.0.2"))
    assert link.is_symlink()
    assert networks(tmp_path / "target.json") == {"127.0.0.2/32"}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_a_file_keeps_its_owner(tmp_path: Path) -> None:
    file = tmp_path / "bans.json"
    file.write_text("[]", "utf-8")
    os.chown(file, 12345, 54321)
    ban_file.write(file, b"[]\n")
    assert (file.stat().st_uid, file.stat().st_gid) == (12345, 54321)


@pytest.fixture(params=["rename", "chown"])
def in_the_way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that cannot be replaced: it is mounted there by itself, or is somebody else's."""
    def busy(self: Path, _target: Path) -> None:
        raise OSError(16, "Device or resource busy", str(self))

    def not_permitted(_fd: int, _before: os.stat_result) -> None:
        raise PermissionError(1, "Operation not permitted")

    if request.param == "rename":
        monkeypatch.setattr(Path, "replace", busy)
    else:
        monkeypatch.setattr(ban_file, "_give", not_permitted)


@pytest.mark.usefixtures("in_the_way")
def test_a_file_that_cannot_be_replaced_is_written_in_place(server: StartServer,
                                                            tmp_path: Path) -> None:
    file = tmp_path / "bans.json"
    file.write_text(json.dumps(HERE * 100), "utf-8")
    inode = file.stat().st_ino
    server(ban_file=str(file)).do(Unban("127.0.0.2"))
    assert file.stat().st_ino == inode
    assert json.loads(file.read_text("utf-8")) == []
    assert os.listdir(tmp_path) == ["bans.json"]


def test_what_was_changed_by_hand_is_merged_before_it_is_overwritten(
        server: StartServer, tmp_path: Path) -> None:
    file = tmp_path / "bans.json"
    chat = server(ban_file=str(file))
    chat.do(Ban("127.0.0.2"))
    chat.do(Ban("127.0.0.3"))
    file.write_text('[{"network": "127.0.0.2/32", "at": 1}, {"network": "127.0.0.4", "at": 1}]',
                    "utf-8")
    result = chat.do(Ban("127.0.0.5"))
    assert result.text == (f"banned 127.0.0.5/32 for good; {file} had been changed by hand "
                           "(2 added, 1 lifted)")
    assert networks(file) == {"127.0.0.2/32", "127.0.0.4", "127.0.0.5/32"}
    assert turned_away(chat, "127.0.0.4")
    assert not turned_away(chat, "127.0.0.3")
    assert chat.do(Ban("127.0.0.6")).text == "banned 127.0.0.6/32 for good"


def test_of_what_was_changed_on_both_sides_the_command_stays(server: StartServer,
                                                             tmp_path: Path) -> None:
    file = tmp_path / "bans.json"
    file.write_text(json.dumps(HERE), "utf-8")
    chat = server(ban_file=str(file))
    file.write_text('[{"network": "127.0.0.2/32", "at": 9, "reason": "by hand"}]', "utf-8")
    chat.do(Unban("127.0.0.2"))
    assert networks(file) == set()
    assert not turned_away(chat, "127.0.0.2")


@pytest.mark.parametrize("content", ["[{", '{"a": 1}'])
def test_what_was_broken_by_hand_is_not_overwritten(server: StartServer, tmp_path: Path,
                                                    content: str) -> None:
    file = tmp_path / "bans.json"
    chat = server(ban_file=str(file))
    chat.do(Ban("127.0.0.2"))
    file.write_text(content, "utf-8")
    result = chat.submit(Ban("127.0.0.3"))
    assert not result.ok
    assert result.text.startswith("banned 127.0.0.3/32 for good, but only until the server stops: "
                                  f"cannot write the ban file: {file}: not a file of bans: ")
    assert file.read_text("utf-8") == content
    assert turned_away(chat, "127.0.0.3")
    file.write_text("[]", "utf-8")
    chat.do(Ban("127.0.0.4"))                  # mended: what could not be written is
    assert networks(file) == {"127.0.0.3/32", "127.0.0.4/32"}


def test_reload_reads_the_bans_again_and_sends_away_whom_they_name(server: StartServer,
                                                                   tmp_path: Path) -> None:
    file = tmp_path / "bans.json"
    chat = server(ban_file=str(file))
    client = chat.client(source="127.0.0.2")
    assert chat.do(Reload()).text == f"{file} has no other bans"
    file.write_text('[{"network": "127.0.0.2", "at": 1, "reason": "spam"}]', "utf-8")
    assert chat.do(Reload()).text == f"{file} was changed by hand (1 added)"
    client.expect("*** you were banned: spam")
    assert chat.wait_for(Warned).text == "the ban file was changed by hand (1 added)"
    file.write_text("[]", "utf-8")
    assert chat.do(Reload()).text == f"{file} was changed by hand (1 lifted)"
    chat.client(source="127.0.0.2")


def test_a_file_that_is_gone_lifts_no_ban(server: StartServer, tmp_path: Path) -> None:
    file = tmp_path / "bans.json"
    chat = server(ban_file=str(file))
    chat.do(Ban("127.0.0.2"))
    file.unlink()
    result = chat.submit(Reload())
    assert (result.ok, result.text) == (False, f"cannot read the ban file: {file} is gone; its "
                                               "bans stay, and the next one brings it back")
    chat.do(Ban("127.0.0.3"))
    assert networks(file) == {"127.0.0.2/32", "127.0.0.3/32"}


def test_sighup_reads_the_bans_again(served: StartProcess, tmp_path: Path) -> None:
    file = tmp_path / "bans.json"
    chat = served("--ban-file", str(file))
    file.write_text(json.dumps(HERE), "utf-8")
    chat.signal(signal.SIGHUP)
    chat.wait_for_line(r'AdminDid line="reload" outcome=".*changed by hand \(1 added\)" ok=True')
    assert turned_away(chat, "127.0.0.2")


def test_ctl_says_that_a_ban_could_not_be_saved_and_exits_with_1(server: StartServer,
                                                                 tmp_path: Path) -> None:
    folder, control = tmp_path / "folder", str(tmp_path / "control")
    folder.mkdir()
    server(ban_file=str(folder / "bans.json"), control=control)
    folder.rmdir()
    line = refused(run("ctl", "--socket", control, "ban", "127.0.0.2", cwd=tmp_path), 1,
                   prefix="banned ")
    assert line == ("127.0.0.2/32 for good, but only until the server stops: cannot write the ban "
                    "file: No such file or directory")


def test_a_disk_that_is_slow_holds_up_the_answer_and_nobody_else(
        server: StartServer, tmp_path: Path) -> None:
    chat = server(ban_file=str(tmp_path / "bans.json"))
    hold = Event()
    chat.thread.journal.later(lambda: assert_set(hold), "wait for the disk")
    first = chat.thread.submit(Ban("127.0.0.2"))
    others = [chat.thread.submit(Ban(f"127.0.1.{n}")) for n in range(20)]
    chat.turn()
    assert turned_away(chat, "127.0.0.2")
    assert not first.done()
    hold.set()
    assert all(future.result(PATIENCE).ok for future in (first, *others))
    assert len(networks(tmp_path / "bans.json")) == 21


def test_a_disk_that_is_very_slow_is_told_of(server: StartServer, tmp_path: Path) -> None:
    file = tmp_path / "bans.json"
    chat, hold = server(ban_file=str(file)), Event()
    clock = Clock(chat)
    chat.thread.journal.later(lambda: assert_set(hold), "wait for the disk")
    future = chat.thread.submit(Ban("127.0.0.2"))
    chat.turn()
    clock.advance(SAVE_PATIENCE)
    result = future.result(PATIENCE)
    hold.set()
    assert (result.ok, result.text) == (
        False, f"banned 127.0.0.2/32 for good, but it is not in {file} yet: the disk is slow")
    chat.do(Ban("127.0.0.3"))
    assert networks(file) == {"127.0.0.2/32", "127.0.0.3/32"}
