"""The weights panel as its user meets it: turned with the mouse and by keys, in a browser."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from graph_magics import Graph, Splitter, VotingEnsemble, WeightsPanel

from .conftest import Lab, OpenNotebook, opener

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


THEMED = "theme => window.jupyterapp.commands.execute('apputils:change-theme', { theme })"

# What is wrong with 3,000 random moves of a Splitter's routes, by the laws that they must keep.
RECKONED = """async source => {
    const url = URL.createObjectURL(new Blob([source], { type: 'text/javascript' }));
    const { moved, split, shares, reach } = await import(url);
    let seed = 1;  // A generator of its own, so that what is wrong is wrong again.
    const random = () => (seed = (seed * 16807) % 2147483647) / 2147483647;
    const sum = some => Object.values(some).reduce((a, b) => a + b, 0);
    const wrong = [];
    const hold = (law, is_so, ...what) => is_so || wrong.push([law, ...what]);
    for (let round = 0; round < 3000; round++) {
        const grain = random() < 0.3 ? 1 : 0.1;
        const names = [...'abcdef'].slice(0, 1 + Math.floor(6 * random()));
        const parts = split(100, names.map(() => (random() < 0.3 ? 0 : random())), grain);
        const weights = Object.fromEntries(names.map((name, i) => [name, parts[i]]));
        hold('parts are the whole', Math.abs(sum(weights) - 100) < 1e-9, weights);
        const locked = names.filter(() => random() < 0.3);
        const name = names[Math.floor(names.length * random())];
        const value = 140 * random() - 20;
        const after = moved(weights, name, value, locked, weights, grain);
        const told = [weights, name, value, locked, after];
        hold('the sum stays', Math.abs(sum(after) - 100) < 1e-9, ...told);
        hold('none is below 0', Object.values(after).every(one => one >= 0), ...told);
        const held = names.filter(other => other !== name && locked.includes(other));
        const free = names.filter(other => other !== name && !locked.includes(other));
        hold('locks hold', held.every(other => after[other] === weights[other]), ...told);
        const room = 100 - held.reduce((total, other) => total + weights[other], 0);
        const wanted = free.length ? Math.min(Math.max(value, 0), room) : room;
        hold('it moves', Math.abs(after[name] - wanted) <= grain / 2 + 1e-9, ...told);
        const rest = free.reduce((total, other) => total + weights[other], 0);
        const left = room - after[name];
        const exact = other => (rest ? (left * weights[other]) / rest : left / free.length);
        const near = other => Math.abs(after[other] - exact(other)) <= grain + 1e-9;
        hold('in proportion', free.every(near), ...told);
        const back = moved(after, name, weights[name], locked, weights, grain);
        const is_back = names.every(other => Math.abs(back[other] - weights[other]) < grain + 1e-9);
        hold('there and back', is_back, ...told, back);
    }
    hold('no share of nothing', shares({ a: 0, b: 0 }) === null);
    hold('shares', shares({ a: 3, b: 1 }).a === 0.75);
    const ends = [0, 0.3, 0.5, 1, 1.01, 7, 100, 3000].map(reach);
    hold('reach', String(ends) === '1,0.5,0.5,1,2,10,100,5000', ends);
    return wrong.slice(0, 3);
}"""


# As if there were very many events.
SLOWED = """
import time
asked, quick = [], panel._judge.of
def slow(weights):
    asked.append(weights)
    time.sleep(1.5)
    return quick(weights)
panel._judge.of = slow
"""


# The panel on a page with its state and nothing behind it, as widgets are exported.
EXPORTED = """async state => {
    const url = URL.createObjectURL(new Blob([state._esm], { type: 'text/javascript' }));
    const widget = (await import(url)).default();
    const model = {
        get: name => state[name],
        set: (name, value) => { state[name] = value; },
        on: () => {},
        save_changes: () => { throw 'Syncing error: no comm channel defined'; },
        send: () => {},
    };
    await widget.initialize({ model });
    await widget.render({ model, el: document.querySelector('main') });
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

    @property
    def status(self) -> Locator:
        """Return the line that tells what was done."""
        return self.root.locator(".gmw-status")

    def begin(self, code: str) -> None:
        """Have the kernel run something, without waiting for it."""
        self.page.evaluate(BEGUN, code)

    def python(self, expression: str) -> str:
        """Return what an expression is in the kernel; ``it`` is the panel."""
        return self.page.evaluate(EVALUATED, expression.replace("it.", f"{self.name}."))

    def expect_settled(self) -> None:
        """Wait until the figures are those of the weights that are shown, and the kernel's too."""
        expect(self.root.locator(".gmw-figures")).not_to_have_class(re.compile("gmw-waiting"))
        assert self.python("it.weights") == str(self.shown())


@pytest.fixture(scope="module", params=["lab", "notebook"])
def tutorial(request: pytest.FixtureRequest, lab: Lab, browser: Browser) -> Iterator[OpenNotebook]:
    """The tutorial after all of it has run, in JupyterLab and in Notebook 7."""
    with opener(lab, browser) as open_:
        notebook = open_(TUTORIAL, request.param)
        notebook.run_all()
        # It shows what is said of weights that are all 0.
        assert [error.split(":")[0] for error in notebook.errors] == ["GraphError"]
        assert notebook.not_run == []
        notebook.page.set_default_timeout(20_000)
        yield notebook


@pytest.fixture
def vote(tutorial: OpenNotebook) -> Iterator[Panel]:
    """The panel of a VotingEnsemble, as it was at first."""
    yield from opened(tutorial, "vote", "panel")


@pytest.fixture
def split(tutorial: OpenNotebook) -> Iterator[Panel]:
    """The panel of a Splitter, as it was at first."""
    yield from opened(tutorial, "splitter", "shares")


def opened(notebook: OpenNotebook, tag: str, name: str) -> Iterator[Panel]:
    panel = Panel(notebook, name, notebook.tagged(tag).locator(".graph-magics-weights"))
    expect(panel.root).to_be_visible()
    panel.press("Reset")
    expect(panel.status).to_contain_text("The weights are those from the start again")
    panel.expect_settled()
    yield panel
    assert notebook.complaints == []


def test_a_slider_is_dragged_and_figures_and_drawing_follow(vote: Panel):
    assert vote.shown() == {"tree": 1, "bayes": 1, "neighbours": 1, "logistic": 1}
    expect(vote.score()).to_have_text("0.9531")
    before = vote.width("logistic")
    vote.drag("logistic", 0.9)
    assert vote.shown()["logistic"] == pytest.approx(1.8, abs=0.05)
    vote.expect_settled()
    expect(vote.score()).to_have_text(re.compile(r"0\.9595"))
    expect(vote.score("weights of the run")).to_have_text("0.9531")
    expect(vote.score("logistic alone")).to_have_text("0.9488")
    assert f"{float(vote.python('it.score')):.4f}" == "0.9595"
    expect(vote.root).to_contain_text(
        f"{vote.python('it.changed')} of 469 events would be answered otherwise"
    )
    assert vote.root.locator(".gmw-examples tbody tr").count() == 5
    vote.page.wait_for_timeout(150)  # The edge takes its time.
    assert vote.width("logistic") > before
    share = float(vote.text_on_edge("logistic").text_content() or "nan")
    assert share == pytest.approx(1.8 / 4.8, abs=0.01)


def test_arrow_keys_move_the_slider_and_not_the_notebook(vote: Panel):
    active = "window.jupyterapp.shell.currentWidget.content.activeCellIndex"
    vote.slider("tree").focus()
    cell = vote.page.evaluate(active)
    for key, weight in (
        ("ArrowRight", 1.02),
        ("ArrowUp", 1.04),
        ("ArrowLeft", 1.02),
        ("ArrowDown", 1),
        ("End", 2),
        ("Home", 0),
    ):
        vote.page.keyboard.press(key)
        assert vote.shown()["tree"] == weight
        expect(vote.slider("tree")).to_be_focused()
    assert vote.page.evaluate(active) == cell
    vote.expect_settled()
    expect(vote.slider("tree")).to_have_attribute("aria-valuetext", "0, 0.0 % of the vote")


def test_the_whole_panel_is_reached_with_the_tab_key_in_order(split: Panel):
    split.slider("tree").focus()
    reached = []
    for _ in range(10):
        split.page.keyboard.press("Tab")
        reached.append(
            split.page.evaluate(
                "document.activeElement.getAttribute('aria-label') ?? "
                "`${document.activeElement.type} ${document.activeElement.textContent}`"
            )
        )
    row = ["Lock tree", "range ", "number ", "Lock neighbours", "range ", "number "]
    assert reached == ["number ", *row, "Lock logistic", "submit Apply", "submit Reset"][:10] or (
        reached == ["number ", *row, "Lock logistic", "button Apply", "button Reset"]
    )
    split.page.keyboard.press("Enter")  # On Reset, and not into the cell.
    expect(split.root.get_by_role("button", name="Reset")).to_be_focused()


def test_a_number_is_typed_as_a_person_types_it(vote: Panel):
    number = vote.number("bayes")
    number.focus()
    vote.page.keyboard.press("Control+a")
    vote.page.keyboard.type("0.25")
    expect(number).to_have_value("0.25")
    assert vote.shown()["bayes"] == pytest.approx(0.25, abs=0.011)
    vote.page.keyboard.press("Control+a")
    vote.page.keyboard.type("30")  # The slider makes room.
    vote.page.keyboard.press("Tab")
    vote.expect_settled()
    assert vote.shown()["bayes"] == 30
    ends = [slider.get_attribute("max") for slider in vote.root.get_by_role("slider").all()]
    assert ends == ["50"] * 4


def test_weights_that_are_all_0_are_told_and_not_sent(vote: Panel):
    for route in vote.shown():
        vote.slider(route).press("Home")
    expect(vote.root.get_by_role("alert")).to_have_text("All weights are 0: give one route more.")
    expect(vote.root.get_by_role("button", name="Apply")).to_be_disabled()
    assert "'logistic': 1" in vote.python("it.weights")
    vote.slider("logistic").press("ArrowRight")
    expect(vote.root.get_by_role("alert")).to_be_empty()
    vote.expect_settled()
    expect(vote.score()).to_have_text("0.9488")


def test_python_and_browser_stay_the_same(vote: Panel):
    weights = {"tree": 0.5, "bayes": 0.0, "neighbours": 1.0, "logistic": 1.5}
    vote.begin(f"panel.weights = {weights}")
    expect(vote.slider("logistic")).to_have_value("1.5")
    vote.expect_settled()
    assert vote.shown() == weights


def test_while_figures_are_late_the_browser_goes_on_and_only_the_newest_are_asked(vote: Panel):
    vote.begin(SLOWED)
    vote.drag("logistic", 0.9)
    vote.drag("bayes", 0.1)
    newest = vote.shown()
    expect(vote.root.locator(".gmw-figures")).to_have_class(re.compile("gmw-waiting"))
    share = newest["bayes"] / sum(newest.values())
    told = vote.root.locator(".gmw-route", has_text="bayes").locator(".gmw-share")
    expect(told).to_have_text(f"{100 * share:.1f} %")
    vote.expect_settled()
    assert vote.shown() == newest
    assert vote.python("len(asked)") == "2"  # The first that were moved to, and the newest.
    vote.begin("panel._judge.of = quick")


def test_shares_of_a_splitter_keep_their_sum_and_a_lock_holds_one(split: Panel):
    assert split.shown() == {"tree": 80, "neighbours": 15, "logistic": 5}
    split.drag("logistic", 0.5)
    shown = split.shown()
    assert sum(shown.values()) == pytest.approx(100)
    assert shown["tree"] / shown["neighbours"] == pytest.approx(80 / 15, rel=0.02)
    expect(split.score("these weights, all draws")).not_to_be_empty()
    lock = split.root.get_by_role("button", name="Lock neighbours")
    lock.click()
    expect(lock).to_have_attribute("aria-pressed", "true")
    expect(split.slider("neighbours")).to_be_disabled()
    split.drag("logistic", 0.1)
    after = split.shown()
    assert after["neighbours"] == shown["neighbours"]
    assert sum(after.values()) == pytest.approx(100)
    split.drag("logistic", 1)
    assert split.shown()["tree"] == 0
    split.expect_settled()
    assert split.python("it.locked") == "['neighbours']"
    expect(split.text_on_edge("tree")).to_have_text("0 %")
    lock.click()
    expect(split.slider("neighbours")).to_be_enabled()


def test_the_graph_takes_the_weights_runs_with_them_and_gives_them_back(vote: Panel):
    vote.drag("bayes", 0)
    vote.drag("logistic", 1)
    vote.press("Apply")
    expect(vote.status).to_have_text("Applied: tumor.vote has these weights now.")
    assert vote.python("tumor.vote.weights['logistic']") == "0.5"
    vote.expect_settled()
    ran = "float((tumor.run(X_test).frame['vote'] == y_test).mean().round(4))"
    assert vote.python(ran) == vote.score().inner_text()
    vote.press("Reset")
    expect(vote.status).to_contain_text("so are those of the graph")
    assert vote.python("tumor.vote.weights['logistic']") == "0.25"
    assert vote.python(ran) == "0.9531"


def test_the_search_turns_the_sliders_and_says_what_they_gain(vote: Panel):
    vote.press("Search")
    expect(vote.status).to_contain_text("accuracy")
    vote.expect_settled()
    assert vote.python("it.weights == results.best_weights(y_test).weights") == "True"


def test_light_dark_and_narrow(vote: Panel, split: Panel, artefacts: Path):
    where = "lab" if "/lab/" in vote.page.url else "notebook7"
    vote.drag("bayes", 0)
    vote.drag("logistic", 1)
    vote.expect_settled()
    split.drag("logistic", 0.3)
    split.expect_settled()
    for theme in ("Light", "Dark"):
        vote.page.evaluate(THEMED, f"JupyterLab {theme}")
        vote.page.wait_for_function(
            "it => document.body.dataset.jpThemeName === it", arg=f"JupyterLab {theme}"
        )
        for panel in (vote, split):
            panel.root.screenshot(path=artefacts / f"{panel.name}_{where}_{theme.lower()}.png")
    vote.page.evaluate(THEMED, "JupyterLab Light")
    size = vote.page.viewport_size
    assert size is not None
    vote.page.set_viewport_size({"width": 480, "height": 1200})
    for panel in (vote, split):
        panel.root.scroll_into_view_if_needed()
        slider = panel.slider("logistic").bounding_box()
        around = panel.root.bounding_box()
        assert slider is not None
        assert around is not None
        assert slider["width"] > 0.7 * around["width"]  # It has a line of its own.
        overflow = panel.root.evaluate("it => it.scrollWidth - it.clientWidth")
        assert overflow <= 0
        panel.root.screenshot(path=artefacts / f"{panel.name}_{where}_narrow.png")
    vote.page.set_viewport_size(size)


def test_on_an_exported_page_without_a_kernel_sliders_move_and_say_so(browser: Browser):
    graph = Graph("g", Splitter(a=abs, b=abs, weights={"a": 60, "b": 40}, name="split"))
    panel = graph.weights_panel(run=graph.run([-1.5] * 5), y=[1.5] * 5)
    page = browser.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.set_content(f"<style>{panel._css}</style><main></main>")
    page.evaluate(EXPORTED, json.loads(json.dumps(panel.get_state(), default=str)))
    slider = page.get_by_role("slider", name="a", exact=True)
    slider.press("Home")
    expect(page.get_by_role("slider", name="b", exact=True)).to_have_value("100")
    slider.press("ArrowRight")
    expect(
        page.get_by_text("There is no kernel behind this panel, so figures stay as they were.")
    ).to_be_visible()
    expect(page.get_by_role("button", name="Apply")).to_be_disabled()
    assert complaints == []
    page.close()
    panel.close()


def test_a_panel_whose_kernel_was_restarted_says_so(browser: Browser):
    panel = Graph("g", Splitter(a=abs, b=round)).weights_panel()
    restarted = EXPORTED.replace("throw 'Syncing error: no comm channel defined';", "")
    restarted = restarted.replace(
        "send: () => {}", "send: () => { throw new Error('Cannot send'); }"
    )
    page = browser.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.set_content("<main></main>")
    page.evaluate(restarted, json.loads(json.dumps(panel.get_state(), default=str)))
    page.get_by_role("slider", name="a", exact=True).press("ArrowRight")
    page.get_by_role("button", name="Apply").click()
    expect(page.get_by_text("There is no kernel behind this panel")).to_be_visible()
    expect(page.get_by_role("button", name="Apply")).to_be_disabled()
    assert complaints == []
    page.close()
    panel.close()


def test_names_are_never_taken_for_html(browser: Browser):
    name = "<img src=x onerror='window[`broken`] = true'>"
    routes = {name: abs, '"><script>window[`broken`] = true</script>': round}
    panel = Graph(name, VotingEnsemble(name="vote", **routes)).weights_panel()
    page = browser.new_page()
    page.set_content("<main></main>")
    page.evaluate(EXPORTED, json.loads(json.dumps(panel.get_state(), default=str)))
    expect(page.get_by_role("slider", name=name, exact=True)).to_be_visible()
    assert page.locator("img, script").count() == 0
    page.set_content(panel._repr_mimebundle_()[0]["text/html"])
    assert page.locator("img, script").count() == 0
    assert page.evaluate("window[`broken`] ?? null") is None
    page.close()
    panel.close()


def test_shares_and_weights_are_reckoned_soundly(browser: Browser):
    """The arithmetic of the front end, on random moves, without a notebook."""
    page = browser.new_page()
    assert page.evaluate(RECKONED, WeightsPanel._esm) == []
    page.close()
