"""Settings: one table, four sources, and a sentence for every mistake."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from chatops.settings import (
    BY_NAME,
    LIMITS,
    SETTINGS,
    Settings,
    SettingsError,
    changed,
    show,
)
from tests.given import load


def test_the_table_has_a_row_for_every_field_and_no_other() -> None:
    assert [setting.field for setting in SETTINGS] == list(Settings.__struct_fields__)


def test_every_row_says_why_in_one_line() -> None:
    for setting in SETTINGS:
        assert setting.why
        assert "\n" not in setting.why


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_what_is_written_of_a_default_reads_back_as_it(setting: object) -> None:
    row = BY_NAME[setting.name]  # type: ignore[attr-defined]  # a row of the table
    value = getattr(Settings(), row.field)
    assert row.value(row.write(value)) == value


@pytest.mark.parametrize("name", LIMITS)
def test_a_limit_that_is_shown_can_be_typed_as_it_is_shown(name: str) -> None:
    settings = Settings()
    shown, _, value = show(settings, name).partition(" ")
    assert shown == name
    assert changed(settings, shown, value) == settings


@pytest.mark.parametrize("empty", ["", " "])
def test_an_empty_host_is_refused_for_it_would_listen_on_every_address(empty: str) -> None:
    with pytest.raises(SettingsError, match="CHATOPS_HOST: empty"):
        load({}, environ={"CHATOPS_HOST": " "})
    with pytest.raises(SettingsError, match="--host: empty"):
        load({"host": empty})


# -- sources


def test_without_anything_the_defaults_hold() -> None:
    assert load({}) == Settings()


def test_a_flag_wins_over_the_environment_and_that_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text("port = 1\nline = 100\nnick-width = 3\n", "utf-8")
    settings = load({"port": "3", "line": None}, config=str(file),
                    environ={"CHATOPS_PORT": "2", "CHATOPS_LINE": "200", "OTHER": "x"})
    assert (settings.port, settings.line, settings.nick_width) == (3, 200, 3)


def test_a_file_may_write_numbers_or_words_with_either_dash(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text('stall = 2.5\nline_deadline = "1m30s"\nmax-clients = "off"\noutbox = 4096\n'
                    'rate-limit = "600/m"\n', "utf-8")
    settings = load({}, config=str(file))
    assert (settings.stall, settings.line_deadline, settings.max_clients) == (2.5, 90.0, 0)
    assert (settings.outbox, settings.rate_limit) == (4096, 10.0)


def test_a_file_that_is_no_utf_8_is_named(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_bytes(b"host = '\xff'\n")
    with pytest.raises(SettingsError, match="not TOML"):
        load({}, config=str(file))


@pytest.mark.parametrize("text", ["a = " + "[" * 100_000, "port = " + "9" * 6000],
                         ids=["nested", "digits"])
def test_a_file_that_nobody_means_is_refused_in_a_line(tmp_path: Path, text: str) -> None:
    file = tmp_path / "settings.toml"
    file.write_text(text, "ascii")
    with pytest.raises(SettingsError, match="not TOML") as refused:
        load({}, config=str(file))
    assert "\n" not in str(refused.value)


# -- mistakes


@pytest.mark.parametrize(("field", "given", "wanted"), [
    ("port", "http", "--port: 'http' is not a whole number"),
    ("oper", "root", "--oper: not NAME:PASSWORD"),
    ("port", "-1", "--port: -1 is not between 0 and 65535"),
    ("selector", "kq", "--selector: 'kq' is not one of auto, select, poll, epoll, kqueue, devpoll"),
    ("outbox", "1023", "--outbox: 1023 is not between 1.0K and 1.0G"),
    ("drain", "-1s", "--drain: '-1s' is not a duration; write 30s, 10m or 2h30m"),
    ("trusted", "1.2.3", "--trusted: '1.2.3' does not appear to be an IPv4 or IPv6 network"),
    ("connect_rate", "5/y", "--connect-rate: '5/y' is not a rate; write 50/s, 600/m or off"),
])
def test_a_value_that_cannot_be_is_named_with_what_could(field: str, given: str,
                                                         wanted: str) -> None:
    with pytest.raises(SettingsError) as raised:
        load({field: given})
    assert str(raised.value).startswith(wanted)


@pytest.mark.parametrize(("name", "wanted"), [
    ("histry", "no limit 'histry'; `limit` alone lists them"),     # --history is none
    ("outbx", "no limit 'outbx'; did you mean 'outbox'?; `limit` alone lists them"),
    ("zzz", "no limit 'zzz'; `limit` alone lists them"),
    ("host", "host cannot be changed while the server runs"),
])
def test_a_limit_that_cannot_be_changed_is_named(name: str, wanted: str) -> None:
    with pytest.raises(SettingsError) as raised:
        changed(Settings(), name, "1")
    assert str(raised.value) == wanted


def test_changing_a_limit_leaves_the_old_settings_alone() -> None:
    before = Settings()
    after = changed(before, "nick_width", "7")
    assert (before.nick_width, after.nick_width) == (20, 7)
    assert msgspec.structs.replace(after, nick_width=20) == before


# -- trusted networks


@pytest.mark.parametrize(("trusted", "count"), [
    ("127.0.0.0/8,::1", 2), ("none", 0), ("", 0), (" 10.0.0.1 , none ,", 1),
])
def test_trusted_networks_are_a_list_that_may_be_empty(trusted: str, count: int) -> None:
    assert len(load({"trusted": trusted}).networks()) == count


def test_other_defaults_hold_where_neither_file_environment_nor_flag_says_more(
        tmp_path: Path) -> None:
    file = tmp_path / "chatops.toml"
    file.write_text('outbox = "2M"\n')
    small = Settings(sndbuf=4096, outbox=65536, stall=600.0)
    settings = load({}, config=str(file), environ={"CHATOPS_STALL": "5s"}, defaults=small)
    assert (settings.sndbuf, settings.outbox, settings.stall) == (4096, 2 << 20, 5.0)
