"""`Drawable`: what the drawing asks of a node."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol


class Drawable(Protocol):
    """What the drawing asks of a node.

    ``children`` are empty for steps and models. ``edges`` are the wires between the children
    of a "Flow"; a "Sequence" runs its children in their order; any other kind that has
    children is a router, which sends to each of them and merges their answers.
    """

    @property
    def kind(self) -> str:
        """The class of node."""
        ...

    @property
    def title(self) -> str:
        """What it is made of, in a word."""
        ...

    @property
    def children(self) -> Mapping[str, Drawable]:
        """The nodes inside it, by name."""
        ...

    @property
    def edges(self) -> Sequence[tuple[str, str]]:
        """The wires between them."""
        ...

    @property
    def route_labels(self) -> Mapping[str, str]:
        """The texts on the edges to them."""
        ...

    @property
    def route_shares(self) -> Mapping[str, float]:
        """The share of each, as its weight has it; without those that have none."""
        ...

    @property
    def edge_labels(self) -> Mapping[tuple[str, str], str]:
        """The texts on the wires of a flow, such as to an error handler."""
        ...

    @property
    def entries(self) -> Collection[str] | None:
        """Those of a flow that events come in at; None for all that follow no other."""
        ...

    @property
    def dead_ends(self) -> Collection[str]:
        """Those of a flow whose answer goes nowhere."""
        ...

    @property
    def exits(self) -> Sequence[str]:
        """Those of a "Sequence" whose answer may be the last, though others follow."""
        ...
