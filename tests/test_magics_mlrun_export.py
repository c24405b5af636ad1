"""The magic that writes a graph as MLRun's calls."""

from __future__ import annotations

import pytest
from IPython.core.interactiveshell import InteractiveShell

from .models import has_words
from .shells import error_of, run_cell

CELL = """\
%%graph churn
graph.to(name="double", handler="(2 * event)").to(name="next", handler="plus").respond()
"""


@pytest.fixture
def shell(shell: InteractiveShell) -> InteractiveShell:
    run_cell(shell, "def plus(x):\n    return x + 1").raise_error()
    run_cell(shell, CELL).raise_error()
    run_cell(shell, "%%graph parts\nStep(plus) >> Step(plus, name='more')").raise_error()
    return shell


def test_a_graph_is_shown_or_written_to_a_file(shell, tmp_path, capsys):
    path = tmp_path / "churn.py"
    capsys.readouterr()
    shell.run_line_magic("graph_export", f"churn --to mlrun {path}")
    assert capsys.readouterr().out == ""
    shell.run_line_magic("graph_export", "churn --to mlrun")
    text = capsys.readouterr().out
    assert text == path.read_text("utf-8")
    assert has_words(text, ["#   function plus: next", 'handler="(2 * event)"', ".respond()"])


def test_a_graph_of_pythons_parts_is_written_too(shell, capsys):
    capsys.readouterr()
    shell.run_line_magic("graph_export", "parts --to mlrun")
    assert 'graph.add_step(name="more", handler="plus", after="plus").respond()' in (
        capsys.readouterr().out
    )


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("churn --to mlrunn", ["mlrunn", "did you mean 'mlrun'", "'kserve'"]),
        ("churn --to mars", ["mars", "'kserve', 'mlrun'"]),
        ("churn", ["--to"]),
        ("churm --to mlrun", ["did you mean 'churn'"]),
        ("churn --to mlrun /nowhere/x.py", ["/nowhere/x.py", "No such"]),
    ],
)
def test_a_mistake_is_told_in_a_line(shell, line, words):
    assert has_words(error_of(shell, f"%graph_export {line}"), words)
