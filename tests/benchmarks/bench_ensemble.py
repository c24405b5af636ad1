"""A VotingEnsemble of real models over a DataFrame, against the models alone."""

import numpy as np
import pandas as pd
from sklearn.datasets import make_classification
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from timing import paired, report

from graph_magics import Graph, VotingEnsemble


def main() -> None:
    """Print the ratio of a run to its floor: the same three predict calls and one vote."""
    samples, labels = make_classification(25_000, 20, n_informative=10, random_state=0)
    names = [f"feature_{place}" for place in range(20)]
    train, events = (
        pd.DataFrame(part, columns=names) for part in (samples[:5_000], samples[5_000:])
    )
    models = [
        LogisticRegression(),
        RandomForestClassifier(100, random_state=0),
        HistGradientBoostingClassifier(random_state=0),
    ]
    logistic, forest, boosted = (model.fit(train, labels[:5_000]) for model in models)
    graph = Graph("bench", VotingEnsemble(logistic, forest, boosted, vote_type="classification"))

    def floor() -> np.ndarray:
        votes = sum(model.predict(events) for model in models)
        return (votes * 2 > len(models)).astype(int)

    run = graph.run(events)
    assert (run.frame["response"].to_numpy() == floor()).all()
    for what, ours in (
        ("run", lambda: graph.run(events)),
        ("frame", lambda: graph.run(events).frame),
    ):
        mine, bare, ratio = paired(ours, floor, rounds=15)
        report(
            f"three models over 20,000 x 20, {what} against predict and vote",
            f"{ratio:.3f} ({1e3 * mine:.0f} / {1e3 * bare:.0f} ms)",
            "target 1.05",
        )


if __name__ == "__main__":
    main()
