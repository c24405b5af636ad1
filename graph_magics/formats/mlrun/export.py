"""A graph as Python text that declares the same in MLRun 1.12."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ...errors import GraphError
from ...mlrun.declaring import RootFlowStep, RootRouterStep
from ...mlrun.face import Served
from ...mlrun.lookup import Namespace
from ..kserve.terms import legal_name
from .needs import Needs
from .pytext import Call, statement
from .writing import Writer


@dataclass(frozen=True)
class Export:
    """A text, and what is to be known of it.

    Parameters
    ----------
    text : str
        Python; begins with comments that say what it needs and where it differs.
    needs : Needs
        The same, to be looked at.
    """

    text: str
    needs: Needs


def export(name: str, root: Any = None, served: Served | None = None) -> Export:
    """Write a graph as calls of MLRun.

    Parameters
    ----------
    name : str
        The graph's.
    root : Flow, optional
        Of a graph of Python's parts.
    served : Served, optional
        Of a graph declared by MLRun's calls.

    Raises
    ------
    GraphError
        If something in it cannot be written, with all such parts and what to write instead.

    Examples
    --------
    >>> from graph_magics import Graph
    >>> written = export("sizes", Graph("sizes", len).root)
    >>> print(written.text)
    # The graph 'sizes' for MLRun 1.12.
    import mlrun
    <BLANKLINE>
    fn = mlrun.new_function("sizes", kind="serving")
    graph = fn.set_topology("flow", engine="async")
    graph.add_step(name="len", handler="builtins.len").respond()
    <BLANKLINE>
    """
    needs = Needs(Namespace() if served is None else served.namespace)
    writer = Writer(needs)
    try:
        if served is None:
            writer.parts(root)
        else:
            declared = served.declared
            if isinstance(declared, RootFlowStep) and not declared.steps:
                raise GraphError("it has no steps; write graph.add_step(...) or graph.to(...)")
            if isinstance(declared, RootRouterStep) and not declared.routes:
                raise GraphError("it has no routes; write graph.add_route(...)")
            writer.spec(served.spec)
            writer.declared(declared)
        needs.check()
    except GraphError as error:
        raise error.at(graph=name) from None
    return Export(_text(name, writer.statements, needs), needs)


def _text(name: str, statements: list[str], needs: Needs) -> str:
    told = [f"# The graph {_plain(name)!r} for MLRun 1.12.", *needs.comments()]
    function = legal_name(name, "graph")
    made = statement(Call("mlrun.new_function", [("", function), ("kind", "serving")]), "fn")
    lines = [*told, "import mlrun", "", *_deployed(function, needs), made, *statements]
    return "\n".join(lines) + "\n"


def _deployed(function: str, needs: Needs) -> list[str]:
    if not needs.code:
        return []
    file = f"{function.replace('-', '_')}_code.py"
    arguments = [("", function), ("kind", "serving"), ("image", "mlrun/mlrun"), ("filename", file)]
    made = statement(Call("mlrun.code_to_function", arguments), "fn").split("\n")
    told = "To deploy it, make the function of the file that has the code named above:"
    return [f"# {line}" for line in (told, *made)]


def _plain(name: str) -> str:
    return "".join(char if char.isprintable() else " " for char in name)
