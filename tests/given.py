"""Settings as the command line puts them together, without a server that is started with them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from unittest import mock

import click

from chatops.cli.options import server_options, settings_of
from chatops.settings import BY_NAME, USUAL, Settings


def load(flags: Mapping[str, str | None], *, config: str | None = None,
         environ: Mapping[str, str] | None = None, defaults: Settings = USUAL) -> Settings:
    """What flags (by field), variables and a settings file make of the defaults.

    Of this process's own variables only those that are no settings count.  Raises
    `SettingsError`.
    """
    @click.command()
    @server_options
    @click.pass_context
    def command(context: click.Context, /, **_: object) -> Settings:
        return settings_of(context, defaults)

    by_field = {setting.field: setting.name for setting in BY_NAME.values()}
    arguments = [f"--{by_field.get(field, field)}={value}" for field, value in flags.items()
                 if value is not None and field != "config"]
    arguments += [] if config is None else [f"--config={config}"]
    others = {name: value for name, value in os.environ.items()
              if not name.startswith("CHATOPS_")}
    with mock.patch.dict(os.environ, {**others, **(environ or {})}, clear=True):
        settings: Settings = command.main(arguments, standalone_mode=False)
    return settings
