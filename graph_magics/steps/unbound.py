"""`Unbound`: a service that a manifest names, and that nobody has said what it is."""

from __future__ import annotations

from ..batch import Batch
from ..context import Context
from ..errors import GraphError
from ..nodes import Node


class Unbound(Node):
    """A service without anything behind it: it can be drawn, and not run.

    Parameters
    ----------
    service : str
        Its name in the manifest.
    """

    kind = "Service"

    def __init__(self, service: str, *, name: str | None = None) -> None:
        self.service = service
        self.name = name

    @property
    def title(self) -> str:
        """That nothing is bound to it."""
        return "not bound"

    def run(self, batch: Batch, context: Context) -> Batch:
        """Fail every event."""
        return batch.fail_all(
            context.failure(GraphError(f"no service is bound to {self.service!r}"))
        )
