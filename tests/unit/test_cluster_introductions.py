"""A node tells all of itself at once, and again after a pause that grows with the others."""

from __future__ import annotations

from chatops.cluster.introductions import PAUSE, Introductions


def test_the_first_is_told_at_once_and_the_next_after_a_pause_for_each_other_node() -> None:
    introductions = Introductions()
    assert introductions.wait(100.0) == 0
    introductions.told(100.0, 1000)
    assert introductions.wait(101.0) == 1000 * PAUSE - 1.0
    assert introductions.wait(100.0 + 1000 * PAUSE) == 0
