"""Fingerprints of graphs: the same for the same declaration, in any process; others for others."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import partial

import pandas as pd
import pytest
from hypothesis import given, settings
from sklearn.dummy import DummyClassifier

from graph_magics import (
    Ensemble,
    Graph,
    Model,
    ParallelRun,
    Remote,
    Route,
    Sequence,
    Splitter,
    Step,
    Switch,
    VotingEnsemble,
)
from graph_magics.fingerprints import fingerprint

from .strategies import graphs

BODY = """
import dataclasses, enum, functools, re
from datetime import date
import numpy as np
import pandas as pd
from sklearn.dummy import DummyClassifier
from graph_magics import *
from graph_magics.fingerprints import fingerprint

KNOWN = frozenset({"a", "b", "c", "d"})
SINCE, WORD, SEEN, COUNT = date(2026, 1, 1), re.compile("a+", re.I), {}, 0

class Colour(enum.Enum):
    RED = 1

@dataclasses.dataclass
class Scale:
    factor: float = 2.0
    seen: int = 0
    def __call__(self, event):
        self.seen += 1
        return event["x"] * self.factor

def helper(event, *, more=frozenset({"x", "y", "z"})):
    global COUNT
    COUNT += 1
    SEEN[COUNT] = event
    return again(event) if event["x"] in {"p", "q", "r"} else WORD

def again(event):
    return helper(event)

def made(least):
    calls = 0
    def step(event):
        nonlocal calls
        calls += 1
        helper(event)
        rows = [x + least for x in range(3) if x not in KNOWN]
        return {"x": event["x"], "rows": len(rows), "at": calls and str(SINCE), "c": Colour.RED}
    return step

@functools.lru_cache
def cached(event):
    return event

class Server:
    def __init__(self, factor=1):
        self.factor = factor
    def do(self, event):
        return event

def graphs():
    first, scale = Step(made(3), name="first"), Step(Scale(), name="scale")
    yield Graph("g", first >> Step(functools.partial(lambda a, e: e, 1), name="p") >> scale)
    yield Graph("g", first >> Switch(a=cached, b=abs, conditions={"a": "x > 1"}, name="w"))
    yield Graph("g", Splitter(a=abs, b=np.sqrt, weights={"a": 3, "b": 1}, name="s"))
    yield Graph("g", VotingEnsemble(a=DummyClassifier().fit([[0], [1]], [0, 1]), b=len, name="v"))
    served = Graph("g", engine="sync", namespace=globals())
    served.to("Server", name="server", factor={"a", "b", "c"}).to(name="h", handler="helper")
    yield served

told = [fingerprint(graph.root, graph._served) for graph in graphs()]
list(graphs())[0].run([{"x": 1}, {"x": 2}])
assert told == [fingerprint(graph.root, graph._served) for graph in graphs()]
print(told)
"""


def test_the_same_graph_is_the_same_in_another_process():
    told = set()
    for seed in ("0", "1"):
        run = subprocess.run(
            [sys.executable, "-c", BODY if seed == "0" else "\n\n# Other lines.\n" + BODY],
            env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert not run.returncode, run.stderr
        told.add(run.stdout)
    assert len(told) == 1


def scaled(event, *, by=2):
    return event * by


class Scale:
    def __init__(self, factor):
        self.factor, self.seen = factor, 0

    def __call__(self, event):
        self.seen += 1
        return event * self.factor


def closed(value):
    return lambda event: event * value


def told(node, **options):
    return fingerprint(Graph("g", node, namespace={}, **options).root)


FIRST, SECOND = DummyClassifier().fit([[0]], [0]), DummyClassifier().fit([[0]], [1])
OTHERS = {
    "code": (Step(lambda e: 1, name="f"), Step(lambda e: 2, name="f")),
    "type of a constant": (Step(lambda e: 1, name="f"), Step(lambda e: 1.0, name="f")),
    "attribute": (Step(lambda e: e.real, name="f"), Step(lambda e: e.imag, name="f")),
    "inner code": (Step(lambda e: [(lambda: 1)() for _ in e], name="f"),
                   Step(lambda e: [(lambda: 2)() for _ in e], name="f")),
    "default": (Step(lambda e, by=1: by, name="f"), Step(lambda e, by=2: by, name="f")),
    "closure": (Step(closed(1), name="f"), Step(closed(2), name="f")),
    "function in a closure": (Step(closed(closed(1)), name="f"), Step(closed(closed(2)), name="f")),
    "partial": (Step(partial(scaled, by=1), name="f"), Step(partial(scaled, by=3), name="f")),
    "object": (Step(Scale(1), name="f"), Step(Scale(2), name="f")),
    "batch": (Step(scaled, batch=False), Step(scaled, batch=True)),
    "method": (Model(FIRST), Model(FIRST, "predict_proba")),
    "url": (Remote("http://a/x", name="x"), Remote("http://b/x", name="x")),
    "timeout": (Remote("http://a/x", name="x"), Remote("http://a/x", name="x", timeout=2)),
    "condition": (Switch(a=abs, b=len, conditions={"a": "x > 1"}, name="r"),
                  Switch(a=abs, b=len, conditions={"a": "x > 2"}, name="r")),
    "condition that is a function": (
        Switch(a=abs, b=len, conditions={"a": lambda e: e > 1}, name="r"),
        Switch(a=abs, b=len, conditions={"a": lambda e: e > 2}, name="r")),
    "vote type": (VotingEnsemble(a=abs, vote_type="classification", name="r"),
                  VotingEnsemble(a=abs, vote_type="regression", name="r")),
    "weights": (Splitter(a=abs, b=len, weights={"a": 1, "b": 1}, name="r"),
                Splitter(a=abs, b=len, weights={"a": 1, "b": 2}, name="r")),
    "extend_event": (ParallelRun(a=abs, name="r"), ParallelRun(a=abs, extend_event=True, name="r")),
    "merger": (ParallelRun(a=abs, merger=lambda b, r: b, name="r"),
               ParallelRun(a=abs, merger=lambda b, r: r, name="r")),
    "dependency": (Ensemble(a=Route(abs, dependency="Hard"), name="r"),
                   Ensemble(a=Route(abs, dependency="Soft"), name="r")),
    "data": (Sequence(a=abs, b=Route(hex, data="$request"), name="r"),
             Sequence(a=abs, b=Route(hex, data="$response"), name="r")),
    "keys": (Ensemble(a=abs, keys={"a": "x"}, name="r"),
             Ensemble(a=abs, keys={"a": "y"}, name="r")),
}  # fmt: skip


@pytest.mark.parametrize("what", OTHERS)
def test_another_declaration_is_another_graph_and_it_is_told_where(what):
    one, other = map(told, OTHERS[what])
    apart = [path for path in one if path and one[path] != other[path]]
    assert len(apart) == 1 and "." not in apart[0]


def test_what_a_model_has_learnt_is_not_looked_at():
    assert told(Model(FIRST, name="m")) == told(Model(SECOND, name="m"))


def test_a_function_of_the_users_that_is_called_by_another_is_looked_at():
    def declared(body):
        names = {}
        exec(f"def helper(e):\n    {body}\ndef step(e):\n    return helper(e)", names)
        return told(Step(names["step"]))

    assert declared("return 1") == declared("return 1") != declared("return 2")


def test_the_wires_are_looked_at():
    a, b, c = (Step(f, name=f.__name__) for f in (abs, len, hex))
    one, other = told(a >> b >> c), told([a >> b, a >> c])
    assert one[""] != other[""] and one["abs"] == other["abs"]


@pytest.mark.parametrize(
    "changed",
    [
        {"class_name": "Other"},
        {"by": [1, {"x": 3}]},
        {"input_path": "a"},
        {"full_event": True},
        {"handler": "go"},
        {"namespace": {"Server": Scale}},
        {"spec": 2},
    ],
)
def test_declarations_of_mlruns_are_looked_at(changed):
    class Server:
        def do(self, event):
            return event

        def go(self, event):
            return event

    def declared(namespace=None, spec=1, **options):
        names = {"Server": Server, "Other": type("Other", (Server,), {}), **(namespace or {})}
        graph = Graph("g", engine="sync", namespace=names)
        graph.spec.parameters["p"] = spec
        graph.to(**{"class_name": "Server", "name": "s", "by": [1, {"x": 2}], **options}).respond()
        return fingerprint(graph.root, graph._served)

    assert declared() == declared() != declared(**changed)


@settings(max_examples=30)
@given(graphs())
def test_a_run_does_not_change_it(graph):
    before = fingerprint(graph.root)
    graph.run([{"a": 1.0, "b": 2, "x": 3}] * 3)
    graph.run(pd.DataFrame({"a": [1.0, 2.0], "b": [1, 2]}))
    assert fingerprint(graph.root) == before


def test_what_functions_set_as_they_run_does_not_change_it():
    names = {"count": 0, "last": None}
    exec(
        "def bump(e):\n    global count\n    count += 1\n    return e\n"
        "def mark(scale, e):\n    scale.factor = e\n"
        "def step(e):\n    global last\n    last = e\n    mark(scale, e)\n    return e + count\n",
        names,
    )
    names["scale"] = Scale(2)
    graph = Graph("g", Step(names["bump"]) >> Step(names["step"]) >> Step(names["scale"]))
    before = fingerprint(graph.root)
    graph.run([1, 2, 3])
    assert names["count"] == 3 and names["last"] == 3 and names["scale"].factor == 3
    assert fingerprint(graph.root) == before


class Odd:
    """Like a proxy to something that is gone."""

    def __getattr__(self, name):
        raise RuntimeError(name)


def test_objects_that_cannot_be_asked_are_told_by_their_class():
    deep = None
    for _ in range(5_000):
        deep = (deep,)
    for value in (Odd(), deep, {1: deep}, iter([]), pd.DataFrame({"x": [1]})):
        assert told(Step(closed(value), name="f")) == told(Step(closed(value), name="f"))
        assert Graph("g", Step(closed(value), name="f")).root is not None
