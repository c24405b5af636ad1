"""The Python body of a ``%%graph`` cell, run to a flow of nodes."""

from __future__ import annotations

import ast
import linecache
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .. import gjson
from ..errors import GraphError, listed, near, one_line
from ..flow import Flow, as_flow, union
from ..nodes import Node, walk
from ..routers import Ensemble, ParallelRun, Route, Sequence, Splitter, Switch, VotingEnsemble
from ..steps import Model, Remote, Step
from ..wire import Response

#: What a body may name without importing it, besides the module gjson.
NAMES: Mapping[str, type] = {
    kind.__name__: kind
    for kind in (
        Ensemble,
        Model,
        ParallelRun,
        Remote,
        Response,
        Route,
        Sequence,
        Splitter,
        Step,
        Switch,
        VotingEnsemble,
    )
}


@dataclass(frozen=True)
class Body:
    """What the body of a cell did.

    Parameters
    ----------
    values : list of (int, object)
        The value of each expression, with its line.
    assigned : dict
        The variables that it assigned.
    """

    values: list[tuple[int, Any]]
    assigned: dict[str, Any]

    def flow(self) -> Flow:
        """Give the flow that is declared: by the expressions, else by what is assigned.

        Raises
        ------
        GraphError
            If there is none, or a node is left over.
        """
        return _flow(self.values, self.assigned)

    def refuse_nodes(self) -> None:
        """Refuse nodes beside MLRun's calls: nobody could tell how they belong together."""
        nodes = [name for name, value in self.assigned.items() if isinstance(value, Node)]
        lines = [line for line, value in self.values if _is_flow(value)]
        if nodes or lines:
            what = listed(nodes) if nodes else "this flow"
            raise GraphError(
                f"{what} stands beside MLRun's calls on graph; hand it to one of them, "
                'such as graph.add_step(node, name="...")',
                line=lines[0] if lines and not nodes else None,
            )


def run_body(
    name: str,
    body: str,
    namespace: Mapping[str, Any],
    *,
    first_line: int = 1,
    bound: Mapping[str, Any] | None = None,
) -> Body:
    """Run the body of a cell.

    Parameters
    ----------
    name : str
        The graph's name, for messages.
    body : str
        Python text.
    namespace : mapping
        What the body may name; nothing is written to it.
    first_line : int
        The number of the body's first line, for messages.
    bound : mapping, optional
        Further names, which stand before those of the namespace.

    Raises
    ------
    GraphError
        If it is not Python, or if it raises; with the line.
    """
    filename = f"<graph {name}>"
    source = "\n" * (first_line - 1) + body
    # So that tracebacks, and the names written in calls, are found in this text.
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    try:
        tree = ast.parse(source, filename)
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None)
        raise GraphError(f"this is not Python: {_told(error)}", line=line) from None
    before = {"gjson": gjson, **namespace, **_ours(namespace), **(bound or {})}
    scope = dict(before)
    scope["__name__"] = "__graph__"
    values = _execute(tree, filename, scope, list(before))
    assigned = {
        key: value
        for key, value in scope.items()
        if not key.startswith("__") and (key not in before or value is not before[key])
    }
    return Body(values, assigned)


def _ours(namespace: Mapping[str, Any]) -> dict[str, type]:
    """Our names, unless the notebook has a class of its own made from ours."""
    return {
        key: kind
        for key, kind in NAMES.items()
        if not (isinstance(own := namespace.get(key), type) and issubclass(own, kind))
    }


def _execute(
    tree: ast.Module, filename: str, scope: dict[str, Any], known: list[str]
) -> list[tuple[int, Any]]:
    """Run statement by statement; give the value of each expression with its line."""
    values = []
    for statement in tree.body:
        try:
            if isinstance(statement, ast.Expr):
                expression = ast.Expression(statement.value)
                value = eval(compile(expression, filename, "eval"), scope)
                values.append((statement.lineno, value))
            else:
                exec(compile(ast.Module([statement], []), filename, "exec"), scope)
        except GraphError as error:
            raise error.at(line=_line(error, filename) or statement.lineno) from None
        except Exception as error:
            line = _line(error, filename) or getattr(error, "lineno", None) or statement.lineno
            hint = near(error.name, known) if isinstance(error, NameError) and error.name else ""
            if isinstance(error, TypeError) and "for >>" in str(error):
                hint = "; one of two things joined by >> must be a node, as Step(f) or Model(m)"
            raise GraphError(f"{one_line(error)}{hint}", line=line) from error
    return values


def _line(error: BaseException, filename: str) -> int | None:
    """The last line of the body that an exception went through."""
    line, traceback = None, error.__traceback__
    while traceback is not None:
        if traceback.tb_frame.f_code.co_filename == filename:
            line = traceback.tb_lineno
        traceback = traceback.tb_next
    return line


def _flow(values: list[tuple[int, Any]], assigned: Mapping[str, Any]) -> Flow:
    nodes = {key: value for key, value in assigned.items() if isinstance(value, Node)}
    flows = []
    for line, value in values:
        if _is_flow(value):
            try:
                flows.append(as_flow(value))
            except GraphError as error:
                raise error.at(line=line) from None
    if flows:
        flow = union(flows)
    else:
        inside = {id(part) for node in nodes.values() for part in _parts(node)}
        tops = {key: node for key, node in nodes.items() if id(node) not in inside}
        if not tops:
            raise GraphError("the cell declares no step; write for example Step(f) >> model")
        if len({id(node) for node in tops.values()}) > 1:
            raise GraphError(f"{listed(tops)} are not joined; write {' >> '.join(list(tops)[:3])}")
        flow = as_flow(next(iter(tops.values())))
    used = {id(part) for part in _parts(flow)} | {id(flow)}
    for key, node in nodes.items():
        if id(node) not in used and not (
            isinstance(node, Flow) and set(node.steps) <= set(flow.steps)
        ):
            raise GraphError(
                f"{key!r} is declared but not in the flow; join it with >> or remove it"
            )
    return flow


def _is_flow(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return bool(value) and any(map(_is_flow, value))
    return isinstance(value, Node)


def _parts(node: Node) -> list[Node]:
    return [part for _, part in walk(node)]


def _told(error: Exception) -> str:
    text = (getattr(error, "text", None) or "").strip()
    message = getattr(error, "msg", None) or str(error)
    return f"{message}: {text}" if text else message
