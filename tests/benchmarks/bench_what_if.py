"""Other weights of a vote over the answers that a run has, against one vote by hand."""

import itertools
from typing import Any

import numpy as np
import pandas as pd
from timing import paired, report

from graph_magics import Graph, VotingEnsemble
from graph_magics.whatif import WhatIf

WEIGHTS = {"m0": 3.0, "m1": 1.0, "m2": 2.0, "m3": 0.5, "m4": 1.0}


class Recorded:
    """A model that answers with what was recorded: only the vote is of interest."""

    def __init__(self, answers: np.ndarray) -> None:
        self.answers = answers

    def predict(self, events: Any) -> np.ndarray:
        """Answer."""
        return self.answers


def by_hand(answers: list[np.ndarray], weights: np.ndarray) -> np.ndarray:
    """Vote, as one would write it for just these answers: two labels, or numbers."""
    if answers[0].dtype == float:
        return sum(w * some for w, some in zip(weights, answers, strict=True)) / weights.sum()
    first, second = np.unique(answers[0][:100])
    support = sum(w * (some == first) for w, some in zip(weights, answers, strict=True))
    return np.where(support >= weights.sum() / 2, first, second)


def measure(size: int, kind: str, answers: list[np.ndarray], target: str) -> None:
    """Print what other weights cost."""
    routes = dict(zip(WEIGHTS, map(Recorded, answers), strict=True))
    vote_type: Any = "regression" if kind == "numbers" else "classification"
    graph = Graph("g", VotingEnsemble(**routes, vote_type=vote_type, name="vote"))
    run = graph.run(pd.DataFrame({"x": np.zeros(size)}), chunk_size=size)
    what_if, weights = WhatIf(run), np.array(list(WEIGHTS.values()))
    hand = by_hand(answers, weights)
    assert (np.isclose if kind == "numbers" else np.equal)(what_if.answers(WEIGHTS), hand).all()
    is_large = size >= 1_000_000
    for what, ours, is_meant in (
        ("frame", lambda: run.what_if(WEIGHTS), is_large),
        ("answers", lambda: what_if.answers(WEIGHTS), not is_large),
        ("changed", lambda: what_if.changed(WEIGHTS), not is_large),
    ):
        mine, bare, ratio = paired(ours, lambda: by_hand(answers, weights), rounds=7)
        report(
            f"other weights, {size:,} x 5 {kind}: {what}, beside a vote by hand",
            f"{ratio:.2f} ({1e3 * mine:.1f} / {1e3 * bare:.1f} ms)",
            f"target {target}" if is_meant else "",
        )
    if is_large:
        return
    panel, turns = graph.weights_panel(run=run, y=answers[0]), itertools.count(2)

    def turn() -> None:
        panel.weights = {**WEIGHTS, "m1": next(turns) / 10}

    mine, bare, ratio = paired(turn, lambda: by_hand(answers, weights), rounds=7)
    report(
        f"panel, {size:,} x 5 {kind}: all figures of a turn, beside a vote by hand",
        f"{ratio:.2f} ({1e3 * mine:.1f} / {1e3 * bare:.1f} ms)",
        "target 100 ms",
    )
    panel.close()


def main() -> None:
    """Measure labels and numbers, at the size of a large run and of a panel."""
    generator = np.random.default_rng(0)
    for size, target in ((1_000_000, "100 ms"), (100_000, "10 ms")):
        codes = [generator.integers(0, 2, size) for _ in WEIGHTS]
        measure(size, "labels", codes, target)
        words = np.array(["no", "yes"], dtype=object)
        measure(size, "texts", [words[some] for some in codes], target)
        measure(size, "numbers", [generator.normal(size=size) for _ in WEIGHTS], target)


if __name__ == "__main__":
    main()
