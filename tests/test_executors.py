"""Chunks at the same time, on threads and in processes: the same answers, whatever happens."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from graph_magics import (
    Ensemble,
    EventError,
    Graph,
    GraphError,
    ParallelRun,
    RunInterrupted,
    Splitter,
    Step,
    VotingEnsemble,
)

BOTH = pytest.mark.parametrize("executor", ["thread", "process"])
ROWS = pd.DataFrame(np.random.default_rng(0).normal(size=(3_000, 3)), columns=list("abc"))
LABELS = np.where(ROWS["a"] + ROWS["b"] > 0, "yes", "no")


class Odd(Exception):
    """An exception that pickle cannot make again: it is made of two things, and tells one."""

    def __init__(self, what: str, number: float) -> None:
        super().__init__(f"{what} {number:.2f}")


def refuse(event: dict[str, Any]) -> dict[str, Any]:
    if event["c"] > 2:
        raise Odd("odd", event["c"])
    return {"a": event["a"], "b": event["b"]}


def graph_of_many() -> Graph:
    logistic = LogisticRegression().fit(ROWS[["a", "b"]], LABELS)
    vote = VotingEnsemble(logistic, sure=lambda event: "yes", vote_type="classification")
    split = Splitter(vote, other=lambda event: "no", weights={"vote": 3, "other": 1})
    return Graph("many", Step(refuse) >> split)


@BOTH
def test_answers_errors_and_traces_are_those_of_one_chunk_at_a_time(executor):
    graph = graph_of_many()
    alone, parted = graph.run(ROWS, seed=3), graph.run(ROWS, seed=3, executor=executor)
    pd.testing.assert_frame_equal(parted.frame, alone.frame)
    pd.testing.assert_frame_equal(parted.errors, alone.errors)
    assert len(alone.errors) > 10
    for position in (0, 1_500, 2_999, int(alone.errors.index[0])):
        pd.testing.assert_frame_equal(
            parted.trace(position=position), alone.trace(position=position)
        )
    assert parted.output("refuse").equals(alone.output("refuse"))


@BOTH
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    bodies=st.lists(
        st.one_of(
            st.integers(-3, 3),
            st.none(),
            st.dictionaries(st.sampled_from("xy"), st.integers(0, 2), max_size=2),
        ),
        max_size=12,
    ),
    size=st.integers(1, 5),
    seed=st.integers(0, 5),
)
def test_json_bodies_are_answered_the_same_in_chunks_of_any_size(executor, bodies, size, seed):
    def half(body: Any) -> Any:
        return {"half": body["x"] / body["y"]}

    split = Splitter(
        one=half, two=Ensemble(a=half, b=lambda body: body), weights={"one": 1, "two": 2}
    )
    graph = Graph("g", split)
    alone = graph.run(bodies, seed=seed)
    parted = graph.run(bodies, seed=seed, chunk_size=size, executor=executor)
    pd.testing.assert_frame_equal(parted.frame, alone.frame)
    pd.testing.assert_frame_equal(parted.errors, alone.errors)


@BOTH
def test_a_streamed_run_writes_the_same_bytes(executor, tmp_path):
    graph = graph_of_many()
    for name, options in (("alone", {}), ("parted", {"executor": executor})):
        graph.run(ROWS, into=tmp_path / f"{name}.parquet", **options)
    assert (tmp_path / "parted.parquet").read_bytes() == (tmp_path / "alone.parquet").read_bytes()


@BOTH
def test_the_first_failure_is_raised_if_asked_for(executor):
    first = int(np.flatnonzero(ROWS["c"] > 2)[0])
    with pytest.raises(EventError, match=f"refuse.*event {first}.*odd"):
        graph_of_many().run(ROWS, on_error="raise", executor=executor, chunk_size=100)


def test_chunks_are_under_way_at_the_same_time(monkeypatch):
    monkeypatch.setattr("graph_magics.engine.local.cores", lambda: 2)
    meeting = threading.Barrier(2)

    def meet(event: int) -> int:
        meeting.wait(10)
        return event

    run = Graph("g", meet).run([1, 2, 3, 4], chunk_size=1, executor="thread")
    assert run.frame["response"].tolist() == [1, 2, 3, 4]


def test_processes_are_others_and_python_runs_in_all_of_them():
    def where(event: int) -> int:
        time.sleep(0.05)
        return os.getpid()

    run = Graph("g", where).run(list(range(8)), chunk_size=1, executor="process")
    assert os.getpid() not in set(run.frame["response"])


def test_models_fitted_anew_are_sent_anew():
    model = LogisticRegression().fit(ROWS[["a", "b"]], LABELS)
    graph = Graph("g", model)
    columns = ROWS[["a", "b"]]
    for labels in (LABELS, LABELS[::-1]):
        model.fit(columns, labels)
        answers = graph.run(columns, executor="process").frame["response"]
        np.testing.assert_array_equal(answers, model.predict(columns))


def test_a_process_that_dies_is_told_and_the_next_run_is_right():
    def die(event: int) -> int:
        if event == 3:
            os._exit(1)
        return event

    graph = Graph("g", die)
    with pytest.raises(GraphError, match=r"a process of the run died.*chunk_size"):
        graph.run([1, 2, 3], chunk_size=1, executor="process")
    assert graph.run([1, 2], chunk_size=1, executor="process").frame["response"].tolist() == [1, 2]


@BOTH
def test_a_stop_ends_it_and_keeps_what_is_done(executor, tmp_path, monkeypatch):
    monkeypatch.setattr("graph_magics.engine.local.cores", lambda: 2)
    begun = tmp_path / "begun"

    def step(event: int) -> int:
        if event >= 2:
            Path(f"{begun}{event}").touch()
            while True:
                time.sleep(0.05)
        return event

    def stop() -> None:
        while not all(Path(f"{begun}{event}").exists() for event in (2, 3)):
            time.sleep(0.01)
        time.sleep(1)  # Until what is done is taken up.
        os.kill(os.getpid(), signal.SIGINT)

    graph = Graph("g", step)
    thread = threading.Thread(target=stop)
    thread.start()
    with pytest.raises(RunInterrupted) as stopped:
        graph.run([0, 1, 2, 3, 4, 5], chunk_size=1, executor=executor)
    thread.join()
    assert stopped.value.run.frame["response"].tolist() == [0, 1]
    assert not stopped.value.run.complete
    assert graph.run([0, 1], chunk_size=1, executor=executor).frame["response"].tolist() == [0, 1]


# --- what cannot be -------------------------------------------------------------------------


def test_another_executor_is_refused_by_name():
    with pytest.raises(GraphError, match=r"executor must be \"thread\" or \"process\", got 'fork'"):
        Graph("g", abs).run([1], executor="fork")  # type: ignore[call-overload]


@BOTH
def test_a_function_over_the_whole_table_is_not_parted_unless_asked(executor):
    def ranked(table: pd.DataFrame) -> pd.DataFrame:
        return table.rank()

    graph = Graph("g", Step(ranked))
    with pytest.raises(GraphError, match=r"ranked.*whole table.*chunk_size"):
        graph.run(ROWS, executor=executor)
    assert len(graph.run(ROWS, executor=executor, chunk_size=1_000).frame) == len(ROWS)


@BOTH
def test_what_remembers_events_is_refused(executor):
    class Counts:
        def __init__(self) -> None:
            self.number = 0

        def do(self, event: Any) -> int:
            self.number += 1
            return self.number

    graph = Graph("g")
    graph.to(name="counts", class_name=Counts).respond()
    with pytest.raises(GraphError, match=r"counts.*remember.*executor"):
        graph.run([1, 2], executor=executor)


def test_what_cannot_be_sent_is_told_with_its_step():
    lock = threading.Lock()

    def locked(event: int) -> int:
        with lock:
            return event

    with pytest.raises(GraphError, match=r"'locked'.*cannot be sent to another process.*lock"):
        Graph("g", Step(abs) >> Step(locked)).run([1], executor="process")


@pytest.mark.parametrize("executor_type", [None, "process"])
def test_what_cannot_be_sent_back_is_told_with_its_step(executor_type):
    def locked(event: int) -> Any:
        return threading.Lock()

    graph = Graph("g", Step(abs) >> ParallelRun(locked, abs, executor_type=executor_type))
    with pytest.raises(GraphError, match=r"'parallelrun.locked'.*answers cannot be sent.*lock"):
        graph.run([1], executor="process")


def test_dask_has_workers_of_its_own():
    with pytest.raises(GraphError, match="executor is of runs here"):
        Graph("g", abs).run([1], engine="dask", executor="thread")  # type: ignore[call-overload]


# --- routes ---------------------------------------------------------------------------------


def routers(executor_type: Any) -> list[Any]:
    logistic = LogisticRegression().fit(ROWS[["a", "b"]].to_numpy(), LABELS)
    return [
        VotingEnsemble(
            logistic, sure=lambda event: "yes", no=refuse_late, executor_type=executor_type,
            vote_type="classification", name="both",
        ),
        ParallelRun(
            one=lambda event: {"one": event["a"]}, two=refuse, extend_event=True,
            executor_type=executor_type, name="both",
        ),
    ]  # fmt: skip


def test_processes_begin_no_more_processes():
    def parents(event: int) -> dict[str, int]:
        return {"process": os.getpid(), "parent": os.getppid()}

    graph = Graph("g", Ensemble(a=parents, b=ParallelRun(c=parents, executor_type="process")))
    for answer in graph.run([1, 2], chunk_size=1, executor="process").frame["response"]:
        assert answer["a"] == answer["b"]
        assert answer["a"]["process"] != os.getpid()


def refuse_late(event: dict[str, Any]) -> str:
    return "no" if event["c"] < 2 else 1 / 0  # type: ignore[return-value]


@pytest.mark.parametrize("executor_type", ["thread", "process", "array"])
def test_routes_answer_the_same_wherever_they_run(executor_type):
    for plain, said in zip(routers(None), routers(executor_type), strict=True):
        one = Graph("g", plain).run(ROWS[["a", "b", "c"]].head(600))
        other = Graph("g", said).run(ROWS[["a", "b", "c"]].head(600))
        pd.testing.assert_frame_equal(other.frame, one.frame)
        pd.testing.assert_frame_equal(other.errors, one.errors)
        assert one.errors["status"].tolist()
        pd.testing.assert_frame_equal(other.trace(5), one.trace(5))


def where_am_i(event: Any) -> dict[str, Any]:
    return {"process": os.getpid(), "thread": threading.get_ident()}


@pytest.mark.parametrize(
    ("executor_type", "is_same"),
    [("array", (True, True)), ("thread", (True, False)), ("process", (False, False))],
)
def test_an_executor_type_means_what_it_says(executor_type, is_same):
    def merged(body: Any, results: Any) -> Any:
        return results["there"]

    router = ParallelRun(there=where_am_i, merger=merged, executor_type=executor_type)
    answer = Graph("g", router).test({"x": 1})
    here = where_am_i(None)
    assert (answer["process"] == here["process"]) == is_same[0]
    assert (answer == here) == is_same[1]


@pytest.mark.parametrize(
    ("executor_type", "is_same"),
    [("array", (True, True)), ("thread", (True, False)), ("process", (False, False))],
)
def test_so_it_does_where_mlruns_calls_declare_it(executor_type, is_same):
    graph = Graph(
        "g", topology="router", class_name="ParallelRun", executor_type=executor_type,
        namespace={"where_am_i": where_am_i},
    )  # fmt: skip
    graph.add_route("there", handler="where_am_i")
    answer = graph.test(body={"x": 1})
    here = where_am_i(None)
    assert (answer["process"] == here["process"]) == is_same[0]
    assert (answer == here) == is_same[1]


@pytest.mark.parametrize(("seconds", "times"), [(0.05, 3), (0.3, 1)], ids=["often", "for long"])
def test_routes_that_are_seen_to_wait_run_at_the_same_time_from_then_on(
    seconds, times, monkeypatch
):
    now, meeting, seen = 0.0, threading.Barrier(2), []
    monkeypatch.setattr("graph_magics.routers.together.perf_counter", lambda: now)
    monkeypatch.setattr("graph_magics.routers.together.process_time", lambda: 0.0)

    def wait(event: int) -> dict[str, int]:
        nonlocal now
        now += seconds
        seen.append(threading.get_ident())
        if len(seen) > 2 * times:
            meeting.wait(10)
        return {"x": event}

    graph = Graph("g", ParallelRun(a=wait, b=wait))
    for _ in range(times + 3):
        assert graph.test(1) == {"x": 1}
    assert set(seen[: 2 * times]) == {threading.get_ident()}
    assert threading.get_ident() not in seen[2 * times :]


def test_routes_that_compute_stay_on_the_thread_of_the_run(monkeypatch):
    # A machine that has much else to do may starve them, so that they seem to wait.
    monkeypatch.setattr("graph_magics.routers.together.process_time", time.perf_counter)
    seen = set()

    def compute(event: int) -> dict[str, int]:
        seen.add(threading.get_ident())
        return {"x": sum(range(100_000))}

    graph = Graph("g", ParallelRun(a=compute, b=compute))
    for _ in range(5):
        graph.test(1)
    assert seen == {threading.get_ident()}


def test_routes_that_compute_go_one_after_the_other_beside_those_that_wait():
    seen: dict[str, int] = {}
    meeting = threading.Barrier(2)

    async def wait(event: int) -> dict[str, int]:
        meeting.wait(10)
        return {"wait": 1}

    def first(event: int) -> dict[str, int]:
        meeting.wait(10)
        seen["first"] = threading.get_ident()
        return {"first": 1}

    def second(event: int) -> dict[str, int]:
        seen["second"] = threading.get_ident()
        return {"second": 1}

    router = ParallelRun(first=first, wait=Remoteish(wait), second=second)
    answer = Graph("g", router).test(1)
    assert answer == {"first": 1, "wait": 1, "second": 1}
    assert seen["first"] == seen["second"]


class Remoteish(Step):
    """A step that waits for something outside."""

    waits = True


def test_an_executor_type_that_is_none_is_refused_by_name():
    with pytest.raises(GraphError, match=r"executor_type must be one of .*'proces'"):
        VotingEnsemble(a=abs, executor_type="proces")  # type: ignore[arg-type]


def test_an_executor_type_is_written_for_mlrun():
    router = ParallelRun(there=where_am_i, executor_type="process")
    assert "executor_type='process'" in Graph("g", router).to_mlrun().replace('"', "'")
