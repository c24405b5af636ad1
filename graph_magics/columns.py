"""JSON bodies as columns: what a model, or a function over a table, is given of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from .batch import Batch
from .bodies import Mixed, Samples, feature, stacked, table
from .context import Context
from .failures import Failure, united
from .joining import kind_of
from .nodes import BadEvent

#: Where a request holds its samples, and where the answer to it does: MLRun's and KServe's V2
#: word, and KServe's V1 word.
ANSWER_KEYS = {"inputs": "outputs", "instances": "predictions"}


def over_columns(batch: Batch, context: Context, run: Callable[[Batch], Batch]) -> Batch:
    """Run something that wants columns over a batch, whatever its bodies are.

    JSON bodies with samples (``inputs`` or ``instances``) are stacked to one `Samples`; flat
    bodies (``{"age": 30, ...}``) with the same keys become one frame. What is neither fails.

    Parameters
    ----------
    run : callable
        Given a batch whose bodies are columns or Samples; gives its answer.
    """
    bodies = batch.bodies
    if not isinstance(bodies, list):
        if isinstance(bodies, Mixed):
            return batch.apart(lambda some: over_columns(some, context, run))
        return _over_samples(batch, run)
    parts, failures = batch.memory.get("columns") or _parts(batch, context)
    if not failures:
        # The routes of a router get the very same batch: they share the stacked samples.
        batch.memory["columns"] = parts, failures
    if len(parts) == 1 and len(parts[0][1]) == len(batch):
        answer = _over_samples(parts[0][1], run)
        answer.failures = united([batch.failures, answer.failures])
        return answer
    return batch.merge([(rows, _over_samples(some, run)) for rows, some in parts], failures)


def _over_samples(batch: Batch, run: Callable[[Batch], Batch]) -> Batch:
    """Run over columns; of samples, an event that has none is not to fail with the others."""
    counts = getattr(batch.bodies, "counts", None)
    if counts is None or counts.all() or not counts.any():
        return run(batch)
    parts = [np.flatnonzero(counts), np.flatnonzero(counts == 0)]
    return batch.merge([(rows, run(batch.select(rows))) for rows in parts])


def _parts(
    batch: Batch, context: Context
) -> tuple[list[tuple[np.ndarray, Batch]], dict[int, Failure]]:
    """Selections whose bodies can be stacked, stacked; and who cannot be, by position."""
    bodies = batch.events()
    key = _shared_key(bodies)
    if key is not None:
        # Where that fails, one of them is to blame: it must not take the others with it.
        with suppress(Exception):
            samples = _samples(bodies, key)
            if _in_one_order(samples, bodies, key):
                return [(np.arange(len(batch)), Batch(samples, batch.positions))], {}
    groups: dict[Any, list[int]] = {}
    failures: dict[int, Failure] = {}
    for row, body in enumerate(bodies):
        try:
            groups.setdefault(_group(body), []).append(row)
        except Exception as error:
            failures[int(batch.positions[row])] = context.failure(error)
    parts = []
    for group, some in groups.items():
        try:
            parts.append(_part(batch, some, group))
        except Exception:
            # Such as a number that is too large for the floats of another event.
            parts.extend(_part(batch, [row], group) for row in some)
    return parts, failures


def _part(batch: Batch, some: list[int], group: Any) -> tuple[np.ndarray, Batch]:
    bodies = batch.events()
    chosen = [bodies[row] for row in some]
    stacked = _samples(chosen, group.key) if isinstance(group, _Kind) else _frame(chosen, group)
    rows = np.array(some)
    return rows, Batch(stacked, batch.positions[rows])


def _shared_key(bodies: Sequence[Any]) -> str | None:
    """The one key that holds the samples of all bodies, if there is one."""
    if set(map(type, bodies)) != {dict}:
        return None
    for key in ANSWER_KEYS:
        if all(key in body for body in bodies):
            return key
        if any(key in body for body in bodies):
            return None
    return None


class _Kind(NamedTuple):
    """What samples have in common that can be stacked."""

    key: str
    kind: Any


def _group(body: Any) -> Any:
    """What bodies have in common that can be stacked: the kind of their samples, or their keys."""
    if not isinstance(body, dict):
        raise BadEvent(_not_an_object(body))
    if not body:
        raise BadEvent("the event is empty: {}")
    for key in ANSWER_KEYS:
        if key in body:
            return _Kind(key, kind_of(_samples([body], key).values))
    return tuple(body)


def _in_one_order(samples: Samples, bodies: list[Any], key: str) -> bool:
    """Whether samples that are objects name their fields in one order: some models go by it."""
    if not isinstance(samples.values, pd.DataFrame):
        return True
    return len({tuple(body[key][0]) for body in bodies if body[key]}) == 1


def _samples(bodies: list[Any], key: str) -> Samples:
    lists = [body[key] for body in bodies]
    for samples in lists:
        if not isinstance(samples, (list, tuple, np.ndarray)):
            raise BadEvent(
                f'"{key}" must be a list of samples, got {type(samples).__name__}: {samples!r:.40}'
            )
    if all(len(samples) == 1 for samples in lists):
        return Samples(_rows([samples[0] for samples in lists], key), None, key)
    counts = np.fromiter(map(len, lists), dtype=np.int64, count=len(lists))
    return Samples(_rows(list(chain.from_iterable(lists)), key), counts, key)


def _rows(rows: list[Any], key: str) -> np.ndarray | pd.DataFrame:
    """Stack samples: an array, or a frame where the samples are objects."""
    if rows and isinstance(rows[0], dict):
        names = tuple(rows[0])
        if any(not isinstance(row, dict) or row.keys() != rows[0].keys() for row in rows):
            raise BadEvent(f'the objects in "{key}" have not all the same keys')
        return _frame(rows, names)
    try:
        array = stacked(rows)
    except ValueError:
        raise BadEvent(f'the samples in "{key}" have not all the same length') from None
    if array.dtype == object and array.ndim == 1 and dict in map(type, rows):
        raise BadEvent(f'the samples in "{key}" are objects and other things')
    return array


def _frame(records: Sequence[dict[Any, Any]], names: tuple[Any, ...]) -> pd.DataFrame:
    if not names:
        raise BadEvent("a sample is empty: {}")
    return table({name: feature([record[name] for record in records]) for name in names})


def _not_an_object(body: Any) -> str:
    if isinstance(body, bytes):
        shown = body[:60].decode(errors="replace")
        return f"an event must be JSON, and this is not: {shown}"
    return (
        f'an event must be an object, such as {{"inputs": [[1.0, 2.0]]}} or '
        f'{{"age": 30}}; got {type(body).__name__}: {body!r:.40}'
    )
