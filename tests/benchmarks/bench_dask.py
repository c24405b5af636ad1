"""A run by Dask on two workers, processes of this machine, against the same run here."""

from __future__ import annotations

import dask
import dask.dataframe
import numpy as np
import pandas as pd
from distributed import Client, LocalCluster
from sklearn.ensemble import RandomForestClassifier
from timing import paired, report

from graph_magics import Graph, Step, VotingEnsemble


def main() -> None:
    """Print the ratios over 1,000,000 x 20: below 1 Dask is quicker."""
    generator = np.random.default_rng(0)
    columns = [f"feature_{place}" for place in range(20)]
    events = pd.DataFrame(generator.normal(size=(1_000_000, 20)), columns=columns)
    few = events.head(2_000)
    forest = RandomForestClassifier(10, max_depth=8, random_state=0, n_jobs=1)
    forest.fit(few, few["feature_0"] > 0)
    graph = Graph("forest", VotingEnsemble(forest=forest, vote_type="classification"))
    forest = RandomForestClassifier(100, random_state=0, n_jobs=1).fit(few, few["feature_0"] > 0)
    heavy = Graph("heavy", VotingEnsemble(forest=forest, vote_type="classification"))
    tiny = Graph("tiny", Step(lambda event: event["feature_0"] > 0))
    here = graph.run(events).frame
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        with Client(cluster) as client:
            there = graph.run(events, engine="dask")
            pd.testing.assert_frame_equal(there.compute(), here)
            # What a cluster is for: the events lie there, and the answers stay.
            parts = client.scatter([events[n : n + 125_000] for n in range(0, 1_000_000, 125_000)])
            lying = dask.dataframe.from_delayed(parts, meta=events.iloc[:0], verify_meta=False)

            def summed(graph: Graph) -> object:
                return graph.run(lying).frame["response"].sum().compute()

            for what, ours, bare, rounds in (
                ("10 trees, events sent, frame fetched",
                 lambda: graph.run(events, engine="dask").compute(),
                 lambda: graph.run(events).frame, 5),
                ("10 trees, events lie there, answers summed there",
                 lambda: summed(graph), lambda: graph.run(events).frame["response"].sum(), 5),
                ("100 trees, events sent, frame fetched",
                 lambda: heavy.run(events, engine="dask").compute(),
                 lambda: heavy.run(events).frame, 1),
                ("100 trees, events lie there, answers summed there",
                 lambda: summed(heavy), lambda: heavy.run(events).frame["response"].sum(), 1),
                ("1 event, a step that does nothing",
                 lambda: tiny.run(events.iloc[:1], engine="dask").compute(),
                 lambda: tiny.run(events.iloc[:1]).frame, 5),
            ):  # fmt: skip
                mine, floor, ratio = paired(ours, bare, rounds=rounds)
                report(
                    f"Dask, 2 workers, to here: {what}",
                    f"{ratio:.2f} ({1e3 * mine:.0f} / {1e3 * floor:.0f} ms)",
                    "told",
                )
        with dask.config.set(scheduler="threads"):
            mine, floor, ratio = paired(
                lambda: graph.run(events, engine="dask").compute(),
                lambda: graph.run(events).frame,
                rounds=3,
            )
    report(
        "Dask's threads, 2 cores, to here: 10 trees",
        f"{ratio:.2f} ({1e3 * mine:.0f} / {1e3 * floor:.0f} ms)",
        "told",
    )


if __name__ == "__main__":
    main()
