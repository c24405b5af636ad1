"""The picture of a comparison: intervals, differences, agreement, calibration, errors."""

from __future__ import annotations

import io
from collections.abc import Callable, Hashable
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import MaxNLocator

from ..errors import GraphError, counted, listed, near
from .probabilities import BINS
from .wording import four_digits

if TYPE_CHECKING:
    from .tables import Tables

#: Okabe and Ito's colours, which colour-blind readers can tell apart.
_COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9", "#999999", "#F0E442")
_GREY = "#888888"
#: More labels than that are not written into the confusion.
_MOST_NUMBERS = 12
#: More points than that are not drawn.
_MOST_POINTS = 2_000
_PANEL = (5.6, 4.0)


class Plot(Figure):
    """A figure that shows itself in a notebook, and is in no list of open figures."""

    told = ""

    def __repr__(self) -> str:
        """What it shows: without its size, which may differ by the fonts."""
        return self.told

    def _repr_png_(self) -> bytes:
        target = io.BytesIO()
        self.savefig(target, format="png", dpi=110)
        return target.getvalue()


def plot(comparison: Tables, model: Hashable | None = None) -> Plot:
    """Draw a comparison; see `Comparison.plot`."""
    models = comparison.summary.index
    if model is not None and model not in models:
        hint = near(str(model), map(str, models))
        known = listed(models)
        raise GraphError(f"model={model!r}: there is no such model{hint}; there are {known}")
    place = len(models) - 1 if model is None else list(models).index(model)
    panels: list[tuple[str, Callable[[Axes, Tables], None]]] = [("intervals", _intervals)]
    if comparison.against is not None and len(comparison.summary) > 1:
        panels.append(("differences", _differences))
    if len(comparison.summary) > 1:
        panels.append(("agreement", _agreement))
    if comparison.task == "classification":
        if comparison._case.labels:
            panels.append(("confusion", partial(_confusion, model=place)))
        if len(comparison.calibration):
            panels.append(("calibration", _calibration))
    else:
        panels.append(("errors", _errors))
    columns = 2 if len(panels) > 1 else 1
    rows = -(-len(panels) // columns)
    size = (_PANEL[0] * columns, _PANEL[1] * rows)
    layout = ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.12)
    figure = Plot(figsize=size, layout=layout, facecolor="white")
    names = ", ".join(name for name, _ in panels)
    figure.told = f"Plot of a {comparison.task}: {names}"
    for number, (_, draw) in enumerate(panels, 1):
        axes = figure.add_subplot(rows, columns, number)
        axes.spines[["top", "right"]].set_visible(False)
        draw(axes, comparison)
    return figure


def _intervals(axes: Axes, comparison: Tables) -> None:
    summary, metric = comparison.summary, comparison.metric
    _bars(axes, summary, metric, f"{metric}_low", f"{metric}_high")
    if comparison.against is not None:
        middle = float(summary[metric][summary.index == comparison.against].iloc[0])
        axes.axvline(middle, color=_GREY, lw=1, ls="--", zorder=0)
    axes.set_title(f"{metric}, 95 % intervals")
    missing = int(summary["missing"].max())
    note = f" (up to {missing:,} not answered)" if missing else ""
    axes.set_xlabel(f"{metric} on {counted(comparison.events, 'event')}{note}")


def _differences(axes: Axes, comparison: Tables) -> None:
    table = comparison.differences
    _bars(axes, table, "difference", "difference_low", "difference_high")
    axes.axvline(0, color=_GREY, lw=1, ls="--", zorder=0)
    axes.set_title(_plain(f"difference to {comparison.against}, 95 % intervals"))
    axes.set_xlabel(f"{comparison.metric}, on events that both answered")


def _bars(axes: Axes, table: pd.DataFrame, middle: str, low: str, high: str) -> None:
    for place, (_, row) in enumerate(table.iterrows()):
        colour = _COLOURS[0]
        bounds = [float(row[low]), float(row[high])]
        axes.plot(bounds, [place, place], color=colour, lw=2.5, solid_capstyle="butt")
        axes.plot(bounds, [place, place], "|", color=colour, ms=9, mew=1.5)
        axes.plot([float(row[middle])], [place], "o", color=colour, ms=7)
    axes.xaxis.set_major_locator(MaxNLocator(5))
    _name_rows(axes, table.index)
    axes.grid(axis="x", color="#e5e5e5", lw=0.8)
    axes.set_axisbelow(True)


def _name_rows(axes: Axes, names: pd.Index) -> None:
    axes.set_yticks(range(len(names)), [_short(name) for name in names])
    axes.set_ylim(len(names) - 0.5, -0.5)


def _agreement(axes: Axes, comparison: Tables) -> None:
    values = comparison.agreement.to_numpy(dtype=float)
    lowest = np.nanmin(values) if np.isfinite(values).any() else 0.0
    # What is lowest is not to look like nothing.
    lowest = min(1.5 * lowest - 0.5, 0.99)
    _table(axes, values, low=lowest, high=1.0)
    names = [_short(name) for name in comparison.agreement.index]
    axes.set_xticks(range(len(names)), names, rotation=45, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(names)), names)
    what = "share of same labels" if comparison.task == "classification" else "concordance"
    axes.set_title(f"agreement: {what}")
    if len(names) <= _MOST_NUMBERS:
        _write(axes, values, lambda value: f"{value:.2f}", low=lowest, high=1.0)


def _confusion(axes: Axes, comparison: Tables, model: int) -> None:
    case, summary = comparison._case, comparison.summary
    known = ~np.isnan(case.given[model])
    size = len(case.labels)
    pairs = case.truth[known] * size + case.given[model][known]
    counts = np.bincount(pairs.astype(np.int64), minlength=size * size).reshape(size, size)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    _table(axes, shares, low=0.0, high=1.0)
    axes.set_title(_plain(f"confusion of {summary.index[model]}: events"))
    axes.set_xlabel("answered")
    axes.set_ylabel("true")
    if size <= _MOST_NUMBERS:
        names = [_short(label) for label in case.labels]
        wide = max(map(len, names), default=0) > 3
        turned: dict[str, Any] = {"rotation": 45, "ha": "right", "rotation_mode": "anchor"}
        axes.set_xticks(range(size), names, **(turned if wide else {}))
        axes.set_yticks(range(size), names)
        _write(axes, counts, lambda value: f"{value:,.0f}" if value else "", shares=shares)


def _calibration(axes: Axes, comparison: Tables) -> None:
    table = comparison.calibration
    axes.plot([0, 1], [0, 1], color=_GREY, lw=1, ls="--", zorder=0)
    labels = table.index.get_level_values("label").unique()
    for place, (name, some) in enumerate(table.groupby(level="model", sort=False)):
        # Of many labels all bins of a kind are one point.
        held = some.assign(
            predicted=some["predicted"] * some["events"], observed=some["observed"] * some["events"]
        )
        sums = held.groupby(level="bin", sort=False).sum()
        sums = sums[sums["events"] > 0]
        points = sums["predicted"] / sums["events"], sums["observed"] / sums["events"]
        colour = _COLOURS[place % len(_COLOURS)]
        axes.plot(*points, "o-", color=colour, ms=4, lw=1.5, label=_short(name))
    one = len(labels) == 1
    axes.set_title(_plain(f"calibration of {labels[0]!s}") if one else "calibration, all labels")
    axes.set_xlabel(f"predicted probability, {BINS} bins")
    axes.set_ylabel("observed share")
    axes.legend(frameon=False, fontsize="small")
    axes.set_aspect("equal")


def _errors(axes: Axes, comparison: Tables) -> None:
    case = comparison._case
    errors = [values - case.truth for values in case.given]
    errors = [each[~np.isnan(each)] for each in errors]
    shown = [place for place, each in enumerate(errors) if len(each)]
    if shown:
        axes.boxplot(
            [errors[place] for place in shown],
            positions=shown,
            orientation="horizontal",
            widths=0.5,
            whis=(5, 95),
            showfliers=sum(map(len, errors)) <= _MOST_POINTS,
            flierprops={"marker": ".", "markersize": 3, "markeredgecolor": _GREY},
            boxprops={"color": _COLOURS[0], "lw": 1.5},
            whiskerprops={"color": _COLOURS[0], "lw": 1.5},
            capprops={"color": _COLOURS[0], "lw": 1.5},
            medianprops={"color": _COLOURS[4], "lw": 2},
        )
    _name_rows(axes, comparison.summary.index)
    axes.axvline(0, color=_GREY, lw=1, ls="--", zorder=0)
    axes.grid(axis="x", color="#e5e5e5", lw=0.8)
    axes.set_axisbelow(True)
    axes.set_title("errors: quarters, whiskers at 5 and 95 %")
    axes.set_xlabel("answer - target")


def _table(axes: Axes, values: np.ndarray, *, low: float, high: float) -> None:
    axes.imshow(values, cmap="Blues", vmin=low, vmax=high, aspect="auto")
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)


def _write(
    axes: Axes,
    values: np.ndarray,
    say: Callable[[float], str],
    *,
    shares: np.ndarray | None = None,
    low: float = 0.0,
    high: float = 1.0,
) -> None:
    dark = ((values if shares is None else shares) - low) / (high - low) > 0.6
    for (row, column), value in np.ndenumerate(values):
        if not np.isnan(value):
            colour = "white" if dark[row, column] else "#222222"
            at: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": "small"}
            axes.text(column, row, say(value), color=colour, **at)


def _short(name: object) -> str:
    text = four_digits(name) if isinstance(name, float) else str(name)
    return _plain(text if len(text) <= 24 else f"{text[:23]}…")


def _plain(text: str) -> str:
    """A text as it is: between dollar signs there would be a formula."""
    return text.replace("$", r"\$")
