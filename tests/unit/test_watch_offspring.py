"""Which processes of a watched program's could be looked into."""

from __future__ import annotations

from pathlib import Path

from chatops.watch.offspring import pythons


def process(proc: Path, pid: int, exe: str, *words: str) -> str:
    (proc / str(pid)).mkdir()
    (proc / str(pid) / "exe").symlink_to(exe)
    (proc / str(pid) / "cmdline").write_bytes(b"\0".join(map(str.encode, words)) + b"\0")
    return str(pid)


def test_only_pythons_count_that_do_the_program_s_own_work(tmp_path: Path) -> None:
    children = [
        process(tmp_path, 5, "/usr/bin/python3.11", "python", "worker.py"),
        process(tmp_path, 6, "/usr/bin/sleep", "sleep", "9"),
        process(tmp_path, 7, "/usr/bin/python3.11", "python", "-c",
                "from multiprocessing.resource_tracker import main;main(4)"),
        "8"]                                   # it has just ended
    for thread, its in (("1", children[:2]), ("2", children[2:])):
        (tmp_path / "self" / "task" / thread).mkdir(parents=True)
        (tmp_path / "self" / "task" / thread / "children").write_text(" ".join(its) + " ")
    assert pythons(tmp_path) == 1


def test_where_the_system_does_not_tell_there_are_none(tmp_path: Path) -> None:
    assert pythons(tmp_path / "proc") == 0
