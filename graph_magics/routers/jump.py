"""`Jump`: to a node that stands elsewhere in the graph, and `NoNode`, where there is none."""

from __future__ import annotations

from collections.abc import Iterator

from ..batch import Batch
from ..context import Context
from ..errors import GraphError
from ..nodes import Node, walk


class Jump(Node):
    """Go to a node that is declared in another place: several steps may lead to it.

    So may a step inside the node itself: then events go round, as long as a condition holds.

    Parameters
    ----------
    target : Node
    path : str
        The target's dotted path, from where all nodes of the graph begin.
    levels : int
        How many nodes stand around this one there.
    """

    kind = "Jump"

    def __init__(self, target: Node, path: str, levels: int, *, name: str | None = None) -> None:
        self.target = target
        self.path = path
        self.name = name
        self._levels = levels
        self._waits: bool | None = None

    @property
    def waits(self) -> bool:  # type: ignore[override]
        """Whether anything waits where it leads."""
        if self._waits is None:
            self._waits = any(node.waits for node in self._reached())
        return self._waits

    def _reached(self) -> Iterator[Node]:
        """All nodes that an event may come to from here, but for jumps."""
        waiting: list[Node] = [self.target]
        seen = set(waiting)
        while waiting:
            here = waiting.pop()
            for node in [here, *(inside for _, inside in walk(here))]:
                if not isinstance(node, Jump):
                    yield node
                elif node.target not in seen:
                    seen.add(node.target)
                    waiting.append(node.target)

    @property
    def title(self) -> str:
        """Where it goes."""
        return f"to {self.path}"

    def run(self, batch: Batch, context: Context) -> Batch:
        """Answer as the target does."""
        return context.jump(self.leads_to(context.path), self.target, batch)

    def leads_to(self, here: str) -> str:
        """The target's path, in a graph where the jump itself has this one."""
        parts = here.split(".")
        return ".".join([*parts[: len(parts) - self._levels - 1], self.path])


class NoNode(Node):
    """What a step leads to that leads nowhere: each event fails.

    Parameters
    ----------
    reason : str
        KServe's own, such as ``invalid route type: Parallel``.
    """

    kind = "Nowhere"

    def __init__(self, reason: str, *, name: str | None = None) -> None:
        self.reason = reason
        self.name = name

    @property
    def title(self) -> str:
        """Why."""
        return self.reason

    def run(self, batch: Batch, context: Context) -> Batch:
        """Fail every event."""
        return batch.fail_all(context.failure(GraphError(self.reason)))
