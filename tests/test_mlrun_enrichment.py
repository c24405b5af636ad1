"""Routers that look up features: where these come from, and what stands for missing ones."""

from __future__ import annotations

import math
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from graph_magics import EventError, Graph, GraphError, mlrun
from graph_magics.mlrun.routing import sources

CUSTOMERS = pd.DataFrame(
    {"age": [30.0, None, 50.0, math.inf], "visits": [2, 9, 4, 1]},
    index=pd.Index([7, 8, 9, 10], name="id"),
)


def _graph(source: Any, kind: str = "EnrichmentModelRouter", **options: Any) -> Graph:
    graph = Graph("g", namespace={"customers": CUSTOMERS, "ask": _ask, "number": 5})
    graph.set_topology("router", kind, feature_vector_uri=source, **options)
    graph.add_route("m", handler=lambda body: {"outputs": body["inputs"]})
    return graph


def _ask(entities: list[dict[str, Any]]) -> list[Any]:
    known = {7: {"age": 30.0, "visits": 2}, 8: {"age": None, "visits": 9}}
    return [known.get(entity["id"]) for entity in entities]


def _features(graph: Graph, inputs: Any) -> Any:
    return graph.test("/v2/models/m/infer", {"inputs": inputs})["outputs"]


@pytest.mark.parametrize("inputs", [[{"id": 7}, {"id": 9}], [[7], [9]], [{"id": 7, "x": 1}, [9]]])
@pytest.mark.parametrize("uri", ["customers", CUSTOMERS, "store://vectors/shop/customers:v1"])
def test_entities_become_their_features(uri: Any, inputs: Any) -> None:
    assert _features(_graph(uri), inputs) == [[30.0, 2], [50.0, 4]]


def test_one_entity_may_stand_alone_and_none_gives_none() -> None:
    graph = _graph("customers")
    assert _features(graph, {"id": 9}) == [[50.0, 4]]
    assert _features(graph, []) == []


@pytest.mark.parametrize(
    ("policy", "ages"),
    [
        ({"*": "$mean"}, [30.0, 40.0, 40.0]),
        ({"*": "$mean", "age": 33}, [30.0, 33, 33]),
        ({"age": "$min"}, [30.0, 30.0, 30.0]),
        ({"age": "$max"}, [30.0, 50.0, 50.0]),
        ({"age": "$std"}, [30.0, math.sqrt(200), math.sqrt(200)]),
        ({"age": "$count"}, [30.0, 2, 2]),
        ({"age": -1}, [30.0, -1, -1]),
    ],
)
def test_missing_and_infinite_values_are_imputed(policy: Any, ages: list[Any]) -> None:
    found = _features(_graph("customers", impute_policy=policy), [[7], [8], [10]])
    assert [row[0] for row in found] == pytest.approx(ages)
    assert [row[1] for row in found] == [2, 9, 1]


def test_without_a_policy_what_is_missing_stays_so() -> None:
    assert math.isnan(_features(_graph("customers"), [[8]])[0][0])


def test_an_unknown_entity_gets_what_stands_for_missing_values_or_fails_alone() -> None:
    graph = _graph("customers", impute_policy={"age": 0, "visits": "$max"})
    assert _features(graph, [[99], [7]]) == [[0, 9], [30.0, 2]]
    for policy in ({}, {"age": 0}):
        run = _graph("customers", impute_policy=policy).run([{"inputs": [[99]]}, {"inputs": [[7]]}])
        assert list(run.errors.index) == [0]
        assert "knows no entity {'id': 99}" in run.errors["message"][0]
        assert run.frame["response"][1] == {"outputs": [[30.0, 2]]}


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ([{"name": 7}], "lacks 'id'"),
        ([[7, 8]], "has the keys 'id'"),
        ([7], "an entity is an object or a list of its keys 'id', got an int"),
        ("abc", '"inputs" must be a list of entities, got a str'),
        ([{"id": [7]}], "must be single values"),
    ],
)
def test_what_is_no_entity_is_told(inputs: Any, said: str) -> None:
    with pytest.raises(EventError, match=said):
        _features(_graph("customers"), inputs)


@pytest.mark.parametrize(
    ("source", "options", "said"),
    [
        ("custommers", {}, "did you mean 'customers'"),
        ("", {}, "must name a feature source"),
        ("number", {}, "'number' is an int, no table and no function"),
        ("nowhere.csv", {}, "cannot be read: FileNotFoundError"),
        ("sqlite:///nowhere.db?table=t", {}, "there is no database 'nowhere.db'"),
        (CUSTOMERS.reset_index(), {}, "write entity_keys="),
        ("customers", {"entity_keys": ["name"]}, "no entity key 'name'; it has 'id', 'age'"),
        ("customers", {"impute_policy": {"agge": 1}}, "no feature; did you mean 'age'"),
        ("customers", {"impute_policy": {"age": "$meen"}}, "did you mean '\\$mean'"),
        ("customers", {"impute_policy": [1]}, "impute_policy must be a dict"),
        ("ask", {"impute_policy": {"age": "$mean"}}, "needs a table"),
    ],
)
def test_a_source_that_cannot_be_is_told_before_the_first_event(
    source: Any, options: Any, said: str
) -> None:
    with pytest.raises(GraphError, match=said):
        _features(_graph(source, **options), [[7]])


def test_keys_may_be_columns_and_several_and_a_label_is_no_feature() -> None:
    table = pd.DataFrame({"shop": ["a", "b"], "id": [1, 1], "x": [0.5, 1.5], "churned": [0, 1]})
    graph = _graph(table, entity_keys=["id", "shop"], label_column="churned")
    assert _features(graph, [[1, "b"], {"shop": "a", "id": 1}]) == [[1.5], [0.5]]


def test_of_several_rows_of_an_entity_the_last_counts() -> None:
    table = pd.DataFrame({"x": [1, 2]}, index=pd.Index([5, 5], name="id"))
    assert _features(_graph(table), [[5]]) == [[2]]


def test_a_function_is_asked_once_for_all_events() -> None:
    calls: list[int] = []

    def ask(entities: list[dict[str, Any]]) -> list[Any]:
        calls.append(len(entities))
        return _ask(entities)

    graph = _graph(ask, entity_keys=["id"], impute_policy={"*": -1})
    run = graph.run([{"inputs": [[7], [8]]}, {"inputs": [{"id": 99}]}])
    assert run.frame["response"].tolist() == [
        {"outputs": [[30.0, 2], [-1, 9]]},
        {"outputs": [[-1, -1]]},
    ]
    assert calls == [3]


def test_a_function_that_fails_for_an_entity_fails_its_event_only() -> None:
    def ask(entities: list[dict[str, Any]]) -> pd.DataFrame:
        return pd.DataFrame([{"id": e["id"], "twice": 10 / e["id"]} for e in entities])

    run = _graph(ask, entity_keys=["id"]).run([{"inputs": [[5]]}, {"inputs": [[0]]}])
    assert run.frame["response"][0] == {"outputs": [[2.0]]}
    assert list(run.errors.index) == [1]


def test_a_function_must_give_an_item_for_each_entity() -> None:
    with pytest.raises(EventError, match="an item for each of the 1 entities, it gave 0"):
        _features(_graph(lambda entities: [], entity_keys=["id"]), [[7]])


def test_a_table_of_a_database_is_read_by_its_primary_key(tmp_path: Path) -> None:
    path = tmp_path / "shop.db"
    with closing(sqlite3.connect(path)) as database:
        database.execute('CREATE TABLE "the ""table" (age REAL, id INTEGER PRIMARY KEY)')
        database.execute('INSERT INTO "the ""table" VALUES (30.5, 7)')
        database.commit()
    assert _features(_graph(f"sqlite:///{path}?table=the%20%22table"), [[7]]) == [[30.5]]
    assert _features(_graph(f"sqlite:///{path}"), [[7]]) == [[30.5]]  # There is no other table.
    with pytest.raises(GraphError, match="has the tables"):
        _features(_graph(f"sqlite:///{path}?table=other"), [[7]])


def test_files_are_read_by_their_ending(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "shop.csv"
    CUSTOMERS.to_csv(path)
    assert _features(_graph(str(path), entity_keys=["id"]), [[9]]) == [[50.0, 4]]
    # What reads Parquet is not installed everywhere.
    monkeypatch.setitem(sources._READERS, ".parquet", lambda path: CUSTOMERS)
    assert _features(_graph(tmp_path / "shop.parquet"), [[9]]) == [[50.0, 4]]


def test_an_ensemble_votes_on_features() -> None:
    graph = Graph("g", namespace={"customers": CUSTOMERS})
    graph.set_topology(
        "router", "EnrichmentVotingEnsemble", feature_vector_uri="customers", vote_type="regression"
    )
    for name, place in (("age", 0), ("visits", 1)):
        graph.add_route(name, handler=_column(place))
    answers = graph.run([{"inputs": [[7], [9]]}, {"inputs": [{"id": 7}]}]).frame["response"]
    assert [answer["outputs"] for answer in answers] == [[16.0, 27.0], [16.0]]


def _column(place: int) -> Any:
    return lambda body: {"outputs": [row[place] for row in body["inputs"]]}


def test_what_is_asked_with_get_needs_no_entities() -> None:
    graph = _graph("customers")
    assert graph.test("/", method="GET")["name"] == "EnrichmentModelRouter"
    assert graph.test("/v2/models/", method="GET") == {"models": ["m"]}


def test_a_preprocess_of_the_users_own_may_call_ours() -> None:
    class Own(mlrun.EnrichmentModelRouter):
        def preprocess(self, event: Any) -> Any:
            event.body["inputs"] = [event.body.pop("customer")]
            return super().preprocess(event)

    graph = Graph("g", namespace={"customers": CUSTOMERS})
    graph.set_topology("router", Own, feature_vector_uri="customers")
    graph.add_route("m", handler="(event)")
    event = {"customer": {"id": 9}}
    assert graph.run([event, event]).frame["response"].tolist() == [{"inputs": [[50.0, 4]]}] * 2
    assert event == {"customer": {"id": 9}}
