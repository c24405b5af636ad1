"""The answers of several routes to the same events, put together to one body each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from ..batch import Batch
from ..bodies import Mixed, Samples, plain, table
from ..context import Context
from ..copying import fresh
from ..errors import GraphError

Merger = Callable[[Any, dict[str, Any]], Any]


def kind_by_kind(
    events: Batch,
    answers: Mapping[str, Batch],
    merge: Callable[[Batch, Mapping[str, Batch]], Batch],
) -> Batch:
    """Merge apart where events or answers are of several kinds, so that each is as if alone."""
    mixed = [
        bodies
        for bodies in (events.bodies, *(answer.bodies for answer in answers.values()))
        if isinstance(bodies, Mixed)
    ]
    if not mixed:
        return merge(events, answers)
    kinds = np.stack([bodies.kind for bodies in mixed])
    _, group = np.unique(kinds, axis=1, return_inverse=True)
    parts = []
    for number in range(group.max() + 1):
        rows = np.flatnonzero(group.ravel() == number)
        some = {name: answer.select(rows) for name, answer in answers.items()}
        parts.append((rows, merge(events.select(rows), some)))
    return events.merge(parts)


def by_name(events: Batch, answers: Mapping[str, Batch]) -> Batch:
    """Give an object of route to answer for each event; as columns where the events are."""
    if not events.is_json:
        frame = _as_frame(events, answers, _prefixed)
        if frame is not None:
            return events.answer(frame)
    names = list(answers)
    columns = [answer.events() for answer in answers.values()]
    rows = [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]
    return events.answer(rows)


def into_one(
    events: Batch, answers: Mapping[str, Batch], context: Context, *, extend: bool
) -> Batch:
    """Give one object per event with the fields of all answers; the last declared route wins."""
    if not events.is_json and (not extend or isinstance(events.bodies, pd.DataFrame)):
        frame = _as_frame(events, answers, _bare)
        if frame is not None:
            return events.answer(_extended(events.bodies, frame) if extend else frame)

    def merge(body: Any, results: dict[str, Any]) -> dict[str, Any]:
        merged: dict[str, Any] = {}
        if extend:
            merged.update(_fields(body, "the event"))
        for name, result in results.items():
            if events.is_json or isinstance(result, Mapping):
                merged.update(_fields(result, f"the route {name!r}"))
            else:
                merged[name] = result  # Of a table, as where all answers are columns.
        return merged

    return by_merger(events, answers, context, merge)


def by_merger(
    events: Batch, answers: Mapping[str, Batch], context: Context, merger: Merger
) -> Batch:
    """Answer each event with ``merger(body, {route: answer})``."""
    names = list(answers)
    rows = list(zip(*(answer.events() for answer in answers.values()), strict=True))
    bodies = events.events()
    merged: list[Any] = []
    failures = {}
    for row, (body, results) in enumerate(zip(bodies, rows, strict=True)):
        try:
            # Copies: what the merger changes is not to show in the trace.
            given = {name: fresh(result) for name, result in zip(names, results, strict=True)}
            merged.append(merger(fresh(body), given))
        except Exception as error:
            failures[row] = context.failure(error)
    return events.fail(failures, events.like(merged))


def _fields(answer: Any, whose: str) -> Mapping[str, Any]:
    try:
        return dict(answer)
    except (TypeError, ValueError):
        raise GraphError(
            f"{whose} gave {type(answer).__name__}, not an object whose fields can be merged; "
            "let it answer a dict, or give a merger"
        ) from None


Naming = Callable[[str, Any], Any]


def _prefixed(route: str, column: Any) -> str:
    return f"{route}.{column}"


def _bare(route: str, column: Any) -> Any:
    return column


def _as_frame(events: Batch, answers: Mapping[str, Batch], naming: Naming) -> pd.DataFrame | None:
    """The answers as columns: a table's under their own names, others under the route's."""
    columns: dict[Any, Any] = {}
    for name, answer in answers.items():
        bodies: Any = answer.bodies
        if isinstance(bodies, (list, Samples)):
            return None
        if isinstance(bodies, pd.DataFrame):
            for place, column in enumerate(bodies.columns):
                columns[naming(name, column)] = plain(bodies.iloc[:, place])
        elif bodies.ndim == 1:
            columns[name] = bodies
        else:
            wide = np.asarray(bodies).reshape(len(bodies), -1)
            for place in range(wide.shape[1]):
                columns[f"{name}.{place}"] = wide[:, place]
    index = events.bodies.index if isinstance(events.bodies, pd.DataFrame) else None
    return table(columns, index)


def _extended(frame: Any, columns: pd.DataFrame) -> pd.DataFrame:
    kept = frame.drop(columns=[name for name in columns.columns if name in frame.columns])
    return pd.concat([kept, columns], axis=1)
