"""Pictures of comparisons: their panels, names as they are written, no trace in pyplot."""

from __future__ import annotations

import io
import subprocess
import sys

import nbformat
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from nbclient import NotebookClient

from graph_magics import GraphError
from graph_magics.comparison import compare

rng = np.random.default_rng(0)
Y = rng.integers(0, 3, 60)
ANSWERS = pd.DataFrame({f"m{i}": np.where(rng.random(60) < 0.8, Y, 0) for i in range(3)})


def titles(figure: Figure) -> list[str]:
    return [axes.get_title() for axes in figure.axes]


def test_a_comparison_of_labels_shows_intervals_agreement_and_confusion():
    figure = compare(ANSWERS, Y).plot()
    assert isinstance(figure, Figure)
    assert titles(figure) == [
        "accuracy, 95 % intervals",
        "agreement: share of same labels",
        "confusion of m2: events",
    ]
    assert repr(figure) == "Plot of a classification: intervals, agreement, confusion"


def test_differences_and_calibration_are_shown_where_they_are():
    held = pd.DataFrame(np.eye(3)[ANSWERS["m0"]] * 0.7 + 0.1)
    figure = compare(ANSWERS, Y, against="m1", probabilities={"m0": held}).plot("m0")
    assert "difference to m1, 95 % intervals" in titles(figure)
    assert "confusion of m0: events" in titles(figure)
    assert "calibration, all labels" in titles(figure)


def test_the_intervals_drawn_are_those_of_the_summary():
    comparison = compare(ANSWERS, Y, against="m0")
    lines = comparison.plot().axes[0].lines
    drawn = [line.get_xdata()[0] for line in lines if line.get_marker() == "o"]
    assert drawn == comparison.summary["accuracy"].tolist()
    bounds = [tuple(line.get_xdata()) for line in lines if line.get_marker() == "|"]
    assert bounds == list(
        comparison.summary[["accuracy_low", "accuracy_high"]].itertuples(index=False, name=None)
    )


def test_a_comparison_of_numbers_shows_the_errors():
    y = rng.normal(size=40)
    frame = pd.DataFrame({"a": y + 0.1, "b": y - rng.normal(size=40), "gone": np.nan})
    figure = compare(frame, y, against="b").plot()
    assert titles(figure)[-1] == "errors: quarters, whiskers at 5 and 95 %"
    figure.savefig(io.BytesIO(), format="svg")


@pytest.mark.parametrize(
    ("answers", "y"),
    [
        (pd.DataFrame({"m": [1]}), [1]),
        (pd.DataFrame({"m": [], "n": []}), []),
        (pd.DataFrame({"m": [None, None], "n": ["a", "b"]}), ["a", "b"]),
        (pd.DataFrame({"m": ["a", "b"], "n": ["a", "b"]}), [None, None]),
        (pd.DataFrame({"$x$ & <b>": ["$a", "b$"], "a" * 99: ["$a", "$a"]}), ["$a", "b$"]),
        (pd.DataFrame({"m": np.arange(50), "n": np.arange(50)}), np.arange(50)),
        (pd.DataFrame({0: [1.5, 2.5], 1: [2.5, 3.5]}), [1.5, 2]),
    ],
)
def test_whatever_can_be_compared_can_be_drawn(answers, y):
    assert compare(answers, y).plot()._repr_png_().startswith(b"\x89PNG")


def test_names_with_dollar_signs_are_names_and_no_formulas():
    figure = compare(pd.DataFrame({"$x$": ["a", "b"], "n": ["a", "b"]}), ["a", "b"]).plot("$x$")
    figure.savefig(io.BytesIO(), format="png")
    assert r"confusion of \$x\$: events" in titles(figure)


def test_an_unknown_model_is_an_error_that_names_the_nearest():
    named = ANSWERS.rename(columns={"m0": "forest"})
    with pytest.raises(GraphError, match=r"'forrest': .*; did you mean 'forest'"):
        compare(named, Y).plot("forrest")


def test_no_figure_is_left_open_and_nothing_is_loaded_until_it_is_drawn():
    script = """
import sys, graph_magics
assert not {"scipy", "sklearn", "matplotlib"} & set(sys.modules), "not light"
import pandas as pd
from graph_magics.comparison import compare
comparison = compare(pd.DataFrame({"m": [1, 0], "n": [1, 1]}), [1, 0])
assert "matplotlib" not in sys.modules
comparison.plot()._repr_png_()
assert "matplotlib.pyplot" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", script], check=True)


@pytest.mark.parametrize("before", ["", "%matplotlib inline\n"])
def test_a_notebook_shows_the_picture_once(before):
    cell = (
        "import pandas as pd\nfrom graph_magics.comparison import compare\n"
        "compare(pd.DataFrame({'m': [1, 0], 'n': [1, 1]}), [1, 0]).plot()"
    )
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(before + cell)])
    NotebookClient(notebook, kernel_name="python3", timeout=60).execute()
    (output,) = notebook.cells[0].outputs
    assert output.output_type == "execute_result"
    assert output.data["text/plain"] == "Plot of a classification: intervals, agreement, confusion"
    assert "image/png" in output.data
