"""The laws, over graphs declared by MLRun's calls: batches, chunks and single requests agree."""

from __future__ import annotations

import copy
import os
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from graph_magics import EventError, Graph, mlrun

_EXAMPLES = int(os.environ.get("LAW_EXAMPLES", "40"))


class RowWise(mlrun.V2ModelServer):
    """Answers row by row."""

    def load(self):
        self.shift = self.get_param("shift", 0)

    def predict(self, request):
        return [(int(sum(row)) + self.shift) % 3 for row in request["inputs"]]


class Floats(RowWise):
    """As a regression."""

    def predict(self, request):
        return [sum(row) / 2 + self.shift for row in request["inputs"]]


class Picky(RowWise):
    """Fails on some rows."""

    def predict(self, request):
        if any(row[0] < 0 for row in request["inputs"]):
            raise ValueError("negative")
        return super().predict(request)


class OfAll(RowWise):
    """What it answers to a row hangs on the other rows of the request."""

    def predict(self, request):
        size = len(request["inputs"])
        return [(int(sum(row)) + size) % 3 for row in request["inputs"]]


class Curious(RowWise):
    """Looks at more than the inputs."""

    def predict(self, request):
        return [request.get("user", 0)] * len(request["inputs"])


class Hooked(RowWise):
    """With hooks."""

    def preprocess(self, request, operation):
        request["inputs"] = [[value + 1 for value in row] for row in request["inputs"]]
        return request

    def postprocess(self, response):
        response["hooked"] = True
        return response


class Widest(mlrun.VotingEnsemble):
    """Counts by itself."""

    def logic(self, predictions, weights):
        return [float(max(row) - min(row)) for row in predictions]


class Picks(mlrun.Choice):
    """Sends an event to steps that its body names."""

    def select_outlets(self, event):
        return event.get("go", ["left"])


class Counts:
    """Remembers how many events it has seen."""

    def __init__(self):
        self.seen = 0

    def do(self, body):
        self.seen += 1
        return {**body, "seen": self.seen}


def cleaned(body):
    if body.get("user") == 2:
        raise KeyError("no second user")
    return {key: value for key, value in body.items() if key != "noise"}


def changed_in_place(body):
    body["inputs"].append([0, 0])
    return body


def handled(event):
    event.body = {"failed": event.origin_state, "inputs": [[1, 1]]}
    return event


MODELS = [RowWise, Floats, Picky, OfAll, Curious, Hooked]
ROUTERS = ["mlrun.serving.VotingEnsemble", Widest, "mlrun.serving.ModelRouter", "ParallelRun"]

rows = st.lists(st.integers(-1, 4), min_size=2, max_size=2)
bodies = st.fixed_dictionaries(
    {"inputs": st.lists(rows, max_size=3)},
    optional={
        "user": st.integers(0, 3),
        "noise": st.text(max_size=2),
        "model": st.sampled_from(["a", "b"]),
        "go": st.lists(st.sampled_from(["left", "right"]), unique=True, max_size=2),
    },
)
events = st.lists(bodies | st.sampled_from([{}, {"inputs": 5}, [1], None, "text"]), max_size=12)


@st.composite
def routers(draw: Any) -> tuple[Any, dict[str, Any], dict[str, Any]]:
    kind = draw(st.sampled_from(ROUTERS))
    options: dict[str, Any] = {}
    if kind == ROUTERS[0]:
        options["on_missing"] = draw(st.sampled_from(["fail", "vote"]))
        options["vote_type"] = draw(st.sampled_from([None, "regression", "classification"]))
    elif kind == "ParallelRun":
        options["extend_event"] = draw(st.booleans())
    made = draw(st.lists(st.sampled_from(MODELS), min_size=1, max_size=3))
    routes = {name: {"class_name": model, "shift": draw(st.integers(0, 2))}
              for name, model in zip("abc", made, strict=False)}  # fmt: skip
    return kind, options, routes


@st.composite
def graphs(draw: Any) -> Any:
    """Give a function that declares the graph anew: its objects are its own."""
    engine = draw(st.sampled_from(["sync", "async"]))
    first = draw(st.sampled_from([cleaned, changed_in_place, None]))
    catches = draw(st.booleans())
    kind, options, routes = draw(routers())
    spreads = engine == "async" and draw(st.booleans())
    picks = engine == "async" and draw(st.booleans())

    def declare() -> Graph:
        graph = Graph("g", engine=engine)
        last: Any = graph
        if first is not None:
            last = last.to(name="first", handler=first)
            if catches:
                last.error_handler(name="catch", handler=handled, full_event=True)
        if spreads:
            last = last.to("storey.FlatMap", name="twice", _fn="([event, event])")
        if picks:
            last = last.to(Picks, name="pick")
            last.to(name="left", handler="(dict(event, way='left'))")
            last.to(name="right", handler="(dict(event, way='right'))")
            last = graph.add_step(name="joined", handler=dict, after=["left", "right"])
        is_path = isinstance(kind, str)
        last = last.to(f"*{kind}" if is_path else kind, name="router", **options)
        for name, route in routes.items():
            last.add_route(name, **route)
        last.to(name="last", handler="({'answer': event})").respond()
        return graph

    return declare


def told(graph: Graph, event: Any, position: int) -> Any:
    try:
        return plain(graph.test("/", event, "POST", event_id=str(position)))
    except EventError as error:
        return f"{error.node}: {error.__cause__!r}"


def plain(body: Any) -> Any:
    """A body without times."""
    if isinstance(body, dict):
        return {key: plain(value) for key, value in body.items() if key != "timestamp"}
    return [plain(value) for value in body] if isinstance(body, list) else body


def answers(run: Any) -> list[Any]:
    """What a run says of each event: the body, or the error."""
    failures = run._failures
    found: dict[int, Any] = {}
    for answer in run._answers:
        found |= dict(zip(answer.positions.tolist(), answer.events(), strict=True))
    return [
        f"{failures[at].node}: {failures[at].error!r}" if at in failures else plain(found[at])
        for at in range(len(run))
    ]


@settings(max_examples=_EXAMPLES, deadline=None)
@given(graphs(), events)
def test_a_batch_gives_what_its_events_give_one_by_one(declare: Any, some: list[Any]) -> None:
    before = copy.deepcopy(some)
    run = declare().run(some)
    alone = declare()
    assert answers(run) == [told(alone, event, at) for at, event in enumerate(some)]
    assert some == before
    assert len(run.frame) == len(some)


@settings(max_examples=_EXAMPLES, deadline=None)
@given(graphs(), events, st.integers(1, 5))
def test_chunks_change_no_answer(declare: Any, some: list[Any], size: int) -> None:
    assert answers(declare().run(some)) == answers(declare().run(some, chunk_size=size))


@settings(max_examples=_EXAMPLES, deadline=None)
@given(st.lists(st.integers(0, 3), max_size=8), st.booleans())
def test_a_step_that_remembers_sees_its_events_in_order(users: list[int], joins: bool) -> None:
    def declare() -> Graph:
        graph = Graph("g")
        graph.to(name="first", handler=cleaned)
        if joins:
            graph["first"].to(name="side", handler=cleaned)
        after = ["first", "side"] if joins else "first"
        graph.add_step(Counts, name="count", after=after).respond()
        return graph

    some = [{"user": user} for user in users]
    alone = declare()
    assert answers(declare().run(some)) == [told(alone, e, at) for at, e in enumerate(some)]
