"""Runs a node over events: takes them, hands them on in batches, keeps what came of it."""

from .events import Events, take_events
from .interrupts import Interrupts
from .local import Done, Outcome, execute, first_of

__all__ = ["Done", "Events", "Interrupts", "Outcome", "execute", "first_of", "take_events"]
