"""How a comparison says its figures: digits, sentences, notes."""

from __future__ import annotations

from collections.abc import Hashable

import numpy as np
import pandas as pd

from ..errors import counted, listed
from ..scores import Task
from .paired import LOWER

#: Fewer events than that say little.
FEW = 30
#: A p-value below is taken for more than chance.
SIGNIFICANT = 0.05
NO_INTERVAL = "too few events differ for an interval"
#: Metrics that are shares, whose differences are told in points: hundredths.
_SHARES = frozenset({"accuracy", "balanced_accuracy", "precision", "recall", "f1", "roc_auc"})


def digits(task: Task, value: float) -> str:
    """A figure of a table."""
    return f"{value:z.4f}" if task == "classification" else four_digits(value)


def four_digits(value: float) -> str:
    """Four significant digits.

    >>> four_digits(0.123456), four_digits(12345.6), four_digits(1e-17)
    ('0.1235', '12346', '0')
    """
    if abs(value) < 1e-12:
        return "0"  # Noise of rounding, which differs from machine to machine.
    return f"{value:.0f}" if 1e3 <= abs(value) < 1e9 else f"{value:.4g}"


def of_p(value: float) -> str:
    """A p-value.

    >>> of_p(0.25), of_p(0.00001), of_p(1.0)
    ('0.2500', '<0.0001', '1.0000')
    """
    if np.isnan(value):
        return "NaN"
    return "<0.0001" if value < 0.0001 else f"{value:.4f}"


def verdict(
    model: Hashable, against: Hashable, metric: str, row: pd.Series, events: int, number: int
) -> str:
    """Say whether a difference may be chance: unless p-value and interval both say no.

    Parameters
    ----------
    row : Series
        The model's row of `Comparison.differences`.
    events : int
        How many events are compared: told if both models answered fewer.
    number : int
        How many models are held against `against`.
    """
    difference, low, high = (float(row[name]) for name in row.index[:3])
    both = int(row["both"])
    if not both or np.isnan(difference):
        return f"{model} and {against} have no events in common that {metric} can be told of."
    share = metric in _SHARES
    scale, unit = (100, " points") if share else (1, "")

    # Of an area near 1 the second decimal counts.
    most = np.nanmax(np.abs([difference, low, high]))
    decimals = 1 if most >= 0.01 else 2

    def said(value: float) -> str:
        return f"{value * scale:z.{decimals}f}" if share else four_digits(value)

    if said(abs(difference)) == said(0):
        text = f"{model} and {against} are alike in {metric}"
    else:
        is_better = (difference < 0) == (metric in LOWER)
        much = said(abs(difference))
        word = "better" if is_better else "worse"
        text = f"{model} is {much}{unit} {word} than {against}"
        if not share:
            side = "lower" if difference < 0 else "higher"
            text = f"the {metric} of {model} is {much} {side} ({word}) than that of {against}"
    if not np.isnan(low):
        text += f", 95 % interval {said(low)} to {said(high)}"
    else:
        text += f", {NO_INTERVAL}"
    p_value, corrected = float(row["p_value"]), float(row["p_holm"])
    text += ", and for a test" if np.isnan(p_value) else f", p {_equals(p_value)}"
    if number > 1 and not np.isnan(p_value) and _equals(corrected) != _equals(p_value):
        text += f" ({_equals(corrected, bare=True)} corrected for {number} comparisons)"
    if both < events:
        text += f", on {counted(both, 'event')} that both answered"
    # Few events that weigh much can part test and interval: then neither is to be trusted.
    is_sure = corrected < SIGNIFICANT and not low <= 0 <= high
    return f"{text}: {'this is more than chance' if is_sure else 'this may be chance'}."


def note_on_groups(by: pd.DataFrame) -> list[str]:
    """Name the groups that are too small to say much."""
    events = (by["events"] + by["missing"]).groupby(level=0, sort=False, dropna=False).first()
    small = events[events < FEW]
    if not len(small):
        return []
    told = listed([f"{label} ({number})" for label, number in small.items()])
    return [f"Groups of fewer than {FEW} events say little: {told.replace(chr(39), '')}."]


def _equals(value: float, *, bare: bool = False) -> str:
    if value < 0.0001:
        return "< 0.0001"
    text = f"{value:.2g}"
    return text if bare else f"= {text}"
