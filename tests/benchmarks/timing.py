"""Times two ways of doing the same work in one run, so that their ratio can be trusted."""

from __future__ import annotations

import gc
from collections.abc import Callable
from statistics import median
from time import perf_counter


def seconds(work: Callable[[], object]) -> float:
    """Time one call, with the garbage of the one before out of the way."""
    gc.collect()
    start = perf_counter()
    work()
    return perf_counter() - start


def paired(
    ours: Callable[[], object], floor: Callable[[], object], rounds: int
) -> tuple[float, ...]:
    """Time both in turn, after one unmeasured round; medians, and the median of the ratios."""
    pairs = [(seconds(ours), seconds(floor)) for _ in range(rounds + 1)][1:]
    return (
        median(a for a, _ in pairs),
        median(b for _, b in pairs),
        median(a / b for a, b in pairs),
    )


def report(what: str, figure: str, target: str) -> None:
    """Print one line of the table."""
    print(f"{what:<66} {figure:>22}   {target}", flush=True)
