"""The servers: each runs for real, shows its fault, and leads to the next."""

from __future__ import annotations

from chatops.lab.stages.base import CPU_LIMIT, StageServer
from chatops.lab.stages.broadcast import BroadcastStage
from chatops.lab.stages.echo import EchoStage
from chatops.lab.stages.link import StageLink
from chatops.lab.stages.listen import ListenStage
from chatops.lab.stages.on_demand import OnDemandStage
from chatops.lab.stages.queues import QueuesStage
from chatops.lab.stages.streams import StreamsStage

STAGES: dict[int, type[StageServer]] = {
    stage.number: stage
    for stage in (ListenStage, EchoStage, BroadcastStage, QueuesStage, OnDemandStage, StreamsStage)
}

__all__ = ["CPU_LIMIT", "STAGES", "StageLink", "StageServer"]
