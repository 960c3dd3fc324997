"""Which selectors there are, by name."""

from __future__ import annotations

import selectors

import pytest

from chatops.loop import backends


def test_what_is_available_can_be_made_and_knows_its_name() -> None:
    names = backends.available()
    assert "select" in names
    for name in names:
        with backends.make(name) as selector:
            assert backends.name_of(selector) == name


def test_auto_is_what_the_standard_library_would_choose() -> None:
    assert backends.resolve("auto").name == backends.available()[0]
    with backends.make("auto") as ours, selectors.DefaultSelector() as theirs:
        assert type(ours) is type(theirs)


@pytest.mark.parametrize("name", ["", "nonsense", "Epoll"])
def test_what_is_not_here_is_refused_with_what_is(name: str) -> None:
    with pytest.raises(backends.BackendError, match=r"this machine has .*select"):
        backends.resolve(name)


def test_what_another_system_has_is_refused_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(selectors, "PollSelector")
    assert "poll" not in backends.available()
    with pytest.raises(backends.BackendError, match="no selector 'poll' here"):
        backends.make("poll")


def test_only_select_has_a_highest_descriptor() -> None:
    limits = {name: backend.max_fd for name, backend in backends.BACKENDS.items()}
    assert limits.pop("select") == 1023
    assert set(limits.values()) == {None}


def test_a_selector_from_elsewhere_keeps_its_own_name() -> None:
    class Homemade(selectors.SelectSelector):
        pass

    with Homemade() as selector:
        assert backends.name_of(selector) == "Homemade"


def test_every_backend_says_what_it_is_good_for() -> None:
    for backend in backends.BACKENDS.values():
        assert backend.why
        assert backend.class_name.endswith("Selector")
