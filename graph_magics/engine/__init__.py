"""Runs a node over events: takes them, hands them on in batches, keeps what came of it."""

from .events import Events, is_dask, take_events
from .interrupts import Interrupts
from .local import Done, Executor, Outcome, execute, execute_again

__all__ = [
    "Done",
    "Events",
    "Executor",
    "Interrupts",
    "Outcome",
    "execute",
    "execute_again",
    "is_dask",
    "take_events",
]
