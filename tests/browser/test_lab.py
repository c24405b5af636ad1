"""The tutorials as their readers see them: in JupyterLab, in a browser."""

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import expect

from .conftest import OpenNotebook

Open = Callable[[str], OpenNotebook]

# Whether a picture has arrived: an image that could not be decoded has no natural size.
SHOWN = """picture => {
    const { width, height } = picture.getBoundingClientRect();
    return width > 50 && height > 50 && (picture.naturalWidth ?? 1) > 0;
}"""


def expect_drawing(notebook: OpenNotebook) -> None:
    """Wait until the drawing is to be seen."""
    drawing = notebook.answer("drawing").locator("img, svg").first
    expect(drawing).to_be_visible()
    notebook.page.wait_for_function(SHOWN, arg=drawing.element_handle(), timeout=10_000)


def test_the_first_tutorial_runs_and_shows_the_drawing(
    open_notebook: Open, artefacts: Path
) -> None:
    notebook = open_notebook("01_ensemble_vs_models.ipynb")
    notebook.run_all()
    notebook.picture(artefacts / "01_ensemble_vs_models.png")

    assert notebook.errors == []
    assert notebook.not_run == []

    expect_drawing(notebook)

    table = notebook.answer("comparison").locator("table").first
    expect(table).to_be_visible()
    for words in ("forest", "logistic", "boosted", "vote", "accuracy"):
        expect(table).to_contain_text(words)

    assert notebook.complaints == []


def test_the_second_tutorial_runs_manifests_and_calls_its_server(
    open_notebook: Open, artefacts: Path
) -> None:
    notebook = open_notebook("02_kserve_inference_graph.ipynb")
    notebook.run_all()
    notebook.picture(artefacts / "02_kserve_inference_graph.png")

    (refused,) = notebook.errors  # It shows what a cluster says of weights that sum to 90.
    assert refused.startswith("GraphError: ")
    assert refused.endswith("should be 100, and here it is 90")
    assert notebook.not_run == []

    expect_drawing(notebook)

    trace = notebook.answer("trace").locator("table").first
    for words in ("root.quick", "root.thorough", "Remote", "predictions"):
        expect(trace).to_contain_text(words)

    assert notebook.complaints == []


def test_the_third_tutorial_runs_mlruns_calls(open_notebook: Open, artefacts: Path) -> None:
    notebook = open_notebook("03_mlrun_serving_graph.ipynb")
    notebook.run_all()
    notebook.picture(artefacts / "03_mlrun_serving_graph.png")

    assert notebook.errors == []
    assert notebook.not_run == []

    expect_drawing(notebook)

    table = notebook.answer("comparison").locator("table").first
    for words in ("logistic", "discriminant", "bayes", "ensemble", "accuracy"):
        expect(table).to_contain_text(words)

    assert notebook.complaints == []


def test_the_fourth_tutorial_runs_files_and_goes_on_where_it_stopped(
    open_notebook: Open, artefacts: Path
) -> None:
    notebook = open_notebook("04_large_batches.ipynb")
    notebook.run_all()
    notebook.picture(artefacts / "04_large_batches.png")

    assert notebook.errors == []
    assert notebook.not_run == []

    expect_drawing(notebook)
    expect(notebook.answer("streamed").first).to_contain_text("120,000 answered")

    assert notebook.complaints == []


def test_the_sixth_tutorial_compares_and_shows_its_pictures(
    open_notebook: Open, artefacts: Path
) -> None:
    notebook = open_notebook("06_is_the_ensemble_better.ipynb")
    notebook.run_all()
    notebook.picture(artefacts / "06_is_the_ensemble_better.png")

    assert notebook.errors == []
    assert notebook.not_run == []

    expect_drawing(notebook)

    answer = notebook.answer("comparison")
    expect(answer.first).to_contain_text("this may be chance")
    expect(answer.locator("table").nth(1)).to_contain_text("p_holm")

    picture = notebook.answer("plot").locator("img").first
    expect(picture).to_be_visible()
    notebook.page.wait_for_function(SHOWN, arg=picture.element_handle(), timeout=10_000)

    assert notebook.complaints == []
