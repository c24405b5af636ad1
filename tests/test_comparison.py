"""Comparisons: agreement with scikit-learn, alignment, labels of every type, clear errors."""

from __future__ import annotations

import itertools
import warnings
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics
from sklearn.utils.multiclass import type_of_target

from graph_magics.comparison import compare
from graph_magics.errors import GraphError
from graph_magics.scores import METRICS as ALL_METRICS

METRICS = list(ALL_METRICS["classification"])

LABELS = {
    "text": ["malignant", "benign", "unsure", "other"],
    "integer": [0, 1, 2, 7],
    "boolean": [False, True],
    "tenths": [0.1, 0.2, 0.3],
}


@st.composite
def labelled(draw):
    """Truth and answers as lists, None where missing, over labels of one type."""
    labels = LABELS[draw(st.sampled_from(sorted(LABELS)))]
    events, models = draw(st.integers(0, 30)), draw(st.integers(1, 4))
    values = st.one_of(st.none(), st.sampled_from(labels))
    column = st.lists(values, min_size=events, max_size=events)
    return draw(column), {f"m{i}": draw(column) for i in range(models)}


def labels_frame(columns: dict, dtype=object) -> pd.DataFrame:
    return pd.DataFrame({name: pd.Series(values, dtype=dtype) for name, values in columns.items()})


# What scikit-learn says.


@given(labelled())
@settings(max_examples=150, deadline=None)
def test_label_metrics_are_those_of_scikit_learn(case):
    truth, columns = case
    frame = labels_frame(columns)
    got = compare(frame, pd.Series(truth, dtype=object), task="classification").summary
    for name, answers in columns.items():
        pairs = [
            (str(t), str(a)) for t, a in zip(truth, answers, strict=True) if None not in (t, a)
        ]
        row = got.loc[name]
        known = sum(t is not None for t in truth)
        assert (row["events"], row["missing"]) == (len(pairs), known - len(pairs))
        if not pairs:
            assert row[METRICS].isna().all()
            continue
        true, answer = zip(*pairs, strict=True)
        macro = {"average": "macro", "zero_division": 0}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # scikit-learn's own, on single labels
            expected = {
                "accuracy": metrics.accuracy_score(true, answer),
                "balanced_accuracy": metrics.balanced_accuracy_score(true, answer),
                "precision": metrics.precision_score(true, answer, **macro),
                "recall": metrics.recall_score(true, answer, **macro),
                "f1": metrics.f1_score(true, answer, **macro),
                "matthews": metrics.matthews_corrcoef(true, answer),
            }
        assert row[METRICS].to_dict() == pytest.approx(expected, abs=1e-12)


@given(labelled())
@settings(max_examples=100, deadline=None)
def test_agreement_and_disagreements_are_those_counted_event_by_event(case):
    truth, columns = case
    got = compare(labels_frame(columns), pd.Series(truth, dtype=object), task="classification")
    known = [i for i, label in enumerate(truth) if label is not None]
    for a, b in itertools.product(columns, repeat=2):
        both = [
            columns[a][i] == columns[b][i]
            for i in known
            if None not in (columns[a][i], columns[b][i])
        ]
        share = got.agreement.loc[a, b]
        assert share == pytest.approx(np.mean(both)) if both else np.isnan(share)
    differ = [i for i in known if len({c[i] for c in columns.values() if c[i] is not None}) > 1]
    assert list(got.disagreements.index) == differ
    assert got.events == len(known)
    assert got.unlabelled == len(truth) - len(known)


# In thousandths: a variance next to nothing has no r2 to compare.
numbers = st.one_of(st.none(), st.integers(-(10**9), 10**9).map(lambda n: n / 1000))


@given(
    st.integers(0, 30).flatmap(
        lambda n: st.tuples(*[st.lists(numbers, min_size=n, max_size=n)] * 3)
    )
)
@settings(max_examples=100, deadline=None)
def test_number_metrics_are_those_of_scikit_learn(case):
    truth, *answers = (pd.Series(values, dtype="float64") for values in case)
    frame = pd.DataFrame({"a": answers[0], "b": answers[1]})
    got = compare(frame, truth, task="regression")
    for name in frame:
        known = (truth.notna() & frame[name].notna()).to_numpy()
        true, answer = truth[known], frame.loc[known, name]
        row = got.summary.loc[name]
        assert row["events"] == known.sum()
        assert row["missing"] == truth.notna().sum() - known.sum()
        if not known.any():
            assert row.drop(["events", "missing"]).isna().all()
            continue
        assert row["mae"] == pytest.approx(metrics.mean_absolute_error(true, answer))
        assert row["rmse"] == pytest.approx(metrics.root_mean_squared_error(true, answer))
        assert row["median_ae"] == pytest.approx(metrics.median_absolute_error(true, answer))
        assert row["bias"] == pytest.approx((answer - true).mean())
        if known.sum() > 1:
            assert row["r2"] == pytest.approx(metrics.r2_score(true, answer))
        else:
            assert np.isnan(row["r2"])


@given(
    st.lists(st.sampled_from([0.0, 1.0, 2.0, 0.5]), min_size=1, max_size=8),
    st.lists(st.sampled_from([0, 1, 2, 3]), min_size=1, max_size=8),
)
def test_the_task_of_numbers_is_what_type_of_target_says(y, answers):
    size = min(len(y), len(answers))
    y, answers = y[:size], answers[:size]
    continuous = "continuous" in (type_of_target(y), type_of_target(answers))
    expected = "regression" if continuous else "classification"
    assert compare(pd.DataFrame({"m": answers}), y).task == expected
    assert compare(pd.DataFrame({"m": y}), answers).task == expected


def test_a_perfect_model_of_many_classes_brings_no_warning_of_scikit_learn():
    y = np.arange(200) % 50
    assert compare(pd.DataFrame({"m": y}), y).summary.loc["m", "matthews"] == 1


# Regression.


def test_concordance_falls_with_an_offset_and_is_one_for_equal_answers():
    frame = pd.DataFrame({"a": [1.5, 2.0, 3.0], "same": [1.5, 2.0, 3.0], "above": [11.5, 12, 13]})
    agreement = compare(frame, [1.5, 2, 3]).agreement
    assert agreement.loc["a", "same"] == 1
    spread = np.var([1.5, 2, 3])
    assert agreement.loc["a", "above"] == pytest.approx(2 * spread / (2 * spread + 100))


def test_concordance_needs_two_common_events_and_constant_models_agree_when_equal():
    frame = pd.DataFrame({"a": [1.5, np.nan, 1], "b": [1.5, 2, np.nan], "c": 1.5, "d": 1.5, "e": 2})
    agreement = compare(frame, [1.5, 2, 3]).agreement
    assert np.isnan(agreement.loc["a", "b"])
    assert agreement.loc["c", "d"] == 1
    assert agreement.loc["c", "e"] == 0
    assert list(np.diag(agreement)) == [1] * 5


def test_regression_disagreements_are_all_events_widest_first_with_ties_in_order():
    frame = pd.DataFrame(
        {"a": [1.0, 2.0, 5.0, np.nan, 4.0], "b": [1.5, 9.0, 5.5, 3.0, 4.5]}, index=list("vwxyz")
    )
    got = compare(frame, [1.0, 2, 3, 4, 5]).disagreements
    assert list(got.index) == ["w", "v", "x", "z", "y"]
    assert list(got.columns) == ["target", "a", "b", "spread"]
    np.testing.assert_array_equal(got["spread"], [7, 0.5, 0.5, 0.5, np.nan])
    assert list(got["target"]) == [2, 1, 3, 5, 4]


def test_bias_is_positive_for_answers_that_are_too_high():
    assert compare(pd.DataFrame({"m": [2.5, 3.5]}), [1.5, 2.5]).summary.loc["m", "bias"] == 1


def test_huge_answers_bring_no_warning():
    summary = compare(pd.DataFrame({"m": [1e300, -1e308], "n": [-1e308, 1e308]}), [0.5, 1]).summary
    assert summary.loc["m", "rmse"] == np.inf


# Labels of any type.


@pytest.mark.parametrize(
    ("answers", "y"),
    [
        (pd.Series([1, 0, 1]), [True, False, True]),
        (pd.Series([True, False, True]), [1, 0, 1]),
        (pd.Series([1, 0, 1], dtype="Int64"), np.array([1.0, 0.0, 1.0])),
        (pd.Series([1.0, 0.0, 1.0]), pd.Series([1, 0, 1], dtype="Int8")),
        (pd.Series([np.int8(1), 0, 1.0], dtype=object), [1, 0, 1]),
        (pd.Series([True, False, True], dtype="boolean"), np.array([1, 0, 1], dtype="uint8")),
        (pd.Series(["a", "b", "a"], dtype="category"), ["a", "b", "a"]),
        (pd.Series(["a", "b", "a"], dtype=object), pd.Categorical(["a", "b", "a"])),
        (pd.Series(["a", "b", "a"]), np.array(["a", "b", "a"])),
        (pd.Series([1, 0, 1], dtype="category"), [1, 0, 1]),
    ],
)
def test_labels_are_compared_by_value_whatever_their_dtype(answers, y):
    got = compare(pd.DataFrame({"m": answers}), y)
    assert got.task == "classification"
    assert got.summary.loc["m", "accuracy"] == 1


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA])
@pytest.mark.parametrize("labels", [["a", "b"], [1, 0], [True, False]])
def test_every_missing_value_is_missing(labels, missing):
    answers = pd.DataFrame({"m": pd.Series([labels[0], missing, labels[1]], dtype=object)})
    y = pd.Series([labels[0], labels[0], missing], dtype=object)
    got = compare(answers, y)
    assert (got.events, got.unlabelled) == (2, 1)
    assert got.summary.loc["m", ["events", "missing", "accuracy"]].tolist() == [1, 1, 1.0]


@pytest.mark.parametrize(
    ("answers", "y", "shown"),
    [
        ([0, 1], ["malignant", "benign"], ["numbers such as 0", "text such as 'malignant'"]),
        (["malignant", "benign"], [0, 1], ["text such as 'malignant'", "numbers such as 0"]),
        (["0", "1"], [0, 1], ["text such as '0'", "numbers such as 0"]),
        ([True, False], ["True", "False"], ["numbers such as True", "text such as 'True'"]),
        ([("a", 1), ("b", 1)], ["a", "b"], ["tuple values such as ('a', 1)"]),
    ],
)
def test_labels_of_another_type_are_an_error_that_shows_both_and_the_column(answers, y, shown):
    frame = pd.DataFrame({"good": pd.Series(y), "forest": pd.Series(answers)})
    with pytest.raises(GraphError, match=r"^'forest' answers .*y\.map\(") as caught:
        compare(frame, y)
    assert all(text in str(caught.value) for text in shown)
    assert "\n" not in str(caught.value)


def test_an_error_names_no_numpy_types():
    frame = pd.DataFrame({"m": pd.Series([np.int64(0), np.int8(1)], dtype=object)})
    with pytest.raises(GraphError, match=r"numbers such as 0,"):
        compare(frame, ["a", "b"])


def test_scores_among_labels_are_an_error_that_names_the_column():
    frame = pd.DataFrame({"forest": [0, 1], "scores": [0.0, 0.75]})
    with pytest.raises(GraphError, match=r"^'scores' answers 0\.75, .*labels such as 1"):
        compare(frame, [1, 0], task="classification")


@pytest.mark.parametrize("task", ["classification", "regression", None])
def test_a_list_as_an_answer_is_an_error_that_names_the_column(task):
    frame = pd.DataFrame({"proba": [[0.1, 0.9], None]})
    with pytest.raises(GraphError, match=r"^'proba' answers \[0\.1, 0\.9\], where"):
        compare(frame, [1, 0], task=task)


def test_text_in_a_regression_is_an_error_in_answers_and_in_target():
    frame = pd.DataFrame({"forest": [1.5, 2.5], "label": [None, "low"]})
    with pytest.raises(GraphError, match=r"^'label' answers 'low', where regression"):
        compare(frame, [1.5, 2], task="regression")
    with pytest.raises(GraphError, match=r"^the target has 'low', where regression"):
        compare(frame[["forest"]], ["low", "high"], task="regression")


def test_infinity_in_a_regression_is_an_error_that_names_the_column():
    with pytest.raises(GraphError, match=r"^'m' answers infinity"):
        compare(pd.DataFrame({"m": [1.5, np.inf]}), [1, 2])
    with pytest.raises(GraphError, match=r"^the target has infinity"):
        compare(pd.DataFrame({"m": [1.5, 2]}), [1, -np.inf])


def test_an_unknown_task_is_an_error():
    with pytest.raises(GraphError, match="'ranking' is neither"):
        compare(pd.DataFrame({"m": [1]}), [1], task="ranking")  # type: ignore[arg-type]


def test_a_given_task_goes_before_what_the_values_look_like():
    assert compare(pd.DataFrame({"m": [1, 2]}), [1, 2], task="regression").task == "regression"


# What a target may be.

Y = [1, 0, 0, 1]
RIGHT = pd.DataFrame({"m": Y}, index=[30, 10, 20, 40])


@pytest.mark.parametrize(
    "y",
    [
        Y,
        tuple(Y),
        np.array(Y),
        np.array(Y).reshape(-1, 1),
        pd.array(Y, dtype="Int64"),
        pd.Index(Y),
        pd.Series(Y, index=RIGHT.index),
        pd.DataFrame({"label": Y}, index=RIGHT.index),
        pd.Series(Y, index=RIGHT.index).sort_index(),
        pd.DataFrame({"label": Y}, index=RIGHT.index).sort_index(),
    ],
)
def test_targets_of_every_form_find_their_events(y):
    assert compare(RIGHT, y).summary.loc["m", "accuracy"] == 1


def test_a_target_of_other_labels_is_an_error_that_says_how_to_go_by_position():
    for labels in ([0, 1, 2, 3], [30, 10, 20, 99], [30, 30, 10, 20], list("abcd")):
        with pytest.raises(GraphError, match=r"index of the target .* y\.to_numpy\(\)"):
            compare(RIGHT, pd.Series(Y, index=labels))


@pytest.mark.parametrize("index", [pd.RangeIndex(5, 9), pd.RangeIndex(0, 8, 2)])
def test_the_index_of_a_part_of_a_frame_is_not_taken_for_none(index):
    with pytest.raises(GraphError, match="index of the target"):
        compare(RIGHT.set_axis(index), pd.Series(Y))


def test_a_run_without_labels_goes_by_position_unless_the_labels_are_a_permutation():
    plain = RIGHT.reset_index(drop=True)
    assert compare(plain, pd.Series(Y, index=list("abcd"))).summary.loc["m", "accuracy"] == 1
    assert compare(plain, pd.Series(Y, index=[5, 5, 5, 5])).summary.loc["m", "accuracy"] == 1
    shuffled = pd.Series(Y).iloc[[3, 1, 0, 2]]
    assert compare(plain, shuffled).summary.loc["m", "accuracy"] == 1


def test_duplicate_labels_go_through_when_both_sides_have_the_same():
    index = ["a", "b", "a", "b"]
    frame = pd.DataFrame({"m": Y, "n": [1, 0, 1, 0]}, index=index)
    features = pd.DataFrame({"x": [1.5, 2.5, 3.5, 4.5]}, index=index)
    got = compare(frame, pd.Series(Y, index=index), features=features)
    assert got.summary.loc["m", "accuracy"] == 1
    assert list(got.disagreements.index) == ["a", "b"]
    assert list(got.disagreements["x"]) == [3.5, 4.5]
    with pytest.raises(GraphError, match="index of the target"):
        compare(frame, pd.Series(Y, index=["a", "a", "b", "b"]))


@pytest.mark.parametrize(
    ("events", "labels", "text"),
    [
        (569, 100, "the target has 100 labels, the run has 569 events: "),
        (1, 2, "the target has 2 labels, the run has 1 event: "),
        (2, 1, "the target has 1 label, the run has 2 events: "),
    ],
)
def test_a_target_of_another_length_is_an_error_that_counts_both(events, labels, text):
    frame = pd.DataFrame({"m": np.zeros(events, dtype=int)})
    for y in (np.zeros(labels), [0] * labels, pd.Series(0, index=range(labels))):
        with pytest.raises(GraphError, match=text) as caught:
            compare(frame, y)
        assert "reindex" not in str(caught.value)


def test_a_shorter_target_under_the_labels_of_the_run_is_told_of_reindex():
    with pytest.raises(GraphError, match=r"\.reindex\(run\.frame\.index\)"):
        compare(RIGHT, pd.Series(Y, index=RIGHT.index).iloc[:2])
    with pytest.raises(GraphError, match=r"NaN where it is not known$"):
        compare(RIGHT, pd.Series(Y, index=list("abcd")).iloc[:2])
    y = pd.Series(Y, index=RIGHT.index).iloc[:2].reindex(RIGHT.index)
    assert compare(RIGHT, y).unlabelled == 2


@pytest.mark.parametrize("y", [None, 3, "label", {"a": 1}, {1, 2}, iter([1])])
def test_what_is_no_target_is_an_error_that_names_its_type(y):
    with pytest.raises(GraphError, match=f"of type {type(y).__name__}: give a Series"):
        compare(RIGHT, y)


@pytest.mark.parametrize("y", [np.zeros((4, 2)), pd.DataFrame(np.zeros((4, 2))), np.array(1)])
def test_a_target_of_several_columns_is_an_error_that_gives_the_shape(y):
    with pytest.raises(GraphError, match=r"the target has shape \("):
        compare(RIGHT, y)


def test_what_are_no_answers_is_an_error():
    with pytest.raises(GraphError, match="answers are of type list"):
        compare([1, 0], [1, 0])  # type: ignore[arg-type]
    with pytest.raises(GraphError, match="no column"):
        compare(pd.DataFrame(index=range(2)), [1, 0])
    with pytest.raises(GraphError, match="several columns of answers are called 'm'"):
        compare(pd.DataFrame([[1, 1]], columns=["m", "m"]), [1])


# Little to compare.


@pytest.mark.parametrize("task", [None, "classification", "regression"])
@pytest.mark.parametrize("dtype", ["int64", "float64", "str", "object", "boolean"])
def test_a_run_of_no_events_compares_to_nothing(task, dtype):
    frame = pd.DataFrame({"a": [], "b": []}).astype(dtype)
    got = compare(frame, [], task=task)
    assert list(got.summary["events"]) == [0, 0]
    assert got.summary.drop(columns=["events", "missing"]).isna().all(axis=None)
    assert got.agreement.isna().all(axis=None)
    assert len(got.disagreements) == 0
    assert "0 events" in repr(got)
    assert "0 events" in got._repr_html_()


@pytest.mark.parametrize("dtype", ["object", "float64", "str", "category", "datetime64[ns]"])
@pytest.mark.parametrize(
    ("labels", "task"), [(["a", "b"], "classification"), ([1.5, 2], "regression")]
)
def test_a_column_without_answers_is_there_and_harms_none(labels, task, dtype):
    frame = pd.DataFrame({"good": labels, "gone": pd.Series([None, None], dtype=dtype)})
    got = compare(frame, labels)
    assert got.task == task
    assert got.summary.loc["gone", ["events", "missing"]].tolist() == [0, 2]
    assert got.summary.loc["gone"].drop(["events", "missing"]).isna().all()
    # Of a regression without an error nothing tells an interval.
    bounds = ["mae_low", "mae_high"] if task == "regression" else []
    assert got.summary.loc["good"].drop(bounds).notna().all()
    assert np.isnan(got.agreement.loc["gone", "gone"])
    assert got.agreement.loc["good", "good"] == 1


def test_a_target_that_is_all_missing_leaves_no_event():
    got = compare(RIGHT, [None] * 4)
    assert (got.events, got.unlabelled) == (0, 4)
    assert "0 events, 4 events without a target left out" in repr(got)


def test_one_class_only_is_scored_without_a_warning():
    row = compare(pd.DataFrame({"m": ["a", "a", "a"]}), ["a", "a", "a"]).summary.loc["m"]
    assert row["accuracy"] == row["f1"] == row["balanced_accuracy"] == 1
    assert row["matthews"] == 0


def test_answers_that_the_target_never_has_count_as_wrong_without_a_warning():
    row = compare(pd.DataFrame({"m": ["a", "z", "a", "b"]}), ["a", "a", "b", "b"]).summary.loc["m"]
    assert row["balanced_accuracy"] == 0.5  # over a and b
    assert row["recall"] == pytest.approx(1 / 3)  # over a, b and z


# The disagreements.


def test_features_stand_beside_the_disagreements_aligned_by_label():
    frame = pd.DataFrame({"m": ["a", "b"], "n": ["a", "a"]}, index=["x", "y"])
    features = pd.DataFrame({"age": [70, 30]}, index=["y", "x"])
    got = compare(frame, pd.Series(["a", "b"], index=["x", "y"], name="risk"), features=features)
    expected = pd.DataFrame({"risk": ["b"], "m": ["b"], "n": ["a"], "age": [70]}, index=["y"])
    pd.testing.assert_frame_equal(got.disagreements, expected)


def test_names_that_are_taken_get_a_suffix_and_answers_keep_theirs():
    frame = pd.DataFrame({"m": [1.5, 2], "spread": [1.0, 2]})
    features = pd.DataFrame([[1, 2, 3, 4]] * 2, columns=["m", "spread", "age", "age"])
    got = compare(frame, pd.Series([1, 2], name="m"), features=features).disagreements
    assert list(got.columns) == [
        *("m_target", "m", "spread", "spread_of_answers"),
        *("m_feature", "spread_feature", "age", "age_feature"),
    ]
    assert got["m_target"].tolist() == [1, 2]
    assert got["m_feature"].tolist() == [1, 1]


def test_wrong_features_are_an_error():
    with pytest.raises(GraphError, match="features has 1 row, the run has 4 events"):
        compare(RIGHT, Y, features=pd.DataFrame({"x": [1]}))
    with pytest.raises(GraphError, match=r"features\.set_axis\(run\.frame\.index\)"):
        compare(RIGHT, Y, features=pd.DataFrame({"x": Y}))
    with pytest.raises(GraphError, match="of type ndarray"):
        compare(RIGHT, Y, features=np.zeros((4, 1)))  # type: ignore[arg-type]


def test_events_without_a_target_are_no_disagreements():
    frame = pd.DataFrame({"m": [1, 1, 1], "n": [0, 0, 1]})
    assert list(compare(frame, [None, 1, 1]).disagreements.index) == [1]


def test_disagreements_are_those_of_the_moment_of_comparing_and_nothing_given_is_changed():
    frame = pd.DataFrame({"m": [1, 1], "n": [0, 1]}, index=["x", "y"])
    y = pd.Series([1, 1], index=["x", "y"])
    features = pd.DataFrame({"m": [5, 6]}, index=["x", "y"])
    before = frame.copy(), y.copy(), features.copy()
    got = compare(frame, y, features=features)
    repr(got), got._repr_html_(), compare(frame, y, features=features).disagreements
    pd.testing.assert_frame_equal(frame, before[0])
    pd.testing.assert_series_equal(y, before[1])
    pd.testing.assert_frame_equal(features, before[2])
    frame.loc["x", "n"] = y["x"] = features.loc["x", "m"] = 77
    assert got.disagreements.loc["x"].tolist() == [1, 1, 0, 5]
    assert got.disagreements is got.disagreements


# What people read.


def test_the_text_of_a_classification():
    frame = pd.DataFrame({"forest": ["a", "b", "b", "a"], "vote": ["a", "a", None, "a"]})
    assert repr(compare(frame, ["a", "b", "b", None])).splitlines() == [
        "classification: 2 models, 3 events, 1 event without a target left out",
        "        events  missing  accuracy  accuracy_low  accuracy_high  "
        "balanced_accuracy  precision  recall     f1  matthews",
        "model" + " " * 112,
        "forest       3        0    1.0000        0.2924         1.0000  "
        "           1.0000     1.0000  1.0000 1.0000    1.0000",
        "vote         2        1    0.5000        0.0126         0.9874  "
        "           0.5000     0.2500  0.5000 0.3333    0.0000",
        "On 3 events the figures say little.",
        "All agree on 1 of 2 events that two or more answered (50.00%).",
    ]


def test_the_text_of_a_regression():
    frame = pd.DataFrame({"forest": [1.5, 2.0], "vote": [12346.5, 2.25]})
    assert repr(compare(frame, [1.5, 2])).splitlines() == [
        "regression: 2 models, 2 events",
        "        events  missing  mae  mae_low  mae_high         r2  rmse  median_ae  bias",
        "model" + " " * 76,
        "forest       2        0    0      NaN       NaN          1     0          0     0",
        "vote         2        0 6173      NaN       NaN -1.219e+09  8729       6173  6173",
        "On 2 events the figures say little.",
        "mae of forest, vote: too few events differ for an interval.",
        "The answers to an event lie 6173 apart at the median, 12345 at most.",
    ]


def test_the_text_shows_no_noise_of_rounding_and_no_negative_nothing():
    assert "e-" not in repr(compare(pd.DataFrame({"m": [0.1 + 0.2, 1]}), [0.3, 1]))
    y = np.repeat([0, 1], 20001)
    right = np.arange(len(y)) % 20001 < 10000  # one less than half
    got = compare(pd.DataFrame({"m": np.where(right, y, 1 - y)}), y)
    assert -5e-5 < got.summary.loc["m", "matthews"] < 0
    assert "-0.0000" not in repr(got)


def test_a_single_model_is_not_said_to_agree():
    got = compare(pd.DataFrame({"m": [1, 0]}), [1, 0])
    assert "agree" not in repr(got) + got._repr_html_().lower()


def test_html_shows_every_name_as_written():
    class Text(HTMLParser):
        seen = ""

        def handle_data(self, data):
            self.seen += data

    names = ["<b>bold</b>", 'a"b&amp;', "<script>alert(1)</script>", "\N{ROBOT FACE}"]
    page = compare(pd.DataFrame({name: [1, 0] for name in names}), [1, 0])._repr_html_()
    assert "<b>" not in page
    assert "<script" not in page
    text = Text()
    text.feed(page)
    assert all(text.seen.count(name) == 3 for name in names)  # summary, and twice in agreement
    assert "All agree on 2 of 2 events (100.00%)." in text.seen


def test_a_million_events_of_five_models_can_be_compared():
    random = np.random.default_rng(0)
    labels = np.array(["malignant", "benign", "unsure"])
    y = labels[random.integers(0, 3, 1_000_000)]
    wrong = random.random((5, len(y))) < 0.1
    frame = pd.DataFrame({f"m{i}": np.where(w, labels[0], y) for i, w in enumerate(wrong)})
    differ = wrong.any(axis=0) & ~wrong.all(axis=0) & (y != labels[0])
    assert len(compare(frame, y).disagreements) == differ.sum()
