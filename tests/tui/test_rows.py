"""Columns, filters and order of the two tables, without a terminal."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from rich.cells import cell_len

from chatops.api.snapshot import ClientRow, far_row
from tests.tui.feed import Feed
from tui.model import rows
from tui.model.columns import CellContext, place
from tui.model.filters import FilterError, apply, check
from tui.model.state import ConsoleState
from tui.model.view import CLIENT_COLUMNS, KEY_COLUMNS, PaneView
from tui.text.cells import clean, fit, format_count, format_rate
from tui.widgets import detail_strip

CLIENTS = Feed().snapshot().clients
LOOK = CellContext(now=Feed().now)


def nicks(expression: str) -> list[str]:
    return [row.nick for row in apply(CLIENTS, expression, rows.CLIENTS, LOOK)]


def test_a_word_matches_in_any_column() -> None:
    assert nicks("BOB") == ["bob"]
    assert nicks("50127") == ["bob"]
    assert nicks("ops") == [row.nick for row in CLIENTS if row.room == "ops"]


def test_an_exclamation_mark_inverts_and_words_are_all_wanted() -> None:
    assert "bob" not in nicks("!bob")
    assert len(nicks("!bob")) == len(CLIENTS) - 1
    assert nicks("lobby !ali !bob id:<4") == ["carol"]


def test_a_column_can_be_named_and_compared() -> None:
    assert nicks("nick:bob") == ["bob"]
    assert nicks("peer:bob") == []
    assert nicks("id:=1") == ["alice"]
    assert nicks("id:>11") == [row.nick for row in CLIENTS if row.id > 11]


def test_who_is_logged_in_to_an_account_is_found_by_it() -> None:
    logged_in = [replace(CLIENTS[0], account="Kim"), *CLIENTS[1:]]
    shown = rows.arrange_clients(logged_in, PaneView(filter="account:kim"), LOOK)
    assert [row.id for row in shown] == [CLIENTS[0].id]


def test_when_somebody_on_another_node_spoke_last_is_not_known_here() -> None:
    idle = next(column for column in rows.CLIENTS if column.name == "IDLE")
    assert idle.text(far_row("b", 3, "eve", ("lobby",), LOOK.now - 60), LOOK) == "-"
    assert idle.text(CLIENTS[0], LOOK) != "-"


def test_sizes_in_a_comparison_have_units() -> None:
    full = [replace(CLIENTS[0], queued=70_000), *CLIENTS[1:]]
    assert [r.id for r in apply(full, "appq:>64K", rows.CLIENTS, LOOK)] == [1]
    assert apply(full, "idle:>1m", rows.CLIENTS, LOOK)


def test_a_time_in_a_comparison_is_held_against_an_age() -> None:
    keys = [replace(row, armed_at=LOOK.now - 30.0 * number)
            for number, row in enumerate(Feed().snapshot().keys)]
    shown = apply(keys, "armed:>1m", rows.KEYS, LOOK)
    assert [row.fd for row in shown] == [row.fd for row in keys[3:]]


@pytest.mark.parametrize(("expression", "says"), [
    ("foo:bar", "no column 'foo' here; there is id, fd, nick, room"),
    ("bob !Foo:", "no column 'Foo' here"),
    ("appq:>abc", "appq: 'abc' is no number, size or time"),
    ("!appq:=abc", "appq: 'abc' is no number"),
    ("nick:>5", "nick holds no numbers"), ("ev:<2", "ev holds no numbers"),
    ("nick:", "nick: needs a text, as in nick:ab"),
    ("in/s:>=", "in/s: needs a figure, as in in/s:>64"),
])
def test_a_word_that_cannot_be_meant_is_said_and_hides_nothing(expression: str, says: str) -> None:
    with pytest.raises(FilterError) as raised:
        check(expression, rows.CLIENTS)
    assert str(raised.value).startswith(says)
    kept = [word for word in expression.split() if ":" not in word]
    assert nicks(expression) == nicks(" ".join(kept))


@pytest.mark.parametrize("expression", [
    "", "bob !eve", "127.0.0.1:50", "[::1]:9999", "dead:beef::1", "reactor.py:70", "!", ":", "!:",
    "nick:bob", "NICK:=bob", "appq:>=64K", "idle:<3m", "rtt:=-", "appq:=12.1K", "id:=b-3",
])
def test_a_text_with_a_colon_in_it_can_be_meant(expression: str) -> None:
    check(expression, rows.CLIENTS)


@pytest.mark.parametrize(("expression", "fits"), [
    ("127.0.0.1:50127", ["bob"]), ("[::1]:9999", []), ("dead:beef::1", []), ("NICK:=bob", ["bob"]),
])
def test_a_text_with_a_colon_in_it_is_looked_for_as_it_is(expression: str, fits: list[str]) -> None:
    assert nicks(expression) == fits


def test_a_figure_is_found_as_it_reads() -> None:
    full = [replace(CLIENTS[0], queued=12_412), *CLIENTS[1:]]
    assert [r.id for r in apply(full, "appq:=12.1K", rows.CLIENTS, LOOK)] == [1]
    assert [r.id for r in apply(full, "appq:=12412", rows.CLIENTS, LOOK)] == [1]


@pytest.mark.parametrize("expression", ["[/foo]", "(", "nick:[", "nick:a.*", ".*("])
def test_what_looks_like_markup_or_a_pattern_is_only_text(expression: str) -> None:
    assert nicks(expression) == []
    named = [replace(CLIENTS[0], nick="[/foo]a.*("), *CLIENTS[1:]]
    assert [row.id for row in apply(named, expression, rows.CLIENTS, LOOK)] == [CLIENTS[0].id]


def test_the_row_of_a_client_on_its_way_out_is_grey_but_for_its_marks() -> None:
    row = replace(CLIENTS[0], state="lingering")
    for column in rows.CLIENTS:
        assert column.style(row, LOOK) == "dim" or column.name in ("!", "")
    assert rows.CLIENTS[0].text(row, LOOK) == "l"


def test_every_column_that_a_view_sorts_by_exists() -> None:
    assert tuple(c.name for c in rows.CLIENTS if c.sorts) == CLIENT_COLUMNS
    assert tuple(c.name for c in rows.KEYS if c.sorts) == KEY_COLUMNS
    keys = Feed().snapshot().keys
    for name in CLIENT_COLUMNS:
        rows.arrange(CLIENTS, rows.CLIENTS, PaneView(CLIENT_COLUMNS, name), LOOK)
    for name in KEY_COLUMNS:
        rows.arrange(keys, rows.KEYS, PaneView(KEY_COLUMNS, name), LOOK)


def test_equal_rows_keep_their_order_whichever_way_it_is_turned() -> None:
    for inverted in (False, True):
        view = PaneView(CLIENT_COLUMNS, "APPQ", inverted=inverted)
        shown = rows.arrange(CLIENTS, rows.CLIENTS, view, LOOK)
        assert [row.id for row in shown] == [row.id for row in CLIENTS]


def test_columns_give_way_until_the_width_holds_them() -> None:
    for width in range(20, 220):
        placed = place(rows.CLIENTS, width)
        last = placed[-1]
        assert last.left + last.width <= width
        names = [p.column.name for p in placed]
        assert "NICK" in names
        assert "!" in names


def test_eighty_cells_hold_the_queue_as_a_bar_and_the_history() -> None:
    names = [p.column.name for p in place(rows.CLIENTS, 80)]
    assert names == ["!", "", "ID", "FD", "NICK", "PEER", "EV", "APPQ", "KERNQ", "IN/S",
                     "OUT/S", "IDLE", "HIST"]
    everything = place(rows.CLIENTS, 150)
    assert len(everything) == len(rows.CLIENTS)


def test_fitted_text_has_exactly_the_cells_asked_for() -> None:
    hostile = ["plain", "李小龍さくら", "e" + "\u0301" * 5000, "\x1b[2J\x1b]52;c;AAAA\x07",
               "\u202etxt", "👨‍👩‍👧‍👦 family", "a\tb\nc", "\x9b31m", "", "[@click=app.quit]x[/]"]
    for text in hostile:
        for width in (0, 1, 2, 5, 9, 40):
            for right in (False, True):
                assert cell_len(fit(text, width, right=right)) == width


def test_nothing_that_moves_a_cursor_survives() -> None:
    for char in map(chr, [*range(32), 127, *range(0x80, 0xA0), 0x202E, 0x2066, 0x200E]):
        assert char not in clean(f"a{char}b")
    assert len(clean("e" + "\u0301" * 5000)) <= 3


def test_figures_are_short_whatever_they_count() -> None:
    for power in range(16):
        assert len(format_rate(9.99 * 10.0 ** power)) <= 5
        assert len(format_count(9 * 10 ** power)) <= 5
    assert format_rate(0.04) == "0"
    assert format_rate(2.0) == "2.0"


def test_a_flag_says_what_is_wrong_with_a_client() -> None:
    muted: ClientRow = replace(CLIENTS[0], muted=True)
    throttled = replace(CLIENTS[0], state="throttled")
    flag = rows.CLIENTS[0].text
    assert (flag(muted, LOOK), flag(throttled, LOOK), flag(CLIENTS[0], LOOK)) == ("m", "t", " ")


def test_the_strip_names_all_the_rooms_of_a_client() -> None:
    for rooms, words in (((), "  room lobby"), (("lobby",), "  room lobby"),
                         (("lobby", "dev"), "  rooms lobby, dev")):
        snapshot = Feed(clients=1).snapshot()
        state = ConsoleState()
        state.feed(replace(snapshot, clients=(replace(snapshot.clients[0], rooms=rooms),)), (), 0.0)
        state.views["clients"].cursor = 1
        assert words in detail_strip._lines(state, wide=False)[0].plain
