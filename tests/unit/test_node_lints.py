"""What is wrong between nodes is found where it is, and the header says it in a few words."""

from __future__ import annotations

from msgspec.structs import replace

from chatops.api.node_table import ALONE, HEAD, engine_line, summary, table
from chatops.api.snapshot import EngineRow, NodeRow, Snapshot
from chatops.lints import find
from chatops.lints.nodes import OTHERS_SHOWN, UNREAD_SHOWN
from tests.unit.imagined import snapshot

HERE = NodeRow("a", "here", 2, 1, 0.001, 0, 0, 0, 0.2, 100.0)
THERE = NodeRow("b", "up", 3, 1, 0.002, 0, 0, 0, 0.0, 99.0)
UP = EngineRow("127.0.0.1:6379/0", "up", "", 40.0)


def scene(mono: float = 100.0, *, here: NodeRow = HERE, there: NodeRow = THERE,
          engine: EngineRow | None = UP) -> Snapshot:
    plain = snapshot(1, mono)
    return replace(plain, nodes=(here, there), engine=engine) if engine is not None else plain


def codes(now: Snapshot, before: Snapshot | None = None) -> list[str]:
    return [lint.code for lint in find(now, before) if lint.code in (
        "engine-away", "node-gone", "node-version", "lines-lost", "clock-skew",
        "frames-unread")]


def test_nodes_at_peace_have_nothing_to_object_to() -> None:
    assert codes(scene(101.0), scene()) == []
    assert summary(scene()) == ("nodes 2/2", True)
    assert engine_line(scene()) == "127.0.0.1:6379/0 has been reached for 1m"


def test_a_server_alone_says_nothing_of_nodes() -> None:
    alone = scene(engine=None)
    assert (codes(alone), summary(alone), list(table(alone)), engine_line(alone)) == (
        [], ("", True), [(ALONE,)], "")


def test_an_engine_that_is_away_for_long_is_told_with_its_own_words() -> None:
    away = replace(UP, state="away", reason="OOM command not allowed", since=88.0)
    now = scene(here=replace(HERE, buffered=34 << 10), engine=away)
    [lint] = [lint for lint in find(now) if lint.code == "engine-away"]
    assert "OOM command not allowed" in lint.summary
    assert "34.0K waiting" in lint.summary
    assert summary(now) == ("alone 12s, 34.0K buffered", False)
    assert codes(scene(90.0, engine=away)) == []       # as yet it may be a restart


def test_a_node_that_has_gone_is_missed_and_one_that_has_left_is_not() -> None:
    gone = scene(there=replace(THERE, state="gone"))
    assert codes(gone) == ["node-gone"]
    assert summary(gone) == ("nodes 1/2", False)
    left = scene(there=replace(THERE, state="left"))
    assert codes(left) == []
    assert summary(left) == ("nodes 1/1", True)


def test_a_node_of_another_version_is_told_as_long_as_it_is_there() -> None:
    stranger = replace(THERE, state="other version")
    assert codes(scene(there=stranger)) == ["node-version"]
    assert codes(scene(there=stranger, mono=THERE.seen + OTHERS_SHOWN)) == []


def test_a_clock_that_is_wrong_is_told_of_whichever_nodes_it_is() -> None:
    assert codes(scene(there=replace(THERE, skew=-1.9))) == []
    [lint] = [lint for lint in find(scene(there=replace(THERE, skew=-3600.0)))
              if lint.code == "clock-skew"]
    assert lint.summary == "the clock of node b is 1h behind the engine's"
    [lint] = find(scene(there=replace(THERE, skew=3599.9)))    # it is not known exactly
    assert lint.summary == "the clock of node b is 1h ahead of the engine's"
    assert codes(scene(here=replace(HERE, skew=2.1))) == ["clock-skew"]
    assert codes(scene(there=replace(THERE, skew=9.0, state="gone"))) == ["node-gone"]


def test_lines_that_are_lost_are_told_for_a_while_but_not_those_of_before_anybody_looked() -> None:
    lossy = replace(THERE, lost=2)
    assert codes(scene(there=lossy)) == []
    before, now = scene(), scene(101.0, there=lossy)
    assert codes(now, before) == ["lines-lost"]
    told = replace(now, lints=find(now, before))
    assert codes(scene(130.0, there=lossy), told) == ["lines-lost"]
    assert codes(scene(162.0, there=lossy), told) == []


def test_each_node_that_loses_lines_is_told_of_for_as_long_as_another() -> None:
    def lost(mono: float, b: int, c: int, before: Snapshot | None) -> Snapshot:
        plain = scene(mono, there=replace(THERE, lost=b))
        now = replace(plain, nodes=(*plain.nodes, replace(THERE, name="c", lost=c)))
        return replace(now, lints=find(now, before))

    def told(now: Snapshot) -> set[str]:
        return {lint.summary for lint in now.lints if lint.code == "lines-lost"}

    b, c = ("node b: 3 frames of lines never came", "node c: 4 frames of lines never came")
    both = lost(101.0, 3, 4, lost(100.0, 0, 0, None))
    assert told(both) == {b, c}
    first = lost(101.0, 3, 0, lost(100.0, 0, 0, None))
    second = lost(131.0, 3, 4, first)
    assert (told(first), told(second)) == ({b}, {b, c})
    assert told(lost(162.0, 3, 4, second)) == {c}
    assert told(lost(192.0, 3, 4, second)) == set()


def test_the_table_has_a_row_for_each_node_as_wide_as_its_head() -> None:
    rows = list(table(scene()))
    assert rows[0] == HEAD
    assert [row[:3] for row in rows[1:]] == [("a", "here", "2"), ("b", "up", "3")]
    assert {len(row) for row in rows} == {len(HEAD)}
    _, here, there = table(scene(here=replace(HERE, skew=-0.0004), there=replace(THERE, skew=-3.0)))
    assert (here[HEAD.index("SKEW")], there[HEAD.index("SKEW")]) == ("+0.0s", "-3.0s")


def test_a_node_with_another_secret_is_told_of_for_a_while() -> None:
    wrong = replace(UP, unread=2, unread_at=90.0)
    [lint] = [lint for lint in find(scene(engine=wrong)) if lint.code == "frames-unread"]
    assert "2 frames" in lint.summary
    assert codes(scene(89.0 + UNREAD_SHOWN, engine=wrong)) == ["frames-unread"]
    assert codes(scene(90.0 + UNREAD_SHOWN, engine=wrong)) == []
