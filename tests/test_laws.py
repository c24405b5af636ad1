"""The five laws of design.md, section 2, over random graphs and random events."""

from __future__ import annotations

import copy
import os
import pickle
import re
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graph_magics import (
    EventError,
    Graph,
    GraphError,
    Model,
    Run,
    Splitter,
    Switch,
    VotingEnsemble,
)
from graph_magics.bodies import objects
from graph_magics.engine import execute, take_events

from . import strategies as some
from . import strategies_events as given_events
from . import strategies_steps as steps

#: To search for what breaks a law: LAW_EXAMPLES=2000 python -m pytest tests/test_laws.py
EXAMPLES = int(os.environ.get("LAW_EXAMPLES", "100"))
tried = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
CHUNKS = st.sampled_from([None, 2])
SPOILING = st.one_of(some.graphs(), some.graphs(depth=1, leaf=steps.spoilers()))


def told(answers: Any) -> list[Any]:
    """Give the answer to each event, or its failure, as something that can be compared."""
    outcomes: dict[int, Any] = {}
    for answer in answers:
        values = objects(answer.bodies)
        for position, value in zip(answer.positions.tolist(), values, strict=True):
            assert position not in outcomes
            outcomes[position] = steps.canonical(value)
        for position, failure in answer.failures.items():
            assert position not in outcomes
            outcomes[position] = (failure.node, failure.status, _message(failure.error))
    assert sorted(outcomes) == list(range(len(outcomes)))
    return [outcomes[position] for position in sorted(outcomes)]


def _message(error: BaseException) -> str:
    """What a step or graph_magics says; a library may say it otherwise of another dtype."""
    message = re.sub(r"\.0\b", "", str(error))
    return message if isinstance(error, GraphError) or message.startswith("bad") else ""


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
        and all(_comparable(one, name) == _comparable(other, name) for name in one.columns)
    )


def _comparable(frame: pd.DataFrame, name: str) -> list[Any]:
    missing = frame[name].isna().tolist()
    values = frame[name].tolist()
    if name == "error":  # Of its text, who failed; the rest is in `outcomes`.
        values = [str(value).partition(":")[0] for value in values]
    return [
        "missing" if gone else steps.canonical(value)
        for gone, value in zip(missing, values, strict=True)
    ]


# --- 1: an event is answered as if it were alone ---------------------------------------------


@tried
@given(some.graphs(random=False), given_events.events())
def test_law_1_the_others_of_a_batch_change_no_answer(graph: Graph, events: Any) -> None:
    together = outcomes(graph, events)
    alone = [outcomes(graph, one(events, position))[0] for position in range(len(together))]
    assert together == alone


@tried
@given(some.graphs(), given_events.events(), st.integers(0, 3))
def test_law_1_choices_hang_on_the_position_alone(graph: Graph, events: Any, seed: int) -> None:
    assert outcomes(graph, events, seed) == outcomes(graph, events, seed, chunk_size=1)


@tried
@given(some.graphs(random=False), st.one_of(given_events.frames(), given_events.bodies()))
def test_law_1_test_answers_as_run_does(graph: Graph, events: Any) -> None:
    together = outcomes(graph, events)
    for position, outcome in enumerate(together):
        row = one(events, position)
        try:
            answer: Any = steps.canonical(graph.test(body=row[0] if type(row) is list else row))
        except EventError as error:
            assert isinstance(outcome, tuple)
            assert error.node == outcome[0]
        else:
            assert answer == outcome


# --- 2: how the events are handed on changes nothing -----------------------------------------


@tried
@given(some.graphs(), given_events.events(), st.integers(0, 3))
def test_law_2_chunks_change_nothing_in_the_frame(graph: Graph, events: Any, seed: int) -> None:
    whole = graph.run(events, seed=seed)
    for size in (1, 2, 3, 7):
        chunked = graph.run(events, seed=seed, chunk_size=size)
        assert same_frames(whole.frame, chunked.frame)
        assert same_frames(whole.errors[["step", "status"]], chunked.errors[["step", "status"]])


# --- 3: nothing is lost ----------------------------------------------------------------------


@tried
@given(some.graphs(), given_events.events(), CHUNKS)
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
@given(some.graphs(), given_events.events())
def test_nobody_is_called_with_no_event(graph: Graph, events: Any) -> None:
    steps.EMPTY_CALLS.clear()
    graph.run(events)
    assert steps.EMPTY_CALLS == []


# --- 4: order and labels are kept ------------------------------------------------------------


@tried
@given(some.graphs(random=False), given_events.frames(), st.data())
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
@given(SPOILING, given_events.events(), CHUNKS)
def test_law_5_events_and_models_are_as_they_were(
    graph: Graph, events: Any, chunk_size: int | None
) -> None:
    before = copy.deepcopy(events)
    cells = _cells(before)
    models = pickle.dumps(steps.fitted())
    run = graph.run(events, chunk_size=chunk_size)
    _spoil(run)
    assert pickle.dumps(steps.fitted()) == models
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


# --- choices ---------------------------------------------------------------------------------


def _split(**weights: float) -> Graph:
    routes = {name: abs for name in weights}
    return Graph("g", Splitter(**routes, weights=weights, name="split"))


def _choices(graph: Graph, events: Any, **options: Any) -> list[str]:
    return graph.run(events, **options).frame["split.route"].tolist()


def test_a_seed_has_its_own_choices_and_always_the_same() -> None:
    graph, events = _split(a=1, b=1), np.arange(500)
    assert _choices(graph, events, seed=1) == _choices(graph, events, seed=1)
    assert _choices(graph, events, seed=1) != _choices(graph, events, seed=2)
    assert _choices(graph, events) == _choices(graph, events, seed=0)


def test_events_that_come_after_change_no_choice_before() -> None:
    graph, events = _split(a=1, b=2, c=3), np.arange(500)
    assert _choices(graph, events[:50]) == _choices(graph, events)[:50]


def test_splitters_draw_apart_from_each_other() -> None:
    first, second = (Splitter(a=abs, b=abs, name=name) for name in ("one", "two"))
    frame = Graph("g", first >> second).run(np.arange(4000)).frame
    together = (frame["one.route"] == frame["two.route"]).mean()
    assert 0.45 < together < 0.55


@pytest.mark.parametrize(
    "weights", [{"a": 5, "b": 3, "c": 2}, {"a": 0, "b": 0.2, "c": 0.2, "d": 0}]
)
def test_shares_are_near_the_weights(weights: dict[str, float]) -> None:
    counts = pd.Series(_choices(_split(**weights), np.arange(40_000))).value_counts()
    for name, weight in weights.items():
        assert counts.get(name, 0) / 40_000 == pytest.approx(
            weight / sum(weights.values()), abs=0.01
        )
        assert weight or name not in counts


# --- no events at all ------------------------------------------------------------------------


def _routers() -> dict[str, Any]:
    tree, dummy = steps.fitted()["tree_array"], steps.fitted()["dummy_array"]
    frame_tree = steps.fitted()["tree_frame"]
    proba = Model(frame_tree, "predict_proba", name="proba")
    return {
        "model": frame_tree,
        "proba": proba,
        "vote": VotingEnsemble(frame_tree, swapped=steps.fitted()["swapped_frame"]),
        "soft": VotingEnsemble(frame_tree, vote_type="soft"),
        "split": Splitter(a=frame_tree, b=VotingEnsemble(c=frame_tree)),
        "switch": Switch(a=frame_tree, b=proba, conditions={"a": "a > 2"}),
        "arrays": VotingEnsemble(tree, dummy, vote_type="classification"),
    }


@pytest.mark.parametrize("name", sorted(_routers()))
def test_no_event_gives_a_frame_without_rows_but_with_its_columns(name: str) -> None:
    graph = Graph("g", _routers()[name])
    events: Any = steps.FEATURES.set_axis(list("stuvwxyz"))
    if name == "arrays":
        events = events.to_numpy()
    full, empty = graph.run(events).frame, graph.run(events[:0]).frame
    assert len(full) == len(events)
    assert len(empty) == 0
    assert list(empty.columns) == list(full.columns)
    assert empty.index.equals(full.index[:0])
    assert graph.run(events[:0]).errors.empty


def test_no_json_event_gives_a_frame_without_rows_but_with_its_columns() -> None:
    requests = [{"inputs": [[1, 2.0]]}, {"inputs": [[3, 4.0], [5, 0.0]]}]
    graph = Graph("g", _routers()["arrays"])
    assert list(graph.run([]).frame.columns) == list(graph.run(requests).frame.columns)
    assert len(graph.run([]).frame) == 0
