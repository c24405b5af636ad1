"""Cores: runs as they choose by themselves, and where asked, against the same on one thread."""

import os

import pandas as pd
from sklearn.datasets import make_classification
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from timing import paired, report

from graph_magics import Graph, Step, VotingEnsemble
from graph_magics.cores import cores


def weighed(event: dict[str, float]) -> float:
    """Keep Python itself busy for a while."""
    total = 0.0
    for place in range(300):
        total += place * event["feature_0"]
    return total


def main() -> None:
    """Print the ratios: below 1 the cores help, and none should be above 1.05."""
    samples, labels = make_classification(105_000, 20, n_informative=10, random_state=0)
    names = [f"feature_{place}" for place in range(20)]
    train, events = (
        pd.DataFrame(part, columns=names) for part in (samples[:5_000], samples[5_000:])
    )
    models = {
        "logistic": LogisticRegression(),
        "forest": RandomForestClassifier(100, random_state=0),
        "boosted": HistGradientBoostingClassifier(random_state=0),
    }
    for model in models.values():
        model.fit(train, labels[:5_000])
    some, number = events[:20_000], cores()

    def graph_of(routes: dict[str, object]) -> Graph:
        return Graph("bench", VotingEnsemble(vote_type="classification", **routes))

    def alone(routes: dict[str, object]) -> Graph:
        """A graph whose models found a single core when they looked."""
        graph = graph_of(routes)
        os.environ["LOKY_MAX_CPU_COUNT"] = "1"
        graph.run(events)
        del os.environ["LOKY_MAX_CPU_COUNT"]
        return graph

    every = graph_of(models)
    one = alone(models)
    for _ in range(3):
        every.run(events)  # Now it knows what is quicker.
    python = Graph("python", Step(weighed))
    few = events[:5_000]
    rows = [
        ("three models over 20,000 x 20, as it chooses", lambda: every.run(some),
         lambda: one.run(some), 9),
        ("three models over 100,000 x 20, as it chooses", lambda: every.run(events),
         lambda: one.run(events), 5),
        ("three models over 100,000 x 20, executor='thread'",
         lambda: one.run(events, executor="thread"), lambda: one.run(events), 5),
        ("three models over 100,000 x 20, executor='process'",
         lambda: one.run(events, executor="process"), lambda: one.run(events), 5),
        ("Python over 5,000 events, executor='process'",
         lambda: python.run(few, executor="process"), lambda: python.run(few), 5),
    ]  # fmt: skip
    for name in models:
        single = graph_of({name: models[name]})
        bare = alone({name: models[name]})
        for _ in range(3):
            single.run(events)
        rows.append((
            f"{name} alone over 100,000 x 20, as it chooses", lambda g=single: g.run(events),
            lambda g=bare: g.run(events), 5,
        ))  # fmt: skip
    for what, ours, floor, rounds in rows:
        pd.testing.assert_frame_equal(ours().frame, floor().frame)
        mine, bare_, ratio = paired(ours, floor, rounds=rounds)
        report(
            f"{number} cores to one thread: {what}",
            f"{ratio:.2f} ({1e3 * mine:.0f} / {1e3 * bare_:.0f} ms)",
            "at most 1.05",
        )


if __name__ == "__main__":
    main()
