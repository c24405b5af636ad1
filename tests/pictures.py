"""Make the pictures of the README anew: `make pictures`."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from graph_magics import Graph, Splitter, Step, VotingEnsemble

ROOT = Path(__file__).parents[1]
PICTURES = ROOT / "notebooks" / "pictures"
#: What the browser's test of the panel leaves, and the test that does.
PANEL = ROOT / ".artifacts" / "panel_lab_light.png"
TEST = "tests/browser/test_weights.py::test_light_dark_and_narrow[lab]"


def drawn_run(path: Path) -> None:
    """Draw a run: a canary that gets a tenth of the events, some of which fail."""
    events, labels = load_breast_cancer(return_X_y=True, as_frame=True)
    logistic = make_pipeline(StandardScaler(), LogisticRegression())
    forest = RandomForestClassifier(50, random_state=0)
    for model in (logistic, forest):
        model.fit(events[:300], labels[:300])

    def clean(event: dict[str, float]) -> dict[str, float]:
        if event["mean concavity"] == 0:
            raise ValueError("no concavity was measured")
        return event

    def name(label: int) -> str:
        return "benign" if label else "malignant"

    current = VotingEnsemble(
        logistic=logistic, forest=forest, vote_type="classification",
        weights={"logistic": 2, "forest": 1},
    )  # fmt: skip
    canary = Splitter(current=current, next=forest, weights={"current": 90, "next": 10})
    graph = Graph("tumor", Step(clean) >> canary >> Step(name))
    graph.run(pd.concat([events] * 10, ignore_index=True)).draw(path)


def main() -> None:
    """Write both pictures."""
    PICTURES.mkdir(exist_ok=True)
    drawn_run(PICTURES / "drawn_run.svg")
    subprocess.run([sys.executable, "-m", "pytest", "-q", TEST], cwd=ROOT, check=True)
    shutil.copy(PANEL, PICTURES / "weights_panel.png")
    print("The pictures are in", PICTURES)


if __name__ == "__main__":
    main()
