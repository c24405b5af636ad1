"""What the panel tells, in words and tables: for the browser, and for where there is none."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ..errors import counted, one_line

if TYPE_CHECKING:
    from .figures import Figures, Judge

_LONGEST = 40


def value_told(value: float | None, task: str | None) -> str:
    """Write a figure as the tables of a comparison do.

    >>> value_told(0.95806, "classification"), value_told(53.1274, "regression")
    ('0.9581', '53.13')
    """
    if value is None or np.isnan(value):
        return "-"
    return f"{value:z.4f}" if task == "classification" else f"{value:.4g}"


def number_told(value: float | None, judge: Judge | None) -> dict[str, Any]:
    """A figure for the browser: the number, which JSON has no NaN for, and its text."""
    known = value is not None and bool(np.isfinite(value))
    return {
        "value": value if known else None,
        "text": value_told(value, judge.task if judge else None),
    }


def expected_told(figures: Figures | None, judge: Judge | None) -> dict[str, Any] | None:
    """The mean of a Splitter's metric over all draws, where it has one."""
    if figures is None or figures.expected is None:
        return None
    return number_told(figures.expected, judge)


def scores_told(judge: Judge | None) -> dict[str, Any]:
    """What the weights' own metric stands beside."""
    if judge is None or judge.metric is None:
        return {"metric": None, "rows": []}
    rows = [{"name": "weights of the run", "kind": "run", **number_told(judge.own, judge)}]
    for route, value in judge.models.items():
        rows.append({"name": f"{route} alone", "kind": "model", **number_told(value, judge)})
    return {"metric": judge.metric, "is_higher_better": judge.is_higher_better, "rows": rows}


def spoken_of(figures: Figures | None, judge: Judge | None) -> str:
    """What a screen reader says of the metric."""
    if figures is None or judge is None or judge.metric is None:
        return ""
    return f"{judge.metric} {value_told(figures.score, judge.task)}"


def lines_told(figures: Figures | None) -> list[str]:
    """What would have changed, a sentence each."""
    if figures is None:
        return []
    events = counted(figures.events, "event")
    if not figures.changed:
        return [f"None of {events} would be answered otherwise than in the run."]
    would = f"{figures.changed:,} of {events} would be answered otherwise than in the run"
    if figures.shift is not None:
        return [f"{would}, by {figures.shift:.3g} at the median."]
    if figures.gained or figures.lost:
        return [
            f"{would}: {figures.gained:,} right instead of wrong, {figures.lost:,} the reverse."
        ]
    return [f"{would}."]


def examples_told(figures: Figures | None) -> dict[str, Any]:
    """The first changed events, as cells of text; of a target, whether answers are right."""
    if figures is None or not len(figures.examples):
        return {"columns": [], "rows": [], "caption": ""}
    frame = figures.examples
    rows = []
    for label, values in zip(frame.index, frame.itertuples(index=False), strict=True):
        marks = [""] * (1 + len(values))
        if figures.are_labels:
            for place, answer in enumerate(values[1:], 2):
                marks[place] = "right" if answer == values[0] else "wrong"
        rows.append({"cells": [_cell(label), *map(_cell, values)], "marks": marks})
    shown = f"the first {len(frame)}" if len(frame) < figures.changed else "all of them"
    return {
        "columns": [
            _cell("event" if frame.index.name is None else frame.index.name),
            *frame.columns,
        ],
        "rows": rows,
        "caption": f"Changed events, {shown}",
    }


def _cell(value: Any) -> str:
    try:
        if isinstance(value, (float, np.floating)):
            return "-" if np.isnan(value) else f"{value:.6g}"
        if value is None or value is pd.NA:
            return "-"
        told = " ".join(str(value).split())
    except Exception as error:  # A label of the user's own may not know how to show itself.
        told = one_line(error)
    return told if len(told) <= _LONGEST else f"{told[: _LONGEST - 1]}…"


def table(panel: Any) -> pd.DataFrame:
    """A row for each route: its weight, its share, and the metric of its model alone."""
    weights, judge = panel.weights, panel._judge
    total = sum(weights.values())
    frame = pd.DataFrame(
        {
            "weight": [f"{weight:.4g}" for weight in weights.values()],
            "share": [f"{100 * weight / total:.1f} %" for weight in weights.values()],
        },
        index=list(weights),
    )
    if judge is not None and judge.metric is not None:
        alone = [value_told(judge.models[name], judge.task) for name in weights]
        frame[f"{judge.metric} alone"] = alone
    return frame.drop(columns="weight") if panel._is_splitter else frame


def _sentences(panel: Any) -> list[str]:
    judge = panel._judge
    lines = list(panel._figures["lines"])
    if judge is not None and judge.metric is not None:
        own = value_told(judge.own, judge.task)
        now = value_told(panel.score, judge.task)
        lines.insert(0, f"{judge.metric} {now}; with the weights of the run {own}.")
    return lines or [panel._facts["hint"]]


def _title(panel: Any) -> str:
    facts = panel._facts
    detail = ", ".join(filter(None, [facts["kind"], facts["detail"]]))
    return f"Weights of {facts['graph']}.{facts['router']} ({detail})"


def text(panel: Any) -> str:
    """The panel as plain text, the same each time."""
    return "\n".join([_title(panel), table(panel).to_string(), *_sentences(panel)])


def page(panel: Any) -> str:
    """The panel as a still picture: the drawing with these weights, and the table."""
    from .sketch import sketch

    weights = panel.weights
    total = sum(weights.values())
    shares = {name: weight / total for name, weight in weights.items()}
    unit = "%" if panel._is_splitter else ""
    drawing = sketch(panel.graph.name, panel.graph.root, panel._path, shares, unit)
    lines = "".join(f"<p>{html.escape(line)}</p>" for line in _sentences(panel))
    rows = table(panel).to_html(border=0, escape=True)
    return f"<p>{html.escape(_title(panel))}</p>\n{drawing}\n{rows}\n{lines}"
