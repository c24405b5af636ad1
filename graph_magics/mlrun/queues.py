"""`QueueNode`: a queue, kept in memory (MLRun 1.12)."""

from __future__ import annotations

from typing import Any

from ..batch import Batch
from ..context import Context
from .base import ServedNode
from .calling import own_bodies
from .declaring import QueueStep


class QueueNode(ServedNode):
    """Lets the events through; as the last step it keeps them in ``queue.items``.

    Parameters
    ----------
    step : QueueStep
    """

    kind = "Queue"

    def __init__(self, step: Any) -> None:
        super().__init__(step, None)
        self.queue: QueueStep = step

    @property
    def title(self) -> str:
        """Where it would be in a cluster."""
        return self.queue.path or "in memory"

    @property
    def is_stateful(self) -> bool:
        """Whether events must come one by one: those that it keeps are in order."""
        return not self.outlets

    def run(self, batch: Batch, context: Context) -> Batch:
        """Answer every event as it came; what a sync flow has given away is answered with None."""
        if self.outlets:
            return batch.bare()
        bodies = own_bodies(batch)
        self.queue.items += bodies
        if self.is_sync and self.queue.path:
            return batch.bare().answer([None if body else body for body in bodies])
        return batch.bare()
