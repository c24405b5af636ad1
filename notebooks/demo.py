"""Run the first tutorial as its reader would, and show what came out of it: `make demo`."""

import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbconvert import HTMLExporter
from nbformat import NotebookNode

TUTORIAL = Path(__file__).with_name("01_ensemble_vs_models.ipynb")
FOLDER = Path(__file__).parents[1] / ".demo"


def main() -> None:
    """Execute a copy of the tutorial; print its comparison, and where page and drawing are."""
    notebook = nbformat.read(TUTORIAL, as_version=4)
    client = NotebookClient(
        notebook,
        kernel_name="python3",
        extra_arguments=["--log-level=ERROR"],  # the kernel's own warnings are not the reader's
        resources={"metadata": {"path": TUTORIAL.parent}},
    )
    try:
        client.execute()
    except CellExecutionError as error:
        sys.exit(f"{TUTORIAL.name} failed:\n{error}")

    FOLDER.mkdir(exist_ok=True)
    page = FOLDER / TUTORIAL.with_suffix(".html").name
    page.write_text(HTMLExporter().from_notebook_node(notebook)[0], encoding="utf-8")
    drawing = FOLDER / TUTORIAL.with_suffix(".svg").name
    drawing.write_text(answer(notebook, "drawing", "image/svg+xml"), encoding="utf-8")

    print(answer(notebook, "comparison", "text/plain"))
    print()
    print("The tutorial, executed:", page)
    print("The graph, drawn:      ", drawing)


def answer(notebook: NotebookNode, tag: str, mime: str) -> str:
    """Return what the cell that bears a tag has answered, in one of its forms."""
    for cell in notebook.cells:
        if tag in cell.metadata.get("tags", ()):
            for output in cell.outputs:
                if mime in output.get("data", ()):
                    return output["data"][mime]
    sys.exit(f"{TUTORIAL.name}: no cell tagged {tag!r} has answered with {mime}")


if __name__ == "__main__":
    main()
