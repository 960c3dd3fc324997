"""Who claims a nick, and who takes it because it is its own."""

from __future__ import annotations

from chatops.cluster.claims import Claim, Claims


def test_an_owner_takes_its_nick_once_and_a_stranger_never() -> None:
    claims = Claims()
    claims.take_over(1, "ada")
    claims.set(1, "ada")
    claims.set(2, "bob")
    assert claims.take() == [Claim("ada", 1, owner=True), Claim("bob", 2)]
    claims.again()
    assert claims.take() == [Claim("ada", 1), Claim("bob", 2)]


def test_an_owner_whose_claim_was_not_heard_is_still_one() -> None:
    claims = Claims()
    claims.take_over(1, "ada")
    claims.set(1, "ada")
    claims.untold(claims.take())
    assert claims.take() == [Claim("ada", 1, owner=True)]


def test_who_goes_on_to_another_nick_leaves_no_right_to_the_next_bearer() -> None:
    claims = Claims()
    claims.take_over(1, "ada")
    claims.set(1, "ada")
    taken = claims.take()
    claims.set(1, "eve")
    claims.untold(taken)
    claims.set(2, "ada")
    assert set(claims.take()) == {Claim("ada", 2), Claim("eve", 1)}
    claims.take_over(1, "bob")
    claims.set(1, "")
    claims.set(3, "bob")
    assert set(claims.take()) == {Claim("eve", None), Claim("bob", 3)}
