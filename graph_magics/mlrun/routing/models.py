"""`ModelRouterNode`: MLRun's router to one of several models, over batches (MLRun 1.12)."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...batch import Batch
from ..events import Event
from .hooks import Here, hooked
from .nodes import RouterNode, back, ended
from .paths import Models


class ModelRouterNode(RouterNode):
    """Sends each event to the model that its path or its body names."""

    kind = "ModelRouter"
    chooses = True
    answers_outputs = True

    def _note(self, batch: Batch, here: Here) -> None:
        names = list(self._routes)
        choice = np.full(len(batch), -1, dtype=np.int16)
        for positions, name in here.chosen:
            rows: Any = slice(None)
            if len(positions) < len(batch):
                rows = np.searchsorted(batch.positions, positions)
            choice[rows] = names.index(name)
        here.context.chose(names, choice)

    def _replied(self, request: Event, work: Batch, here: Here) -> Batch:
        if "_handle_event" in self._own:
            return super()._replied(request, work, here)
        return self._by_model(request, work, here, "postprocess" in self._own)

    def _handled(self, request: Event, work: Batch, here: Here) -> Batch:
        return self._by_model(request, work, here, False)

    def _by_model(self, request: Event, work: Batch, here: Here, finish: bool) -> Batch:
        def send(key: tuple[str, Any], some: Batch) -> Batch:
            return self._sent(key, request, some, here, finish)

        found = Models(self.object.url_prefix, self._routes)
        return self._routed(found, request, work, here, send)

    def _sent(
        self, key: tuple[str, Any], request: Event, work: Batch, here: Here, finish: bool
    ) -> Batch:
        """What one route answers, or the list of all."""
        name, operation = key
        if operation is None:
            answer = ended(request, work.answer([{"models": list(self._routes)}] * len(work)))
            return hooked(self.object.postprocess, answer, here) if finish else answer
        context, work = self._asking(request, work, here, operation)
        here.chosen.append((work.positions, name))
        answer = context.ask(name, self._routes[name], work)
        if finish and len(answer):
            answer = hooked(self.object.postprocess, answer, here.within(context))
        return back(answer, operation, request.path)
