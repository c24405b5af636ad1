"""A KServe Ensemble of three services that are Python functions, over JSON events."""

import json
from functools import partial
from statistics import median

from timing import paired, report

from graph_magics import Graph

#: What the real router answered a second, over HTTP, on a machine like this.
ROUTER = 2_700
STEPS = [{"serviceName": name, "name": name} for name in "abc"]
SPEC = {"nodes": {"root": {"routerType": "Ensemble", "steps": STEPS}}}


def service(body: dict[str, list[float]]) -> dict[str, list[float]]:
    """Answer at once."""
    return {"predictions": [1.0]}


def by_hand(events: list[dict[str, list[float]]]) -> list[object]:
    """Do what any Ensemble must: call the services and put their answers together."""
    return [{name: service(event) for name in "abc"} for event in events]


def by_hand_from_bytes(events: list[bytes]) -> list[object]:
    """The same, with requests to be read."""
    return by_hand([json.loads(event) for event in events])


def main() -> None:
    """Print events a second, and the ratio to doing it by hand."""
    graph = Graph.from_kserve(SPEC, dict.fromkeys("abc", service))
    events = [{"instances": [[0.1, 0.2, 0.3, float(number)]]} for number in range(100_000)]
    raw = [json.dumps(event).encode() for event in events]
    for what, given, floor in (
        ("objects", events, by_hand),
        ("bytes", raw, by_hand_from_bytes),
    ):
        run = partial(graph.run, given)
        ours, _, ratio = paired(run, partial(floor, given), 5)
        rate = len(events) / ours
        report(
            f"100,000 JSON events ({what}), KServe Ensemble of three functions",
            f"{rate:,.0f}/s, {rate / ROUTER:.0f} x",
            "target 20 x the router",
        )
        report("    against calling and merging by hand", f"{ratio:.1f}", "")
    with_frame = [paired(lambda: graph.run(events).frame, lambda: by_hand(events), 3)[0]]
    rate = len(events) / median(with_frame)
    report("    with the frame", f"{rate:,.0f}/s, {rate / ROUTER:.0f} x", "")


if __name__ == "__main__":
    main()
