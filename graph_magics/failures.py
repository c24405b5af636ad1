"""Why an event has no answer, or one that is no success."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from .errors import GraphError, one_line, text_of


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an event has no answer.

    Parameters
    ----------
    node : str
        The dotted path of the step that raised it.
    error : BaseException
        What it raised.
    status : int
        As HTTP has it: 400 the event is not what the step takes, 404 no route is for it,
        500 the step broke.
    place : str or None
        Where in the user's code, such as ``line 3 of clean``.
    elapsed : float
        How many seconds it had waited for services.
    """

    node: str
    error: BaseException
    status: int = 500
    place: str | None = None
    elapsed: float = 0.0


def error_status(code: Any) -> int:
    """A status as that of an error, as HTTP has it: 500 for what is none.

    >>> error_status(404), error_status(302), error_status("broken")
    (404, 500, 500)
    """
    return code if isinstance(code, int) and 400 <= code < 600 else 500


class Refusal(GraphError):
    """A step answered with a status that is no success, where it was not asked for one."""

    def __init__(self, message: str, status_code: int) -> None:
        super().__init__(message)
        self.status_code = status_code

    @classmethod
    def of(cls, status_code: int, body: Any) -> Refusal:
        """Tell what was answered."""
        if not status_code:
            return cls("there is no answer: a Sequence without steps gives none", 0)
        is_empty = body is None or (isinstance(body, (str, bytes)) and not body)
        shown = "" if is_empty else f": {_shown(body)}"
        return cls(f"answered with status {status_code}{shown}", status_code)


def _shown(body: Any) -> str:
    try:
        return repr(body)[:100]
    except RecursionError:
        return f"a deep {type(body).__name__}"


def united(some: Iterable[Mapping[int, Failure]]) -> Mapping[int, Failure]:
    """All failures; of an event that failed more than once, the first given."""
    some = [failures for failures in some if failures]
    if len(some) < 2:
        return some[0] if some else {}
    union: dict[int, Failure] = {}
    for failures in reversed(some):
        union.update(failures)
    return union


def told(failure: Failure) -> str:
    """An event's failure in one line, as it stands in the frame."""
    return f"{failure.node}: {one_line(failure.error)}"


def table_of(failures: Sequence[Failure]) -> pd.DataFrame:
    """Failures as a table: step, status, error, message and place in the user's code."""
    return pd.DataFrame(
        {
            "step": pd.array([f.node for f in failures], dtype="str"),
            "status": np.array([f.status for f in failures], dtype=np.int16),
            "error": pd.array([type(f.error).__name__ for f in failures], dtype="str"),
            "message": pd.array([text_of(f.error) for f in failures], dtype="str"),
            "place": pd.array([f.place or "" for f in failures], dtype="str"),
        }
    )
