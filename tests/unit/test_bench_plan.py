"""What the benchmark is asked for: what cannot be measured is said before anything is."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from chatops.bench import cli, usage
from chatops.bench.contenders import UVLOOP
from chatops.bench.plan import Plan


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[Plan]:
    """Plans that would have been carried out."""
    plans: list[Plan] = []
    monkeypatch.setattr(cli, "show", lambda findings, *_: plans.append(findings.plan))
    return plans


def asked(*words: str) -> Result:
    return CliRunner().invoke(cli.bench, words)


def said(result: Result) -> str:
    return " ".join(result.output.split())


def test_a_file_that_cannot_be_written_is_found_out_before_anything_is_measured(
        shown: list[Plan], tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    for name, why in ("no/such/file.json", "there is no directory"), ("folder", "Is a directory"):
        result = asked("--json", str(tmp_path / name))
        assert result.exit_code == 2
        assert why in said(result)
    assert shown == []


def test_a_file_that_has_become_unwritable_meanwhile_is_told_in_one_line(
        monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "bench.json"
    monkeypatch.setattr(cli, "show", lambda *_: path.mkdir())
    result = asked("--json", str(path))
    assert result.exit_code == 1
    assert result.output.endswith(f"Error: {path}: Is a directory\n")


def names(plan: Plan, clients: int) -> list[str]:
    return [each.name for each in plan.taking_part(clients)]


def test_who_cannot_take_part_is_left_out_with_a_remark() -> None:
    plan = Plan(clients=(1, 10), parts=("chatops", "irc"))
    assert (names(plan, 1), names(plan, 10)) == (["chatops"], ["chatops", "irc"])
    assert plan.left_out() == ["left out: chatops, IRC clients; 1 client: nobody hears what it "
                               "says"]
    plan = Plan(size=1000, clients=(10, 100), parts=("chatops", "irc"))
    assert names(plan, 10) == ["chatops"]
    assert plan.left_out() == ["left out: chatops, IRC clients; messages of 1,000 bytes: it takes "
                               "at most 380"]


@pytest.mark.parametrize("words", [("--only", "irc", "--size", "1000"),
                                   ("--only", "console", "--no-console")])
def test_a_plan_of_nothing_is_refused(shown: list[Plan], words: tuple[str, ...]) -> None:
    result = asked(*words)
    assert result.exit_code == 2
    assert "nothing is left to be measured" in said(result)
    assert shown == []


@pytest.mark.skipif(UVLOOP.installed, reason="uvloop is installed")
@pytest.mark.parametrize("limit", [30, 64, 70])
def test_where_hardly_a_descriptor_is_to_be_had_that_is_said(
        shown: list[Plan], monkeypatch: pytest.MonkeyPatch, limit: int) -> None:
    monkeypatch.setattr(usage, "raise_descriptor_limit", lambda: limit)
    result = asked("--quick")
    assert (result.exit_code, shown) == (2, [])
    assert f"{limit} descriptors may be open here (ulimit -n), and 74 are" in said(result)


def test_a_contender_that_is_not_installed_is_no_success(shown: list[Plan]) -> None:
    result = asked("--only", "uvloop")
    assert result.exit_code == 2
    assert "not installed: uvloop" in said(result)
    assert shown == []


def test_what_takes_long_is_left_out_of_a_quick_run_unless_it_is_named(shown: list[Plan]) -> None:
    assert asked("--quick").exit_code == 0
    assert asked("--quick", "--only", "keys").exit_code == 0
    quick, named = shown
    assert not {"keys", "logins", "cluster"} & set(quick.parts)
    assert "storm" in quick.parts
    assert named.parts == ("keys",)
