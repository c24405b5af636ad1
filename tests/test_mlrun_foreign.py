"""Classes made from MLRun's own, where MLRun is installed, are taken as they are.

MLRun and this package ask for other versions of pandas, so the classes here only look like its.
"""

from __future__ import annotations

import pytest

from graph_magics import Graph


class V2ModelServer:
    """As MLRun's: it answers events by itself."""

    def __init__(self, context=None, name=None, model_path=None, **kwargs):
        self.context, self.name, self._params = context, name, kwargs
        self._input_path = self._result_path = None
        self.ready = False

    def post_init(self, mode="sync", **kwargs):
        self.load()
        self.ready = True

    def get_param(self, key, default=None):
        return self._params.get(key, self.context.get_param(key, default))

    def do_event(self, event, *args, **kwargs):
        assert event.path.strip("/") in ("", "infer")
        event.body = {"model_name": self.name, "outputs": self.predict(event.body)}
        return event


class BaseModelRouter:
    """As MLRun's: it runs its routes by itself, on threads unless it is told otherwise."""

    def __init__(self, context=None, name=None, routes=None, executor_type="thread", **kwargs):
        self.context, self.name, self.routes = context, name, routes
        self.url_prefix, self.health_prefix = "/v2/models", "/v2/health"
        self.executor_type = executor_type

    def do_event(self, event, *args, **kwargs):
        assert self.executor_type == "array"
        event.path = "infer"
        answers = [route.run(_copied(event)).body["outputs"] for route in self.routes.values()]
        event.body = {"outputs": [self.logic(votes) for votes in zip(*answers, strict=True)]}
        return event


class MapClass:
    """As storey's."""

    def __init__(self, name=None, context=None, full_event=None, **kwargs):
        self.name, self._full_event, self._filter = name, full_event, False
        self._input_path = self._result_path = None

    def _init(self):
        pass

    def select_outlets(self, event):
        return None

    def filter(self):
        self._filter = True

    async def _do(self, event):
        raise AssertionError("storey's own way of sending events on")


for _kind in (V2ModelServer, BaseModelRouter):
    _kind.__module__ = "mlrun.serving"
MapClass.__module__ = "storey.flow"


def _copied(event):
    twin = type(event).__new__(type(event))
    twin.__dict__.update(event.__dict__)
    return twin


class Times(V2ModelServer):
    def load(self):
        self.factor = self.get_param("factor", 2)

    def predict(self, request):
        return [self.factor * value for value in request["inputs"]]


class Largest(BaseModelRouter):
    def logic(self, votes):
        return max(votes)


class Small(MapClass):
    def do(self, event):
        if event > 2:
            self.filter()
        return event * 10


@pytest.mark.parametrize("engine", ["sync", "async"])
def test_a_router_and_its_models_answer_by_their_own_code(engine):
    graph = Graph("g", engine=engine)
    router = graph.to(Largest, name="largest")
    router.add_route("twice", class_name="Times")
    router.add_route("thrice", class_name=Times, factor=3)
    router.respond()
    assert graph.test(body={"inputs": [1, -2]}) == {"outputs": [3, -4]}
    run = graph.run([{"inputs": [1]}, {"inputs": "no list"}, {"inputs": [-1]}])
    assert run.frame["response"].tolist()[::2] == [{"outputs": [3]}, {"outputs": [-2]}]
    assert run.frame["twice"].tolist()[0] == [2]
    assert "Router · Largest" in graph.draw().svg


def test_a_model_alone_is_a_step():
    graph = Graph("g", engine="sync")
    graph.spec.parameters = {"factor": 5}
    graph.to("Times", name="times").respond()
    assert graph.test(body={"inputs": [1]}) == {"model_name": "times", "outputs": [5]}


def test_a_step_of_storeys_maps_and_filters():
    graph = Graph("g")
    graph.to("Small", name="small").respond()
    run = graph.run([1, 2, 3])
    assert run.frame["response"].tolist()[:2] == [10, 20]
    assert "filtered" in run.frame["error"][2]
