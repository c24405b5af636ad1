"""`Unkept`: what runs cannot tell that keep no answers of the nodes in memory."""

from __future__ import annotations

from typing import Any, ClassVar, NoReturn

from .errors import GraphError


class Unkept:
    """A run of which only the frame is to be had, in files or on a cluster."""

    graph: str
    #: Why the answers are not there.
    where: ClassVar[str] = ""

    def what_if(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse: other weights need the answers of the nodes.

        Raises
        ------
        GraphError
            Always; it says what to write instead.
        """
        self.refuse("what_if(weights)")

    def expected(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse, as `what_if` does."""
        self.refuse("expected(y)")

    def best_weights(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse, as `what_if` does."""
        self.refuse("best_weights(y)")

    def refuse(self, call: str) -> NoReturn:
        """Say what to write instead of a call.

        Raises
        ------
        GraphError
            Always.
        """
        raise GraphError(
            f"{self.where}, so it keeps no answers of the nodes; run as many events as fit in "
            f"memory: graph.run(events).{call}",
            graph=self.graph,
        )
