"""The weights panel as its user meets it: turned with the mouse and by keys, in a browser."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from playwright.sync_api import Locator, Page, expect

from .conftest import OpenNotebook

Open = Callable[[str], OpenNotebook]
TUTORIAL = "05_routing_weights.ipynb"

# What an expression is in the notebook's kernel, as Python writes it.
EVALUATED = """async expression => {
    const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
    const future = kernel.requestExecute({
        code: '', silent: true, store_history: false, user_expressions: { it: expression },
    });
    const { content } = await future.done;
    const { it } = content.user_expressions;
    return it.status === 'ok' ? it.data['text/plain'] : `${it.ename}: ${it.evalue}`;
}"""

# Have the kernel run something, and do not wait for it.
BEGUN = """code => {
    const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
    kernel.requestExecute({ code, silent: true, store_history: false });
}"""


@dataclass(frozen=True)
class Panel:
    """A panel in an open notebook."""

    notebook: OpenNotebook
    name: str
    root: Locator

    @property
    def page(self) -> Page:
        """The page that it is in."""
        return self.notebook.page

    def slider(self, route: str) -> Locator:
        """Return the slider of a route."""
        return self.root.get_by_role("slider", name=route, exact=True)

    def number(self, route: str) -> Locator:
        """Return the number of a route."""
        return self.root.get_by_role("spinbutton", name=route, exact=True)

    def press(self, button: str) -> None:
        """Press a button."""
        self.root.get_by_role("button", name=button, exact=True).click()

    def drag(self, route: str, share: float) -> None:
        """Drag a route's slider with the mouse, to a share of its length."""
        slider = self.slider(route)
        slider.scroll_into_view_if_needed()
        box = slider.bounding_box()
        assert box is not None
        most = float(slider.get_attribute("max") or 0)
        thumb = 16

        def at(part: float) -> float:
            return box["x"] + thumb / 2 + part * (box["width"] - thumb)

        middle = box["y"] + box["height"] / 2
        self.page.mouse.move(at(float(slider.input_value()) / most), middle)
        self.page.mouse.down()
        self.page.mouse.move(at(share), middle, steps=12)
        self.page.mouse.up()

    def shown(self) -> dict[str, float]:
        """Return the weights as the sliders have them."""
        sliders = self.root.get_by_role("slider").all()
        return {
            str(one.evaluate("it => it.labels[0].textContent")): float(one.input_value())
            for one in sliders
        }

    def score(self, name: str = "these weights") -> Locator:
        """Return a figure of the table of scores."""
        return self.root.locator(f"tr[data-name='{name}'] .gmw-value")

    def width(self, route: str) -> float:
        """Return how thick a route's edge is drawn."""
        edge = self.root.locator(f"[data-part$='{route}'][data-part^='route'] path").first
        return float(edge.evaluate("it => parseFloat(getComputedStyle(it).strokeWidth)"))

    def text_on_edge(self, route: str) -> Locator:
        """Return what is written on a route's edge."""
        return self.root.locator(f"[data-part$='{route}'][data-part^='route'] text").first

    def python(self, expression: str) -> str:
        """Return what an expression is in the kernel; ``it`` is the panel."""
        return self.page.evaluate(EVALUATED, expression.replace("it.", f"{self.name}."))

    def expect_settled(self) -> None:
        """Wait until the figures are those of the weights that are shown, and the kernel's too."""
        expect(self.root.locator(".gmw-figures")).not_to_have_class(re.compile("gmw-waiting"))
        assert self.python("it.weights") == str(self.shown())


@pytest.fixture
def vote(open_notebook: Open) -> Panel:
    notebook = open_notebook(TUTORIAL)
    notebook.run_all()
    panel = Panel(notebook, "panel", notebook.tagged("vote").locator(".graph-magics-weights"))
    expect(panel.root).to_be_visible()
    return panel
