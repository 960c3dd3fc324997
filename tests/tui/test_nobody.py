"""A console of a server that nobody is on says how to get in, by what the server speaks."""

from __future__ import annotations

from msgspec.structs import replace

from chatops.api.snapshot import Snapshot
from tests.tui.feed import FakeLink, Feed
from tests.tui.press import begin, on_screen, press
from tests.tui.shots import Rig


class OverTls(FakeLink):
    """A link to a server with a certificate."""

    def poll(self) -> Snapshot | None:
        found = super().poll()
        return replace(found, tls=True) if found is not None else None


async def test_over_tls_a_program_that_speaks_it_is_named_and_nothing_that_does_not() -> None:
    rig = Rig(Feed(clients=0))
    rig.app.link.__class__ = OverTls
    async with rig.app.run_test(size=(80, 24)) as pilot:
        await begin(rig, pilot)
        text = on_screen(rig)
        assert "openssl s_client -quiet -connect 127.0.0.1:9999" in text
        assert " nc " not in text
        assert "spawn" not in text


async def test_without_tls_netcat_will_do() -> None:
    rig = Rig(Feed(clients=0))
    async with rig.app.run_test(size=(80, 24)) as pilot:
        await begin(rig, pilot)
        assert "connect with  nc 127.0.0.1 9999  or type  :spawn chat 5" in on_screen(rig)


async def test_before_something_is_said_to_nobody_that_nobody_is_there_is_told() -> None:
    for clients, heading in ((0, "Say to everybody: no client is there yet"),
                             (1, "Say to the only client"), (2, "Say to all 2 clients")):
        rig = Rig(Feed(clients=clients))
        async with rig.app.run_test(size=(80, 24)) as pilot:
            await begin(rig, pilot)
            await press(rig, pilot, "b")
            assert f"─ {heading} ─" in on_screen(rig)
