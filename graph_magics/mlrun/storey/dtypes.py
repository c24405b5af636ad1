"""What ``storey.dtypes`` has that users' own flows ask for."""

from __future__ import annotations

from ..events import Event

__all__ = ["Event", "FlowError"]


class FlowError(Exception):
    """A flow cannot go on."""


class _Termination:
    """What storey sends through a flow at its end; nothing of the kind is sent here."""

    def __repr__(self) -> str:
        return "the end of the flow"


_termination_obj = _Termination()
