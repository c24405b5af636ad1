"""What a service raises, as the response that a model server would give."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from .batch import Batch
from .errors import Unanswered, one_line
from .failures import Failure


def with_raised(answer: Batch, request: Batch) -> tuple[Batch, Mapping[int, Failure]]:
    """Make a response of everything that a service raised: ``{"error": ...}``, with its status.

    That a service gave no answer at all is no response, and stays a failure.

    Returns
    -------
    answer : Batch
        To the whole request, but for those failures.
    raised : mapping of int to Failure
        What was raised, by position.
    """
    raised = {
        position: failure
        for position, failure in answer.failures.items()
        if not isinstance(failure.error, Unanswered)
    }
    if not raised:
        return answer, {}
    positions = np.array(sorted(raised), dtype=np.int64)
    told = [raised[position] for position in positions.tolist()]
    responses = Batch(
        [{"error": one_line(failure.error)} for failure in told],
        positions,
        status=np.array([failure.status for failure in told], dtype=np.int16),
    )
    others = {at: failure for at, failure in answer.failures.items() if at not in raised}
    parts = [part for part in (answer.bare(), responses) if len(part)]
    placed = [(np.searchsorted(request.positions, part.positions), part) for part in parts]
    return request.bare().merge(placed, others), raised
