"""What tests do with an IPython shell."""

from __future__ import annotations

from IPython.core.interactiveshell import ExecutionResult, InteractiveShell

from graph_magics import GraphError


def run_cell(shell: InteractiveShell, cell: str) -> ExecutionResult:
    """Run a cell, as a notebook does."""
    return shell.run_cell(cell, store_history=False)


def error_of(shell: InteractiveShell, cell: str) -> str:
    """Run a cell that must fail in one line, and give that line."""
    error = run_cell(shell, cell).error_in_exec
    assert isinstance(error, GraphError)
    (line,) = error._render_traceback_()
    assert "\n" not in line
    return line
