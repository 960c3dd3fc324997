"""The table as text, by way of prometheus-client, which is an extra of this package."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import accumulate

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from chatops.loop.timed import COST_BUCKETS
from chatops.metrics.families import FAMILIES, Family, Figures


class _ServerCollector(Collector):
    """What one scrape tells, in the library's terms."""

    def __init__(self, figures: Figures) -> None:
        self._figures = figures

    def collect(self) -> Iterator[Metric]:
        for family in FAMILIES:
            yield _MAKERS[family.kind](family, self._figures)


def _counter(family: Family, figures: Figures) -> Metric:
    metric = CounterMetricFamily(family.name, family.help, labels=family.labels)
    for labels, value in family.samples(figures):
        metric.add_metric(labels, value)
    return metric


def _gauge(family: Family, figures: Figures) -> Metric:
    metric = GaugeMetricFamily(family.name, family.help, labels=family.labels)
    for labels, value in family.samples(figures):
        metric.add_metric(labels, value)
    return metric


def _info(family: Family, figures: Figures) -> Metric:
    metric = InfoMetricFamily(family.name, family.help)
    for labels, _ in family.samples(figures):
        metric.add_metric((), dict(zip(family.labels, labels, strict=True)))
    return metric


def _callbacks(family: Family, figures: Figures) -> Metric:
    """The one histogram there is."""
    loop = figures.snapshot.loop
    counts = loop.cost_counts or (0,) * (len(COST_BUCKETS) + 1)
    bounds = [*map(floatToGoString, COST_BUCKETS), "+Inf"]
    metric = HistogramMetricFamily(family.name, family.help)
    metric.add_metric((), list(zip(bounds, accumulate(counts), strict=True)), loop.cost_total)
    return metric


_MAKERS: dict[str, Callable[[Family, Figures], Metric]] = {
    "counter": _counter, "gauge": _gauge, "info": _info, "histogram": _callbacks,
}


class Page:
    """The text of one scrape, in the formats that were asked for: each is made once."""

    def __init__(self, figures: Figures, made_at: float) -> None:
        self.made_at = made_at         # monotonic
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(_ServerCollector(figures))
        ProcessCollector(registry=self._registry)
        self._texts: dict[str, bytes] = {}

    def text(self, accept: str) -> tuple[str, bytes]:
        """Content type and body, by what an `Accept` header says."""
        try:
            encode, content_type = choose_encoder(accept)
        except Exception:          # it compares versions that it could not read: it has a default
            encode, content_type = choose_encoder("")
        if content_type not in self._texts:
            self._texts[content_type] = encode(self._registry)
        return content_type, self._texts[content_type]
