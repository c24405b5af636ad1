"""`graph.run` over Dask: the answers of a run here, whatever the partitions and the workers."""

from __future__ import annotations

import functools
import itertools
import os
import pickle
import signal
import subprocess
import sys
import threading
import types
import warnings
from pathlib import Path

import cloudpickle
import dask
import dask.bag as db
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal as assert_near
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from graph_magics import (
    EventError,
    Graph,
    GraphError,
    Model,
    Splitter,
    Step,
    Switch,
    VotingEnsemble,
    distributed,
    mlrun,
)
from graph_magics.distributed import DaskRun
from graph_magics.shipping import Shipped

assert_frame_equal = functools.partial(assert_near, check_exact=True)
X = pd.DataFrame(np.random.default_rng(0).normal(size=(400, 3)), columns=["a", "b", "c"]).set_index(
    np.arange(400) * 3
)
LINE = LogisticRegression().fit(X, X["a"] > 0.1)
TREE = DecisionTreeClassifier(max_depth=4).fit(X, X["a"] + X["b"] > 0.1)
PARENT = os.getpid()


@pytest.fixture(autouse=True)
def one_thread(monkeypatch):
    monkeypatch.setattr(distributed, "CPU_COUNT", 2)  # Else there are more partitions on others.
    with dask.config.set(scheduler="sync"):
        yield


def halved(event):
    if event["a"] > 1.5:
        raise ValueError(f"{event['a']:.3f} is too much")
    return int(event["b"] > 0) if event["c"] > 0 else 2


def routed() -> Graph:
    """Draws, votes, probabilities, failures, and a route that few events take."""
    split = Splitter(
        line=LINE, few=lambda e: 1 / 0 if e["a"] > 1 else True, weights={"line": 90, "few": 10}
    )
    vote = VotingEnsemble(split=split, half=halved, vote_type="classification")
    return Graph("routed", vote)


GRAPHS = {
    "routers": routed(),
    "probabilities": Graph("p", Model(TREE, "predict_proba", name="tree")),
    "a rare route": Graph("r", Switch(rare=halved, often=LINE, conditions={"rare": "a > 2.2"})),
    "tables": Graph("t", Step(lambda e: {"x": int(e["a"] * 9), "y": f"{e['b']:.2f}"})),
    "a column that is text": Graph("s", Step(lambda e: "up" if e["a"] > 0 else "down")),
    "objects": Graph("o", Step(lambda e: [e["a"]] if e["b"] > 0 else {"b": e["b"]})),
    "numbers and texts": Graph(
        "n",
        Step(lambda e: "x" if e["a"] > 2 else 1 if e["b"] > 0 else 2.5 if e["c"] > -1 else 1 / 0),
    ),
    "failures alone": Graph("f", Step(lambda e: 1 / 0)),
}


@pytest.mark.parametrize("name", GRAPHS)
@pytest.mark.parametrize("scheduler", ["sync", "threads"])
def test_the_answers_are_those_of_a_run_here_to_the_last_bit(name, scheduler):
    graph, there = GRAPHS[name], dd.from_pandas(X, npartitions=7)
    here = graph.run(X, seed=5)
    with dask.config.set(scheduler=scheduler):
        run = graph.run(there, seed=5)
        got = run.compute()
        assert_frame_equal(got, here.frame)
        assert all(got[name].map(type).equals(here.frame[name].map(type)) for name in got)
        assert_frame_equal(run.errors.compute(), here.errors)
    assert run.frame.index.name == X.index.name
    assert run.frame.divisions == there.divisions


@settings(max_examples=8, deadline=None)
@given(cuts=st.lists(st.integers(0, 400), max_size=6), seed=st.integers(0, 99))
def test_no_partition_changes_an_answer_an_empty_one_included(cuts, seed):
    ends = [0, *sorted(cuts), 400]
    parts = [X.iloc[a:b] for a, b in itertools.pairwise(ends)]
    there = dd.from_delayed([dask.delayed(part) for part in parts], meta=X.iloc[:0])
    got = GRAPHS["routers"].run(there, seed=seed).compute()
    assert_frame_equal(got, GRAPHS["routers"].run(X, seed=seed).frame)


@pytest.mark.parametrize("name", GRAPHS)
def test_every_partition_has_the_dtypes_that_are_told_beforehand(name):
    run = GRAPHS[name].run(dd.from_pandas(X, npartitions=5))
    for frame in (run.frame, run.errors):
        for part in frame.partitions:
            assert part.compute().dtypes.to_dict() == frame.dtypes.to_dict()


def test_whole_numbers_are_nullable_and_routes_have_their_categories():
    frame = GRAPHS["routers"].run(dd.from_pandas(X, npartitions=2)).frame
    assert str(frame.dtypes["half"]) == "Int64"
    assert list(frame["split.route"].cat.categories) == ["line", "few"]
    assert frame.dtypes["status"] == np.int16 and frame.dtypes["error"] == "str"


@pytest.mark.parametrize(
    ("graph", "events"),
    [
        (GRAPHS["routers"], X),
        (GRAPHS["routers"], X.iloc[:0]),
        (Graph("n", abs), np.arange(-9, 9)),
        (Graph("n", abs), pd.Series([-2.5, 1.0], index=["v", "u"])),
        (Graph("m", Model(LINE, name="line")), [{"inputs": X.iloc[i : i + 2].to_numpy().tolist()}
                                                for i in range(9)]),
        (Graph("m", Model(LINE, name="line")), {"inputs": [[1.0, 2.0, 3.0]]}),
    ],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
def test_events_that_are_here_are_cut_into_partitions(graph, events):
    run = graph.run(events, engine="dask", chunk_size=4)
    assert isinstance(run, DaskRun)
    assert run.frame.npartitions == max(1, -(-len(run) // 4))
    assert_frame_equal(run.compute(), graph.run(events).frame)


@pytest.mark.parametrize("rows", [7_013, 60_011])
def test_linear_algebra_rounds_as_in_a_run_here(rows):
    events = np.random.default_rng(1).normal(size=(rows, 20))
    line = LogisticRegression().fit(events[:500], events[:500, 0] > 0)
    graph = Graph("g", Model(line, "predict_proba", name="line"))
    run = graph.run(events, engine="dask")
    assert run.frame.npartitions > 2
    assert_frame_equal(run.compute(), graph.run(events).frame)


def test_a_file_and_a_bag_of_json_bodies_are_events(tmp_path):
    graph, bodies = Graph("double", lambda e: 2 * e["x"]), [{"x": n} for n in range(10)]
    path = tmp_path / "events.jsonl"
    path.write_text("".join(f'{{"x": {n}}}\n' for n in range(10)))
    here = graph.run(bodies).frame
    assert_frame_equal(graph.run(path, engine="dask", chunk_size=3).compute(), here)
    assert_frame_equal(graph.run(db.from_sequence(bodies, npartitions=3)).compute(), here)


def test_nothing_but_a_sample_is_run_before_it_is_asked_for():
    seen = []
    run = Graph("g", lambda e: seen.append(e["a"]) or 1).run(dd.from_pandas(X, npartitions=4))
    assert 0 < len(seen) <= 100
    run.compute()
    assert len(seen) >= 400


def test_what_is_persisted_is_not_run_again():
    seen = []
    run = Graph("g", lambda e: seen.append(1) or 1).run(dd.from_pandas(X, npartitions=4)).persist()
    before = len(seen)
    assert len(run.compute()) == 400 and not len(run.errors.compute())
    assert len(seen) == before


def test_an_answer_of_another_kind_than_the_sample_is_told_and_not_bent():
    whole = pd.DataFrame({"x": np.arange(1000)})
    graph = Graph("g", lambda e: 0.5 if e["x"] == 501 else 1)
    with pytest.raises(GraphError, match=r"partition 1 has answers of dtype float64 .* Int64; "):
        graph.run(dd.from_pandas(whole, npartitions=2)).compute()
    graph = Graph("g", lambda e: {"y": 1} if e["x"] == 501 else {"x": 1})
    with pytest.raises(GraphError, match=r"partition 1 has answers for column .* no such column"):
        graph.run(dd.from_pandas(whole, npartitions=2)).compute()


def test_a_frame_that_has_changed_since_is_refused():
    events = X.copy()
    parts = [dask.delayed(lambda: events.iloc[: len(events)])()]
    run = Graph("g", lambda e: 1).run(dd.from_delayed(parts, meta=X.iloc[:0], verify_meta=False))
    events = X.iloc[:7]
    with pytest.raises(GraphError, match="partition 0 has 7 events now, and had 400"):
        run.compute()


def test_on_error_raise_raises():
    run = Graph("g", halved).run(dd.from_pandas(X, npartitions=3), on_error="raise")
    with pytest.raises(EventError, match="too much"):
        run.compute()


def test_arrays_of_dask_and_unknown_engines_are_refused():
    import dask.array as da

    with pytest.raises(GraphError, match=r"a DataFrame, a Series or a Bag .* got Array"):
        Graph("g", abs).run(da.zeros(3))
    with pytest.raises(GraphError, match='engine must be "local" or "dask"'):
        Graph("g", abs).run([1], engine="spark")


def test_without_dask_the_extra_is_named():
    code = (
        "import sys; sys.modules['dask'] = None\n"
        "from graph_magics import Graph, GraphError\n"
        "try: Graph('g', abs).run([1], engine='dask')\n"
        "except GraphError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "pip install 'graph-magics[dask]'" in done.stdout


def test_dask_is_not_imported_before_it_is_asked_for():
    code = "import sys, graph_magics; print('dask' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_an_interrupt_leaves_all_usable():
    def slow(event):
        if event["x"] == 50 and armed:
            armed.clear()
            os.kill(PARENT, signal.SIGINT)
            threading.Event().wait(0.2)
        return event["x"]

    armed: list[bool] = []
    graph = Graph("g", slow)
    run = graph.run(dd.from_pandas(pd.DataFrame({"x": np.arange(200)}), npartitions=4))
    armed.append(True)
    with dask.config.set(scheduler="threads"):
        with pytest.raises(KeyboardInterrupt):
            run.compute()
        assert run.compute()["response"].tolist() == list(range(200))


def test_the_magic_takes_the_engine(shell):
    shell.user_ns |= {"graph": Graph("graph", abs), "events": [-1, 2]}
    shell.run_line_magic("graph_run", "graph events --engine dask --into results")
    assert shell.user_ns["results"].compute()["response"].tolist() == [1, 2]


# Steps that may remember events.


class Counter:
    def __init__(self):
        self.seen = 0

    def do(self, event):
        self.seen += 1
        return self.seen


def counting() -> Graph:
    graph = Graph("counting", engine="sync")
    graph.add_step("Counter", name="count").respond()
    return graph


def test_steps_that_may_remember_events_are_refused_by_name():
    with pytest.raises(GraphError, match=r"graph 'counting', node 'count': it may remember .* 3 p"):
        counting().run(list(range(9)), engine="dask", chunk_size=3)


def test_in_one_partition_they_run_made_anew_each_time():
    run = counting().run(list(range(9)), engine="dask")
    for _ in range(2):
        assert run.compute()["response"].tolist() == list(range(1, 10))


# Graphs on their way to another process.


class Doubling(mlrun.V2ModelServer):
    def load(self):
        self.factor = self.get_param("factor")

    def predict(self, body):
        return [self.factor * row[0] for row in body["inputs"]]


def twice(event):
    return {"inputs": [[2 * value for value in row] for row in event["inputs"]]}


def served() -> Graph:
    graph = Graph("served")
    graph.add_step(name="twice", handler="twice")
    router = graph.add_step("*mlrun.serving.VotingEnsemble", name="vote", after="twice",
                            vote_type="regression")  # fmt: skip
    for name, factor in (("m1", 1), ("m2", 3)):
        router.add_route(name, class_name="Doubling", model_path="", factor=factor)
    graph.add_step(name="out", handler="(event['outputs'])", after="vote").respond()
    return graph


MANIFEST = {
    "nodes": {
        "root": {
            "routerType": "Splitter",
            "steps": [{"serviceName": "one", "weight": 30}, {"nodeName": "by", "weight": 70}],
        },
        "by": {
            "routerType": "Switch",
            "steps": [
                {"serviceName": "one", "condition": "instances.#(a>0.5)"},
                {"serviceName": "a-line", "condition": "instances"},
            ],
        },
    }
}


def manifest() -> Graph:
    variables = {"one": lambda body: {"predictions": [1]}, "a_line": LINE}
    # Of a notebook much cannot be sent, and need not be.
    variables |= {"lock": threading.Lock(), "shell": threading.current_thread()}
    return Graph.from_kserve(MANIFEST, namespace=variables)


MADE = {"routers": (routed, X), "manifest": (manifest, X),
        "served": (served, [{"inputs": [[n, n + 1]]} for n in range(40)])}  # fmt: skip


@pytest.mark.parametrize("is_run", [False, True])
@pytest.mark.parametrize("name", MADE)
def test_a_pickled_graph_answers_the_same(name, is_run):
    make, events = MADE[name]
    graph = make()
    here = make().run(events, seed=3).frame
    if is_run:
        graph.run(events)
        graph.test(events[0] if isinstance(events, list) else events.iloc[:1])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        there = pickle.loads(cloudpickle.dumps(graph))
    assert_frame_equal(there.run(events, seed=3).frame, here)
    assert repr(there) == repr(graph)


@pytest.mark.parametrize("name", MADE)
def test_in_partitions_they_answer_the_same(name):
    make, events = MADE[name]
    run = make().run(events, seed=3, engine="dask", chunk_size=11)
    with dask.config.set(scheduler="threads"):
        assert_frame_equal(run.compute(), make().run(events, seed=3).frame)


def test_a_manifests_graph_can_be_made_anew_after_it_was_sent():
    there = pickle.loads(cloudpickle.dumps(manifest()))
    again = Graph.from_kserve(there, services={"one": lambda body: {"predictions": [2]}})
    assert set(again.run(X, seed=3).frame["root.one"].dropna().map(repr)) == {
        "{'predictions': [2]}"
    }


def test_of_a_notebooks_variables_only_those_go_that_are_named():
    big = "x" * 100_000
    variables = {"twice": twice, "big": big, "lock": threading.Lock()}
    graph = Graph("g", namespace=variables)
    graph.add_step(name="f", handler="twice").respond()
    assert len(cloudpickle.dumps(graph)) < 20_000


def test_what_cannot_be_sent_is_named():
    lock = threading.Lock()
    graph = Graph("g", Step(lambda e: e, name="fine") >> Step(lambda e: lock and 1, name="held"))
    with pytest.raises(GraphError, match=r"node 'held': it cannot be sent .*lock.*; let the step"):
        Shipped(graph).pack()


# A cluster of two processes.


@pytest.fixture(scope="module")
def client():
    from distributed import Client, LocalCluster

    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
    with (
        warnings.catch_warnings(),
        LocalCluster(**options, processes=True, worker_dashboard_address=None) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        yield client


@pytest.fixture
def cluster(client):
    """The current client, which is asked instead of the scheduler of this process."""
    with dask.config.set(scheduler=None), client.as_current():
        client.wait_for_workers(2)
        yield client


def notebook(source: str, **variables) -> types.SimpleNamespace:
    """Functions and classes as of a notebook, which no other process can import."""
    names = {"__name__": "__main__", **variables}
    exec(source, names)
    return types.SimpleNamespace(**names)


@pytest.mark.parametrize("name", MADE)
def test_on_a_cluster_the_answers_are_those_of_a_run_here(cluster, name):
    make, events = MADE[name]
    run = make().run(events, seed=3, engine="dask", chunk_size=30)
    assert_frame_equal(run.compute(), make().run(events, seed=3).frame)
    if isinstance(events, pd.DataFrame):
        run = make().run(dd.from_pandas(events, npartitions=5), seed=3).persist()
        assert_frame_equal(run.compute(), make().run(events, seed=3).frame)
        assert_frame_equal(run.errors.compute(), make().run(events, seed=3).errors)


def test_on_a_cluster_both_processes_answer_and_none_is_this_one(cluster):
    graph = Graph("g", lambda event: (os.getpid(), threading.Event().wait(0.05))[0])
    pids = set(graph.run(list(range(8)), engine="dask", chunk_size=1).compute()["response"])
    assert len(pids) == 2 and PARENT not in pids


def test_a_model_is_opened_once_by_each_worker(cluster, tmp_path):
    made = notebook(
        "import os\n"
        "class Heavy:\n"
        "    def __setstate__(self, state):\n"
        "        self.__dict__.update(state)\n"
        "        with open(self.log, 'a') as file: file.write(f'{os.getpid()}\\n')\n"
        "    def predict(self, X):\n"
        "        return X[:, 0] * self.factor\n"
    )
    heavy = made.Heavy()
    heavy.log, heavy.factor = str(tmp_path / "opened"), 2.0
    graph = Graph("g", Model(heavy, name="heavy"))
    events = np.ones((64, 2))
    run = graph.run(events, engine="dask", chunk_size=2)
    assert run.compute()["heavy"].tolist() == [2.0] * 64
    opened = Path(heavy.log).read_text().split()
    assert len(opened) == len(set(opened)) <= 2
    assert str(PARENT) not in opened


def test_a_worker_that_is_killed_loses_and_doubles_nothing(cluster, tmp_path):
    made = notebook(
        "import os, pathlib, signal\n"
        "def deadly(event):\n"
        "    if event['x'] == 777 and os.getpid() != parent:\n"
        "        try:\n"
        "            pathlib.Path(marker).touch(exist_ok=False)\n"
        "            os.kill(os.getpid(), signal.SIGKILL)\n"
        "        except FileExistsError:\n"
        "            pass\n"
        "    return event['x'] * 2\n",
        parent=PARENT,
        marker=str(tmp_path / "killed"),
    )
    events = pd.DataFrame({"x": np.arange(2000)})
    graph = Graph("g", Splitter(a=made.deadly, b=made.deadly, weights={"a": 50, "b": 50}))
    here = graph.run(events, seed=2).frame
    for handed in (events, dd.from_pandas(events, npartitions=20)):
        (tmp_path / "killed").unlink(missing_ok=True)
        there = graph.run(handed, seed=2, engine="dask", chunk_size=100).compute()
        assert (tmp_path / "killed").exists()
        assert_frame_equal(there, here)


def test_on_a_cluster_what_cannot_be_sent_is_named_at_once(cluster):
    lock = threading.Lock()
    with pytest.raises(GraphError, match="graph 'g', node 'held': it cannot be sent"):
        Graph("g", Step(lambda e: lock and 1, name="held")).run([1], engine="dask")


def test_on_a_cluster_errors_tell_the_step_and_the_line(cluster):
    run = Graph("g", halved).run(X, engine="dask", chunk_size=100)
    assert_frame_equal(run.errors.compute(), Graph("g", halved).run(X).errors)
    with pytest.raises(EventError, match="too much"):
        Graph("g", halved).run(X, engine="dask", chunk_size=100, on_error="raise").compute()
