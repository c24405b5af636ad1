"""`Comparison`: what answers are worth, as it shows itself in text, on a page, in a picture."""

from __future__ import annotations

import html
from collections.abc import Hashable
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ..errors import counted, listed
from .paired import DIFFERENCES
from .tables import Tables
from .wording import FEW, NO_INTERVAL, digits, four_digits, note_on_groups, of_p

if TYPE_CHECKING:
    from .plots import Plot

AGREEMENT = {
    "classification": "the share of events with the same label",
    "regression": "the concordance correlation",
}


class Comparison(Tables):
    """Answers beside the target and beside each other, as `compare` makes it.

    Intervals hold the true figure in 95 of 100 samples of events like these, for the models as
    they are: another training set would give other models. They are BCa bootstrap intervals
    (Efron 1987) from 2,000 seeded resamples, the same for all models; more than 5,000 events
    that cannot be counted by kind are resampled in 5,000 random groups. Of few events, or where
    single errors outweigh all others (``rmse``), they are too narrow, as every bootstrap; of
    fewer than six there is none (NaN), as not even the lowest to the highest of them would do.
    An accuracy of fewer than six events, or of a model that is always right or always wrong,
    has the exact interval instead, and so has a difference of accuracies that is the same in
    all events. Any other metric that is the same in all resamples, such as the ``f1`` of a
    model without a mistake, has none: nothing tells how far other events would take it. The
    interval of ``roc_auc`` is DeLong's standard error on the logit scale (Qin and Hotilovac
    2008), exact for an area of 1; that of its difference is the one of the test.

    Attributes
    ----------
    task : {"classification", "regression"}
    events : int
        The events compared: those with a target.
    unlabelled : int
        The events left out because their target is missing.
    metric : str
        The main metric.
    against : label or None
        The model that the others are held against.
    summary : DataFrame, a row per model
        ``events`` (answered and scored) and ``missing`` (not answered), int; then metrics,
        float, over the events that the model answered; NaN where there are none. The main
        metric stands first, with ``<metric>_low`` and ``<metric>_high``, its interval.
        Classification: ``accuracy``; ``balanced_accuracy``, the mean recall over the labels of
        the target; ``precision``, ``recall``, ``f1``, macro averages over the labels in target
        and answers (of two labels too: none is taken as the positive one); ``matthews``, the
        Matthews correlation, 0 where only one label occurs. Where a model answered
        probabilities, ``log_loss``, ``brier`` (the squared error of the probabilities; halved
        for two labels) and ``roc_auc`` (each label against the rest, averaged over the labels
        in the target), NaN for models that answered labels only.
        Regression: ``r2`` (NaN for one event), ``mae``, ``rmse``, ``median_ae``, and ``bias``,
        the mean of answer - target.
        With `against`, over the events that both models answered: ``difference`` (model -
        against) with ``difference_low`` and ``difference_high``, ``both`` (how many events
        that is), ``p_value`` and ``p_holm``, corrected for the number of models (Holm 1979).
        The test is McNemar's exact one for accuracy, that of DeLong et al. (1988) for
        ``roc_auc``, else a permutation test: the two models' answers are swapped at random
        (``scipy.stats.permutation_test`` with ``permutation_type="samples"``). In a regression
        it tests the mean error itself, as the interval does, where Wilcoxon's test would ask
        for something else: whether ranked differences lie around 0. DeLong's test is rough
        below ten events of a label, and there is none (NaN) where a label has one event only,
        as nothing tells how areas of such events would differ.
    agreement : DataFrame of float, models by models
        Over the events that both answered. Classification: the share with the same label, NaN
        without an event. Regression: Lin's concordance correlation, 1 only where all answers
        are equal (Pearson's is 1 also for answers twice as high); NaN below two events. The
        diagonal is 1, and NaN for a model that never answered.
    by : DataFrame or None
        The summary within each group, indexed by (group, model); ``p_holm`` is corrected for
        all models and groups.
    """

    def plot(self, model: Hashable | None = None) -> Plot:
        """Draw the intervals, the differences, the agreement and where the errors lie.

        With a panel for the calibration where there are probabilities, and one for the
        confusion of labels, or in a regression for the errors of each model.

        Parameters
        ----------
        model : label, optional
            Whose confusion is drawn; the last one's in the summary if absent.

        Returns
        -------
        matplotlib.figure.Figure
            Which shows itself in a notebook; ``.savefig(path)`` writes it. It is none of
            pyplot's, so nothing has to be closed.
        """
        from .plots import plot

        return plot(self, model)

    def __repr__(self) -> str:
        parts = [self._caption, self._text(self._scores)]
        if self.against is not None:
            parts += [self._held_against, self._text(self.differences), *self.verdicts]
        if self.by is not None:
            parts += [self._within, self._text(self._groups)]
        return "\n".join(filter(None, [*parts, *self._notes, self._headline]))

    def _repr_html_(self) -> str:
        parts = [_paragraph(self._caption), self._table(self._scores)]
        if self.against is not None:
            parts += [_paragraph(self._held_against), self._table(self.differences)]
            parts += map(_paragraph, self.verdicts)
        if self.by is not None:
            parts += [_paragraph(self._within), self._table(self._groups)]
        parts += map(_paragraph, self._notes)
        if self._headline:
            parts += [_paragraph(f"{self._headline} Agreement, {AGREEMENT[self.task]}:")]
            parts += [self._table(self.agreement)]
        return "\n".join(parts)

    def _table(self, frame: pd.DataFrame) -> str:
        return frame.to_html(**self._format(frame), border=0, escape=True)

    def _text(self, frame: pd.DataFrame) -> str:
        return frame.to_string(**self._format(frame))

    def _format(self, frame: pd.DataFrame) -> dict[str, Any]:
        known = {"p_value": of_p, "p_holm": of_p, "both": "{:.0f}".format}
        formatters = {name: known[name] for name in frame.columns if name in known}
        return {"float_format": lambda value: digits(self.task, value), "formatters": formatters}

    @property
    def _scores(self) -> pd.DataFrame:
        """The summary without the differences, which have a table of their own."""
        return self.summary.drop(columns=list(DIFFERENCES), errors="ignore")

    @property
    def _groups(self) -> pd.DataFrame:
        assert self.by is not None
        bounds = [f"{self.metric}_low", f"{self.metric}_high"]
        names = ["events", "missing", self.metric, *bounds]
        if self.against is not None:
            names += ["difference", "difference_low", "difference_high", "p_holm"]
        return self.by[names]

    @property
    def _held_against(self) -> str:
        number = counted(len(self.differences), "comparison")
        return (
            f"{self.metric} against {self.against}, over the events that both answered; "
            f"p by {self.test}, p_holm corrected for {number}:"
        )

    @property
    def _within(self) -> str:
        assert self.by is not None
        name = self.by.index.names[0]
        held = "" if self.against is None else f", and the difference to {self.against}"
        return f"{self.metric} within each {name}{held}:"

    @property
    def _notes(self) -> list[str]:
        notes = []
        if not self.events and self.unlabelled:
            notes.append("No event has a target: there is nothing to score.")
        if self.task == "classification" and self.events:
            labels = np.unique(self._case.truth)
            if len(labels) == 1:
                label = listed([self._case.labels[int(labels[0])]])
                notes.append(f"The target has one label only, {label}: say which it misses.")
            notes += self._unknown_labels
        if 0 < self.events < FEW:
            notes.append(f"On {counted(self.events, 'event')} the figures say little.")
        without = self.summary[f"{self.metric}_low"].isna() & self.summary[self.metric].notna()
        if without.any():
            names = listed(list(self.summary.index[without]))
            notes.append(f"{self.metric} of {names.replace(chr(39), '')}: {NO_INTERVAL}.")
        if self.by is not None:
            notes += note_on_groups(self.by)
        return notes

    @property
    def _unknown_labels(self) -> list[str]:
        """What to say of labels of the target that no model answers."""
        labels, given = self._case.labels, [np.unique(each) for each in self._case.given]
        known = np.unique(np.concatenate(given)) if given else np.empty(0)
        known = known[~np.isnan(known)].astype(np.int64)
        wanted = np.unique(self._case.truth).astype(np.int64)
        missed = [labels[place] for place in np.setdiff1d(wanted, known)]
        if not missed or not len(known):
            return []
        if len(missed) < len(wanted):
            return [f"No model answers {listed(missed[:5])}, which the target has."]
        return [
            f"No model answers a label of the target, such as {listed(missed[:1])}; they answer "
            f"such as {listed([labels[known[0]]])}. Are they spelt alike?"
        ]

    @property
    def _caption(self) -> str:
        models, events = counted(len(self.summary), "model"), counted(self.events, "event")
        left_out = f", {counted(self.unlabelled, 'event')} without a target left out"
        weighted = "" if self._case.weight is None else ", weighted"
        return f"{self.task}: {models}, {events}{left_out if self.unlabelled else ''}{weighted}"

    @property
    def _headline(self) -> str:
        apart = self._spread[~np.isnan(self._spread)]
        if len(self.summary) == 1:
            return ""
        if not apart.size:
            return "No event was answered by two models."
        if self.task == "regression":
            middle, most = four_digits(np.median(apart)), four_digits(apart.max())
            return f"The answers to an event lie {middle} apart at the median, {most} at most."
        same, which = int((apart == 0).sum()), " that two or more answered"
        events = counted(apart.size, "event") + (which if apart.size < self.events else "")
        return f"All agree on {same:,} of {events} ({same / apart.size:.2%})."


def _paragraph(text: str) -> str:
    return f"<p>{html.escape(text)}</p>"
