"""Who may not come back: addresses and networks, for a time or for good."""

from __future__ import annotations

from math import inf

import msgspec

from chatops.system import addresses
from chatops.system.addresses import Network
from chatops.system.errors import ChatopsError
from chatops.units import shown

REMEMBERED = 1000              # bans that were lifted


class BanError(ChatopsError, ValueError):
    """Not an address or network, or a file of bans that cannot be read; one line."""


class BanEntry(msgspec.Struct, frozen=True):
    """One ban.  Times are wall-clock seconds; `until` of 0 is for good."""

    network: str
    at: float
    until: float = 0.0
    reason: str = ""

    def left(self, now: float) -> float:
        """Seconds it still has to run, infinity for one without end."""
        return self.until - now if self.until else inf


def network_of(text: str) -> Network:
    """An address or network as it is written.  Raises `BanError`."""
    network = addresses.network_of(text)
    if network is None:
        raise BanError(f"'{shown(text)}' is not an address or a network")
    return network


class BanList:
    """The bans in force, looked up once for every newcomer.

    There may be thousands: they are not looked through, but looked up, once for each length of
    prefix that there is.
    """

    def __init__(self, bans: list[BanEntry] | None = None) -> None:
        self._bans: dict[Network, BanEntry] = {}
        # Those of more than one address: by version and length of their prefix, and by that.
        self._wide: dict[tuple[int, int], dict[int, Network]] = {}
        self.lifted: dict[Network, float] = {}     # when, by the wall clock; the latest ones
        for ban in bans or ():
            self._keep(network_of(ban.network), ban)

    def __len__(self) -> int:
        return len(self._bans)

    def _keep(self, network: Network, ban: BanEntry) -> None:
        self._bans[network] = ban
        self.lifted.pop(network, None)
        if network.prefixlen < network.max_prefixlen:
            alike = self._wide.setdefault((network.version, network.prefixlen), {})
            alike[_prefix(network, network.prefixlen)] = network

    def _drop(self, network: Network) -> bool:
        kind = network.version, network.prefixlen
        alike = self._wide.get(kind, {})
        alike.pop(_prefix(network, network.prefixlen), None)
        if not alike:
            self._wide.pop(kind, None)
        return self._bans.pop(network, None) is not None

    def add(self, target: str, now: float, seconds: float = 0.0, reason: str = "") -> BanEntry:
        """Ban an address or network from now on.  Raises `BanError`."""
        network = network_of(target)
        ban = BanEntry(str(network), now, now + seconds if seconds else 0.0, reason)
        self._keep(network, ban)
        return ban

    def remove(self, target: str, now: float) -> bool:
        """Whether there was such a ban; that it is lifted is remembered.  Raises `BanError`."""
        network = network_of(target)
        self.lifted.pop(network, None)
        self.lifted[network] = now
        if len(self.lifted) > REMEMBERED:
            del self.lifted[next(iter(self.lifted))]
        return self._drop(network)

    def get(self, target: str) -> BanEntry | None:
        """The ban of just this address or network.  Raises `BanError`."""
        return self._bans.get(network_of(target))

    def ruled_at(self, target: str) -> float:
        """When it was banned, or that lifted, last; before all time if never.  Raises
        `BanError`.
        """
        network = network_of(target)
        ban = self._bans.get(network)
        return ban.at if ban is not None else self.lifted.get(network, -inf)

    def find(self, host: str, now: float) -> BanEntry | None:
        """The ban that keeps this address out, if any; those that are over are dropped."""
        if not self._bans:
            return None
        try:
            address = network_of(host.partition("%")[0])
        except BanError:
            return None
        for network in (address, *self._around(address)):
            ban = self._bans.get(network)
            if ban is None:
                continue
            if ban.left(now) > 0:
                return ban
            self._drop(network)
        return None

    def _around(self, address: Network) -> list[Network]:
        """The banned networks that it is in."""
        return [alike[prefix] for (version, length), alike in self._wide.items()
                if version == address.version and (prefix := _prefix(address, length)) in alike]

    def put(self, ban: BanEntry) -> None:
        """A ban as it is written elsewhere.  Raises `BanError`."""
        self._keep(network_of(ban.network), ban)

    def all(self, now: float) -> list[BanEntry]:
        """Those in force, the oldest first."""
        return [ban for ban in self._bans.values() if ban.left(now) > 0]


def _prefix(network: Network, length: int) -> int:
    """So many of its first bits."""
    return int(network.network_address) >> (network.max_prefixlen - length)
