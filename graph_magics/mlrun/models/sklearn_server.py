"""`SKLearnModelServer`: fitted scikit-learn models in a graph (MLRun 1.12)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ...errors import a, counted, listed, near
from ...nodes import BadEvent
from .servers import V2ModelServer


class SKLearnModelServer(V2ModelServer):
    """A fitted scikit-learn model: of ``model_path``, or given as ``model`` (MLRun 1.12).

    Examples
    --------
    >>> from sklearn.dummy import DummyClassifier
    >>> from graph_magics import Graph
    >>> dummy = DummyClassifier(strategy="constant", constant=1).fit([[0], [1]], [0, 1])
    >>> graph = Graph("constant", engine="sync")
    >>> step = graph.to(class_name="mlrun.frameworks.sklearn.SKLearnModelServer", name="dummy",
    ...                 model=dummy)
    >>> graph.test(body={"inputs": [[5.0], [6.0]]})["outputs"]
    [1, 1]
    """

    def predict(self, request: dict[str, Any]) -> list[Any]:
        """Give the model's prediction for each row."""
        return np.asarray(self.model.predict(self._features(request["inputs"]))).tolist()

    def explain(self, request: dict[str, Any]) -> str:
        """Say which model it is."""
        return f"A model server named {self.name!r} with {a(self.model)}"

    def _features(self, inputs: list[Any]) -> Any:
        names = getattr(self.model, "feature_names_in_", None)
        if inputs and isinstance(inputs[0], dict):
            # As MLRun has it, one object of columns; or an object for each row.
            are_columns = any(isinstance(value, list) for value in inputs[0].values())
            table = pd.DataFrame(inputs[0] if are_columns else inputs)
            return table if names is None else _named(table, names)
        if names is None:
            return np.asarray(inputs)
        for row in inputs:
            if not isinstance(row, list) or len(row) != len(names):
                has = f"{len(row)}" if isinstance(row, list) else "none: it is no list"
                raise BadEvent(f"the model takes {counted(len(names), 'feature')}, a row has {has}")
        return pd.DataFrame(inputs, columns=pd.Index(names))


def _named(table: pd.DataFrame, names: Any) -> pd.DataFrame:
    missing = [name for name in names if name not in table.columns]
    if missing:
        hint = near(missing[0], map(str, table.columns))
        raise BadEvent(f"the inputs lack {listed(missing)}{hint}")
    return table[list(names)]
