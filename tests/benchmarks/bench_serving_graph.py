"""PreProcess, a VotingEnsemble of three models, PostProcess: one request at a time, and a batch."""

from __future__ import annotations

from functools import partial
from time import perf_counter
from typing import Any

import numpy as np
from sklearn.datasets import make_classification
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from timing import paired, report

from graph_magics import Graph, mlrun

#: What MLRun's own mock server answered a second, with its best engine, on a machine like this.
MLRUN = {"constant": 5_669, "scikit-learn": 76}


class PreProcess:
    """Rows of numbers, as requests have them."""

    def do(self, body: dict[str, Any]) -> dict[str, Any]:
        """Make floats of them."""
        return {"inputs": [[float(value) for value in body["row"]]]}


class PostProcess:
    """The label by name."""

    def do(self, body: dict[str, Any]) -> dict[str, Any]:
        """Look it up."""
        return {"label": "abc"[body["outputs"][0]]}


class Constant(mlrun.V2ModelServer):
    """Costs nothing."""

    def load(self) -> None:
        """Have nothing to load."""

    def predict(self, request: dict[str, Any]) -> list[int]:
        """Answer the same to each row."""
        return [1] * len(request["inputs"])


class Fitted(mlrun.V2ModelServer):
    """A fitted model, as MLRun's users wrap one."""

    def load(self) -> None:
        """Take what the declaration holds."""
        self.model = self.get_param("fitted")

    def predict(self, request: dict[str, Any]) -> Any:
        """Predict the rows."""
        return self.model.predict(np.asarray(request["inputs"])).tolist()


def declared(routes: dict[str, dict[str, Any]]) -> Graph:
    """Declare the flow by MLRun's calls."""
    graph = Graph("bench", engine="sync")
    vote = graph.to(PreProcess, name="pre").to(
        "*mlrun.serving.VotingEnsemble", name="vote", vote_type="classification"
    )
    for name, route in routes.items():
        vote.add_route(name, **route)
    vote.to(PostProcess, name="post").respond()
    return graph


def one_at_a_time(graph: Graph, body: dict[str, Any], number: int) -> float:
    """How many single requests are answered a second, in the best of five rounds."""
    graph.test(body=body)
    best = float("inf")
    for _ in range(5):
        started = perf_counter()
        for _ in range(number):
            graph.test(body=body)
        best = min(best, perf_counter() - started)
    return number / best


def main() -> None:
    """Print events a second, and how many times MLRun's own speed that is."""
    X, y = make_classification(4_000, 20, n_informative=10, n_classes=3, random_state=0)
    models = {
        "logistic": LogisticRegression(max_iter=1000).fit(X, y),
        "forest": RandomForestClassifier(100, random_state=0).fit(X, y),
        "boosted": HistGradientBoostingClassifier(random_state=0).fit(X, y),
    }
    trivial = declared({name: {"class_name": Constant} for name in models})
    fitted = declared({n: {"class_name": Fitted, "fitted": m} for n, m in models.items()})

    def by_hand(rows: np.ndarray) -> Any:
        return [model.predict(rows) for model in models.values()]

    best = MLRUN["constant"]
    body = {"row": [1, 2, 3, 4]}
    rate = one_at_a_time(trivial, body, 2_000)
    report("one .test of PreProcess, vote of three constant models, PostProcess",
           f"{rate:,.0f}/s, {rate / best:.1f} x", "target 2 x MLRun's best")  # fmt: skip
    events = [{"row": [number % 3, 2, 3, 4]} for number in range(100_000)]
    pre, post = PreProcess(), PostProcess()
    floor = lambda: [post.do({"outputs": [len(pre.do(e)["inputs"])]}) for e in events]  # noqa: E731
    ours, _, ratio = paired(partial(trivial.run, events), floor, 5)
    rate = len(events) / ours
    report("    100,000 of them at once",
           f"{1e6 / rate:.1f} us/event, {rate / best:.0f} x", "target 5 us, 35 x")  # fmt: skip
    report("    against calling the two steps by hand", f"{ratio:.1f}", "")

    best = MLRUN["scikit-learn"]
    rows = np.tile(X, (5, 1))
    rate = one_at_a_time(fitted, {"row": rows[0].tolist()}, 20)
    report("one .test with three scikit-learn models", f"{rate:,.0f}/s, {rate / best:.1f} x", "")
    events = [{"row": row.tolist()} for row in rows]
    ours, _, ratio = paired(partial(fitted.run, events), partial(by_hand, rows), 3)
    rate = len(events) / ours
    report("    20,000 of them at once", f"{rate:,.0f}/s, {rate / best:.0f} x",
           "target 500 x MLRun's best")  # fmt: skip
    report("    against the three predicts on an array", f"{ratio:.2f}", "")


if __name__ == "__main__":
    main()
