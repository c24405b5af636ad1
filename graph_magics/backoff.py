"""How long to wait before a request is sent again."""

from __future__ import annotations

import random

_MOST_SECONDS = 120.0


def pause(attempt: int, factor: float) -> float:
    """Seconds to wait after an attempt in vain: doubled each time, and somewhat at random.

    >>> 0.05 <= pause(0, 0.1) <= 0.1
    True
    >>> 0.4 <= pause(3, 0.1) <= 0.8
    True
    """
    seconds = min(_MOST_SECONDS, factor * 2.0 ** min(attempt, 64))
    return seconds * random.uniform(0.5, 1)  # So that not all come back at once.
