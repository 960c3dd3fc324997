"""Experiments: what readiness is, measured on this machine, each in under three seconds.

One module each: a frozen struct for the result, and `measure()`, which prints nothing.
Run them through `apart.run_apart(name)` wherever a server runs in the same process.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from chatops.lab.experiments import (
    anatomy,
    closed,
    combinations,
    cost,
    limits,
    models,
    triggering,
    writable,
)


@dataclass(frozen=True, slots=True)
class Experiment:
    measure: Callable[[], msgspec.Struct]
    result: type[msgspec.Struct]


EXPERIMENTS = {
    "models": Experiment(models.measure, models.Models),
    "combinations": Experiment(combinations.measure, combinations.Combinations),
    "anatomy": Experiment(anatomy.measure, anatomy.Anatomy),
    "limits": Experiment(limits.measure, limits.Limits),
    "cost": Experiment(cost.measure, cost.CostCurve),
    "triggering": Experiment(triggering.measure, triggering.Triggering),
    "writable": Experiment(writable.measure, writable.Writable),
    "closed": Experiment(closed.measure, closed.Closed),
}
