"""``mapPredictionsToInstances``: the response of one model as the request to the next."""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import gojson
from ...batch import Batch
from ...bodies import Mixed, Samples
from ...goscan import folded
from ...wire import Merged, Raw


def as_instances(batch: Batch) -> Batch:
    """Send predictions as instances, and nothing else; what has no predictions, as it is.

    The rule is that of KServe's router: the field is found whatever the case of its letters,
    an empty list counts as none, and a body whose ``instances`` are no list stays as it is.
    """
    bodies = batch.bodies
    if isinstance(bodies, Mixed):
        return batch.apart(as_instances)
    if isinstance(bodies, list):
        return batch.answer([mapped(body) for body in bodies])
    if not isinstance(bodies, Samples) or bodies.key != "predictions":
        return batch
    if bodies.counts is None or bodies.counts.all():
        return batch.answer(bodies.holding(bodies.values, "instances"))
    return batch.answer([mapped(body) for body in bodies.tolist()])


def mapped(body: Any) -> Any:
    """Map one body.

    >>> mapped({"Predictions": [1, 2], "model": "iris"})
    {'instances': [1, 2]}
    >>> mapped({"predictions": []}), mapped({"predictions": [1], "instances": "no list"})
    ({'predictions': []}, {'predictions': [1], 'instances': 'no list'})
    """
    document = body
    if isinstance(body, bytes):
        try:
            document = gojson.decode_object(body)
        except gojson.GoJSONError:
            return body
    if not isinstance(document, dict):
        return body
    predictions: Any = None
    for key, value in document.items():
        name = folded(key) if isinstance(key, str) else key
        if name in ("predictions", "instances"):
            if isinstance(value, np.ndarray):
                value = value.tolist()
            if not isinstance(value, (list, tuple, type(None))):
                return body
            if name == "predictions":
                predictions = value
    if not predictions:
        return body
    return Merged(instances=predictions) if isinstance(body, Raw) else {"instances": predictions}
