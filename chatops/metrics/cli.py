"""`chatops metrics`: what there is to collect, and a dashboard for it."""

from __future__ import annotations

import json

import click

from chatops.metrics.dashboard import dashboard as made
from chatops.metrics.families import FAMILIES


@click.command()
@click.option("--dashboard", is_flag=True, help="print a Grafana dashboard as JSON instead")
def metrics(dashboard: bool) -> None:
    """List what `--metrics HOST:PORT` tells a collector such as Prometheus.

    `chatops metrics --dashboard > chatops.json` makes a file that Grafana imports.
    """
    if dashboard:
        click.echo(json.dumps(made(), indent=2))
        return
    for family in FAMILIES:
        labels = f"{{{','.join(family.labels)}}}" if family.labels else ""
        click.echo(f"{family.name}{labels}  ({family.kind})\n    {family.help}")
