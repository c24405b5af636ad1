"""What each node answered to the events of a chunk: a table, numbers, or objects."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd

from .outputs import Output
from .recorded import Recorded
from .sinks.layouts import packed
from .sinks.texts import json_text


def forms_in(run: Recorded) -> list[dict[str, Any]]:
    """Tell the form of each output of a run, and of its response, last.

    Parameters
    ----------
    run : Recorded

    Returns
    -------
    list of dict
        As `graph_magics.sinks.layouts` takes them, and as JSON has them: ``column``; ``form``,
        None where no event was answered; ``names`` of its columns in the frame; ``keys`` of
        the fields of its objects, if it is a table; whether it ``responds`` itself; which
        events were ``answered``.

    Examples
    --------
    >>> from graph_magics import Graph, Step
    >>> run = Graph("g", Step(lambda e: {"y": e["x"]}, name="s")).run(pd.DataFrame({"x": [1]}))
    >>> [told["names"] for told in forms_in(run)]
    [['s.y'], ['response.y']]
    """
    response = run._response()
    told = [_told(output, _responds(output, response)) for output in run._outputs]
    return [*told, _told(response, True)]


def _responds(output: Output, response: Output) -> bool:
    """Whether the response is the very answers of a node, whatever routes it chose for them."""
    return len(output.parts) == len(response.parts) and all(
        one[1] is two[1] and np.array_equal(one[0], two[0])
        for one, two in zip(output.parts, response.parts, strict=True)
    )


def _told(output: Output, responds: bool) -> dict[str, Any]:
    bodies: Any = output.joined if output.parts else None
    form: Any = None if bodies is None else "values"
    names: list[str] = [output.column]
    keys = None
    if isinstance(bodies, pd.DataFrame):
        keys = list(json.loads(json_text(dict.fromkeys(bodies.columns, 0))))
        form = ["table", [repr(name) for name in bodies.columns]]
        names = [f"{output.column}.{name}" for name in bodies.columns]
    elif isinstance(bodies, np.ndarray) and bodies.ndim > 1:
        form = ["array", list(bodies.shape[1:])]
        labels = output.labels
        width = int(np.prod(bodies.shape[1:]))
        if labels is None or len(labels) != width:
            labels = np.arange(width)
        names = [f"{output.column}.{label}" for label in labels]
    told = {"column": output.column, "form": form, "names": names, "responds": responds}
    if keys is not None or (form and form != "values"):
        answered = np.zeros(output.size, dtype=bool)
        answered[output.positions] = True
        told |= {"keys": keys, "answered": None if answered.all() else packed(answered)}
    return told
