"""Settings: flag > environment > TOML file > default, and each limit with its reason.

`SETTINGS` is one table: flags and their help, variables, the file and `:limit` all come out of
it.  Which of them wins is click's to say (`chatops.cli.options`).
"""

from __future__ import annotations

import difflib
import ipaddress
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from chatops.api.command_table import BACKENDS, LOG_LEVELS, SLOW_CONSUMER
from chatops.api.words import SlowConsumer
from chatops.settings import kinds
from chatops.settings.kinds import SettingsError
from chatops.system import files, paths
from chatops.units import UnitError, format_duration, format_size, parse_duration, parse_rate

__all__ = ["BY_NAME", "LIMITS", "SETTINGS", "USUAL", "Setting", "Settings", "SettingsError",
           "changed", "checked", "from_file", "put_together", "show"]


class Settings(msgspec.Struct, frozen=True):
    """Everything that can be set.  Sizes are bytes, times seconds, rates per second."""

    host: str = "127.0.0.1"
    port: int = 9999
    selector: str = "auto"
    sndbuf: int = 0
    tls_cert: str = ""
    tls_key: str = ""
    control: str = "auto"
    log_file: str = ""
    ban_file: str = ""
    history: str = ""
    max_clients: int = 0
    per_address: int = 0
    connect_rate: float = 50.0
    trusted: str = "127.0.0.0/8,::1"
    line: int = 4096
    rate_limit: float = 50.0
    rate_burst: int = 500
    outbox: int = 1 << 20
    total_outbox: int = 256 << 20
    slow_consumer: SlowConsumer = "evict"
    stall: float = 30.0
    line_deadline: float = 60.0
    idle_timeout: float = 0.0
    nick_width: int = 20
    nicks: str = "ascii"
    drain: float = 4.0
    announce_after: float = 1.0
    replay: int = 0
    history_keep: str = ""
    metrics: str = ""
    log_format: str = "text"
    log_level: str = "debug"
    irc_port: int | None = None
    irc_tls_port: int | None = None
    irc_client_ca: str = ""
    irc_sts: float | None = None
    irc_password: str = ""
    oper: str = ""
    accounts: str = ""
    registration: str = "off"
    server_name: str = "chatops.local"
    server_description: str = "a chat you can see inside"
    cluster: str = ""
    node: str = ""
    cluster_secret: str = ""

    def networks(self) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
        """The trusted ones, which the limits per address do not hold for."""
        return tuple(ipaddress.ip_network(part.strip(), strict=False)
                     for part in self.trusted.split(",") if part.strip() not in ("", "none"))


@dataclass(frozen=True, slots=True)
class Setting:
    """One row of the table."""

    field: str
    why: str
    read: Callable[[str], Any] = str
    write: Callable[[Any], str] = str
    live: bool = False             # `:limit` may change it while the server runs

    @property
    def name(self) -> str:
        """As flags and the TOML file have it: `max-clients`."""
        return self.field.replace("_", "-")

    @property
    def variable(self) -> str:
        return f"CHATOPS_{self.field.upper()}"

    def value(self, given: object) -> Any:
        """The value in a string, a TOML number, or raise `SettingsError`."""
        if isinstance(given, bool) or not isinstance(given, str | int | float):
            raise SettingsError(f"{self.name}: a {type(given).__name__} is not a value for it")
        try:
            return self.read(str(given))
        except (UnitError, ValueError) as error:
            raise SettingsError(f"{self.name}: {error}") from None


def _networks(text: str) -> str:
    Settings(trusted=text).networks()
    return text


SETTINGS: tuple[Setting, ...] = (
    Setting("host", "address to listen on; 127.0.0.1 lets nobody in from outside", kinds.host),
    Setting("port", "port to listen on; 0 picks a free one", kinds.whole(0, 65535)),
    Setting("selector", f"which system call waits: {', '.join(BACKENDS)}; auto takes the best "
            "there is",
            kinds.one_of("auto", *BACKENDS)),
    Setting("sndbuf", "the kernel's send buffer per client; small ones make queues visible "
            "(0: the system decides)", kinds.size(0, 1 << 30), format_size),
    Setting("tls_cert", "certificate in PEM, the chain after it; with one, the port speaks TLS and "
            "nothing else, and SIGHUP or `:reload` reads it again", kinds.path),
    Setting("tls_key", "its private key in PEM, if that is not in the same file", kinds.path),
    Setting("control", "the Unix socket for `chatops attach` and `ctl`; auto: in a directory of "
            "this user, one for each port; `off` for none", kinds.path),
    Setting("log_file", "write events here, one line each; SIGUSR1, SIGHUP to `serve` and "
            "`:reopen` open it again, and one that was moved away is noticed", kinds.path),
    Setting("ban_file", "keep bans here, so that they survive a restart; SIGHUP or `:reload` "
            "takes over what was changed by hand", kinds.path),
    Setting("history", "keep what is said in rooms in this SQLite file, for `/history`; whispers "
            "are not kept", kinds.path),
    Setting("max_clients", "clients at once; off: as many as there are descriptors", kinds.COUNT,
            kinds.count_text, True),
    Setting("per_address", "clients at once from one address, so that one host cannot take "
            "every place", kinds.COUNT, kinds.count_text, True),
    Setting("connect_rate", "new connections a second from one address; a reconnect loop is "
            "stopped, a household is not", parse_rate, kinds.rate_text, True),
    Setting("trusted", "networks for which per-address and connect-rate do not hold: proxies, "
            "tests; `none` for no such network", _networks),
    Setting("line", "longest line in bytes; longer ones are dropped, the client stays",
            kinds.size(64, 1 << 20), format_size, True),
    Setting("rate_limit", "lines a second from one client, each 512 bytes of a long one counted; "
            "more than anybody types, and over it the client is read more slowly, so nothing is "
            "lost", parse_rate, kinds.rate_text,
            True),
    Setting("rate_burst", "lines at once within the rate limit; a paste is fine",
            kinds.whole(1, 1 << 20), str, True),
    Setting("outbox", "bytes queued for one client before the slow-consumer policy acts; "
            "minutes of talk, and a thousand of them fit into memory",
            kinds.size(1024, 1 << 30), format_size, True),
    Setting("total_outbox", "bytes queued for all clients together; past it the worst goes "
            "first", kinds.size(1 << 16), format_size, True),
    Setting("slow_consumer", "what happens when a client's outbox is full: "
            f"{', '.join(SLOW_CONSUMER)}",
            kinds.one_of(*SLOW_CONSUMER), str, True),
    Setting("stall", "a client with a queue that takes next to nothing for this long is "
            "disconnected", kinds.SECONDS, kinds.seconds_text, True),
    Setting("line_deadline", "a line that was begun must end within this time, counted from "
            "its first byte", kinds.SECONDS, kinds.seconds_text, True),
    Setting("idle_timeout", "a client that says nothing for this long is told and "
            "disconnected; off, for lurkers are welcome", kinds.SECONDS, kinds.seconds_text, True),
    Setting("nick_width", "widest nick, in columns, so that tables stay aligned",
            kinds.whole(1, 64), str, True),
    Setting("nicks", "ascii, or unicode for letters of every script; lookalikes of a nick in "
            "use are refused either way", kinds.one_of("ascii", "unicode"), str, True),
    Setting("drain", "how long quitting may take to deliver what is queued", parse_duration,
            format_duration, True),
    Setting("announce_after", "a newcomer is announced to its room with its first line, or when it "
            "has stayed this long: health checks that connect and leave are no news; off: at once",
            kinds.SECONDS, kinds.seconds_text),
    Setting("replay", "with `--history`, so many of a room's last lines for who enters it, with "
            "their time", kinds.off_or(kinds.whole(0, 500)), kinds.count_text),
    Setting("history_keep", "how much of the history is kept: 30d, or 1G of disk; off: all of it",
            kinds.keep, lambda text: text or "off"),
    Setting("metrics", "HOST:PORT for Prometheus: `/metrics`, and `/healthz` for whoever watches "
            "over the server; needs the extra `metrics`", kinds.endpoint_or_off,
            lambda text: text or "off"),
    Setting("log_format", "text, or json: an object a line, for what collects logs",
            kinds.one_of("text", "json")),
    Setting("log_level", f"the least that is logged: {', '.join(LOG_LEVELS)}; debug is all there "
            "is", kinds.one_of(*LOG_LEVELS)),
    Setting("irc_port", "a second port, for IRC clients (6667 is the usual one; 0 picks a free "
            "one); off: none", kinds.port_or_off, kinds.port_text),
    Setting("irc_tls_port", "a port for IRC over TLS, with --tls-cert (6697 is the usual one); "
            "off: none", kinds.port_or_off, kinds.port_text),
    Setting("irc_client_ca", "certificates in PEM, of whoever signs those of IRC clients, or of "
            "the clients themselves: who shows such a one to --irc-tls-port can log in with it "
            "(SASL EXTERNAL), as `chatops account fingerprint` says", kinds.path),
    Setting("irc_sts", "for how long IRC clients that know STS are to come over TLS alone, 30d or "
            "so, with --irc-tls-port: they refuse anything else until then, also a certificate "
            "that they cannot verify; 0s has them forget it", kinds.sts, kinds.sts_text),
    Setting("irc_password", "what IRC clients have to give with PASS; flags can be seen by all "
            "users of this machine, the environment and the settings file cannot"),
    Setting("oper", "NAME:PASSWORD with which OPER makes an IRC client an operator; the same holds "
            "for it", kinds.oper),
    Setting("accounts", "an SQLite file of accounts, made with `chatops account add`, for SASL and "
            "`/login`; needs chatops[accounts]", kinds.path),
    Setting("registration", "whether clients may make accounts themselves: off, on, or "
            "before-connect", kinds.one_of("off", "on", "before-connect")),
    Setting("server_name", "what the server is called in IRC, with a dot in it as clients expect",
            kinds.server_name),
    Setting("server_description", "a few words on it, for WHOIS and ADMIN"),
    Setting("cluster", "be one of several nodes that share a chat, by the Redis or Valkey at "
            "redis://HOST:PORT/DB, rediss://… (TLS), unix:///PATH or, by its sentinels, "
            "redis+sentinel://HOST:PORT,HOST:PORT/NAME/DB; a password in it is safe in the "
            "environment and the settings file alone; needs chatops[cluster]", kinds.engine,
            lambda text: text or "off"),
    Setting("node", "what this node is called among them: a, or berlin-2", kinds.node,
            lambda text: text or "off"),
    Setting("cluster_secret", "a file with a secret that all nodes share and sign with; needed "
            "where the engine is on another machine", kinds.path),
)

USUAL = Settings()
BY_NAME = {setting.name: setting for setting in SETTINGS}
LIMITS = {setting.name: setting for setting in SETTINGS if setting.live}


def put_together(given: Mapping[str, object | None], origin: Callable[[Setting], str],
                 defaults: Settings = USUAL) -> Settings:
    """The settings that are given, by field, in place of the defaults; None is not given.

    `origin` says what stands before a setting where its value cannot be: where it came from.
    Raises `SettingsError` with that, in one line.
    """
    values: dict[str, Any] = {}
    for setting in SETTINGS:
        value = given.get(setting.field)
        if value is None:
            continue
        try:
            values[setting.field] = setting.value(value)
        except SettingsError as error:
            source, said = origin(setting), str(error)
            if source == f"{setting.variable}: ":      # that names it already
                said = said.removeprefix(f"{setting.name}: ")
            hint = _KUBERNETES if source == "CHATOPS_PORT: " and "://" in str(value) else ""
            raise SettingsError(f"{source}{said}{hint}") from None
    return msgspec.structs.replace(defaults, **values)


_KUBERNETES = ("; Kubernetes sets this for a Service called chatops: give --port, "
               "or enableServiceLinks: false")


def from_file(config: str) -> dict[str, object]:
    """What a settings file says, by field, not judged yet.  Raises `SettingsError`."""
    try:
        table = tomllib.loads(files.text_of(files.read(paths.expand(config))))
    except paths.PathError as error:
        raise SettingsError(f"--config: {error}") from None
    except OSError as error:
        raise SettingsError(f"{config}: {error.strerror}") from None
    except RecursionError:
        raise SettingsError(f"{config}: not TOML that anybody means: nested too deep") from None
    except ValueError as error:        # a number of thousands of digits is one, too
        raise SettingsError(f"{config}: not TOML: {error}") from None
    values = {}
    for name, given in table.items():
        setting = BY_NAME.get(name.replace("_", "-"))
        if setting is None:
            raise SettingsError(f"{config}: unknown setting '{name}'{_nearest(name, BY_NAME)}")
        values[setting.field] = given
    return values


def _nearest(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name.replace("_", "-"), known, 1)
    return f"; did you mean '{close[0]}'?" if close else ""


def checked(settings: Settings) -> Settings:
    """What a program has put together itself, each value read as that of a flag would be.

    Raises `SettingsError` for one that no flag could have.
    """
    values = {setting.field: setting.value(given) for setting in SETTINGS
              if (given := getattr(settings, setting.field)) != getattr(USUAL, setting.field)}
    return msgspec.structs.replace(settings, **values)


def changed(settings: Settings, name: str, text: str) -> Settings:
    """The settings with one limit changed.  Raises `SettingsError`."""
    setting = LIMITS.get(name.replace("_", "-"))
    if setting is None:
        if name.replace("_", "-") in BY_NAME:
            raise SettingsError(f"{name} cannot be changed while the server runs")
        raise SettingsError(f"no limit '{name}'{_nearest(name, LIMITS)}; `limit` alone lists them")
    return msgspec.structs.replace(settings, **{setting.field: setting.value(text)})


def show(settings: Settings, name: str) -> str:
    """One limit as it is written: `outbox 1.0M`."""
    setting = BY_NAME[name]
    return f"{setting.name} {setting.write(getattr(settings, setting.field))}"
