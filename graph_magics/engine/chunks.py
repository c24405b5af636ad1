"""How many events are handed on at once: chunks whose bounds change no answer."""

from __future__ import annotations

from collections.abc import Sequence

from ..nodes import Node, walk

ALL_AT_ONCE = 50_000
"""So many events are one chunk, whatever they cost."""

#: Of more events the first chunk has so many and what is left over, and the others a multiple
#: of it. Linear algebra rounds its last rows otherwise than those before if their number is odd:
#: so they are always the same ones, however many chunks there are.
GRID = 16_384
MOST = 16 * GRID
"""How many events a chunk has at most."""

LEAST = 1_000
"""Fewer events are not worth a process or a task of their own."""

#: So many rows linear algebra takes at once, or a part of so many.
_ROWS = 16


def first_on_grid(root: Node, total: int) -> int | None:
    """How many events the first chunk has where they go on a grid; None where all go at once."""
    return GRID + total % GRID if total > ALL_AT_ONCE and may_part(root) else None


def may_part(root: Node) -> bool:
    """Whether no function is given a table: it may look at all rows, for their mean perhaps."""
    return table_step(root) is None


def table_step(root: Node) -> str | None:
    """The path of a function that is given a table, if there is one."""
    return next((path for path, node in walk(root) if getattr(node, "batch", False)), None)


def starts_of(root: Node, total: int, workers: int, size: int | None = None) -> Sequence[int]:
    """Where the chunks begin that several workers are to run.

    Parameters
    ----------
    root : Node
    total : int
        How many events there are.
    workers : int
        Each gets four chunks, if there are events enough.
    size : int, optional
        Of every chunk, where it is said.

    Examples
    --------
    >>> from graph_magics.routers import Splitter
    >>> root = Splitter(a=abs, b=round)
    >>> list(starts_of(root, 10_000, workers=2)), list(starts_of(root, 10, workers=2, size=4))
    ([0, 1264, 2528, 3792, 5056, 6320, 7584, 8848], [0, 4, 8])
    """
    if size is not None or not total:
        return range(0, max(total, 1), size or 1)
    size = min(-(-total // (4 * workers)), MOST)
    first = first_on_grid(root, total)
    if first is not None:
        return [0, *range(first, total, -(-size // GRID) * GRID)]
    return range(0, total, -(-max(size, LEAST) // _ROWS) * _ROWS)
