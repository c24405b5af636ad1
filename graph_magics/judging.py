"""What of a run can be held against a target: a column per model and router that answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.extensions import ExtensionArray
from pandas.api.types import is_string_dtype

from .bodies import Samples, object_array
from .columns import ANSWER_KEYS
from .comparable import Judged
from .engine import Events
from .errors import GraphError, counted
from .nodes import Node
from .outputs import Output, columns_of
from .routers import Router, VotingEnsemble
from .routers.jump import Jump, NoNode
from .scores import Task
from .steps import Model
from .wire import read_all

#: Where an answer holds its predictions.
_ANSWERS = tuple(ANSWER_KEYS.values())


def answers_for(
    y: Any, outputs: Sequence[Output], response: Output, events: Events
) -> tuple[pd.DataFrame, pd.DataFrame | None]:
    """Give the answers that a target can judge, and the events' own columns.

    Parameters
    ----------
    y : array-like
        As many labels as there are events; or samples, where JSON events bring several.

    Returns
    -------
    answers : DataFrame
        A row per event, or per sample under the index (event, sample); a column per model and
        router that answers with a value, probabilities as the likeliest class; the response
        only where it is none of these and of the target's kind.
    features : DataFrame or None

    Raises
    ------
    GraphError
        If the target has as many labels as neither, or nothing can be judged.
    """
    judged = [output for output in outputs if _is_judged(output)]
    counts = np.ones(len(events), dtype=np.int64)
    if any(isinstance(output.joined, Samples) or _lists_in(output) for output in judged):
        counts = _sample_counts(events)
        _check_size(y, len(events), int(counts.sum()))
    columns: dict[str, Any] = {}
    for output in judged:
        values = _values(output, counts)
        if values is not None and not (_passes_on(output) and _is_among(values, columns)):
            columns[output.column] = values
    last = _values(response, counts) if response.parts else None
    if last is not None and _says_more(last, columns, y):
        columns["response"] = last
    if not columns:
        raise GraphError("no model or router of the graph answers with a value to compare")
    bodies: Any = events.bodies
    if isinstance(bodies, Samples) and bodies.counts is None:
        bodies = bodies.values  # Rows of a table, each sent as an instance.
    features = bodies if isinstance(bodies, pd.DataFrame) else None
    return pd.DataFrame(columns, index=_by_sample(events.index, counts)), features


def judged_in(frame: pd.DataFrame, nodes: Mapping[str, Node], y: Any) -> Judged:
    """Give what can be judged of a run of which only the frame is there.

    Parameters
    ----------
    frame : DataFrame
        As `Run.frame`; it may have been written out, and read back by what wrote it.
    nodes : mapping of path to Node
    y : array-like
        As many labels as there are events.

    Raises
    ------
    GraphError
        If no column holds the answers of a model or a router, one value an event.
    """
    columns: dict[str, Any] = {}
    by_path: dict[str, pd.DataFrame] = {}
    names = columns_of(nodes)
    routes_first = sorted(names.items(), key=lambda item: -item[0].count("."))
    for path, name in routes_first:
        node = nodes[path]
        if not node.predicts:
            continue
        labels = node.classes if isinstance(node, Model) and node.method != "predict" else None
        wide = None if labels is None else [f"{name}.{label}" for label in labels]
        if name in frame:
            if not _holds_lists(frame[name]):
                columns[name] = frame[name]
        elif wide is not None and labels is not None and set(wide) <= set(frame.columns):
            held = frame[wide].set_axis(pd.Index(labels.tolist(), tupleize_cols=False), axis=1)
            likeliest = Output(path, name, None, [], len(frame))
            known = held.notna().all(axis=1).to_numpy()
            values = labels[held[known].to_numpy().argmax(axis=1)]
            likeliest.parts = [(np.flatnonzero(known), values)]
            columns[name] = pd.Series(likeliest.spread(values), frame.index)
            if isinstance(node, Model) and node.method == "predict_proba":
                by_path[path] = held
        mean = _mean_of_routes(Output(path, name, node, [], 0), by_path)
        if mean is not None and name in columns:
            by_path[path] = mean.set_axis(frame.index)
    columns = {str(name): columns[name] for name in _as_in(frame, columns)}
    last = frame.get("response")
    if last is not None and not _holds_lists(last) and _says_more(last, columns, y):
        columns["response"] = last
    if not columns:
        raise GraphError(
            "no column of the frame holds the answers of a model or a router, a value for each "
            "event; keep them, or run as many events as fit in memory: graph.run(events).compare(y)"
        )
    answers = pd.DataFrame(columns, index=frame.index)
    if len(answers) and answers.isna().all(axis=None):
        raise GraphError("all events failed, so there is nothing to compare; .errors tells why")
    return Judged(
        answers,
        {names[path]: held for path, held in by_path.items()},
        features=None,
        is_by_event=True,
        frame=lambda: frame,
        task=task_of(nodes),
    )


def _holds_lists(column: pd.Series) -> bool:
    """Whether cells are lists or objects.

    A text is a text, such as the label ``[0,5)``: what was JSON is read back as what it was.
    """
    if column.dtype != object:
        return False
    return any(isinstance(cell, (list, dict, np.ndarray)) for cell in column)


def _as_in(frame: pd.DataFrame, names: Mapping[str, Any]) -> list[str]:
    """Names of nodes in the order of their columns."""
    places = {str(column): place for place, column in reversed([*enumerate(frame.columns)])}

    def place_of(name: str) -> int:
        wide = [place for column, place in places.items() if column.startswith(f"{name}.")]
        return places[name] if name in places else min(wide)

    return sorted(names, key=place_of)


def task_of(nodes: Mapping[str, Node]) -> Task | None:
    """What all the models say that they do; None where they say nothing, or differ."""
    tasks: set[Task] = set()
    for node in nodes.values():
        vote = getattr(node, "vote_type", None)
        task = getattr(node, "task", None)
        if vote:
            tasks.add("regression" if vote == "regression" else "classification")
        elif task:
            tasks.add(task)
    return tasks.pop() if len(tasks) == 1 else None


def probabilities_for(
    answers: pd.DataFrame, outputs: Sequence[Output], events: Events
) -> dict[str, pd.DataFrame]:
    """Give the probabilities of the models that answered with them, and of their soft votes.

    Parameters
    ----------
    answers : DataFrame
        As `answers_for` gives it.

    Returns
    -------
    dict of column of the answers to DataFrame
        A column per label, a row per row of the answers; NaN where there is none.
    """
    counts = np.ones(len(events), dtype=np.int64)
    if len(answers) != len(events):
        counts = _sample_counts(events)
    by_path: dict[str, pd.DataFrame] = {}
    for output in outputs:
        if output.column in answers.columns:
            if output.labels is not None:
                found = _probabilities(output, output.labels, counts)
            else:
                found = _mean_of_routes(output, by_path)
            if found is not None:
                by_path[output.path] = found.set_axis(answers.index)
    return {o.column: by_path[o.path] for o in outputs if o.path in by_path}


def values_for(y: Any, outputs: Mapping[str, Output], events: Events) -> pd.DataFrame:
    """Give the answers of some nodes, whether they are models or not.

    Returns
    -------
    DataFrame
        A column under each name, a row per event or per sample, as `answers_for` gives them.

    Raises
    ------
    GraphError
        If one answers with no value, or the target has as many labels as neither.
    """
    counts = np.ones(len(events), dtype=np.int64)
    if any(isinstance(o.joined, Samples) or _lists_in(o) for o in outputs.values() if o.parts):
        counts = _sample_counts(events)
        _check_size(y, len(events), int(counts.sum()))
    columns = {name: _values(output, counts) for name, output in outputs.items()}
    for name, values in columns.items():
        if values is None:
            raise GraphError(
                "it answers with no value that a target can judge", node=outputs[name].path
            )
    return pd.DataFrame(columns, index=_by_sample(events.index, counts))


def probabilities_alone(output: Output, events: Events, size: int) -> pd.DataFrame | None:
    """Give the probabilities that one node answered, for so many samples; None if none."""
    if output.labels is None:
        return None
    counts = np.ones(len(events), dtype=np.int64) if size == len(events) else _sample_counts(events)
    return _probabilities(output, output.labels, counts)


def _probabilities(output: Output, labels: np.ndarray, counts: np.ndarray) -> pd.DataFrame | None:
    if getattr(output.node, "method", None) != "predict_proba":
        return None  # Scores of another kind by label, as of decision_function.
    found = _found(output, counts) if output.parts else None
    if found is None or not isinstance(found[1], np.ndarray):
        return None
    rows, values = found
    if values.ndim != 2 or values.shape[1] != len(labels):
        return None
    wide = np.full((int(counts.sum()), len(labels)), np.nan)
    wide[rows] = values
    return pd.DataFrame(wide, columns=pd.Index(labels.tolist(), tupleize_cols=False))


def _mean_of_routes(output: Output, by_path: Mapping[str, pd.DataFrame]) -> pd.DataFrame | None:
    """What a soft vote decided by: the weighted mean of its routes' probabilities."""
    node = output.node
    if not isinstance(node, VotingEnsemble) or node.vote_type != "soft":
        return None
    routes = {
        route: by_path.get(f"{output.path}.{route}") for route, held in node.weights.items() if held
    }
    labels: list[Any] = []
    for frame in routes.values():
        if frame is None:
            return None
        labels += [label for label in frame.columns if label not in labels]
    mean: Any = 0.0
    for route, frame in routes.items():
        if frame is not None:
            wide = frame.reindex(columns=labels, fill_value=0.0)
            mean = mean + node.weights[route] * wide.to_numpy()
    return pd.DataFrame(mean, columns=pd.Index(labels, tupleize_cols=False))


def _values(output: Output, counts: np.ndarray) -> Any:
    """One value for each sample, missing where there is none; None if it answers otherwise."""
    size = int(counts.sum())
    if not output.parts:
        return object_array([None] * size)
    found = _found(output, counts)
    if found is None:
        return None
    rows, bodies = found
    if isinstance(bodies, list):
        if any(isinstance(body, (dict, list)) for body in bodies):
            return None
        bodies = object_array(bodies)
    if not isinstance(bodies, (np.ndarray, ExtensionArray)):
        return None
    if bodies.ndim == 2 and output.labels is not None:
        bodies = output.labels[np.asarray(bodies).argmax(axis=1)]
    if bodies.ndim != 1:
        return None
    return Output(output.path, output.column, None, [(rows, bodies)], size).spread(bodies)


def _found(output: Output, counts: np.ndarray) -> tuple[np.ndarray, Any] | None:
    """Which samples a node answered, and with what; None if it did not answer sample by sample."""
    bodies: Any = output.joined
    if isinstance(bodies, Samples):
        return _rows_of(output.positions, counts), bodies.values
    if (lists := _lists_in(output)) is not None:
        return _flattened(lists, output.positions, counts)
    return (output.positions, bodies) if int(counts.sum()) == len(counts) else None


def _is_judged(output: Output) -> bool:
    """Whether a node predicts: a model, a router, and in a manifest whatever is a service."""
    if output.node is not None and output.node.predicts:
        return True
    return output.as_sent and not isinstance(output.node, (Jump, NoNode))


def _lists_in(output: Output) -> list[list[Any] | None] | None:
    """The predictions of each body that has some; None if there is none at all."""
    bodies: Any = output.joined if output.parts else ()
    if not isinstance(bodies, list):
        return None
    lists = [
        next((body[key] for key in _ANSWERS if isinstance(body.get(key), list)), None)
        if isinstance(body, dict)
        else None
        for body in bodies
    ]
    return lists if any(found is not None for found in lists) else None


def _flattened(
    lists: list[list[Any] | None], positions: np.ndarray, counts: np.ndarray
) -> tuple[np.ndarray, list[Any]]:
    """All predictions, and where they stand; what is not one for each sample says nothing."""
    kept = [
        row
        for row, (found, count) in enumerate(zip(lists, counts[positions].tolist(), strict=True))
        if found is not None and len(found) == count
    ]
    values = [value for row in kept for value in lists[row] or ()]
    return _rows_of(positions[np.array(kept, dtype=np.int64)], counts), values


def _says_more(last: Any, columns: Mapping[str, Any], y: Any) -> bool:
    """Whether the response is not what a node has said already, and can be told from the target."""
    response = pd.Series(last)
    if _is_among(last, columns):
        return False
    target = pd.Series(np.asarray(y).ravel())
    return not columns or is_string_dtype(response.dropna()) == is_string_dtype(target.dropna())


def _passes_on(output: Output) -> bool:
    """Whether a node of a manifest may answer just what one of its steps has answered."""
    return output.as_sent and isinstance(output.node, Router)


def _is_among(values: Any, columns: Mapping[str, Any]) -> bool:
    return any(pd.Series(values).equals(pd.Series(known)) for known in columns.values())


def _rows_of(positions: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Where the samples of some events stand among those of all."""
    here = counts[positions]
    first = (np.cumsum(counts) - counts)[positions]
    return np.arange(int(here.sum())) + np.repeat(first - (np.cumsum(here) - here), here)


def _by_sample(index: pd.Index, counts: np.ndarray) -> pd.Index:
    if (counts == 1).all():
        return index
    number = _rows_of(np.arange(len(counts)), counts) - np.repeat(
        np.cumsum(counts) - counts, counts
    )
    return pd.MultiIndex.from_arrays([index.repeat(counts), number], names=["event", "sample"])


def _sample_counts(events: Events) -> np.ndarray:
    """How many samples each JSON event brings; 1 where it has none to count."""
    counts = np.ones(len(events), dtype=np.int64)
    bodies: Any = events.bodies
    if isinstance(bodies, Samples):
        return counts if bodies.counts is None else bodies.counts
    for row, body in enumerate(read_all(bodies)):
        for key in ANSWER_KEYS:
            if isinstance(body, dict) and isinstance(body.get(key), list):
                counts[row] = len(body[key])
                break
    return counts


def _check_size(y: Any, events: int, samples: int) -> None:
    size = len(y) if np.ndim(y) else 1
    if size != samples:
        raise GraphError(
            f"the target has {counted(size, 'label')}, the run has {counted(events, 'event')} "
            f"with {counted(samples, 'sample')}; give one for each sample"
        )
