"""A graph is written as a manifest that a cluster takes, and that answers as the graph does."""

from __future__ import annotations

import copy
import functools
import json
import math
import zlib
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st

from graph_magics import (
    Ensemble,
    Graph,
    Model,
    ParallelRun,
    Remote,
    Response,
    Route,
    Sequence,
    Splitter,
    Step,
    Switch,
    VotingEnsemble,
    gjson,
)
from graph_magics.draws import uniform
from graph_magics.errors import GraphError
from graph_magics.flow import join
from graph_magics.formats.kserve.building import MOST_NESTED
from graph_magics.formats.kserve.export import Export, export
from graph_magics.formats.kserve.manifests import admit, read
from graph_magics.formats.kserve.terms import percents
from graph_magics.nodes import Node

from .conformance.kserve.router_cases import cases
from .models import IRIS, mistake, on_array, on_frame
from .models import run as run_of

ROOT = Graph("g", abs).root  # Of no account, where there is a manifest.


def written(root: Any, name: str = "g", **variables: Any) -> Export:
    return export(name, Graph(name, root, namespace=variables).root)


def nodes_of(root: Any, **variables: Any) -> dict[str, Any]:
    """The nodes of a manifest: a kind, and the steps without what a test has no eye for."""
    return written(root, **variables).manifest["spec"]["nodes"]


def refusal(root: Any, *words: str, name: str = "g") -> None:
    graph = Graph(name, root, namespace={})
    mistake(lambda: export(name, graph.root), f"graph {name!r}", *words)


def whole(spec: Any, name: str = "g") -> dict[str, Any]:
    return {
        "apiVersion": "serving.kserve.io/v1alpha1",
        "kind": "InferenceGraph",
        "metadata": {"name": name},
        "spec": spec,
    }


def plus(number: int) -> Callable[[Any], Any]:
    return lambda event: {**event, "n": event.get("n", 0) + number}


# --- manifests come back


def is_admitted(document: Any) -> bool:
    try:
        admit(read(document))
    except GraphError:
        return False
    return True


SPECS = {case.name: json.loads(case.spec) for case in cases() if case.starts}
ADMITTED = [name for name, spec in SPECS.items() if is_admitted(whole(spec))]


@pytest.mark.parametrize("name", ADMITTED)
def test_a_whole_manifest_comes_back_as_it_was(name: str) -> None:
    document = read(whole(SPECS[name]))
    made = export("g", ROOT, document)
    assert made.manifest == document
    assert json.dumps(read(made.text)) == json.dumps(document)  # the order of fields too
    assert not made.text.startswith("#")
    assert (made.services, made.notes) == ({}, [])


def test_most_recorded_graphs_are_manifests_too() -> None:
    assert len(ADMITTED) > 350


def test_what_kserve_does_not_know_comes_back_too() -> None:
    text = """\
apiVersion: serving.kserve.io/v1alpha1
kind: InferenceGraph
metadata: {name: x, labels: {a: "on"}, annotations: {b: "012"}, future: [1, {c: null}]}
status: {url: http://x}
spec:
  nodes: {root: {steps: [{x-y: 1.5, serviceName: a, name: ""}], routerType: Sequence}}
  resources: {limits: {cpu: 100m}}
  minReplicas: 1
  affinity: {nodeAffinity: {}}
"""
    document = read(text)
    again = read(export("other", ROOT, document).text)
    assert json.dumps(again) == json.dumps(document)


def test_the_manifest_that_was_given_is_not_handed_out() -> None:
    document = read(whole({"nodes": {"root": {"routerType": "Sequence", "steps": [{}]}}}))
    before = copy.deepcopy(document)
    export("g", ROOT, document).manifest["spec"]["nodes"].clear()
    assert document == before


def test_a_bare_spec_becomes_a_whole_manifest() -> None:
    spec = {"nodes": {"root": {"routerType": "Ensemble", "steps": [{"serviceUrl": "http://a"}]}}}
    made = export("My_graph", ROOT, spec)
    assert read(made.text) == made.manifest == whole(spec, "my-graph")
    assert (made.services, made.notes) == ({}, [])


def test_a_bare_spec_is_written_as_the_router_takes_it() -> None:
    spec = {"NODES": {"root": {"routertype": "Ensemble", "steps": [{"SERVICENAME": "a"}]}}}
    nodes = export("g", ROOT, spec).manifest["spec"]["nodes"]
    assert nodes == {"root": {"routerType": "Ensemble", "steps": [{"serviceName": "a"}]}}


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        ([60, 60], "the sum of traffic weights for all routing targets should be 100"),
        ([100, None], "missing the 'Weight'"),
    ],
)
def test_a_bare_spec_that_a_cluster_refuses_is_refused_with_its_reason(
    weights: list[Any], said: str
) -> None:
    steps = [{"serviceUrl": "http://a", "weight": weight} for weight in weights]
    spec = {"nodes": {"root": {"routerType": "Splitter", "steps": steps}}}
    Graph.from_kserve(spec)
    mistake(lambda: export("g", ROOT, spec), "graph 'g'", said)


# --- the name


@pytest.mark.parametrize(
    ("name", "made"), [("Churn_2024", "churn-2024"), ("a b", "a-b"), ("x" * 63, "x" * 63)]
)
def test_the_name_is_made_one_that_a_cluster_takes(name: str, made: str) -> None:
    assert written(abs, name).manifest["metadata"] == {"name": made}


@pytest.mark.parametrize(
    ("name", "instead"),
    [
        ("2024", "'graph-2024'"),
        ("_g", "'g'"),
        ("x" * 64, f"'{'x' * 63}'"),
        ("churn.v2", "'churn-v2'"),
        ("Qualität", "'qualitat'"),
        ("模型", "'graph'"),
        ("a_", "'a'"),
    ],
)
def test_a_name_that_cannot_be_made_one_is_refused_with_another(name: str, instead: str) -> None:
    graph = Graph(name, abs)
    mistake(lambda: export(name, graph.root), f"graph {name!r}", "begins with a letter", instead)


# --- the root


def test_steps_one_after_the_other_are_a_sequence() -> None:
    a, b, c = Step(plus(1)), Step(plus(2)), Step(plus(3))
    assert nodes_of(a >> b >> c, a=a, b=b, c=c) == {
        "root": {
            "routerType": "Sequence",
            "steps": [
                {"name": "a", "serviceName": "a", "dependency": "Hard"},
                {"name": "b", "serviceName": "b", "data": "$response", "dependency": "Hard"},
                {"name": "c", "serviceName": "c", "data": "$response"},
            ],
        }
    }


def test_a_step_alone_is_a_sequence_too() -> None:
    assert nodes_of(abs)["root"] == {
        "routerType": "Sequence",
        "steps": [{"name": "abs", "serviceName": "abs"}],
    }


@pytest.mark.parametrize("router", [Sequence, Ensemble])
@pytest.mark.parametrize("wrapped", [False, True])
def test_a_router_alone_is_the_root(router: Any, wrapped: bool) -> None:
    root = router(a=abs, b=round)
    nodes = nodes_of(Graph("inner", root) if wrapped else root)
    assert list(nodes) == ["root"]
    assert nodes["root"]["routerType"] == router.kind


def test_routers_inside_are_nodes_of_their_own() -> None:
    nodes = nodes_of(Sequence(a=abs, both=Ensemble(b=abs, one=Splitter(c=abs))))
    assert {name: node["routerType"] for name, node in nodes.items()} == {
        "root": "Sequence",
        "both": "Ensemble",
        "one": "Splitter",
    }
    assert nodes["root"]["steps"][1] == {"name": "both", "nodeName": "both", "data": "$response"}
    assert nodes["both"]["steps"][1]["nodeName"] == "one"


def test_a_graph_as_a_route_is_a_sequence() -> None:
    inner = Graph("inner", Step(abs, name="a") >> Step(round, name="b"))
    alone = Graph("alone", Step(abs, name="c"))
    nodes = nodes_of(Ensemble(x=inner, y=alone))
    assert [step["nodeName"] for step in nodes["root"]["steps"]] == ["x", "y"]
    assert [step["serviceName"] for step in nodes["x"]["steps"]] == ["a", "b"]
    assert nodes["y"] == {
        "routerType": "Sequence",
        "steps": [{"name": "c", "serviceName": "c"}],
    }


@pytest.mark.parametrize(
    ("branch", "words"),
    [
        (
            lambda a, b, c: a >> [b, c],
            ["node 'a'", "'b', 'c' come after it", "Ensemble"],
        ),
        (lambda a, b, c: [a, b] >> c, ["node 'c'", "'a', 'b' come before it", "Ensemble"]),
        (lambda a, b, c: [a, b, c], ["node 'a'", "come in here and at 'b', 'c'", "Ensemble"]),
    ],
)
def test_branches_are_refused(branch: Any, words: list[str]) -> None:
    steps = [Step(plus(1), name=name) for name in "abc"]
    refusal(branch(*steps), *words)


def test_branches_deep_inside_are_named_with_their_path() -> None:
    a, b, c = (Step(plus(1), name=name) for name in "abc")
    refusal(Switch(x=Graph("i", a >> [b, c])), "node 'switch.x.a'")


# --- Sequence


def test_what_a_sequence_says_of_its_routes_is_written() -> None:
    sequence = Sequence(
        a=Route(abs, map_predictions_to_instances=True),
        b=Route(abs, data="$request"),
        c=Route(abs, condition="x.y", dependency="Soft"),
        d=Route(abs, data="$response", condition=gjson.compile("p.#(s<0.6)"), dependency="Hard"),
    )
    assert nodes_of(sequence)["root"]["steps"] == [
        {
            "name": "a",
            "serviceName": "a",
            "dependency": "Hard",
            "mapPredictionsToInstances": True,
        },
        {"name": "b", "serviceName": "b", "data": "$request", "dependency": "Hard"},
        {
            "name": "c",
            "serviceName": "c",
            "data": "$response",
            "condition": "x.y",
            "dependency": "Soft",
        },
        {
            "name": "d",
            "serviceName": "d",
            "data": "$response",
            "condition": "p.#(s<0.6)",
            "dependency": "Hard",
        },
    ]


def test_a_strict_router_is_written_as_it_is_said() -> None:
    sequence = Sequence(a=abs, b=abs, c=Route(abs, data="$response"), strict=True)
    assert nodes_of(sequence)["root"]["steps"] == [
        {"name": "a", "serviceName": "a"},
        {"name": "b", "serviceName": "b"},
        {"name": "c", "serviceName": "c", "data": "$response"},
    ]


# --- conditions


def is_old(event: Any) -> bool:
    return event["age"] > 30


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ("age > 30", ["the query 'age > 30'", "write 'instances.#(age>30)'"]),
        ("age<=30.5", ["'instances.#(age<=30.5)'"]),
        ("30 < age", ["'instances.#(age>30)'"]),
        ("-1 != age", ["'instances.#(age!=-1)'"]),
        ("smoker == 'no'", ["""'instances.#(smoker=="no")'"""]),
        ("smoker == True", ["'instances.#(smoker==true)'"]),
        ("smoker", ["'instances.#(smoker==true)'"]),
        ("age > 30 and x < 2", ["'age > 30 and x < 2'", "such as 'instances.#(score<0.6)'"]),
        ("1 < age < 3", ["such as"]),
        ("age > x", ["such as"]),
        ("age in [1, 2]", ["such as"]),
        ("`mean radius` > 3", ["such as"]),
        ("age > 1e999", ["such as"]),
        (is_old, ["the function is_old", "such as 'instances.#(score<0.6)'"]),
        (lambda event: True, ["the function lambda", "such as"]),
    ],
)
def test_conditions_that_are_no_paths_are_refused_with_one(condition: Any, words: Any) -> None:
    switch = Switch(a=abs, b=abs, conditions={"a": condition})
    refusal(switch, "node 'switch.a'", "KServe decides by GJSON paths", *words)


def test_a_sequence_is_told_a_path_of_responses() -> None:
    sequence = Sequence(a=abs, b=Route(abs, condition="score < 0.6"))
    refusal(sequence, "node 'sequence.b'", "'predictions.#(score<0.6)'")


@pytest.mark.parametrize(
    ("query", "age", "holds"), [("age > 30", 31, True), ("30 < age", 30, False)]
)
def test_the_path_suggested_decides_as_the_query(query: str, age: int, holds: bool) -> None:
    with pytest.raises(GraphError) as caught:
        written(Switch(a=abs, conditions={"a": query}))
    path = caught.value.message.rpartition("write ")[2].strip("'")
    assert gjson.matches({"instances": [{"age": age}]}, path) is holds


def test_the_last_route_of_a_switch_takes_all_json() -> None:
    steps = nodes_of(Switch(a=abs, b=abs, conditions={"a": "x.y"}))["root"]["steps"]
    assert [step["condition"] for step in steps] == ["x.y", "@this"]
    assert all(gjson.matches(json.dumps(v), "@this") for v in (None, 0, False, "", [], {}))


def test_an_empty_path_is_a_condition_of_a_switch_and_none_of_a_sequence() -> None:
    empty = gjson.compile("")
    switch = Switch(a=abs, conditions={"a": empty})
    assert nodes_of(switch)["root"]["steps"][0]["condition"] == ""
    refusal(Sequence(a=abs, b=Route(abs, condition=empty)), "node 'sequence.b'", "''")


# --- Splitter


@pytest.mark.parametrize(
    ("weights", "whole_ones", "is_told"),
    [
        ({"a": 90, "b": 10}, [90, 10], False),
        ({"a": 1, "b": 2, "c": 7}, [10, 20, 70], False),
        ({"a": 0.07, "b": 0.93}, [7, 93], False),
        ({"a": 1, "b": 0}, [100, 0], False),
        ({"a": 1, "b": 2}, [33, 67], True),
        ({"a": 1, "b": 7}, [13, 87], True),
        ({"a": 0.006, "b": 0.994}, [1, 99], True),
    ],
)
def test_shares_are_whole_percents(weights: Any, whole_ones: list[int], is_told: bool) -> None:
    made = written(Splitter(**dict.fromkeys(weights, abs), weights=weights))
    steps = made.manifest["spec"]["nodes"]["root"]["steps"]
    assert [step["weight"] for step in steps] == whole_ones
    assert (made.notes != []) is is_told
    assert all("node 'splitter': weights are rounded: a " in note for note in made.notes)


def test_a_share_of_which_nothing_would_be_left_is_refused() -> None:
    words = "the route 'a' has 0.4 %", "1 % at least, or 0"
    splitter = Splitter(a=abs, b=abs, weights={"a": 0.004, "b": 0.996})
    refusal(splitter, "node 'splitter'", *words)


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=8).filter(any))
def test_percents_add_up_and_are_near(weights: list[int]) -> None:
    shares = {str(place): weight / sum(weights) for place, weight in enumerate(weights)}
    try:
        made = percents(shares)
    except GraphError:
        return
    assert sum(made.values()) == 100
    for route, share in shares.items():
        assert abs(made[route] - 100 * share) < 1
        assert (made[route] > 0) == (share > 0)


def test_a_strict_splitter_has_its_weights() -> None:
    splitter = Splitter(a=abs, b=abs, weights={"a": 30, "b": 70}, strict=True)
    assert [step["weight"] for step in nodes_of(splitter)["root"]["steps"]] == [30, 70]


def test_a_strict_splitter_that_a_cluster_refuses_is_refused() -> None:
    splitter = Splitter(a=abs, b=abs, weights={"a": 30, "b": 30}, strict=True)
    refusal(Sequence(x=abs, y=splitter), "Node[y]", "should be 100, and here it is 60")


# --- Ensemble, VotingEnsemble, ParallelRun


def test_an_ensembles_steps_are_called_as_its_routes() -> None:
    made = written(Ensemble(Up=abs, down_=Route(round, dependency="Soft")))
    assert made.manifest["spec"]["nodes"]["root"]["steps"] == [
        {"name": "Up", "serviceName": "up", "dependency": "Hard"},
        {"name": "down_", "serviceName": "down", "dependency": "Soft"},
    ]
    (told,) = made.notes
    assert told.startswith("all steps of 'root' must answer JSON objects")


def test_an_ensemble_has_its_own_words_for_its_routes() -> None:
    steps = nodes_of(Ensemble(a=abs, b=abs, keys={"b": "1"}))["root"]["steps"]
    assert [step["name"] for step in steps] == ["a", "1"]


def test_a_vote_is_an_ensemble_and_a_service_that_votes() -> None:
    vote = VotingEnsemble(
        forest=on_frame(), other=abs, vote_type="classification", weights={"forest": 3, "other": 1}
    )
    made = written(Sequence(a=abs, vote=vote))
    nodes = made.manifest["spec"]["nodes"]
    assert nodes["vote"] == {
        "routerType": "Sequence",
        "steps": [
            {"name": "vote-routes", "nodeName": "vote-routes", "dependency": "Hard"},
            {"name": "vote-tally", "serviceName": "vote-tally", "data": "$response"},
        ],
    }
    assert nodes["vote-routes"] == {
        "routerType": "Ensemble",
        "steps": [
            {"name": "forest", "serviceName": "forest", "dependency": "Hard"},
            {"name": "other", "serviceName": "other", "dependency": "Hard"},
        ],
    }
    assert list(made.services) == ["a", "forest", "other", "vote-tally"]
    for words in ("'sequence.vote'", "'forest': {'predictions': [...]}", "greatest weight"):
        assert words in made.services["vote-tally"]
    assert made.services["vote-tally"].endswith("weights forest 0.75, other 0.25")


@pytest.mark.parametrize(
    ("vote_type", "words"),
    [
        ("regression", "the weighted mean; all weights equal"),
        ("soft", "greatest weighted mean of the probabilities of 0, 1, 2; all"),
        (None, "greatest weight behind it"),  # As the models say of themselves.
    ],
)
def test_the_service_that_votes_is_told_how(vote_type: Any, words: str) -> None:
    vote = VotingEnsemble(a=on_frame(), b=on_frame(), vote_type=vote_type)
    assert words in written(vote).services["votingensemble-tally"]


def test_a_parallel_run_is_an_ensemble_and_a_service_that_merges() -> None:
    made = written(Sequence(p=ParallelRun(y=abs, x=round)))
    nodes = made.manifest["spec"]["nodes"]
    assert nodes["p"]["steps"][1] == {
        "name": "p-merge",
        "serviceName": "p-merge",
        "data": "$response",
    }
    assert [step["name"] for step in nodes["p-routes"]["steps"]] == ["y", "x"]
    assert "from {'y': {...}, 'x': {...}}: one object of" in made.services["p-merge"]
    assert "in this order" in made.services["p-merge"]  # An Ensemble's answer is sorted.


def join_all(body: Any, results: Any) -> Any:
    return {**body, **results}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            {"extend_event": True},
            ["'event-2': {...}, 'event': {...}", "one object of their fields"],
        ),
        ({"merger": join_all}, ["the function join_all of the field 'event-2'"]),
    ],
)
def test_a_merge_that_needs_the_event_is_handed_it(options: Any, words: list[str]) -> None:
    made = written(Sequence(p=ParallelRun(event=abs, **options)))
    assert made.manifest["spec"]["nodes"]["p-routes"]["steps"][0] == {
        "name": "event-2",
        "serviceName": "p-event",
        "dependency": "Hard",
    }
    assert made.services["p-event"] == "the very body that it is sent"
    assert all(word in made.services["p-merge"] for word in words)


# --- services


class Scaler:
    def __call__(self, event: Any) -> Any:
        return event


def on_table(frame: pd.DataFrame) -> pd.DataFrame:
    return frame


@pytest.mark.parametrize(
    ("part", "told"),
    [
        (
            Model(on_frame(), "predict_proba"),
            "LogisticRegression.predict_proba, from {'instances': [...]} to {'predictions': [...]}",
        ),
        (is_old, "the function is_old"),
        (functools.partial(join_all, results={}), "the function join_all"),
        (lambda event: event, "the lambda of the step 'sequence.part'"),
        (Scaler(), "a Scaler"),
        (on_table, "the function on_table over a table, from {'instances': [...]} on"),
    ],
)
def test_services_are_told_in_a_sentence(part: Any, told: str) -> None:
    made = written(Sequence(part=part))
    assert made.services == {"part": told}
    assert made.text.startswith(
        f"# Services that must exist beside it:\n#   part: {told}\napiVersion: "
    )


def test_the_names_of_services_are_legal_and_stand_for_one_thing_each() -> None:
    names = ["Big_Model", "big-model", "3d", "_", "ü", "x" * 70, "x" * 71, "data", "strict"]
    made = written(Ensemble(**{name: Step(plus(0)) for name in names[:7]}))
    assert list(made.services) == [
        "big-model",
        "ensemble-big-model",
        "service-3d",
        "service",
        "u",
        "x" * 63,
        f"ensemble-{'x' * 54}",
    ]
    made = written(Sequence(a=Ensemble(m=plus(1)), b=Ensemble(m=plus(2)), c=Ensemble(m=plus(3))))
    assert list(made.services) == ["m", "b-m", "c-m"]
    many = {f"m{'_' * number}": plus(number) for number in range(4)}
    assert list(written(Ensemble(**many)).services) == [
        "m",
        "ensemble-m",
        "ensemble-m-2",
        "ensemble-m-3",
    ]


def test_what_stands_in_several_places_is_one_service_or_node() -> None:
    shared, both = Step(abs), Ensemble(a=abs)
    nodes = nodes_of(Sequence(x=shared, y=shared, p=both, q=both, a=abs))
    assert [list(step.values())[1] for step in nodes["root"]["steps"]] == ["x", "x", "p", "p", "a"]
    assert nodes["p"]["steps"][0]["serviceName"] == "a"
    assert list(nodes) == ["root", "p"]


def test_nodes_have_a_name_each() -> None:
    inner = {"root": Ensemble(a=abs), "x": Ensemble(root=Ensemble(b=abs), x=Ensemble(c=abs))}
    nodes = nodes_of(Sequence(**inner))
    assert list(nodes) == ["root", "sequence-root", "x", "x-root", "x-x"]


def test_a_name_cannot_break_out_of_a_comment() -> None:
    def odd(event: Any) -> Any:
        return event

    odd.__name__ = "odd\nkind: Other\x85kind: Another\u2028a: \x00"
    made = written(Sequence(**{"s\nt: u": odd, "v": Remote("http://x\ny: z", timeout=0.5)}))
    assert read(made.text) == made.manifest
    assert "kind: Other" in made.text.splitlines()[1]


# --- remote steps


def test_a_remote_step_is_a_url() -> None:
    made = written(Sequence(a=Remote("http://m/v1/models/m:predict"), b="https://n/x"))
    assert made.manifest["spec"] == {
        "nodes": {
            "root": {
                "routerType": "Sequence",
                "steps": [
                    {
                        "name": "a",
                        "serviceUrl": "http://m/v1/models/m:predict",
                        "dependency": "Hard",
                    },
                    {"name": "b", "serviceUrl": "https://n/x", "data": "$response"},
                ],
            }
        }
    }
    assert (made.services, made.notes) == ({}, [])
    assert made.text.startswith("apiVersion")


@pytest.mark.parametrize(
    ("timeouts", "service", "written_one", "told"),
    [
        ([5, 5.0], False, 5, None),
        ([5], True, 5, "the timeout of 5 s is for every service here, not for 'sequence.r0' alone"),
        ([None, None], False, None, None),
        ([5, None], False, None, "(sequence.r0 5 s, sequence.r1 none)"),
        ([5, 6], False, None, "timeouts are left out"),
        ([2.5], False, None, "(sequence.r0 2.5 s): a manifest has one"),
        ([math.inf], False, None, "timeouts are left out"),
    ],
)
def test_a_timeout_is_written_where_all_share_it(
    timeouts: Any, service: bool, written_one: Any, told: str | None
) -> None:
    routes: dict[str, Any] = {
        f"r{place}": Remote("http://x", timeout=seconds) for place, seconds in enumerate(timeouts)
    }
    made = written(Sequence(**routes, **({"f": abs} if service else {})))
    timeout = made.manifest["spec"].get("routerTimeouts")
    assert timeout == (None if written_one is None else {"serviceClient": written_one})
    assert len(made.notes) == (told is not None)
    assert told is None or told in made.notes[0]


def test_headers_are_said_to_be_elsewhere() -> None:
    (told,) = written(Remote("http://x", propagate_headers="a", name="r")).notes
    assert "'r' is sent along are no part of a manifest" in told
    assert f"# Note: {told}" in written(Remote("http://x", propagate_headers="a", name="r")).text


def test_a_service_is_not_called_as_something_that_is_no_service() -> None:
    # Bound by such a name, it would be put in the place of the other.
    unbound = Graph.from_kserve(
        whole({"nodes": {"root": {"routerType": "Sequence", "steps": [{"serviceName": "b"}]}}})
    )
    remote = Remote("http://host.default/x")
    made = written(Sequence(x=Ensemble(a=remote, c=unbound), a=abs, b=abs, host=abs))
    assert list(made.services) == ["b", "sequence-a", "sequence-b", "sequence-host"]


# --- graphs of manifests inside graphs of Python


def test_a_manifest_inside_comes_out_as_nodes() -> None:
    spec = {
        "nodes": {
            "root": {
                "routerType": "Switch",
                "steps": [
                    {"nodeName": "again", "condition": "a", "name": "up"},
                    {"nodeName": "again", "condition": "b", "dependency": "Hard", "weight": 3},
                ],
            },
            "again": {
                "routerType": "Sequence",
                "steps": [{"serviceName": "f"}, {"nodeName": "root", "condition": "c"}],
            },
        }
    }
    inner = Graph.from_kserve(whole(spec), services={"f": plus(1)}, name="inner")
    nodes = nodes_of(Sequence(a=abs, b=inner))
    assert nodes["b"] == {
        "routerType": "Switch",
        "steps": [
            {"name": "up", "nodeName": "up", "condition": "a"},
            {
                "name": "again",
                "nodeName": "up",
                "condition": "b",
                "weight": 3,
                "dependency": "Hard",
            },
        ],
    }
    assert nodes["up"] == {
        "routerType": "Sequence",
        "steps": [
            {"name": "f", "serviceName": "f"},
            {"name": "root", "nodeName": "b", "condition": "c"},
        ],
    }


def test_services_that_nothing_is_bound_to_keep_their_name() -> None:
    steps = [{"serviceName": "Sklearn.iris", "name": "first"}, {"serviceName": "Sklearn.iris"}]
    spec = {"nodes": {"root": {"routerType": "Ensemble", "steps": steps}}}
    made = written(Sequence(x=Graph.from_kserve(whole(spec))))
    assert [step["serviceName"] for step in made.manifest["spec"]["nodes"]["x"]["steps"]] == [
        "Sklearn.iris",
        "Sklearn.iris",
    ]
    assert made.services == {"Sklearn.iris": "a service of this name, to which nothing was bound"}
    assert [step["name"] for step in made.manifest["spec"]["nodes"]["x"]["steps"]] == ["first", "1"]


@pytest.mark.parametrize(
    ("step", "words"),
    [
        (
            {"nodeName": "nowhere"},
            ["node 'x.root.nowhere'", "leads nowhere", "leave the route out"],
        ),
        ({"serviceName": "a"}, ["node 'x.root.a'", "no URL", "bind something"]),
    ],
)
def test_what_leads_nowhere_is_refused(step: Any, words: list[str]) -> None:
    root = {"routerType": "Ensemble", "steps": [step, {"serviceUrl": "http://x"}]}
    inner = Graph.from_kserve({"nodes": {"root": root}}, name="x")
    refusal(Step(abs, name="abs") >> Graph("x", inner.root), *words)


def test_what_a_user_should_know_of_a_manifest_inside_is_a_note() -> None:
    steps = [{"serviceName": "a", "condition": "x"}]
    inner = Graph.from_kserve({"nodes": {"root": {"routerType": "Sequence", "steps": steps}}})
    graph = Graph("g", Sequence(y=Graph("i", inner.root)), namespace={})
    with pytest.raises(GraphError):
        export("g", graph.root)  # Of a bare spec, a service's name is no URL.
    bound = Graph.from_kserve(
        {"nodes": {"root": {"routerType": "Sequence", "steps": steps}}}, services={"a": plus(1)}
    )
    (told,) = written(Sequence(y=bound)).notes
    assert "a condition on the first step is never met" in told


class Other(Node):
    kind = "Other"


def test_a_part_that_kserve_has_no_word_for_is_refused() -> None:
    refusal(Sequence(x=Other()), "node 'sequence.x'", "nothing like a Other", "a function")


def test_as_deep_a_nest_as_is_read_is_written() -> None:
    deep: Any = plus(1)
    for _ in range(MOST_NESTED):
        deep = Sequence(r=deep)
    made = written(deep)
    again = Graph.from_kserve(made.text, services={"r": plus(1)})
    assert again.test(body={"n": 1}) == {"n": 2}
    refusal(Sequence(r=deep), f"more than {MOST_NESTED} nodes")
    vote: Any = VotingEnsemble(v=abs)
    for _ in range(MOST_NESTED - 1):
        vote = Sequence(r=vote)
    refusal(vote, f"more than {MOST_NESTED} nodes")


# --- the manifest answers as the graph


def same_draws(seed: int, way: str, positions: np.ndarray) -> np.ndarray:
    """Draws that do not hang on where a node stands: it has another path in a manifest."""
    return uniform(seed, "", positions)


PATHS = [
    *("@this", "a.n", "predictions.#(>1)", "tags.#(==3)"),
    *map(gjson.compile, ("n", "z", "missing", "*.n")),
]
NUMBERS = st.integers(0, 5)


def function(kind: str, salt: int) -> Callable[[Any], Any]:
    """A service that answers with something that hangs on all of the event; some fail at times."""

    def service(event: Any) -> Any:
        number = zlib.crc32(f"{salt}{json.dumps(event, sort_keys=True)}".encode()) % 7
        if kind == "raises" and number < 3:
            raise ValueError(f"no {number}")
        if kind == "refuses" and number < 3:
            return Response(418, {"refused": number})
        if kind == "predicts":
            return {"predictions": [number, salt], "z": None}
        return {"n": number, "tags": [salt, number]} if number % 2 else {**event, "n": number}

    return service


class Nest:
    """A random graph, with its services by name."""

    def __init__(self, draw: Any) -> None:
        self.draw = draw
        self.services: dict[str, Any] = {}

    def leaf(self) -> tuple[str, Any]:
        name = f"f{len(self.services)}"
        kind = self.draw(st.sampled_from(["changes", "changes", "predicts", "raises", "refuses"]))
        self.services[name] = function(kind, self.draw(NUMBERS))
        return name, Step(self.services[name])

    def part(self, depth: int) -> tuple[str, Any]:
        kinds = ["leaf"] * 2 + (
            ["Sequence", "Switch", "Splitter", "Ensemble", "flow"] if depth else []
        )
        kind = self.draw(st.sampled_from(kinds))
        if kind == "leaf":
            return self.leaf()
        routes = dict(self.part(depth - 1) for _ in range(self.draw(st.integers(1, 3))))
        name = f"{kind}{len(self.services)}of{depth}"
        return name, getattr(self, kind.lower())(routes)

    def route(self, node: Any, **options: Any) -> Any:
        dependency = self.draw(st.sampled_from([None, None, None, "Soft", "Hard"]))
        return Route(node, dependency=dependency, **options)

    def sequence(self, routes: dict[str, Any]) -> Any:
        named = {}
        for place, (name, node) in enumerate(routes.items()):
            options = {"map_predictions_to_instances": self.draw(st.booleans())}
            if place:
                options["data"] = self.draw(st.sampled_from([None, "$request", "$response"]))
                options["condition"] = self.draw(st.sampled_from([None, None, *PATHS]))
            named[name] = self.route(node, **options)
        return Sequence(**named)

    def switch(self, routes: dict[str, Any]) -> Any:
        conditions = {name: self.draw(st.sampled_from(PATHS)) for name in routes}
        if self.draw(st.booleans()):
            conditions.popitem()
        return Switch(**routes, conditions=conditions)

    def splitter(self, routes: dict[str, Any]) -> Any:
        weights = self.draw(
            st.lists(NUMBERS, min_size=len(routes), max_size=len(routes)).filter(any)
        )
        total = sum(weights)
        whole_ones = [100 * weight // total for weight in weights]
        whole_ones[0] += 100 - sum(whole_ones)
        return Splitter(**routes, weights=dict(zip(routes, whole_ones, strict=True)))

    def ensemble(self, routes: dict[str, Any]) -> Any:
        return Ensemble(**{name: self.route(node) for name, node in routes.items()})

    def flow(self, routes: dict[str, Any]) -> Any:
        for name, node in routes.items():
            node.name = name
        return Graph("flow", functools.reduce(join, routes.values()), namespace={})


EVENTS = [{"n": number} for number in range(4)] + [{"a": {"n": 1}, "tags": [3]}, {}, {"z": False}]


def outcome_of(graph: Graph) -> list[tuple[int, Any]]:
    """Each event's status, and its answer where that is a success."""
    with patch("graph_magics.routers.kserve.splitter.uniform", same_draws):
        run = graph.run(EVENTS, seed=3)
    statuses = run.frame["status"].tolist()
    bodies = [None] * len(EVENTS)
    if "response" in run.frame:
        bodies = run.frame["response"].tolist()
    return [
        (status, body if status == 200 else None)
        for status, body in zip(statuses, bodies, strict=True)
    ]


@settings(max_examples=150)
@given(st.data())
def test_the_manifest_answers_as_the_graph(data: Any) -> None:
    nest = Nest(data.draw)
    name, root = nest.part(3)
    root.name = getattr(root, "name", None) or name
    graph = Graph("g", root, namespace={})
    made = export("g", graph.root)
    note(made.text)
    assert admit(read(made.text)) == []
    assert set(made.services) == set(nest.services)
    again = Graph.from_kserve(made.text, services=nest.services)
    expected, got = outcome_of(graph), outcome_of(again)
    if any("500, not 404" in told for told in made.notes):
        expected = [(500 if status == 404 else status, body) for status, body in expected]
        got = [(500 if status == 404 else status, body) for status, body in got]
    if not any("in Python it is an error" in told for told in made.notes):
        assert got == expected
    # What was made of the manifest is written as the same again.
    assert export("g", again.root).manifest == made.manifest


def test_a_switch_inside_says_that_it_has_another_status() -> None:
    switch = Switch(a=plus(1), conditions={"a": "x.y"})
    made = written(Sequence(s=switch))
    assert made.notes == [
        "node 'sequence.s': where none of its conditions holds, a cluster answers with 500, not "
        "404, for it is not the root"
    ]
    graph = Graph("g", Sequence(s=switch))
    assert graph.test({"n": 1}, get_body=False).status_code == 404
    again = Graph.from_kserve(made.text, services={"a": plus(1)})
    assert again.test(body={"n": 1}, get_body=False).status_code == 500
    assert written(switch).notes == []
    assert written(Sequence(s=Switch(a=abs, b=abs, conditions={"a": "x.y"}))).notes == []


@pytest.mark.parametrize("wrap", ["flow", "vote"])
def test_a_switch_at_a_flows_end_says_so_too(wrap: str) -> None:
    switch = Switch(a=plus(1), conditions={"a": "x.y"}, name="s")
    root = Step(abs, name="first") >> switch if wrap == "flow" else VotingEnsemble(s=switch)
    assert sum("500, not 404" in told for told in written(root).notes) == 1


def test_a_soft_router_says_that_it_ends_otherwise() -> None:
    def fails(event: Any) -> Any:
        raise ValueError

    ensemble = Ensemble(inner=Route(Sequence(a=fails), dependency="Soft"), b=plus(1))
    made = written(ensemble)
    assert made.notes[0].startswith("node 'ensemble.inner': what a service inside it answers")
    again = Graph.from_kserve(made.text, services={"a": fails, "b": plus(1)})
    assert Graph("g", ensemble).test({"n": 1}, get_body=False).status_code == 500
    assert again.test(body={"n": 1}) == {"b": {"n": 2}, "inner": {"error": "ValueError"}}


@pytest.mark.parametrize(
    ("route", "is_told"),
    [
        (abs, False),
        (Graph("g", abs), False),
        (Graph("g", Step(abs, name="a") >> Step(abs, name="b")), True),
        (Graph("g", Ensemble(a=abs)), True),
        (VotingEnsemble(a=abs), True),
        (Ensemble(a=abs, strict=True), False),
        (Remote("http://x"), False),
    ],
)
@pytest.mark.parametrize("options", [{"dependency": "Soft"}, {"dependency": "Hard"}, {}])
def test_it_is_said_where_errors_go_on_as_responses(
    route: Any, is_told: bool, options: dict[str, Any]
) -> None:
    notes = written(Ensemble(r=Route(route, **options))).notes
    assert any("in Python it is an error" in told for told in notes) is (is_told and bool(options))
    notes = written(Ensemble(r=route, strict=True)).notes
    assert any("in Python it is an error" in told for told in notes) is is_told


def test_models_and_tables_answer_as_in_python() -> None:
    def halve(table: np.ndarray) -> np.ndarray:
        return table / 2

    wide = {"wide": "instances.#(#(>=6))"}
    switch = Switch(wide=halve, narrow=lambda event: event, conditions=wide, name="by_width")
    graph = Graph("g", switch >> Model(on_array(), name="model"))
    made = export("g", graph.root)
    services = {"wide": halve, "narrow": lambda event: event, "model": on_array()}
    again = Graph.from_kserve(made.text, services=services)
    for rows in (IRIS.head(3), IRIS.tail(2)):
        body = {"instances": rows.to_numpy().tolist()}
        assert again.test(body=body) == graph.test(body)


def test_a_vote_answers_as_in_python_once_its_service_exists() -> None:
    vote = VotingEnsemble(
        a=on_frame(), b=Model(on_frame()), vote_type="classification", name="vote"
    )
    graph = Graph("g", vote)
    made = export("g", graph.root)

    def voter(body: Any) -> Any:
        assert list(body) == ["a", "b"]
        return {
            "predictions": [
                max(pair) for pair in zip(*(b["predictions"] for b in body.values()), strict=True)
            ]
        }

    again = Graph.from_kserve(
        made.text, services={"a": on_frame(), "b": on_frame(), "vote-tally": voter}
    )
    assert again.warnings == []
    body = {"instances": IRIS.to_numpy()[::40].tolist()}
    assert again.test(body=body) == graph.test(body)


def test_a_merge_answers_as_in_python_once_its_service_exists() -> None:
    parallel = ParallelRun(a=plus(1), b=lambda event: {"b": 1}, extend_event=True, name="p")
    graph = Graph("g", parallel)
    made = export("g", graph.root)
    services = {
        "a": plus(1),
        "b": lambda event: {"b": 1},
        "p-event": lambda event: event,
        "p-merge": lambda body: {
            k: v for name in ("event", "a", "b") for k, v in body[name].items()
        },
    }
    assert set(services) == set(made.services)
    again = Graph.from_kserve(made.text, services=services)
    assert again.test(body={"n": 1, "z": 0}) == graph.test({"n": 1, "z": 0})


def test_a_run_is_not_changed_by_writing_it() -> None:
    graph = Graph("g", Switch(a=abs, b=abs, conditions={"a": "x.y"}))
    before = repr(graph)
    export("g", graph.root)
    assert repr(graph) == before
    assert run_of(graph.root.children["switch"], [-3]).frame["response"].tolist() == [3]
