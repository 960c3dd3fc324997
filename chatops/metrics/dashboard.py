"""The figures as a Grafana dashboard, made from the table: import it, choose the data source."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from chatops.metrics.families import FAMILIES, Family

SCHEMA = 39                    # of Grafana 10, which newer ones migrate by themselves
WIDTH, HEIGHT, COLUMNS = 8, 8, 24
SOURCE = {"type": "prometheus", "uid": "${source}"}
QUANTILES = (0.5, 0.99)
# No metric is that, and it explains most: with it the work of a turn grows, its cost hardly.
PER_WAKEUP = ("rate(chatops_loop_ready_total{job=~\"$job\"}[$__rate_interval]) / "
              "rate(chatops_loop_wakeups_total{job=~\"$job\"}[$__rate_interval])")


def dashboard() -> dict[str, Any]:
    """What Grafana's JSON model wants."""
    shown = sorted((family for family in FAMILIES if family.panel), key=lambda f: f.panel)
    order = list(dict.fromkeys(family.panel for family in FAMILIES if family.panel))
    grouped = {panel: list(group) for panel, group in groupby(shown, lambda f: f.panel)}
    panels = [_panel(n, title, grouped[title]) for n, title in enumerate(order)]
    panels.append(_graph(len(panels), "Ready per wake-up", "short", [(PER_WAKEUP, "ready")]))
    return {
        "title": "chatops", "uid": "chatops", "tags": ["chatops"], "schemaVersion": SCHEMA,
        "editable": True, "refresh": "10s", "time": {"from": "now-1h", "to": "now"},
        "templating": {"list": [
            {"name": "source", "label": "Data source", "type": "datasource",
             "query": "prometheus"},
            {"name": "job", "label": "Job", "type": "query", "datasource": SOURCE,
             "query": "label_values(chatops_connections, job)", "refresh": 2,
             "includeAll": True, "multi": True},
        ]},
        "panels": panels,
    }


def _panel(n: int, title: str, families: list[Family]) -> dict[str, Any]:
    queries = [query for family in families for query in _queries(family)]
    return _graph(n, title, families[0].unit, queries)


def _queries(family: Family) -> list[tuple[str, str]]:
    """PromQL, and how the line is called."""
    chosen = f'{family.name}{{job=~"$job"}}'
    name = family.name.removeprefix("chatops_").removesuffix("_total").replace("_", " ")
    legend = " ".join([name, *(f"{{{{{label}}}}}" for label in family.labels)])
    match family.kind:
        case "counter":
            return [(f"rate({chosen}[$__rate_interval])", legend)]
        case "histogram":
            buckets = f'{family.name}_bucket{{job=~"$job"}}'
            return [(f"histogram_quantile({q}, sum by (le) (rate({buckets}[$__rate_interval])))",
                     f"{name} p{q * 100:g}") for q in QUANTILES]
        case _:
            return [(chosen, legend)]


def _graph(n: int, title: str, unit: str, queries: list[tuple[str, str]]) -> dict[str, Any]:
    across = COLUMNS // WIDTH
    return {
        "id": n + 1, "title": title, "type": "timeseries", "datasource": SOURCE,
        "gridPos": {"x": n % across * WIDTH, "y": n // across * HEIGHT, "w": WIDTH, "h": HEIGHT},
        "fieldConfig": {"defaults": {"unit": unit, "min": 0}, "overrides": []},
        "targets": [{"refId": chr(ord("A") + i), "datasource": SOURCE, "expr": expr,
                     "legendFormat": legend} for i, (expr, legend) in enumerate(queries)],
    }
