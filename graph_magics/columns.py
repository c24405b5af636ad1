"""JSON bodies as columns: what a model, or a function over a table, is given of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any

import numpy as np
import pandas as pd

from .batch import Batch, united
from .bodies import Samples, feature
from .nodes import BadEvent, Context

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
    if not batch.is_json or isinstance(batch.bodies, Samples):
        return run(batch)
    parts = batch.memory.get("columns")
    if parts is None:
        parts = _parts(batch, context)
        if not any(stacked.failures for _, stacked in parts):
            # The routes of a router get the very same batch: they share the stacked samples.
            batch.memory["columns"] = parts
    if len(parts) == 1 and len(parts[0][1]) == len(batch):
        answer = run(parts[0][1])
        answer.failures = united([batch.failures, answer.failures])
        return answer
    return batch.merge([(rows, run(stacked)) for rows, stacked in parts])


def _parts(batch: Batch, context: Context) -> list[tuple[np.ndarray, Batch]]:
    bodies: list[Any] = batch.bodies  # type: ignore[assignment]
    key = _shared_key(bodies)
    if key is not None:
        return [(np.arange(len(batch)), _stacked(batch, key, context))]
    groups: dict[Any, list[int]] = {}
    for row, body in enumerate(bodies):
        groups.setdefault(_group(body), []).append(row)
    parts = []
    for group, some in groups.items():
        rows = np.array(some)
        parts.append((rows, _stacked(batch.select(rows), group, context)))
    return parts


def _shared_key(bodies: Sequence[Any]) -> str | None:
    """The one key that holds the samples of all bodies, if there is one."""
    if set(map(type, bodies)) != {dict}:
        return None
    for key in ANSWER_KEYS:
        if all(key in body for body in bodies):
            return key
    return None


def _group(body: Any) -> Any:
    """Bodies of one group can be stacked: the key of their samples, or their columns."""
    if not isinstance(body, dict):
        return None
    for key in ANSWER_KEYS:
        if key in body:
            return key
    return tuple(body)


def _stacked(batch: Batch, group: Any, context: Context) -> Batch:
    def stack(some: Batch) -> Any:
        bodies = some.events()
        if group is None:
            raise BadEvent(_not_an_object(bodies[0]))
        if isinstance(group, str):
            return _samples([body[group] for body in bodies], group)
        return _frame(bodies, group)

    return Batch(batch.bodies, batch.positions).attempt(stack, context.failure)


def _samples(lists: list[Any], key: str) -> Samples:
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
        array = np.array(rows)
    except ValueError:
        raise BadEvent(f'the samples in "{key}" have not all the same length') from None
    if array.dtype.kind in "US":
        # NumPy makes text of numbers that stand beside text: keep each as it is.
        exact = np.array(rows, dtype=object)
        return array if all(isinstance(value, str) for value in exact.flat) else exact
    return array


def _frame(records: Sequence[dict[Any, Any]], names: tuple[Any, ...]) -> pd.DataFrame:
    if not names:
        raise BadEvent("the event is empty: {}")
    return pd.DataFrame({name: feature([record[name] for record in records]) for name in names})


def _not_an_object(body: Any) -> str:
    return (
        f'an event must be an object, such as {{"inputs": [[1.0, 2.0]]}} or '
        f'{{"age": 30}}; got {type(body).__name__}: {body!r:.40}'
    )
