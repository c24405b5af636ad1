"""Names: as written, else from the variable, else from the thing itself."""

from __future__ import annotations

import functools
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from graph_magics import Ensemble, Graph, Route, Sequence, Splitter, Step, VotingEnsemble
from graph_magics.naming import natural_name, numbered, variable_of

from .models import mistake

NAMES = st.lists(st.sampled_from(["svc", "svc-1", "svc-2", "tree", "tree-1"]), max_size=6)


@given(NAMES, NAMES)
def test_numbered_names_are_all_different_and_none_is_taken(names, taken):
    result = numbered(names, taken)
    assert len(result) == len(names)
    assert len(set(result)) == len(result)
    assert not set(result) & set(taken)


@given(NAMES, NAMES)
def test_a_name_that_stands_once_stays(names, taken):
    for name, result in zip(names, numbered(names, taken), strict=True):
        if names.count(name) == 1 and name not in taken:
            assert result == name
        else:
            assert result.startswith(f"{name}-")


def test_routes_are_named_as_they_are_written():
    forest, models = abs, SimpleNamespace(logistic=round)
    table = {"boosted": hex, 3: oct}
    vote = Ensemble(forest, models.logistic, table["boosted"], table[3], last=len)
    assert list(vote.children) == ["forest", "logistic", "boosted", "oct", "last"]


def test_what_is_not_written_as_a_name_is_named_after_itself():
    several = [abs, round]
    vote = Ensemble(*several, functools.partial(pow, 2), LogisticRegression(), lambda event: 1)
    assert list(vote.children) == ["abs", "round", "pow", "logisticregression", "step"]


def test_a_star_among_names_hides_only_what_comes_after():
    first, rest = abs, [round, hex]
    assert list(Ensemble(first, *rest).children) == ["first", "round", "hex"]


def test_names_that_repeat_are_numbered():
    one = LogisticRegression()
    vote = Ensemble(one, one, LogisticRegression(), LogisticRegression())
    assert list(vote.children) == [
        "one-1",
        "one-2",
        "logisticregression-1",
        "logisticregression-2",
    ]


def test_a_name_that_was_given_counts_more_than_the_variable():
    variable = Step(abs, name="given")
    assert list(Ensemble(variable).children) == ["given"]
    assert list(Ensemble(keyword=abs).children) == ["keyword"]


def test_a_route_is_named_after_what_it_holds():
    old, new = abs, round
    split = Splitter(Route(old, weight=1), Route(new, weight=3))
    assert list(split.children) == ["old", "new"]


def test_a_call_over_several_lines_is_read_as_one():
    first = abs
    # fmt: off
    vote = Ensemble(
        first,
        round,
        third=hex,
    )
    # fmt: on
    assert list(vote.children) == ["first", "round", "third"]


def test_routers_declared_in_a_function_are_named_after_its_arguments():
    def declare(model):
        return Ensemble(model)

    assert list(declare(abs).children) == ["model"]


def test_without_source_the_variable_that_holds_the_thing_gives_the_name():
    scope = {"Ensemble": Ensemble, "forest": abs}
    exec("vote = Ensemble(forest, round)", scope)
    assert list(scope["vote"].children) == ["forest", "round"]


def test_a_node_is_called_as_its_variable():
    clean, _hidden = Step(abs), Step(round)
    vote = Ensemble(hex)
    assert list(Graph("g", clean >> _hidden >> vote).nodes) == [
        "clean",
        "round",
        "vote",
        "vote.hex",
    ]


def test_the_namespace_that_is_given_is_the_only_one_looked_up():
    clean = Step(abs)
    assert list(Graph("g", clean, namespace={"other": clean}).nodes) == ["other"]
    assert list(Graph("g", Step(abs), namespace={}).nodes) == ["abs"]


def test_a_node_keeps_its_name_in_a_second_graph():
    clean = Step(abs)
    Graph("first", clean)
    renamed = clean
    assert list(Graph("second", renamed >> hex, namespace={"x": clean}).nodes) == ["clean", "hex"]


def test_a_node_declared_inside_is_called_as_its_variable_too():
    inner = Sequence(abs)
    graph = Graph("g", Ensemble(inner, hex))
    assert list(graph.nodes) == ["ensemble", "ensemble.inner", "ensemble.inner.abs", "ensemble.hex"]


@pytest.mark.parametrize(
    ("thing", "name"),
    [
        (len, "len"),
        (lambda event: event, "lambda"),
        (functools.partial(functools.partial(pow, 2)), "pow"),
        (LogisticRegression(), "logisticregression"),
        (natural_name, "natural_name"),
        ("text".upper, "upper"),
    ],
)
def test_a_thing_has_a_natural_name(thing, name):
    assert natural_name(thing) == name


def test_private_variables_give_no_name():
    thing = object()
    assert variable_of(thing, {"_": thing, "__": thing}) is None
    assert variable_of(thing, {"_": thing}, {"far": thing}) == "far"
    assert variable_of(1, {"one": True}) is None


@pytest.mark.parametrize("name", [3, "a.b", "."], ids=repr)
def test_a_name_that_would_break_a_path_is_refused(name):
    mistake(lambda: Graph("g", Step(abs, name=name)), "graph 'g'", "name", repr(name))
    inside = VotingEnsemble(Step(abs, name=name))
    mistake(lambda: Graph("g", inside), "graph 'g'", "name", repr(name))


def test_two_nodes_that_were_given_one_name_are_refused():
    mistake(lambda: Graph("g", Step(abs, name="x") >> Step(hex, name="x")), "'x'", "rename")
    mistake(lambda: Ensemble(Step(abs, name="x"), Step(hex, name="x")), "'x'", "rename")
    mistake(lambda: Ensemble(Step(abs, name="x"), x=hex), "'x'", "rename")


@pytest.mark.parametrize("name", ["response", "status", "error"])
def test_the_columns_of_every_run_are_no_names(name):
    mistake(lambda: Graph("g", Ensemble(**{name: abs})), "graph 'g'", name, "column")
