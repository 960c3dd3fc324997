"""So many seconds in a window for each, and no more."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chatops.server import patience
from chatops.server.patience import Patience

MOST, WINDOW = 2.0, 60.0


def test_what_was_spent_is_there_again_a_window_later() -> None:
    left: Patience[str] = Patience(MOST, WINDOW)
    left.spend(100.0, "ada", 1.5)
    assert left.left(100.0, "ada") == 0.5
    assert left.left(100.0, "bob") == MOST
    left.spend(100.0, "ada", 1.0)
    assert left.left(100.0, "ada") == 0.0
    assert left.left(100.0 + WINDOW / 2, "ada") == MOST / 2
    assert left.left(100.0 + 2 * WINDOW, "ada") == MOST
    left.forget("ada")
    assert left.left(100.0, "ada") == MOST


def test_who_has_all_of_it_again_need_not_be_remembered() -> None:
    left: Patience[int] = Patience(MOST, WINDOW)
    for number in range(patience.KEPT):
        left.spend(0.0, number, 1.0)
    left.spend(WINDOW, -1, 1.0)
    assert len(left._left) == 1
    assert left.left(WINDOW, -1) == MOST - 1.0


def test_thousands_that_have_none_left_are_not_gone_through_each_time_one_spends() -> None:
    looks = 0

    class Counted(Patience[int]):
        def left(self, now: float, whose: int) -> float:
            nonlocal looks
            looks += 1
            return super().left(now, whose)

    left = Counted(MOST, WINDOW)
    many = 8 * patience.KEPT
    for number in range(many):
        left.spend(0.0, number, 1.0)
    assert looks <= 4 * many
    assert all(left.left(0.0, number) == MOST - 1.0 for number in range(many))


@given(st.lists(st.tuples(st.floats(0, 30), st.floats(0, 5)), max_size=60))
def test_nobody_spends_more_than_there_is(steps: list[tuple[float, float]]) -> None:
    left: Patience[str] = Patience(MOST, WINDOW)
    now = spent = 0.0
    for pause, wanted in steps:
        now += pause
        takes = min(wanted, left.left(now, "ada"))
        left.spend(now, "ada", takes)
        spent += takes
    assert spent <= MOST + now * MOST / WINDOW + 1e-6       # what adding floats costs
