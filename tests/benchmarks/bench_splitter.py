"""A Splitter over columns, against the same by hand."""

import numpy as np
import pandas as pd
from timing import paired, report

from graph_magics import Graph, Splitter


def total(frame: pd.DataFrame) -> np.ndarray:
    """Answer with something that needs all columns."""
    return frame.to_numpy().sum(axis=1)


def main() -> None:
    """Print the ratio of a run to taking and assigning by hand."""
    generator = np.random.default_rng(0)
    columns = [f"feature_{place}" for place in range(20)]
    events = pd.DataFrame(generator.normal(size=(1_000_000, 20)), columns=columns)
    graph = Graph("split", Splitter(a=total, b=total, c=total, weights={"a": 50, "b": 30, "c": 20}))

    def by_hand() -> np.ndarray:
        draws = np.random.default_rng(0).random(len(events))
        choice = np.searchsorted([0.5, 0.8], draws, side="right")
        answers = np.empty(len(events))
        for route in range(3):
            rows = np.flatnonzero(choice == route)
            answers[rows] = total(events.take(rows))
        return answers

    assert np.array_equal(graph.run(events).frame["response"].to_numpy(), by_hand())
    for what, ours in (
        ("run", lambda: graph.run(events)),
        ("frame", lambda: graph.run(events).frame),
    ):
        mine, bare, ratio = paired(ours, by_hand, rounds=15)
        report(
            f"Splitter over 1,000,000 x 20, {what} against take and assignment",
            f"{ratio:.2f} ({1e3 * mine:.0f} / {1e3 * bare:.0f} ms)",
            "target 1.5",
        )


if __name__ == "__main__":
    main()
