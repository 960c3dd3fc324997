"""Keys of the console: what is timed, and how the table tells it."""

from __future__ import annotations

import os
import re
import threading

import pytest

from chatops.bench.answers import Answers, KeysResult
from chatops.bench.keys import WANTED, _all_there, _share, keys_lines
from chatops.bench.plan import KEYS, PARTS, Findings, Plan
from chatops.bench.runner import BenchError, NullTerminal
from tests.integration.until import until

RESULT = KeysResult(10_000, tuple(
    Answers(kind, 0.020, 0.040, 0.010, 0.020) for kind in WANTED), 0.11)


def test_the_table_has_a_line_for_each_kind_with_what_is_wanted_and_the_ratios() -> None:
    heading, columns, *lines, drawing = keys_lines(RESULT)
    assert "10,000 clients" in heading
    assert columns.split() == ["median", "p99", "x", "median", "x", "p99", "wanted"]
    assert [line.split()[0] for line in lines] == list(WANTED)
    assert lines[0].split() == ["key", "20", "ms", "(10", "ms)", "40", "ms", "(20", "ms)", "2.0",
                                "2.0", "50", "ms"]
    assert "11% of a core" in drawing


def test_where_the_system_tells_no_times_of_threads_that_line_is_left_out() -> None:
    assert not any("drawing" in line for line in
                   keys_lines(KeysResult(100, RESULT.answers, None)))


def test_the_crowd_is_there_when_the_title_of_its_pane_says_so_and_not_some_colour() -> None:
    there = re.compile(_all_there(1040))
    assert there.search(b"\x1b[1m 1 Clients (1,040)  sort: APPQ \x1b[0m")
    assert not there.search(b"\x1b[48;2;40;40;1,040m clients 1,040 \x1b[0m 1 Clients (21,040)")


def test_a_share_of_the_keys_is_one_of_their_times() -> None:
    times = [float(n) for n in range(1, 101)]
    assert _share(times, 0.5) == 51.0
    assert _share(times, 0.99) == 100.0
    assert _share([3.0], 0.99) == 3.0


def test_it_is_a_part_of_its_own_and_its_failure_is_one_of_the_errors() -> None:
    assert KEYS in PARTS
    findings = Findings(Plan(), {})
    assert findings.errors == []
    findings.keys_error = "no answer"
    assert findings.errors == ["no answer"]


def test_an_answer_counts_only_if_it_was_drawn_after_the_key() -> None:
    terminal = NullTerminal()
    try:
        os.write(terminal.slave, b"answer ")
        until(lambda: b"answer" in terminal.answer)    # by the thread that reads
        with pytest.raises(BenchError, match="did not answer"):
            terminal.ask(b"", re.compile(rb"answer"), 0.05)
        later = threading.Timer(0.05, os.write, (terminal.slave, b"the answer"))
        later.start()
        assert terminal.ask(b"", re.compile(rb"answer"), 5.0) > 0
        later.join()
    finally:
        terminal.close()
