"""`Weighable`: what a run in memory tells of other weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from .errors import GraphError
from .recorded import Recorded
from .whatif import by_router, rerun

if TYPE_CHECKING:
    from .weighing import BestWeights


class Weighable(Recorded):
    """A run whose answers can be weighed otherwise; a part of `Run`."""

    def what_if(
        self, weights: Mapping[str, Any], *, router: str | None = None, ask: bool = True
    ) -> pd.DataFrame:
        """Give the frame that other weights of a VotingEnsemble or a Splitter would have given.

        Nobody is asked again whose answer is known: the router votes or draws anew over the
        answers that there are, and only what stands behind it runs again, for the events that
        come to it otherwise. It is the frame of a real run with these weights; but where a step
        answered whole numbers beside floats that are gone now, they are floats still.

        Of a Splitter, events then go to routes that did not see them. Each route is asked once
        for all of these, whatever the weights; its answers are kept with the run.

        Parameters
        ----------
        weights : mapping of str to float
            Route to weight, as the router's own ``weights=`` takes them: only their ratios
            count; of a VotingEnsemble, a route that is not named counts 0. Or router to such.
        router : str, optional
            Its name or dotted path, if several routers of the graph have weights.
        ask : bool
            False: ask no model, no service and no route of the Splitter. Events that would need
            it have no answer, and say so in ``error``.

        Returns
        -------
        DataFrame
            As `frame`: the same columns, under the same index.

        Raises
        ------
        GraphError
            If there is no such router, or the weights cannot be.

        Examples
        --------
        >>> from graph_magics import Graph, VotingEnsemble
        >>> vote = VotingEnsemble(a=lambda x: 1, b=lambda x: x % 2, c=lambda x: 0)
        >>> run = Graph("g", vote).run([2, 3])
        >>> run.frame["vote"].tolist(), run.what_if({"a": 3, "b": 1, "c": 1})["vote"].tolist()
        ([0, 1], [1, 1])
        """
        try:
            return rerun(self, by_router(self, weights, router), ask=ask).frame
        except GraphError as error:
            raise error.at(graph=self.graph) from None

    def expected(
        self,
        y: Any,
        weights: Mapping[str, float] | None = None,
        *,
        router: str | None = None,
        metric: str | None = None,
    ) -> pd.DataFrame:
        """Tell what a Splitter's weights give over all draws, not only over those of one run.

        Each route is judged on all events, and is asked once for those that it did not get. So
        are the draws of other Splitters, by their own weights: those in its routes, and those
        that an event passes before it; what stands behind it is not looked at.

        Parameters
        ----------
        y : Series, array or list
            The target, as `compare` takes it.
        weights : mapping of str to float, optional
            Route to weight; those of the run if absent.
        router : str, optional
            The Splitter's name or dotted path, if several routers of the graph have weights.
        metric : {"accuracy", "mae", "mse", "log_loss", "brier"}, optional
            The mean of something that each event has, so that the mean over all draws is known:
            that of the routes, weighted. Others, such as F1, are refused.

        Returns
        -------
        DataFrame
            A row per route, and one called ``expected``: ``traffic``, the share of events;
            ``events``, how many those are, on average; ``judged``, on how many the metric
            stands; the metric of the route, had it got all events; and for ``expected`` the
            mean of the metric over all draws, and its standard ``deviation`` from draw to draw
            (for a route, too, where other Splitters draw). The mean is exact where every event
            comes to the Splitter and is answered by all routes; else who is not answered does
            not count.

        Raises
        ------
        GraphError
            If there is no such router or metric, the target does not fit, or other Splitters may
            draw in too many ways (256).

        Examples
        --------
        >>> from graph_magics import Graph, Splitter
        >>> split = Splitter(old=lambda x: 0, new=lambda x: x % 2, weights={"old": 3, "new": 1})
        >>> Graph("g", split).run([1, 2, 3, 4]).expected([1, 0, 1, 0]).round(3)
                  traffic  events  judged  accuracy  deviation
        route
        old          0.75     3.0       4     0.500        NaN
        new          0.25     1.0       4     1.000        NaN
        expected     1.00     4.0       4     0.625      0.153
        """
        from .weighing import expected

        try:
            return expected(self, y, weights, router=router, metric=metric)
        except GraphError as error:
            raise error.at(graph=self.graph) from None

    def best_weights(
        self,
        y: Any,
        *,
        router: str | None = None,
        metric: str | None = None,
        seed: int = 0,
        folds: int = 5,
    ) -> BestWeights:
        """Search the best weights of a VotingEnsemble, and say what they gain.

        The vote is judged itself, before the steps behind it. A mean of numbers and of
        probabilities is a convex problem (SciPy's SLSQP); for a vote on labels all small whole
        numbers are tried, of more than six models one after the other.

        The events are cut into parts, and each part is judged with the weights that were found
        on the others: on the events they were searched on, weights are better than they are.

        Parameters
        ----------
        y : Series, array or list
            The target, as `compare` takes it.
        router : str, optional
            Its name or dotted path, if several routers of the graph have weights.
        metric : str, optional
            Of a vote on labels ``accuracy`` or ``balanced_accuracy``; of a mean ``mae``,
            ``mse`` or ``rmse``; of a soft vote ``log_loss``, ``brier``, or those of labels, for
            which the log loss is searched. The first named if absent.
        seed : int
            Of the parts.
        folds : int
            How many parts.

        Returns
        -------
        BestWeights

        Raises
        ------
        GraphError
            If there is no such router or metric, it is a Splitter, or the target does not fit.

        Examples
        --------
        >>> from graph_magics import Graph, VotingEnsemble
        >>> vote = VotingEnsemble(good=lambda x: x % 2, bad=lambda x: 0, poor=lambda x: 0)
        >>> run = Graph("g", vote).run(list(range(100)))
        >>> best = run.best_weights([x % 2 for x in range(100)])
        >>> best.weights, best.is_gain
        ({'good': 3.0, 'bad': 1.0, 'poor': 1.0}, True)
        """
        from .weighing import best_weights

        try:
            return best_weights(self, y, router=router, metric=metric, seed=seed, folds=folds)
        except GraphError as error:
            raise error.at(graph=self.graph) from None
