"""The engine's own time on JSON events: models that cost nothing."""

from functools import partial
from statistics import median
from time import perf_counter

import numpy as np
from timing import report, seconds

from graph_magics import Graph, Step, VotingEnsemble


class Constant:
    """A model that predicts one label."""

    def __init__(self, label: int) -> None:
        self.label = label

    def predict(self, samples: np.ndarray) -> np.ndarray:
        """Predict it."""
        return np.full(len(samples), self.label)


def frame(graph: Graph, events: list[dict[str, object]]) -> object:
    """Run, and make the frame."""
    return graph.run(events).frame


def main() -> None:
    """Print microseconds per event, in a batch and one at a time."""

    def ensemble() -> VotingEnsemble:
        return VotingEnsemble(
            a=Constant(1), b=Constant(0), c=Constant(1), vote_type="classification"
        )

    alone = Graph("ensemble", ensemble())
    flow = Graph("flow", Step(lambda body: body) >> ensemble() >> Step(lambda body: body))
    events = [{"inputs": [[0.1, 0.2, 0.3, float(number)]]} for number in range(200_000)]
    for graph, what in ((alone, "ensemble of three"), (flow, "step, ensemble of three, step")):
        graph.run(events[:1000])
        for asked, ours in (("run", graph.run), ("frame", partial(frame, graph))):
            times = [seconds(partial(ours, events)) / len(events) * 1e6 for _ in range(5)]
            report(
                f"200,000 JSON events, {what}: {asked}", f"{median(times):.2f} us/event", "target 5"
            )

    event = events[7]
    times = []
    for _ in range(30):
        start = perf_counter()
        for _ in range(200):
            flow.test(event)
        times.append((perf_counter() - start) / 200 * 1e6)
    report(
        "one event by .test: step, ensemble of three, step", f"{median(times):.0f} us", "target 100"
    )


if __name__ == "__main__":
    main()
