"""`Model`: fitted estimators get what they were fitted on, and never warn because of us."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.multioutput import MultiOutputClassifier
from sklearn.naive_bayes import GaussianNB, MultinomialNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from graph_magics import Graph, Model, VotingEnsemble

from .models import (
    IRIS,
    KINDS,
    NAMES,
    SPECIES,
    Constant,
    Seen,
    answers,
    frame_of,
    has_words,
    mistake,
    on_array,
    on_frame,
    on_names,
    run,
)

WIDTH, LENGTH = "sepal width (cm)", "sepal length (cm)"


# --- what a model is given ------------------------------------------------------------------

#: The same events in every form that a model of either kind can be asked in.
FORMS = {
    "frame": IRIS,
    "other index": IRIS.set_axis(range(500, 650)),
    "array": IRIS.to_numpy(),
    "inputs": [{"inputs": [row]} for row in IRIS.to_numpy().tolist()],
    "instances": [{"instances": IRIS.to_numpy().tolist()}],
}
BY_NAME = {
    "other order": IRIS[IRIS.columns[::-1]],
    "extra columns": IRIS.assign(extra="x")[["extra", *IRIS.columns[::-1]]],
    "objects": IRIS.to_dict("records"),
    "objects reversed": IRIS[IRIS.columns[::-1]].to_dict("records"),
    "inputs of objects": [{"inputs": IRIS.assign(extra=0).to_dict("records")}],
}


def labels(model: Any, events: Any, method: str = "predict") -> np.ndarray:
    """Predict with every warning an error, and give one label for each sample."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = run(Model(model, method), events)
    assert result.errors.empty, result.errors
    frame = result.frame
    if "response" not in frame:
        return frame.filter(like="response.").to_numpy()
    flat = []
    for body in frame["response"].tolist():
        values = body.get("outputs", body.get("predictions")) if isinstance(body, dict) else [body]
        flat.extend(values)
    return np.array(flat)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("method", ["predict", "predict_proba"])
@pytest.mark.parametrize("form", [*FORMS, *BY_NAME])
def test_a_model_fitted_on_a_frame_answers_as_it_does_there_and_warns_of_nothing(
    kind, method, form
):
    model = on_frame(kind)
    expected = getattr(model, method)(IRIS)
    np.testing.assert_allclose(labels(model, {**FORMS, **BY_NAME}[form], method), expected)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("form", [*FORMS, "objects"])
def test_a_model_fitted_on_arrays_answers_as_it_does_there_and_warns_of_nothing(kind, form):
    model = on_array(kind)
    expected = model.predict(IRIS.to_numpy())
    assert labels(model, {**FORMS, **BY_NAME}[form]).tolist() == expected.tolist()


@pytest.mark.parametrize("fitted_on", [IRIS, IRIS.to_numpy()], ids=["frame", "array"])
@pytest.mark.parametrize("form", FORMS)
def test_a_pipeline_warns_of_nothing_either(fitted_on, form):
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(fitted_on, SPECIES)
    assert labels(model, FORMS[form]).tolist() == model.predict(fitted_on).tolist()


def test_models_of_both_kinds_vote_together_without_a_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        vote = VotingEnsemble(on_frame(), on_array(GaussianNB), on_array(DecisionTreeClassifier))
        assert run(vote, BY_NAME["other order"][IRIS.columns]).errors.empty


def test_a_model_that_is_not_scikit_learns_gets_the_frame_that_there_is():
    seen = Seen(lambda frame: frame["age"] > 30)
    assert answers(seen, frame_of(age=[20, 40], name=["a", "b"])) == [False, True]
    (frame,) = seen.batches
    assert frame.columns.tolist() == ["age", "name"]


def test_a_model_predicts_once_for_the_whole_batch():
    seen = Seen()
    run(seen, IRIS)
    run(seen, FORMS["inputs"])
    assert [len(batch) for batch in seen.batches] == [150, 150]


def test_a_model_of_texts_gets_texts():
    model = make_pipeline(CountVectorizer(), MultinomialNB())
    model.fit(["good day", "bad night"], ["+", "-"])
    assert answers(model, pd.Series(["bad", "good"])) == ["-", "+"]
    assert answers(model, [{"inputs": ["bad", "good"]}])[0]["outputs"] == ["-", "+"]


def test_a_model_of_single_numbers_gets_them():
    model = IsotonicRegression().fit([1, 2, 3], [1, 2, 3])
    assert answers(model, pd.Series([1.5, 2.5])) == [1.5, 2.5]


@pytest.mark.parametrize("form", ["frame", "array", "inputs", "objects"])
def test_a_model_that_changes_its_input_changes_nobody_elses(form):
    def spoil(samples: Any) -> Any:
        first = samples["a"] if isinstance(samples, pd.DataFrame) else samples[:, 0]
        answer = np.array(first)
        if isinstance(samples, pd.DataFrame):
            samples["new"] = 1
            samples.loc[:, "a"] = 0
        else:
            samples[:] = 0
        return answer

    events: Any = frame_of(a=[1, 2], b=[3, 4])
    events = {
        "frame": events,
        "array": events.to_numpy(),
        "inputs": [{"inputs": [[1, 3]]}, {"inputs": [[2, 4]]}],
        "objects": events.to_dict("records"),
    }[form]
    before = repr(events)
    frame = run(VotingEnsemble(first=Seen(spoil), second=Seen(spoil)), events).frame
    assert frame["first"].tolist() == frame["second"].tolist()
    assert repr(events) == before


def test_a_transformer_that_works_in_place_leaves_the_events_alone():
    scaler = StandardScaler(copy=False).fit(IRIS.to_numpy())
    model = make_pipeline(scaler, LogisticRegression()).fit(IRIS.to_numpy().copy(), SPECIES)
    events = IRIS.to_numpy().copy()
    run(VotingEnsemble(first=model, second=model), events)
    assert (events == IRIS.to_numpy()).all()


def test_a_pipeline_whose_first_step_adds_a_column_in_place_leaves_the_frame_alone():
    def widen(frame: pd.DataFrame) -> pd.DataFrame:
        frame["area"] = frame[WIDTH] * frame[LENGTH]
        return frame

    model = make_pipeline(FunctionTransformer(widen), GaussianNB()).fit(IRIS.copy(), SPECIES)
    events = IRIS.copy()
    assert run(model, events).errors.empty
    assert events.columns.tolist() == IRIS.columns.tolist()


# --- what a model answers -------------------------------------------------------------------


def test_labels_keep_their_dtype_and_missing_ones_do_not_change_it():
    some = IRIS.copy()
    some.iloc[1, 0] = np.nan
    assert run(on_frame(), IRIS).frame["response"].dtype == SPECIES.dtype
    assert run(on_names(), IRIS).frame["response"].dtype == "str"
    assert run(on_frame(), some).frame["response"].dtype == "Int64"
    assert run(on_names(), some).frame["response"].isna().tolist()[:3] == [False, True, False]


def test_probabilities_have_a_column_for_each_class():
    frame = run(Model(on_names(), "predict_proba", name="iris"), IRIS).frame
    columns = ["iris.setosa", "iris.versicolor", "iris.virginica"]
    assert frame.columns.tolist()[:3] == columns
    np.testing.assert_allclose(frame[columns], on_names().predict_proba(IRIS))


@pytest.mark.parametrize("size", [1, 2, 3])
def test_probabilities_of_several_outputs_stand_side_by_side(size):
    outputs = MultiOutputClassifier(GaussianNB()).fit(IRIS, np.column_stack([SPECIES, SPECIES > 0]))
    frame = run(Model(outputs, "predict_proba", name="m"), IRIS.head(size)).frame
    expected = np.hstack(outputs.predict_proba(IRIS.head(size)))
    np.testing.assert_allclose(frame.filter(like="m.").to_numpy(), expected)
    assert expected.shape == (size, 5)


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        ({"inputs": [[5.1, 3.5, 1.4, 0.2]]}, {"model_name": "iris", "outputs": [0]}),
        ({"instances": [[5.1, 3.5, 1.4, 0.2]] * 2}, {"predictions": [0, 0]}),
        ({"inputs": []}, {"model_name": "iris", "outputs": []}),
        (IRIS.iloc[0].to_dict(), 0),
    ],
    ids=["inputs", "instances", "no samples", "flat"],
)
def test_an_answer_has_the_form_of_its_request(body, answer):
    assert Graph("g", Model(on_array(), name="iris")).test(body) == answer


def test_an_answer_repeats_the_id_of_its_request():
    given = Graph("g", Model(on_array(), name="iris")).test(
        "/", {"inputs": [[1, 2, 3, 4]]}, event_id="evt-1"
    )
    assert given == {"id": "evt-1", "model_name": "iris", "outputs": [2]}


@pytest.mark.parametrize(
    "give",
    [list, tuple, np.array, pd.Series, lambda v: pd.Series(v, index=[7, 8]), pd.array],
    ids=["list", "tuple", "array", "series", "other index", "extension"],
)
def test_a_model_may_answer_with_anything_with_an_item_each(give):
    assert answers(Seen(lambda samples: give([1, 2])), np.zeros((2, 1))) == [1, 2]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (5, ["int", "item for each sample"]),
        (None, ["NoneType"]),
        ("ab", ["str"]),
        ([1, 2, 3], ["3 items", "1 sample"]),
        (np.array(5), ["ndarray"]),
        ({"a": 1}, ["dict"]),
    ],
    ids=repr,
)
def test_a_model_without_an_answer_for_each_says_so(answer, words):
    (given,) = answers(Seen(lambda samples: answer), [{"inputs": [[1]]}])
    assert has_words(given, ["seen", *words])


# --- bad events -----------------------------------------------------------------------------


def test_a_model_that_is_not_fitted_says_so_once_for_all():
    result = run(LogisticRegression(), IRIS)
    assert result.frame["status"].eq(500).all()
    assert result.errors["message"].nunique() == 1
    assert has_words(result.errors["message"][0], ["LogisticRegression", "not fitted", "fit it"])
    nested = run(make_pipeline(StandardScaler(), LogisticRegression()), IRIS)
    assert has_words(nested.errors["message"][0], ["not fitted"])


@pytest.mark.parametrize(
    ("events", "words"),
    [
        (IRIS.drop(columns=WIDTH), ["column", WIDTH]),
        (IRIS.drop(columns=[WIDTH, LENGTH]), ["columns", WIDTH, LENGTH]),
        (IRIS.rename(columns={WIDTH: "sepal widht (cm)"}), [WIDTH, "did you mean", "widht"]),
        (IRIS.to_numpy()[:, :3], ["4 features", "3"]),
        (IRIS[WIDTH], ["4 features", "single value"]),
        ([{"inputs": [[1, 2, 3]]}], ["4 features", "3"]),
        ([{"inputs": [1, 2, 3, 4]}], ["4 features", "single value"]),
        ([{WIDTH: 1}], ["columns", LENGTH]),
        ([{"inputs": [{WIDTH: 1}]}], ["columns", LENGTH]),
    ],
    ids=[
        "column",
        "columns",
        "misspelt",
        "array",
        "series",
        "json",
        "flat json",
        "object",
        "inputs",
    ],
)
def test_events_that_lack_what_the_model_was_fitted_on_name_it(events, words):
    result = run(on_frame(), events)
    assert result.frame["status"].eq(400).all()
    assert has_words(result.errors["message"].iloc[0], words)


@pytest.mark.parametrize(
    "events", [IRIS.to_numpy()[:, :3], IRIS.iloc[:, :3]], ids=["array", "frame"]
)
def test_events_of_another_width_than_the_arrays_name_both_widths(events):
    result = run(on_array(), events)
    assert has_words(result.errors["message"].iloc[0], ["4 features", "3"])


def test_samples_of_the_wrong_width_fail_alone():
    bodies = [{"inputs": [[1, 2, 3, 4]]}, {"inputs": [[1, 2, 3]]}, {"inputs": [[1.5, 2, 3, 5]]}]
    given = answers(on_array(), bodies)
    assert given[::2] == [{"model_name": "logisticregression", "outputs": [2]}] * 2
    assert has_words(given[1], ["4 features", "3"])


@pytest.mark.parametrize("form", ["frame", "array", "inputs", "objects"])
def test_only_the_events_with_missing_numbers_fail(form):
    some = IRIS.copy()
    some.iloc[[1, 7], 2] = [np.nan, np.inf]
    events = {
        "frame": some,
        "array": some.to_numpy(),
        "inputs": [{"inputs": [row]} for row in some.to_numpy().tolist()],
        "objects": some.to_dict("records"),
    }[form]
    result = run(on_frame(), events)
    assert result.errors.index.tolist() == [1, 7]
    assert has_words(result.errors["message"][1], ["NaN"])
    assert (result.frame["status"] == 200).sum() == 148


def test_only_the_guilty_tenth_fails_and_the_model_is_asked_seldom():
    def strict(samples: np.ndarray) -> np.ndarray:
        if (samples[:, 0] == 3).any():
            raise ValueError("three!")
        return samples[:, 0]

    seen = Seen(strict)
    result = run(seen, np.arange(1000).reshape(-1, 1) % 10)
    assert result.errors.index.tolist() == list(range(3, 1000, 10))
    assert result.frame["response"].dropna().tolist() == [
        x % 10 for x in range(1000) if x % 10 != 3
    ]
    assert len(seen.batches) <= 100 * 2 * 7


def test_a_frame_with_a_time_is_searched_for_gaps_too():
    refuse = Seen(lambda frame: frame["x"] if len(frame) == 1 else 1 / 0)
    events = frame_of(x=[1.0, np.nan], t=pd.to_timedelta([1, 2]), c=[1j, 2j])
    assert answers(refuse, events)[0] == 1.0


# --- declaring ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("declare", "words"),
    [
        (lambda: Model(LogisticRegression), ["class LogisticRegression", "fit", "instance"]),
        (lambda: Model(on_frame(), "predict_prob"), ["predict_prob", "did you mean"]),
        (lambda: Model(on_frame(), None), ["no method", "None"]),
        (lambda: Model(abs), ["no method", "'predict'"]),
        (lambda: Model(None), ["None", "no method"]),
        (lambda: Model("forest"), ["a str", "no method"]),
        (lambda: Model(LinearRegression(), "predict_proba"), ["no method", "predict_proba"]),
    ],
)
def test_what_is_no_model_is_refused_when_declared(declare, words):
    mistake(declare, *words)


def test_a_transformer_is_a_step_by_its_method():
    scaler = StandardScaler().fit(IRIS)
    mistake(lambda: Graph("g", scaler), "StandardScaler", "no predict", 'method="transform"')
    model = LogisticRegression().fit(scaler.transform(IRIS), SPECIES)
    expected = model.predict(scaler.transform(IRIS)).tolist()
    assert answers(Model(scaler, "transform") >> Model(model), IRIS) == expected


def test_a_model_says_what_it_does():
    assert Model(on_frame()).task == "classification"
    assert Model(LinearRegression()).task == "regression"
    assert Model(DummyClassifier()).task == "classification"
    assert Model(Constant(1)).task is None
    assert Model(on_names()).classes.tolist() == sorted(set(NAMES))
    assert Model(on_frame(), "predict_proba").title == "LogisticRegression.predict_proba"
