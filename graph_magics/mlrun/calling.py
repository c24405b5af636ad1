"""How steps are called for each event of a batch, and what becomes of their answers."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from ..batch import Batch
from ..bodies import Mixed, has_objects, many_objects
from ..context import Context
from ..copying import copies
from ..errors import GraphError
from ..failures import Failure
from .base import ServedNode
from .events import copied, failure_of, heads_of

_MISSING = object()
#: What nobody awaits.
_PLAIN = frozenset({dict, list, str, int, float, bool, type(None)})
#: For how many events Python's garbage collector is held.
_AT_ONCE = 100_000


def own_bodies(batch: Batch) -> list[Any]:
    """One Python object per event, which the step may change."""
    events, bodies = batch.events(), batch.bodies
    if isinstance(bodies, (list, Mixed)) or has_objects(bodies):
        return copies(events)
    return events  # Made of columns, for this step only.


def told(
    batch: Batch,
    answers: Sequence[Any],
    rows: list[int] | None,
    failures: dict[int, Failure],
    context: Context,
    *,
    step: ServedNode,
) -> Batch:
    """A batch of what steps that get whole events answer: the bodies, and what is known besides.

    An answer that is no event is its own body where the step is the last of a sync flow
    (MLRun 1.12), and fails elsewhere.
    """
    bodies: list[Any] = []
    heads: list[Any] = []
    for place, answer in enumerate(answers):
        body = getattr(answer, "body", _MISSING)
        if body is _MISSING or hasattr(answer, "status_code"):
            if body is _MISSING and not step.may_answer_bodies:
                error = GraphError(
                    f"a step with full_event must return the event, it returned "
                    f"{type(answer).__name__}"
                )
                failures[place if rows is None else rows[place]] = failure_of(context, error)
                continue
            bodies.append(answer)
            heads.append(None)
        else:
            bodies.append(body)
            heads.append(copied(answer))
    answer = batch.fail(failures, bodies)
    return answer.with_heads(heads_of(heads))


def others(bodies: list[Any], failures: dict[int, Failure]) -> list[Any]:
    """The bodies of the events that did not fail."""
    if not failures:
        return bodies
    return [body for row, body in enumerate(bodies) if row not in failures]


def each(
    function: Callable[[Any], Any],
    given: Sequence[Any],
    failures: dict[int, Failure],
    context: Context,
    rows: list[int] | None = None,
) -> tuple[list[Any], list[int] | None]:
    """Call a function for each; failures by row, and the rows of those that are left."""
    answers: list[Any] = []
    if len(given) == 1:
        try:
            return [function(given[0])], rows
        except Exception as error:
            failures[0 if rows is None else rows[0]] = failure_of(context, error)
            return [], []
    append = answers.append
    kept: list[int] | None = rows
    lost: list[int] = []
    for start in range(0, len(given), _AT_ONCE):
        rest = iter(given[start : start + _AT_ONCE])
        # For so many only: what the function leaves behind may be garbage.
        with many_objects(len(given)):
            while True:
                try:
                    for value in rest:
                        append(function(value))
                except Exception as error:
                    place = len(answers) + len(lost)
                    failures[place if rows is None else rows[place]] = failure_of(context, error)
                    lost.append(place)
                else:
                    break
    if lost:
        gone = set(lost)
        every = range(len(given)) if rows is None else rows
        kept = [row for place, row in enumerate(every) if place not in gone]
    return answers, kept


def without_errors(
    results: list[Any],
    failures: dict[int, Failure],
    context: Context,
    rows: list[int] | None,
) -> tuple[list[Any], list[int] | None]:
    """What was awaited for each: failures by row, and the rows of those that are left."""

    def given(result: Any) -> Any:
        if isinstance(result, Exception):
            raise result
        return result

    return each(given, results, failures, context, rows)


async def awaited(answer: Any) -> Any:
    """Await what is to be awaited."""
    return await answer if inspect.isawaitable(answer) else answer


def answered(
    function: Callable[[Any], Any],
    given: Sequence[Any],
    failures: dict[int, Failure],
    context: Context,
    rows: list[int] | None = None,
    *,
    is_async: bool = False,
) -> tuple[list[Any], list[int] | None]:
    """What a function gives for each, awaited if need be; failures by row, and who is left."""
    if is_async:
        results = context.setup.async_map(function, given)
        return without_errors(results, failures, context, rows)
    answers, kept = each(function, given, failures, context, rows)
    if answers and type(answers[0]) not in _PLAIN and inspect.isawaitable(answers[0]):
        results = context.setup.async_map(awaited, answers)
        return without_errors(results, failures, context, kept)
    return answers, kept
