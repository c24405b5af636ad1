"""The numbers that bound what is under way: seconds, and how many."""

from __future__ import annotations

import math
from typing import Any

from .errors import GraphError

CONCURRENCY = 32
"""How many events a step has under way at once, where nothing is said."""


def seconds(what: str, given: Any) -> float | None:
    """A number above 0, or None."""
    if given is None or (_is_number(given) and given > 0):
        return given
    raise GraphError(f"{what} must be a number above 0, got {given!r}")


def count(what: str, given: Any, least: int = 1) -> int:
    """A whole number from ``least`` on."""
    if _is_number(given) and math.isfinite(given) and given >= least and given == int(given):
        return int(given)
    raise GraphError(f"{what} must be a whole number from {least} on, got {given!r}")


def _is_number(given: Any) -> bool:
    return isinstance(given, (int, float)) and not isinstance(given, bool)
