"""Paths that people give: what is meant, or one line that says why not."""

import os
from pathlib import Path

import pytest

from chatops.system.paths import PathError, absolute, expand

NOBODY = "~nobody-of-this-name"


def test_a_tilde_is_the_home_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/of/mine")
    assert expand("~/bans.json") == Path("/home/of/mine/bans.json")
    assert expand("~") == Path("/home/of/mine")


def test_a_tilde_with_a_name_is_the_home_of_that_user() -> None:
    assert expand("~root/x") == Path(os.path.expanduser("~root/x"))


@pytest.mark.parametrize("text", [NOBODY, f"{NOBODY}/", f"{NOBODY}/below/it"])
def test_an_unknown_user_is_refused_in_one_line_that_names_it(text: str) -> None:
    with pytest.raises(PathError, match="no user 'nobody-of-this-name'") as refused:
        expand(text)
    assert "\n" not in str(refused.value)


def test_a_tilde_elsewhere_is_a_letter_of_the_name() -> None:
    assert expand("a/~b") == Path("a/~b")
    assert expand(f"./{NOBODY}") == Path(NOBODY)


def test_a_nul_byte_is_refused() -> None:
    with pytest.raises(PathError, match="NUL"):
        expand("a\0b")


def test_a_relative_path_is_refused_where_the_working_directory_is_gone(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(PathError, match="working directory"):
        absolute("x.sock")
    assert absolute("/x.sock") == Path("/x.sock")
