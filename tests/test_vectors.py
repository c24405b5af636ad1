"""GJSON conditions over columns: the same decisions as event by event."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph_magics import Graph, gjson
from graph_magics.bodies import Samples
from graph_magics.routers.vectors import decided

NUMBERS = st.one_of(st.integers(-3, 3), st.sampled_from([-0.5, 0.5, 1.5, 1e20]))
OPERATORS = st.sampled_from(["==", "!=", "<", "<=", ">", ">="])
LITERALS = st.sampled_from(["0", "-1", "0.5", "2", "1.50", '"a"', '""', '"0"'])


def alike(path: str, samples: Samples) -> None:
    decisions = decided(path, samples)
    assert decisions is not None
    assert decisions.tolist() == [gjson.matches(body, path) for body in samples.tolist()]


@given(st.lists(NUMBERS, min_size=1), OPERATORS, LITERALS.filter(lambda text: '"' not in text))
def test_numbers_are_compared_as_in_each_event(numbers, compare, literal):
    table = pd.DataFrame({"a": numbers})
    alike(f"instances.#(a{compare}{literal})", Samples(table, None, "instances"))
    alike(f"predictions.#({compare}{literal})", Samples(np.array(numbers), None, "predictions"))


@given(st.lists(st.lists(NUMBERS, max_size=3), min_size=1), OPERATORS)
def test_an_event_with_several_samples_needs_one_that_holds(lists, compare):
    counts = np.array([len(samples) for samples in lists])
    values = np.array([number for samples in lists for number in samples], dtype=float)
    alike(f"instances.#({compare}1)", Samples(values, counts, "instances"))


@pytest.mark.parametrize("path", ['instances.#(s=="a")', 'instances.#(s!="a")'])
@pytest.mark.parametrize("dtype", ["str", object])
def test_texts_are_compared_for_equality(path, dtype):
    texts = pd.DataFrame({"s": pd.Series(["a", "b", "é", ""], dtype=dtype)})
    alike(path, Samples(texts, None, "instances"))


@pytest.mark.parametrize(
    "path",
    [
        *("instances.#(b>1)", "instances.#(a>1)#", "instances.0.a", 'instances.#(a=="1")'),
        *("inputs.#(a>1)", "instances.#(>1)", 'instances.#(s<"b")', "instances.#(n>1)"),
        *("instances.#(t==1)", "instances.#(a>01x)", "instances.#(o==1)"),
    ],
)
def test_whatever_else_is_looked_up_event_by_event(path):
    table = pd.DataFrame({"a": [1, 2], "s": ["a", "b"], "n": [1.0, np.nan], "t": [True, False]})
    table["o"] = pd.Series([1, "1"], dtype=object)
    samples = Samples(table, None, "instances")
    assert decided(path, samples) is None


def test_a_switch_over_a_table_makes_no_object_of_an_event(monkeypatch):
    spec = {
        "nodes": {
            "root": {
                "routerType": "Splitter",
                "steps": [{"nodeName": "by_age", "weight": 100}],
            },
            "by_age": {
                "routerType": "Switch",
                "steps": [
                    {"serviceName": "old", "condition": "instances.#(age>30)"},
                    {"serviceName": "young", "condition": "instances.#(age<=30)"},
                ],
            },
        }
    }

    def service(label):
        def predict(ages: pd.DataFrame):
            return [label] * len(ages)

        return predict

    graph = Graph.from_kserve(spec, {"old": service("old"), "young": service("young")})
    monkeypatch.setattr(Samples, "tolist", None)
    run = graph.run(pd.DataFrame({"age": [20, 40, 30]}))
    assert run.frame["by_age.route"].tolist() == ["young", "old", "young"]
