"""The recorded answers of MLRun 1.12, and how a case is declared and asked here."""

from __future__ import annotations

import json
import math
import numbers
from collections.abc import Mapping
from pathlib import Path
from types import GeneratorType
from typing import Any

import numpy as np

from graph_magics import EventError, Graph, GraphError, mlrun
from graph_magics.mlrun.answers import is_response

_FOLDER = Path(__file__).parent
_CLASSES = json.loads((_FOLDER / "classes.json").read_text())
#: What is not compared: MLRun's own bookkeeping.
_LEFT_OUT = {"background_task_state", "timestamp", "model_endpoint_uid"}

CASES = [c for c in json.loads((_FOLDER / "cases.json").read_text()) if c["scope"] == "must"]
#: What is told of the body counts MLRun's own key, ``background_task_state``, which is none of
#: the user's and is left out.
_COUNTS_MLRUNS_KEY = {f"nested/parallel_expression_route_{engine}" for engine in ("sync", "async")}
SOUND = [
    case for case in CASES if "mlrun_bug" not in case and case["name"] not in _COUNTS_MLRUNS_KEY
]
DEFECTS = [case for case in CASES if "mlrun_bug" in case or case["name"] in _COUNTS_MLRUNS_KEY]
#: What we answer instead of MLRun's defects.
INSTEAD = json.loads((_FOLDER / "instead.json").read_text())
TWINS: dict[str, list[dict[str, Any]]] = {}
for _case in CASES:
    TWINS.setdefault(_case["group"], []).append(_case)


class Asked:
    """What came of a case: the answers of all its requests, or the error of its declaration."""

    def __init__(self, case: Mapping[str, Any]) -> None:
        self.error: Exception | None = None
        self.stage = "declare"
        self.answers: list[Any] = []
        self.namespace = source_of(case)
        try:
            self.graph = declared(case, self.namespace)
        except Exception as error:
            self.error = error
            return
        requests = [*case.get("prior_requests", []), case["request"]]
        for number, request in enumerate(requests, start=1):
            is_last = number == len(requests)
            self._ask(request, "evt-1" if is_last else f"evt-p{number}")

    def _ask(self, request: Mapping[str, Any], event_id: str) -> None:
        body = read(request.get("body"), self.namespace)
        before = repr(body)
        try:
            answer = self.graph.test(
                request["path"],
                body,
                request["method"],
                request.get("headers"),
                event_id=event_id,
                content_type=request.get("content_type"),
            )
            self.answers.append({"body": answer})
        except (GraphError, EventError) as error:
            self.error = error
            self.stage = "request" if isinstance(error, EventError) else "build"
            self.answers.append({"error": error})
        assert repr(body) == before, "the caller's event was changed"


def declared(case: Mapping[str, Any], namespace: dict[str, Any]) -> Graph:
    """Declare a case's graph by its calls."""
    options = {key: read(value, namespace) for key, value in case["topology"].items()}
    graph = Graph(case["group"].partition("/")[2], namespace=namespace)
    graph.set_topology(**options)
    for key, value in case.get("spec", {}).items():
        setattr(graph.spec, key, value)
    last: Any = graph
    for call in case["declaration"]:
        target = call["target"]
        place = {"graph": graph, "fn": graph, "last": last}.get(target)
        if place is None:
            place = graph[target.removeprefix("step:")]
        arguments = [read(value, namespace) for value in call.get("args", [])]
        named = {key: read(value, namespace) for key, value in call.get("kwargs", {}).items()}
        last = getattr(place, call["method"])(*arguments, **named)
    return graph


def source_of(case: Mapping[str, Any]) -> dict[str, Any]:
    """Run the source of a case's classes, with its imports read as ours."""
    namespace: dict[str, Any] = {"TRACE": [], "__name__": "classes_of_a_case"}
    source = _CLASSES[case["classes"]]
    exec(compile(ours(source), f"<classes {case['classes']}>", "exec"), namespace)
    return namespace


def ours(source: str) -> str:
    """Give a source with one import changed."""
    lines = []
    for line in source.split("\n"):
        words = line.split()
        if line.startswith("import ") and words[1] in ("mlrun", "storey"):
            line = f"from graph_magics import mlrun as {words[1]}"
        elif words[:1] == ["from"] and words[1].startswith("mlrun"):
            line = line.replace(words[1], "graph_magics.mlrun", 1)
        lines.append(line)
    return "\n".join(lines)


def read(value: Any, namespace: Mapping[str, Any]) -> Any:
    """Give what a value of the recording says."""
    if isinstance(value, list):
        return [read(item, namespace) for item in value]
    if not isinstance(value, dict):
        return value
    if "$ref" in value:
        return namespace[value["$ref"]]
    if "$new" in value:
        name = value["$new"]
        kind = namespace.get(name) or getattr(mlrun, name.rpartition(".")[2])
        arguments = [read(item, namespace) for item in value.get("args", [])]
        named = {key: read(item, namespace) for key, item in value.get("kwargs", {}).items()}
        return kind(*arguments, **named)
    if "$bytes" in value:
        return value["$bytes"].encode("latin-1")
    if "$tuple" in value:
        return tuple(read(item, namespace) for item in value["$tuple"])
    if "$float" in value:
        return float(value["$float"])
    return {key: read(item, namespace) for key, item in value.items()}


def same(ours: Any, theirs: Any) -> bool:
    """Whether an answer is the recorded one, as the recording's README has it."""
    if is_response(ours):
        ours = ours.body
    if isinstance(theirs, dict):
        if "$bytes" in theirs:
            return ours == theirs["$bytes"].encode("latin-1")
        if "$tuple" in theirs:
            return isinstance(ours, tuple) and same(list(ours), theirs["$tuple"])
        if "$ndarray" in theirs:
            return isinstance(ours, np.ndarray) and same(ours.tolist(), theirs["value"])
        if "$numpy" in theirs:
            return same(ours.item() if isinstance(ours, np.generic) else ours, theirs["value"])
        if "$float" in theirs:
            return same(ours, float(theirs["$float"]))
        if "$generator" in theirs:
            return isinstance(ours, GeneratorType) and same(list(ours), theirs["$generator"])
        if not isinstance(ours, dict):
            return False
        keys = [key for key in theirs if key not in _LEFT_OUT]
        mine = [key for key in ours if key not in _LEFT_OUT]
        return set(mine) == set(keys) and all(same(ours[key], theirs[key]) for key in keys)
    if isinstance(theirs, list):
        return (
            isinstance(ours, list)
            and len(ours) == len(theirs)
            and all(same(mine, yours) for mine, yours in zip(ours, theirs, strict=True))
        )
    if isinstance(theirs, numbers.Real) and not isinstance(theirs, bool):
        if not isinstance(ours, numbers.Real) or isinstance(ours, bool):
            return False
        return math.isclose(ours, theirs, rel_tol=1e-9) or (ours != ours and theirs != theirs)
    return type(ours) is type(theirs) and ours == theirs
