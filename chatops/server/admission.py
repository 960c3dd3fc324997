"""Who may come in: bans, how many in all, how many from one address, and how fast."""

from __future__ import annotations

import ipaddress

from chatops.server.bans import BanList
from chatops.server.counts import Refusal
from chatops.settings import Settings
from chatops.units import counted, format_duration

REMEMBERED = 4096              # addresses whose rate of connecting is remembered
BURST = 4                      # seconds' worth of connects that may come at once
SPARE = 32                     # descriptors kept for what every server has besides its clients
SUBNET = 64                    # bits: the least that one IPv6 host is given (RFC 6177)


class Admission:
    """Asked for every newcomer.  Belongs to the reactor's thread."""

    def __init__(self, settings: Settings, bans: BanList, descriptors: int) -> None:
        self.bans = bans
        self._descriptors = descriptors
        self._here: dict[str, int] = {}
        self._buckets: dict[str, tuple[float, float]] = {}   # tokens left, when
        self.change(settings)

    def change(self, settings: Settings) -> None:
        """The limits are these from now on; who is in stays in."""
        self._settings = settings
        self._trusted = settings.networks()
        room = max(1, self._descriptors - SPARE)
        self.capacity = min(settings.max_clients or room, room)

    def refuse(self, host: str, clients: int, now: float, at: float) -> Refusal | None:
        """Why this newcomer may not come in, or None.  `now` monotonic, `at` wall clock."""
        if (banned := self.banned(host, at)) is not None:
            return banned
        if clients >= self.capacity:
            return Refusal("full", f"the server is full ({counted(clients, 'client')}); "
                                   "try again later")
        settings = self._settings
        if (settings.per_address or settings.connect_rate) and not self._is_trusted(host):
            source = source_of(host)
            if settings.per_address and self._here.get(source, 0) >= settings.per_address:
                return Refusal("per-address", "too many connections from your address "
                               f"({settings.per_address} allowed)")
            if settings.connect_rate and not self._spend(source, now):
                return Refusal("connect-rate", "you connect too often; wait a few seconds")
        return None

    def banned(self, host: str, at: float) -> Refusal | None:
        """Why nobody from this address may come in, or None.  `at` is wall clock."""
        ban = self.bans.find(host, at)
        if ban is None:
            return None
        time = f" for another {format_duration(int(ban.left(at)) + 1)}" if ban.until else ""
        return Refusal("banned", f"you are banned{time}"
                       + (f": {ban.reason}" if ban.reason else ""))

    def entered(self, host: str) -> None:
        """A client from this address is in."""
        source = source_of(host)
        self._here[source] = self._here.get(source, 0) + 1

    def left(self, host: str) -> None:
        """A client from this address is gone."""
        source = source_of(host)
        count = self._here.get(source, 0) - 1
        if count > 0:
            self._here[source] = count
        else:
            self._here.pop(source, None)

    def _is_trusted(self, host: str) -> bool:
        try:
            address = ipaddress.ip_address(host.partition("%")[0])
        except ValueError:
            return False
        return any(address in network for network in self._trusted)

    def _spend(self, source: str, now: float) -> bool:
        rate = self._settings.connect_rate
        burst = max(1.0, rate * BURST)
        tokens, when = self._buckets.pop(source, (burst, now))
        tokens = min(burst, tokens + (now - when) * rate)
        allowed = tokens >= 1
        self._buckets[source] = (tokens - 1 if allowed else tokens, now)
        if len(self._buckets) > REMEMBERED:
            del self._buckets[next(iter(self._buckets))]   # the one not seen for longest
        return allowed


def source_of(host: str) -> str:
    """What counts as one address: of IPv6 its /64, in which a single host can make up as many
    addresses as it likes.
    """
    if ":" not in host:
        return host
    try:
        network = ipaddress.IPv6Network((host, SUBNET), strict=False)
    except ValueError:
        return host
    return str(network)
