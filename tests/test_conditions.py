"""Conditions of a Switch: they decide events, and are never code."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph_magics import Graph, GraphError, Switch, gjson
from graph_magics.batch import Batch
from graph_magics.routers.conditions import Query, label_of

from .models import answers, context, frame_of, has_words, mistake, run

PEOPLE = pd.DataFrame(
    {
        "age": [2, 50, 30],
        "name": ["x", "y", "it's"],
        "mean radius": [1.0, 5.0, np.nan],
        "is-it": [True, False, True],
        "class": ["a", "b", "a"],
        "größe": [1, 2, 3],
        "__index_level_0__": [0, 1, 2],
    }
)


def holds(condition: Any, events: Any = PEOPLE) -> list[Any]:
    """Tell for each event whether the condition holds, or why that is not known."""
    switch = Switch(yes=lambda e: True, no=lambda e: False, conditions={"yes": condition})
    return answers(switch, events)


# --- what a query may say -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("age > 30", [False, True, False]),
        ("age >= 30 and name != 'y'", [False, False, True]),
        ("age > 40 or name == 'x'", [True, True, False]),
        ("(age > 40) | (name == 'x')", [True, True, False]),
        ("(age > 3) & ~(age == 30)", [False, True, False]),
        ("not age > 3", [True, False, False]),
        ("3 < age < 40", [False, False, True]),
        ("age in [2, 30]", [True, False, True]),
        ("age not in (2, 30)", [False, True, False]),
        ("name in ['x', 'y']", [True, True, False]),
        ('name == "it\'s"', [False, False, True]),
        ("age % 4 == 2 and -age < 0", [True, True, True]),
        ("age // 10 + 1 == 6", [False, True, False]),
        ("age / 2 * 2 - 0.5 < 3e1", [True, False, True]),
        ("`mean radius` > 2", [False, True, False]),
        ("`mean radius` != `mean radius`", [False, False, True]),
        ("`is-it`", [True, False, True]),
        ("`is-it` == True", [True, False, True]),
        ("`class` == 'a' and `größe` > 1", [False, False, True]),
        ("größe > 1", [False, True, True]),
        ("`__index_level_0__` > 0", [False, True, True]),
        ("  age > 30\n", [False, True, False]),
        ("(age > 30\n or age < 5)", [True, True, False]),
    ],
)
def test_a_query_compares_columns(query, expected):
    assert holds(query) == expected
    assert holds(query, PEOPLE.to_dict("records")) == expected


@given(
    st.lists(st.integers(-5, 5), max_size=8),
    st.integers(-5, 5),
    st.sampled_from(["<", "<=", ">", ">=", "==", "!="]),
)
def test_a_query_decides_as_plain_python_does(values, bound, sign):
    query = Query(f"x {sign} {bound}")
    batch = Batch(pd.DataFrame({"x": np.array(values, dtype=int)}), np.arange(len(values)))
    expected = [eval(f"{value} {sign} {bound}") for value in values]
    assert query.run(batch, context()).bodies.tolist() == expected
    every_other = batch.select(np.arange(0, len(values), 2))
    assert query.run(every_other, context()).bodies.tolist() == expected[::2]


def test_a_missing_value_is_no_match():
    events = frame_of(x=pd.array([1, None, 3], dtype="Int64"))
    assert holds("x > 1", events) == [False, False, True]
    assert holds("x > 1", frame_of(x=[1.0, np.nan, 3.0])) == [False, False, True]
    assert holds("flag", frame_of(flag=pd.array([True, None], dtype="boolean"))) == [True, False]


def test_a_query_reads_only_the_columns_that_it_names():
    assert Query("`mean radius` > 14 and (age < 3 or age > 5)").columns == ["mean radius", "age"]


# --- what is no query -----------------------------------------------------------------------

CODE = [
    "__import__('os').system('true')",
    "open('/etc/passwd')",
    "age.__class__",
    "age.sum() > 3",
    "(lambda: age)()",
    "[x for x in age]",
    "{'a': age}",
    "age[0] > 3",
    "f'{age}' == '3'",
    "age if name else age",
    "(age := 3)",
    "age = 3",
    "del age",
    "import os",
    "@age > 3",
    "age > @limit",
    "age @ age",
    "*age",
    "await age",
    "__builtins__ == 1",
    "__class__ == 1",
    "age > ...",
    "age > b'x'",
    "age > 3j",
    "age == None",
    "age is 3",
    "age ^ 3",
    "age > 1 << 99999999999",
    "2 ** 99999999999 > age",
    "age > 10 ** 10 ** 10",
    "name == 'a' * 99999999999",
    "name == 99999999999 * ('a' + 'b')",
    "age > 3; age",
    "age > 3\nage < 5",
    "",
    "  ",
    "age >",
    "a b > 3",
    "`a b > 3",
    "class == 1",
    "1 < 2",
    "True",
    "'age'",
    "(" * 500 + "age" + ")" * 500,
    "not " * 100_000 + "age",
    "age > " + "9" * 5000,
    "age\x00 > 3",
]


@pytest.mark.parametrize("text", CODE, ids=lambda text: repr(text[:30]))
def test_code_is_refused_when_declared(text):
    mistake(lambda: Switch(a=abs, conditions={"a": text}), "'a'", "condition")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("f(age)", ["a call", "give a function"]),
        ("age.x", ["an attribute"]),
        ("age[0] > 1", ["a subscript"]),
        ("age ** 2 > 3", ["a power"]),
        ("age is 3", ["'is'", "'=='"]),
        ("age == None", ["None"]),
        ("__x > 3", ["'__x'", "backticks"]),
        ("age >", ["no query", "'age > 30'"]),
        ("1 < 2", ["names no column"]),
    ],
)
def test_a_refusal_says_what_is_wrong(text, words):
    mistake(lambda: Query(text), *words)


@given(st.text(alphabet="ax1 `'\"()[]<>=!&|~+-*/%.,@:_\n", max_size=20))
def test_any_text_is_a_query_or_refused(text):
    try:
        query = Query(text)
    except GraphError as error:
        assert "condition" in str(error)
    else:
        assert query.columns


# --- events that it cannot be decided for ---------------------------------------------------


def test_a_missing_column_is_named():
    (given,) = holds("agee > 3", PEOPLE.head(1))
    assert has_words(given, ["'agee > 3'", "'agee'", "did you mean 'age'"])
    result = run(Switch(a=abs, conditions={"a": "agee > 3"}), PEOPLE)
    assert result.frame["status"].tolist() == [400, 400, 400]


def test_an_object_without_the_key_fails_alone():
    given = holds("x > 1", [{"x": 1}, {"y": 1}, 5, {}, {"x": 2}])
    assert given[::4] == [False, True]
    assert has_words(given[1], ["'x'", "lack"])
    assert has_words(given[2], ["object", "int"])
    assert has_words(given[3], ["empty"])


def test_events_without_names_cannot_be_queried():
    for events in (np.ones((2, 2)), [{"inputs": [[1, 2]]}, {"inputs": [[3, 4]]}]):
        assert all(has_words(given, ["named columns"]) for given in holds("x > 1", events))


def test_one_sample_is_an_event_and_several_are_not():
    bodies = [{"inputs": [{"x": 1}]}, {"inputs": [{"x": 1}, {"x": 2}]}, {"inputs": [{"x": 2}]}]
    given = holds("x > 1", bodies)
    assert given[::2] == [False, True]
    assert has_words(given[1], ["one sample", "2"])


def test_values_that_cannot_be_compared_fail_alone():
    given = holds("x > 1", [{"x": 1}, {"x": "text"}, {"x": 2}])
    assert given[::2] == [False, True]
    assert has_words(given[1], ["TypeError"])


@pytest.mark.parametrize("query", ["name > 3", "age", "age + 1"])
def test_what_is_the_same_for_every_row_is_tried_once(query, monkeypatch):
    calls = []
    evaluate = pd.DataFrame.eval
    monkeypatch.setattr(
        pd.DataFrame, "eval", lambda self, *a, **k: calls.append(1) or evaluate(self, *a, **k)
    )
    given = holds(query, pd.concat([PEOPLE] * 50))
    assert len(calls) == 1
    assert has_words(given[0], ["switch"])
    assert len(set(given)) == 1


def test_a_query_that_gives_no_truth_says_so():
    assert has_words(holds("age")[0], ["'age'", "int64", "true or false"])


# --- functions ------------------------------------------------------------------------------


def older(frame: pd.DataFrame):
    return frame["age"] > 30


def first_is_large(samples: np.ndarray):
    return samples[:, 0] > 1


def test_a_function_over_a_table_decides_rows_and_json_alike():
    assert holds(older) == [False, True, False]
    assert holds(older, PEOPLE[["age"]].to_dict("records")) == [False, True, False]
    assert holds(first_is_large, np.array([[1, 5], [2, 5]])) == [False, True]
    assert holds(first_is_large, [{"inputs": [[1]]}, {"instances": [[2]]}]) == [False, True]
    given = holds(first_is_large, [{"inputs": [[5], [5]]}, {"inputs": [[0]]}])
    assert has_words(given[0], ["one sample", "2"])
    assert given[1] is False


@pytest.mark.parametrize("value", [True, 1, "x", [0], np.True_, np.float64(0.5)], ids=repr)
def test_what_python_takes_for_true_holds(value):
    assert holds(lambda event: value, [1]) == [True]


@pytest.mark.parametrize("value", [False, 0, "", [], None, np.False_, {}], ids=repr)
def test_what_python_takes_for_false_does_not(value):
    assert holds(lambda event: value, [1]) == [False]
    assert holds(lambda event: value, frame_of(x=[1])) == [False]


@pytest.mark.parametrize("value", [pd.NA, np.array([1, 2])], ids=["NA", "array"])
def test_what_is_neither_fails_the_event(value):
    given = holds(lambda event: value if event == 1 else True, [0, 1, 2])
    assert given[::2] == [True, True]
    assert has_words(given[1], ["switch", "Error"])


def test_a_table_is_no_decision():
    for condition in (lambda row: {"x": True}, functools.partial(pd.DataFrame.abs)):
        (given,) = holds(condition, frame_of(x=[1]))
        assert has_words(given, ["switch"])
    (given,) = holds(lambda row: {"x": True}, frame_of(x=[1]))
    assert has_words(given, ["true or false", "table"])


def test_an_async_function_decides_too():
    async def positive(x):
        return x > 0

    assert holds(positive, [1, -1]) == [True, False]


def test_a_condition_changes_nobody_elses_event():
    def spoil(event):
        event["x"].append(1)
        return True

    events = [{"x": []}]
    switch = Switch(a=lambda event: len(event["x"]), conditions={"a": spoil})
    assert answers(switch, events) == [0]
    assert events == [{"x": []}]


def test_an_edge_is_labelled_with_its_condition():
    assert label_of("age > 30") == "age > 30"
    assert label_of(older) == "older"
    assert label_of(functools.partial(older)) == "older"


BODIES = [
    {"predictions": [{"label": "dog", "score": 0.9}]},
    {"predictions": [{"label": "cat", "score": 0.4}]},
    {"predictions": None},
    {"age": 3},
    "text",
]


def doubtful() -> Switch:
    """A switch as KServe's: to one service where a score is low, else to another."""
    low = gjson.compile("predictions.#(score<0.6)")
    return Switch(
        low=repr, known=repr, conditions={"low": low, "known": gjson.compile("predictions")}
    )


def test_a_gjson_path_holds_where_it_exists_in_the_event():
    frame = Graph("g", doubtful()).run(BODIES).frame
    assert frame["switch.route"].tolist()[:3] == ["known", "low", "known"]
    assert frame["switch.route"].isna().tolist()[3:] == [True, True]
    assert frame["status"].tolist() == [200, 200, 200, 404, 404]


def test_a_gjson_path_sees_the_rows_of_a_table():
    switch = Switch(a=lambda e: "a", b=lambda e: "b", conditions={"a": gjson.compile("n*|@this")})
    assert Graph("g", switch).run(PEOPLE).frame["response"].tolist() == ["a"] * 3


def test_a_gjson_path_sees_a_date_as_it_would_be_sent():
    days = pd.DataFrame({"day": pd.to_datetime(["2024-01-01", "2024-02-01"]), "x": [1.0, np.nan]})
    path = '[@this].#(day>"2024-01-15")'
    switch = Switch(late=lambda e: "late", early=lambda e: "early", conditions={"late": path})
    assert Graph("g", switch).run(days).frame["response"].tolist() == ["early", "late"]


def test_a_gjson_path_is_drawn_on_its_edge():
    assert doubtful().route_labels["low"] == "predictions.#(score<0.6)"


@pytest.mark.parametrize(
    "path", ["predictions.#(score<0.6)", "predictions.0.score", "@this", "p*.#|@this", "a#"]
)
def test_a_text_that_cannot_be_a_query_is_a_gjson_path(path):
    switch = Switch(a=lambda e: "a", b=lambda e: "b", conditions={"a": path})
    event = {"predictions": [{"score": 0.5}]}
    expected = "a" if gjson.matches(event, path) else "b"
    assert Graph("g", switch).test(event) == expected


def test_a_cell_may_name_gjson_without_importing_it():
    body = "Switch(low=f, conditions={'low': gjson.compile('a.#(b>1)')})"
    graph = Graph.from_cell("g", body, {"f": repr})
    assert graph.test({"a": [{"b": 2}]}) == "{'a': [{'b': 2}]}"
