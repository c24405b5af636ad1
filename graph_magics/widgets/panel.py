"""`WeightsPanel`: a router's weights, turned by hand, and what would have changed."""

from __future__ import annotations

import threading
from contextvars import copy_context
from functools import partial
from importlib.resources import files
from typing import TYPE_CHECKING, Any, NoReturn

import anywidget
import traitlets as t

from ..errors import GraphError, a, one_line
from ..reweighting import Weighted, checked, is_of_manifest, weighted_router, weights_of
from .figures import Figures, Judge
from .sketch import edges, sketch
from .texts import (
    examples_told,
    expected_told,
    lines_told,
    number_told,
    page,
    scores_told,
    spoken_of,
    text,
)

if TYPE_CHECKING:
    from ..run import Run

_FRONT = files(__package__) / "front"
#: One module in the browser, in this order; a widget can bring one only.
_MODULES = ("shares.js", "line.js", "elements.js", "view.js")
#: So far from 100 the sum of a Splitter's percents may be, which are then left as they are.
_ROUNDING = 1e-6


class BadWeights(GraphError, t.TraitError):
    """Weights that a router cannot have; a panel then keeps those that it has."""


class _Weights(t.Dict):
    """Weights that the panel's router can have, a number for each route."""

    def validate(self, obj: Any, value: Any) -> dict[str, float]:
        """Give the weights as the panel has them."""
        return obj._checked(value)


class WeightsPanel(anywidget.AnyWidget):
    """The weights of a router as sliders, with what they would have changed in a run.

    Shown in a notebook, it has the graph's drawing, a slider for each route, the metric of
    these weights beside that of each model, and the events that would be answered otherwise.
    Where no notebook shows it, as in an exported page, there is a table of the same.

    Parameters
    ----------
    graph : Weighted
    router : str, optional
        The router's name or path; may be left out where one router alone has weights.
    run : Run, optional
        Of the graph, for all that is told of events. Its models are not asked again; the
        routes of a Splitter are, once, for the events that they did not get.
    y : Series, array or list, optional
        The target of the run's events, for the metric; as `Run.compare` takes it.
    metric : str, optional
        A column of `Comparison.summary`; ``accuracy`` or ``mae`` if absent.

    Attributes
    ----------
    weights : dict of str to float
        Route to weight: of a VotingEnsemble any number from 0 on; of a Splitter percents, and
        whatever is assigned is scaled to the sum 100. A trait that other widgets can be linked
        to: ``ipywidgets.link((panel, "weights"), (other, "weights"))``.
    locked : list of str
        Routes of a Splitter that stay as they are while others are moved in the browser.
    metric : str or None
        What `score` is; None without a target.
    score : float or None
        The metric of the router's answers under these weights.
    changed : int or None
        How many events would have been answered otherwise than in the run; None without one.
    traffic : dict of str to float
        The share of the events that each route is to get.

    Raises
    ------
    GraphError
        If there is no such router, the run is of another graph, or the target does not fit.

    Examples
    --------
    >>> from graph_magics import Graph, VotingEnsemble
    >>> vote = VotingEnsemble(a=lambda x: 1, b=lambda x: x % 2, c=lambda x: 0)
    >>> graph = Graph("g", vote)
    >>> panel = graph.weights_panel(run=graph.run([2, 3]), y=[1, 1])
    >>> panel.metric, panel.score, panel.changed
    ('accuracy', 0.5, 0)
    >>> panel.weights = {"a": 3, "b": 1, "c": 1}
    >>> panel.score, panel.changed
    (1.0, 1)
    >>> panel.apply()
    >>> graph.test(2)
    1
    >>> panel.close()
    """

    # As text: files of anywidget's are watched, and would hold on to every panel.
    _esm = "\n".join((_FRONT / name).read_text(encoding="utf-8") for name in _MODULES)
    _css = (_FRONT / "weights.css").read_text(encoding="utf-8")

    weights = _Weights().tag(sync=True)
    locked = t.List(t.Unicode()).tag(sync=True)
    metric = t.Unicode(None, allow_none=True, read_only=True)
    score = t.Float(None, allow_none=True, read_only=True)
    changed = t.Int(None, allow_none=True, read_only=True)
    traffic = t.Dict(read_only=True)

    #: What never changes: names, the drawing, which edges are whose.
    _facts = t.Dict().tag(sync=True)
    #: The metric of each model alone, and of the run.
    _judged = t.Dict().tag(sync=True)
    #: What the weights give; with the number of the browser's question that it answers.
    _figures = t.Dict().tag(sync=True)
    _asked = t.Int(0).tag(sync=True)
    _said = t.Dict().tag(sync=True)
    _searching = t.Bool(False).tag(sync=True)

    def __init__(
        self,
        graph: Weighted,
        router: str | None = None,
        *,
        run: Run | None = None,
        y: Any = None,
        metric: str | None = None,
    ) -> None:
        try:
            nodes = graph.nodes
            path = weighted_router(nodes, router)
            judge = _judge(graph, path, run, y, metric)
        except GraphError as error:
            raise error.at(graph=graph.name) from None
        self._graph: Weighted | None = graph
        self._path = path
        self._judge = judge
        self._y = y
        self._node: Any = nodes[path]
        self._is_splitter = self._node.kind == "Splitter"
        self._start = dict(weights_of(self._node))
        self._is_applied = False
        self._turn = threading.RLock()
        self._told: tuple[dict[str, float], Figures | None] | None = None
        super().__init__(weights=self._start)
        self.set_trait("metric", judge and judge.metric)
        self._facts = self._all_facts(graph)
        self._judged = scores_told(judge)
        self._said = {"number": 0, "text": ""}
        self._answer()
        self.observe(self._answer, ["weights", "_asked"])
        self.on_msg(self._heard)

    @property
    def graph(self) -> Weighted:
        """The graph that `apply` changes.

        Raises
        ------
        GraphError
            If the panel is closed.
        """
        if self._graph is None:
            raise GraphError("the panel is closed; make another with graph.weights_panel(...)")
        return self._graph

    def apply(self) -> None:
        """Let the graph have these weights, as `Graph.set_weights` does.

        Raises
        ------
        GraphError
            If the panel is closed, or a cell has declared the graph again.
        """
        graph = self.graph
        if graph.is_replaced:
            raise GraphError(
                f"{graph.name!r} was declared again since this panel was opened, and would not get "
                "the weights: run the cell of the panel again"
            )
        graph.set_weights(self.weights, self._path)
        self._is_applied = True
        self._say(f"Applied: {graph.name}.{self._path} has these weights now.")

    def reset(self) -> None:
        """Put back the weights from the start; in the graph, too, if others were applied."""
        graph = self.graph
        if self._is_applied:
            graph.set_weights(self._start, self._path)
        self.weights = self._start
        also = "; so are those of the graph" if self._is_applied else ""
        self._is_applied = False
        self._say(f"The weights are those from the start again{also}.")

    def search(self) -> threading.Thread:
        """Look for the best weights, as `Run.best_weights` does, and take them.

        It goes on in the thread that is returned, so that the kernel is free meanwhile.

        Raises
        ------
        GraphError
            If the panel has no run or no target, or is searching already.
        """
        self.graph  # noqa: B018 (it refuses if it is closed)
        if self._judge is None or self._judge.metric is None:
            raise GraphError("a search needs a run and its labels: weights_panel(run=..., y=...)")
        with self._turn:
            if self._searching:
                raise GraphError("it is searching already")
            self._searching = True
        # In the context of here: some kernels send nothing from threads without it.
        search = partial(copy_context().run, self._search, self._judge, self._y)
        thread = threading.Thread(target=search, daemon=True)
        thread.start()
        return thread

    def _search(self, judge: Judge, y: Any) -> None:
        try:
            best = judge.run.best_weights(y, router=self._path, metric=judge.metric)
            if self._graph is not None:
                self.weights = best.weights
                self._say(f"These are the best weights found. {best.verdict}")
        except Exception as error:
            self._say(one_line(error), is_problem=True)
        finally:
            self._searching = False

    def close(self) -> None:
        """Take the panel away, and let go of graph, run and target."""
        super().close()
        self._graph = self._judge = self._y = self._node = self._told = None
        self.unobserve_all()

    # What goes to and fro.

    def set_state(self, sync_data: dict[str, Any]) -> None:
        """Take what the browser has set; what cannot be is told there, and nothing changes."""
        try:
            super().set_state(sync_data)
        except BadWeights as error:
            self._say(error.message, is_problem=True)
            self._asked = sync_data.get("_asked", self._asked)  # It waits for an answer.
            self.send_state(["weights", "locked"])

    def _heard(self, _: Any, content: Any, buffers: Any) -> None:
        """Do what a button says, with the weights as they were when it was pressed."""
        actions = {"apply": self.apply, "reset": self.reset, "search": self.search}
        action = actions.get(content.get("do"))
        if action is None or self._graph is None:
            return
        try:
            if content["do"] == "apply":
                self.weights = content["weights"]
            action()
        except GraphError as error:
            self._say(str(error), is_problem=True)

    def _say(self, words: str, *, is_problem: bool = False) -> None:
        number = self._said.get("number", 0) + 1
        self._said = {"number": number, "text": words, "is_problem": is_problem}

    def _checked(self, value: Any) -> dict[str, float]:
        if self._node is None:
            self._refuse(GraphError("the panel is closed"))
        try:
            weights = checked(self._node, value)
        except GraphError as error:
            self._refuse(error.at(graph=self.graph.name, node=self._path))
        total = sum(weights.values())
        if self._is_splitter and abs(total - 100) > _ROUNDING:
            weights = {name: round(100 * weight / total, 10) for name, weight in weights.items()}
        return weights

    def _refuse(self, error: GraphError) -> NoReturn:
        raise BadWeights(error.message, graph=error.graph, node=error.node) from None

    def _answer(self, _: Any = None) -> None:
        """Tell what the weights give; of one question and one set of weights, once."""
        with self._turn:
            weights = dict(self.weights)
            if self._told is None or self._told[0] != weights:
                self._told = (weights, self._figures_of(weights))
            elif self._figures.get("asked") == self._asked:
                return
            figures = self._told[1]
            total = sum(weights.values())
            shares = {name: weight / total for name, weight in weights.items()}
            with self.hold_sync():
                self.set_trait("traffic", figures.traffic if figures else shares)
                self.set_trait("score", figures and figures.score)
                self.set_trait("changed", figures and figures.changed)
                self._figures = {
                    "asked": self._asked,
                    "weights": weights,
                    "score": number_told(figures.score if figures else None, self._judge),
                    "expected": expected_told(figures, self._judge),
                    "lines": lines_told(figures),
                    "spoken": spoken_of(figures, self._judge),
                    "examples": examples_told(figures),
                }

    def _figures_of(self, weights: dict[str, float]) -> Figures | None:
        try:
            return self._judge.of(weights) if self._judge else None
        except GraphError as error:  # Such as that no event is answered under these weights.
            self._say(error.message, is_problem=True)
            return None

    def _all_facts(self, graph: Weighted) -> dict[str, Any]:
        node, judge = self._node, self._judge
        unit = "%" if self._is_splitter else ""
        total = sum(self._start.values())
        shares = {name: weight / total for name, weight in self._start.items()}
        hint = ""
        if judge is None:
            hint = "Give it a run to see what would change: --run RESULTS, and --labels Y."
        elif judge.metric is None:
            hint = "Give it the labels for a metric and a search: --labels Y."
        return {
            "graph": graph.name,
            "router": self._path,
            "kind": node.kind,
            "detail": node.title,
            "routes": list(node.children),
            "most": 2 * max(self._start.values()),
            "grain": 1 if is_of_manifest(node) else 0.1,
            "drawing": sketch(graph.name, graph.root, self._path, shares, unit),
            "edges": edges(self._path, node.children, is_choice=self._is_splitter),
            "can_search": bool(judge and judge.metric and not self._is_splitter),
            "hint": hint,
        }

    # How it shows itself where there is no front end.

    def __repr__(self) -> str:
        if self._graph is None:
            return "A panel of weights that is closed"
        return text(self)

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        bundle = super()._repr_mimebundle_(**kwargs)
        if bundle is None or self._graph is None:
            return {"text/plain": repr(self)}
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
        return {**data, "text/plain": repr(self), "text/html": page(self)}, metadata


def _judge(graph: Weighted, path: str, run: Any, y: Any, metric: str | None) -> Judge | None:
    if run is None:
        if y is not None or metric is not None:
            raise GraphError("labels and a metric need the run that they are of: run=..., or --run")
        return None
    from ..run import Run

    if not isinstance(run, Run):
        raise GraphError(
            f"run must be a Run, of events in memory, as graph.run(events) gives; got {a(run)}"
        )
    then = run._nodes.get(path)
    now = graph.nodes[path]
    if run.graph != graph.name:
        raise GraphError(f"the run is of another graph, {run.graph!r}")
    if then is None or then.kind != now.kind or list(then.children) != list(now.children):
        raise GraphError(
            "the graph was declared otherwise after the run: run the events again", node=path
        )
    return Judge(run, path, y, metric)
