"""The options of a server: click finds what was given, the table of settings judges it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import click
from click.core import ParameterSource

from chatops.cli.parts import let_signals_end_it
from chatops.settings import SETTINGS, USUAL, Setting, Settings, from_file, put_together

Reread = tuple[str, Callable[[], Settings]]


def server_options(command: Any) -> Any:
    """A flag and a variable for every setting, and where the settings file is."""
    for setting in reversed(SETTINGS):
        command = _option(setting)(command)
    return click.option("--config", metavar="FILE", is_eager=True, callback=_read_file,
                        help="TOML file with any of these; flags and CHATOPS_… win")(command)


def _option(setting: Setting) -> Callable[[Any], Any]:
    default = setting.write(getattr(USUAL, setting.field)) or "none"
    return click.option(f"--{setting.name}", setting.field, metavar="VALUE",
                        type=click.UNPROCESSED, envvar=setting.variable,
                        help=f"{setting.why}  [{default}]")


def _read_file(context: click.Context, _: click.Parameter, config: str | None) -> str | None:
    if config is not None and not context.resilient_parsing:
        let_signals_end_it()       # it may be a pipe that nobody writes
        context.default_map = from_file(config)
    return config


def settings_of(context: click.Context, defaults: Settings = USUAL) -> Settings:
    """What a command with `server_options` was given.

    A flag wins over a variable, and that over the file.  What a stronger source overrides is
    not judged: it may be meant for something else, as Kubernetes sets CHATOPS_PORT for whatever
    runs beside a Service called chatops.  Raises `SettingsError`.
    """
    return _judged(context, context.params, defaults)


def reread(context: click.Context, defaults: Settings = USUAL) -> Reread | None:
    """The settings file and what reads it again, if there is one: flags and variables stay."""
    config: str | None = context.params["config"]
    if config is None:
        return None
    stronger = {setting.field: context.params[setting.field] for setting in SETTINGS
                if _source(context, setting) in _STRONGER}
    return config, lambda: _judged(context, from_file(config) | stronger, defaults)


def is_anything_typed(context: click.Context) -> bool:
    """Whether there is an option on the command line itself."""
    return any(context.get_parameter_source(name) is ParameterSource.COMMANDLINE
               for name in context.params)


_STRONGER = (ParameterSource.COMMANDLINE, ParameterSource.ENVIRONMENT)


def _source(context: click.Context, setting: Setting) -> ParameterSource | None:
    return context.get_parameter_source(setting.field)


def _judged(context: click.Context, given: Mapping[str, object], defaults: Settings) -> Settings:
    def origin(setting: Setting) -> str:
        match _source(context, setting):
            case ParameterSource.COMMANDLINE:
                return "--"
            case ParameterSource.ENVIRONMENT:
                return f"{setting.variable}: "
            case _:
                return f"{context.params['config']}: "

    return put_together(given, origin, defaults)
