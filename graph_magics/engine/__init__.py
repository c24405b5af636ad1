"""Runs a node over events: takes them, hands them on in batches, keeps what came of it."""

from .events import Events, take_events
from .local import Outcome, execute

__all__ = ["Events", "Outcome", "execute", "take_events"]
