"""The five servers: each runs for real, shows its fault, and leads to the next."""

from __future__ import annotations

from chatops.lab.stages.base import CPU_LIMIT, Stage
from chatops.lab.stages.broadcast import Broadcast
from chatops.lab.stages.echo import Echo
from chatops.lab.stages.link import StageLink
from chatops.lab.stages.listen import Listen
from chatops.lab.stages.on_demand import OnDemand
from chatops.lab.stages.queues import Queues

STAGES: dict[int, type[Stage]] = {
    stage.number: stage for stage in (Listen, Echo, Broadcast, Queues, OnDemand)
}

__all__ = ["CPU_LIMIT", "STAGES", "Stage", "StageLink"]
