"""The five laws of design.md, section 2, over random graphs and random events."""

from __future__ import annotations

import copy
import os
import pickle
import re
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graph_magics import EventError, Graph, Run
from graph_magics.bodies import objects
from graph_magics.engine import execute, take_events

from . import strategies as some

EXAMPLES = int(os.environ.get("EX", 80))
tried = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def told(answers: Any) -> list[Any]:
    """Give the answer to each event, or its failure, as something that can be compared."""
    outcomes: dict[int, Any] = {}
    for answer in answers:
        values = objects(answer.bodies)
        for position, value in zip(answer.positions.tolist(), values, strict=True):
            assert position not in outcomes
            outcomes[position] = some.canonical(value)
        for position, failure in answer.failures.items():
            assert position not in outcomes
            message = re.sub(r"\.0\b", "", str(failure.error))  # It may tell the body.
            error = type(failure.error).__name__, message
            outcomes[position] = (failure.node, failure.status, *error)
    assert sorted(outcomes) == list(range(len(outcomes)))
    return [outcomes[position] for position in sorted(outcomes)]


def outcomes(graph: Graph, events: Any, seed: int = 0, chunk_size: int | None = None) -> list[Any]:
    taken = take_events(events)
    return told(execute(graph.root, taken, seed=seed, chunk_size=chunk_size).answers)


def one(events: Any, position: int) -> Any:
    """Give a batch of one of these events."""
    if isinstance(events, pd.DataFrame):
        return events.iloc[[position]]
    return events[position : position + 1]


def same_frames(one: pd.DataFrame, other: pd.DataFrame) -> bool:
    """Compare by value: a dtype may say more of a column than its values do."""
    return (
        list(one.columns) == list(other.columns)
        and one.index.equals(other.index)
        and all(
            list(map(_comparable, one[name].tolist()))
            == list(map(_comparable, other[name].tolist()))
            for name in one.columns
        )
    )


def _comparable(value: Any) -> Any:
    missing = value is None or (np.ndim(value) == 0 and pd.isna(value))
    return "missing" if missing else some.canonical(value)


# --- 1: an event is answered as if it were alone ---------------------------------------------


@tried
@given(some.graphs(random=False), some.events())
def test_law_1_the_others_of_a_batch_change_no_answer(graph: Graph, events: Any) -> None:
    together = outcomes(graph, events)
    alone = [outcomes(graph, one(events, position))[0] for position in range(len(together))]
    assert together == alone


@tried
@given(some.graphs(), some.events(), st.integers(0, 3))
def test_law_1_choices_hang_on_the_position_alone(graph: Graph, events: Any, seed: int) -> None:
    assert outcomes(graph, events, seed) == outcomes(graph, events, seed, chunk_size=1)


@tried
@given(some.graphs(random=False), st.one_of(some.frames(), some.bodies()))
def test_law_1_test_answers_as_run_does(graph: Graph, events: Any) -> None:
    together = outcomes(graph, events)
    for position, outcome in enumerate(together):
        row = one(events, position)
        try:
            answer: Any = some.canonical(graph.test(body=row[0] if type(row) is list else row))
        except EventError as error:
            assert isinstance(outcome, tuple)
            assert error.node == outcome[0]
        else:
            assert answer == outcome


# --- 2: how the events are handed on changes nothing -----------------------------------------


@tried
@given(some.graphs(), some.events(), st.integers(0, 3))
def test_law_2_chunks_change_nothing_in_the_frame(graph: Graph, events: Any, seed: int) -> None:
    whole = graph.run(events, seed=seed)
    for size in (1, 2, 3, 7):
        chunked = graph.run(events, seed=seed, chunk_size=size)
        assert same_frames(whole.frame, chunked.frame)
        assert same_frames(whole.errors, chunked.errors)


# --- 3: nothing is lost ----------------------------------------------------------------------


@tried
@given(some.graphs(), some.events(), st.sampled_from([None, 2]))
def test_law_3_every_event_has_one_row_answered_or_failed_somewhere(
    graph: Graph, events: Any, chunk_size: int | None
) -> None:
    run = graph.run(events, chunk_size=chunk_size)
    frame = run.frame
    assert len(frame) == len(events) == len(run)
    failed = frame["error"].notna().to_numpy()
    status = frame["status"].to_numpy()
    assert (status[~failed] == 200).all()
    assert ((status[failed] >= 400) & (status[failed] < 600)).all()
    assert len(run.errors) == failed.sum()
    assert set(run.errors["step"]) <= set(graph.nodes)
    for name in frame.columns[frame.columns.str.startswith("response")]:
        assert frame[name][failed].isna().all()
    for outcome, has_failed in zip(outcomes(graph, events), failed, strict=True):
        assert isinstance(outcome, tuple) == has_failed


@tried
@given(some.graphs(), some.events())
def test_nobody_is_called_with_no_event(graph: Graph, events: Any) -> None:
    some.EMPTY_CALLS.clear()
    graph.run(events)
    assert some.EMPTY_CALLS == []


# --- 4: order and labels are kept ------------------------------------------------------------


@tried
@given(some.graphs(random=False), some.frames(), st.data())
def test_law_4_rows_come_out_in_the_order_and_under_the_labels_they_went_in(
    graph: Graph, events: pd.DataFrame, data: st.DataObject
) -> None:
    frame = graph.run(events).frame
    assert frame.index.identical(events.index)
    order = data.draw(st.permutations(range(len(events))))
    moved = outcomes(graph, events.iloc[order])
    assert moved == [outcomes(graph, events)[place] for place in order]


# --- 5: input is never changed ---------------------------------------------------------------


@tried
@given(some.graphs(), some.events(), st.sampled_from([None, 2]))
def test_law_5_events_and_models_are_as_they_were(
    graph: Graph, events: Any, chunk_size: int | None
) -> None:
    before = copy.deepcopy(events)
    cells = _cells(before)
    models = pickle.dumps(some.fitted())
    run = graph.run(events, chunk_size=chunk_size)
    _spoil(run)
    assert pickle.dumps(some.fitted()) == models
    assert _cells(events) == cells
    if isinstance(events, pd.DataFrame):
        assert events.index.identical(before.index)
        assert events.columns.identical(before.columns)
        assert events.dtypes.equals(before.dtypes)


def _cells(events: Any) -> Any:
    if isinstance(events, pd.DataFrame):
        return repr([events.iloc[:, place].tolist() for place in range(events.shape[1])])
    return repr(events.tolist() if isinstance(events, np.ndarray) else events)


def _spoil(run: Run) -> None:
    """Do to a run's frame what a user may do."""
    frame = run.frame
    for name in frame.columns:
        frame[name] = None


def test_the_choices_of_a_seed_are_its_own() -> None:
    pass
