"""What the files are called that a streamed run writes, and which are so called."""

from __future__ import annotations

import re

RUN = "_run.json"
"""What run it is."""
WHOLE = "_whole"
"""The output while it is put together."""
IS_PART = re.compile(r"part-\d{5,}\.parquet")
IS_BESIDE = re.compile(r"_run\.json|_whole|_done-\d{5,}\.json|_errors-\d{5,}\.parquet")


def part(number: int) -> str:
    """The events of a chunk."""
    return f"part-{number:05}.parquet"


def note(number: int) -> str:
    """What is told of a chunk that is done."""
    return f"_done-{number:05}.json"


def errors(number: int) -> str:
    """The failed events of a chunk."""
    return f"_errors-{number:05}.parquet"


def is_ours(name: str) -> bool:
    """Tell whether a run writes files of that name; also one that it was stopped in writing.

    >>> is_ours("part-00007.parquet"), is_ours("_run.json.tmp"), is_ours("part-7.parquet")
    (True, True, False)
    """
    name = name.removesuffix(".tmp")
    return bool(IS_PART.fullmatch(name) or IS_BESIDE.fullmatch(name))
