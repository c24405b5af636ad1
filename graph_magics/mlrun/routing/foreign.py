"""`ForeignRouterNode`: a router whose class is made from MLRun's own, where that is installed."""

from __future__ import annotations

from ..events import GraphContext
from ..lookup import Namespace
from .nodes import RouterNode


class ForeignRouterNode(RouterNode):
    """A router that MLRun's own code answers with, event by event; its routes are ours."""

    kind = "Router"

    def start(self, server: GraphContext, namespace: Namespace, mode: str = "sync") -> None:
        """Make the object."""
        super().start(server, namespace, mode)
        self._own = self._own | {"do_event"}
        if hasattr(self.object, "executor_type"):
            # Its threads would not know where in the graph they are.
            self.object.executor_type = "array"
