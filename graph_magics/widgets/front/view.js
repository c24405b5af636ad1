// One view of a panel: it answers at once with what needs no models (sums, shares, the drawing's
// edges); the kernel's figures follow, and are shown if they are of these weights.

const SUPPRESS = "lmSuppressShortcuts"; // Without it arrow keys move between the notebook's cells.
const WIDE = 700; // Pixels from which on a drawing has a line of its own.
const SPEAK_AFTER = 900; // Milliseconds of rest before figures are read out.

class View {
  constructor(line, el) {
    this.line = line;
    this.facts = line.model.get("_facts");
    // Each panel has this module to itself, so a count would repeat on the page.
    this.id = `graph-magics-weights-${Math.random().toString(36).slice(2)}`;
    this.base = { ...line.weights };
    this.shown = null;
    el.append(this.build());
    line.views.add(this);
    this.show();
  }

  close() {
    this.line.views.delete(this);
    clearTimeout(this.speaking);
  }

  get isSplitter() {
    return this.facts.kind === "Splitter";
  }

  build() {
    const { graph, router, kind, detail, can_search } = this.facts;
    this.drawing = drawn(this.facts.drawing);
    this.edges = edgesIn(this.drawing, this.facts.edges);
    const title = element("div", { class: "gmw-title", id: `${this.id}-title` }, `${graph}.${router}`);
    const head = element(
      "div",
      { class: "gmw-head" },
      title,
      element("div", { class: "gmw-kind" }, [kind, detail].filter(Boolean).join(" · ")),
    );
    this.rows = new Map(this.facts.routes.map((name, i) => [name, this.route(name, i)]));
    const legend = this.isSplitter ? "Share of the events" : "Weight of the vote";
    this.note = element("div", { class: "gmw-note", role: "alert" });
    const routes = element(
      "fieldset",
      { class: this.isSplitter ? "gmw-routes gmw-shares" : "gmw-routes" },
      element("legend", {}, legend),
      ...[...this.rows.values()].map((row) => row.row),
      this.note,
    );
    this.apply = this.button("Apply", "apply", "The graph takes these weights");
    this.reset = this.button("Reset", "reset", "Back to the weights from the start, here and in the graph");
    this.search = this.button("Search", "search", "Look for the best weights, which takes a moment");
    this.search.hidden = !can_search;
    this.status = element("div", { class: "gmw-status", role: "status", "aria-live": "polite" });
    this.figures = element("div", { class: "gmw-figures" });
    this.spoken = element("div", { class: "gmw-hidden", role: "status", "aria-live": "polite" });
    const picture = element("div", {
      class: "gmw-drawing",
      role: "img",
      "aria-label": `Drawing of the graph ${graph}, with the weights on its edges`,
    });
    picture.append(this.drawing);
    this.root = element(
      "div",
      { class: "graph-magics-weights", role: "group", "aria-labelledby": title.id },
      head,
      element(
        "div",
        { class: Number(this.drawing.dataset.pixels) > WIDE ? "gmw-body gmw-wide" : "gmw-body" },
        picture,
        element(
          "div",
          { class: "gmw-turn" },
          routes,
          element("div", { class: "gmw-buttons" }, this.apply, this.reset, this.search),
          this.status,
        ),
      ),
      this.figures,
      this.spoken,
    );
    // On what has the focus: the notebook asks each element for its shortcuts before the next.
    for (const one of this.root.querySelectorAll("input, button")) one.dataset[SUPPRESS] = "true";
    return this.root;
  }

  button(text, what, title) {
    const made = element("button", { type: "button", class: `gmw-button gmw-${what}`, title }, text);
    made.addEventListener("click", () => this.line.send(what));
    return made;
  }

  route(name, place) {
    const id = `${this.id}-${place}`;
    const common = { "aria-labelledby": `${id}-name` };
    const slider = element("input", { type: "range", class: "gmw-slider", min: 0, ...common });
    const number = element("input", {
      type: "number", class: "gmw-number", min: 0, inputmode: "decimal", ...common,
    }); // prettier-ignore
    const share = element("span", { class: "gmw-share", id: `${id}-share` });
    const label = element("label", { class: "gmw-name", id: `${id}-name`, for: `${id}-slider` }, name);
    slider.id = `${id}-slider`;
    label.title = name;
    const row = element("div", { class: "gmw-route" }, label, slider, number, share);
    let lock = null;
    if (this.isSplitter) {
      lock = element("button", { type: "button", class: "gmw-lock" });
      lock.append(padlock());
      lock.addEventListener("click", () => {
        this.line.lock(name, !this.line.model.get("locked").includes(name));
      });
      row.append(lock);
    }
    slider.addEventListener("input", () => this.turn(name, slider.valueAsNumber));
    number.addEventListener("input", () => {
      this.typed = name; // Its text is left alone meanwhile: "0." would become "0".
      this.turn(name, number.valueAsNumber);
    });
    for (const end of ["change", "blur"]) {
      number.addEventListener(end, () => {
        this.typed = null;
        this.show();
      });
    }
    // What the others share while this one moves is as it was when it began to.
    for (const begin of ["pointerdown", "focus"]) {
      slider.addEventListener(begin, () => this.begin(name));
      number.addEventListener(begin, () => this.begin(name));
    }
    return { row, slider, number, share, lock };
  }

  begin(name) {
    const others = Object.entries(this.line.weights).filter(([other]) => other !== name);
    // At 100 % the others have no proportion left: then they keep the one that they had.
    if (others.some(([, weight]) => weight > 0)) this.base = { ...this.line.weights };
    this.turning = name;
  }

  turn(name, value) {
    if (!Number.isFinite(value)) return;
    if (this.turning !== name) this.begin(name);
    const { weights, model } = this.line;
    const next = this.isSplitter
      ? moved(weights, name, value, model.get("locked"), this.base, this.facts.grain)
      : { ...weights, [name]: Math.max(0, value) };
    if (shares(next) === null) {
      this.line.weights = next; // Nobody can be asked about these.
      this.line.isNewer = false;
      this.line.show();
    } else if (!same(next, weights)) this.line.move(next);
    else this.show();
  }

  show() {
    const { weights, model } = this.line;
    if (!same(weights, this.shown)) {
      if (this.shown && this.said === model.get("_said").number) this.status.textContent = "";
      this.shown = { ...weights };
    }
    const parts = shares(weights);
    this.most = this.end();
    this.note.textContent = parts ? "" : "All weights are 0: give one route more.";
    for (const [name, row] of this.rows) this.showRoute(name, row, parts ? parts[name] : null);
    for (const [name, edge] of this.edges) edge(parts ? parts[name] : 0);
    const isSearching = model.get("_searching");
    const { isAlone } = this.line;
    this.apply.disabled = !parts || isAlone;
    this.reset.disabled = isAlone;
    this.search.disabled = isSearching || isAlone;
    if (isAlone) this.status.textContent = "There is no kernel behind this panel, so figures stay as they were.";
    this.search.textContent = isSearching ? "Searching …" : "Search";
    this.search.setAttribute("aria-busy", String(isSearching));
    const said = model.get("_said");
    if (said.number !== this.said) {
      this.said = said.number;
      this.status.textContent = said.text;
      this.status.classList.toggle("gmw-problem", said.is_problem === true);
    }
    this.showFigures(parts !== null);
  }

  /** Where all sliders end. Not nearer than before while one of them is held. */
  end() {
    if (this.isSplitter) return 100;
    const needed = reach(Math.max(this.facts.most, ...Object.values(this.line.weights)));
    const isHeld = document.activeElement?.type === "range" && this.root.contains(document.activeElement);
    return isHeld ? Math.max(this.most ?? 0, needed) : needed;
  }

  showRoute(name, { row, slider, number, share, lock }, part) {
    const weight = this.line.weights[name];
    const isLocked = this.isSplitter && this.line.model.get("locked").includes(name);
    const most = this.most;
    slider.max = most;
    slider.step = this.isSplitter ? this.facts.grain : most / 100;
    number.step = this.isSplitter ? (this.facts.grain < 1 ? 0.5 : 1) : most / 100;
    if (this.isSplitter) number.max = 100;
    slider.value = weight;
    slider.style.setProperty("--gmw-filled", `${(100 * weight) / most}%`);
    const text = this.isSplitter ? String(Number(weight.toFixed(1))) : String(Number(weight.toPrecision(4)));
    if (this.typed !== name) number.value = text;
    share.textContent = this.isSplitter ? "%" : part === null ? "–" : percent(part);
    const spoken = this.isSplitter ? `${text} percent` : `${text}, ${share.textContent} of the vote`;
    slider.setAttribute("aria-valuetext", isLocked ? `${spoken}, locked` : spoken);
    slider.disabled = isLocked;
    number.disabled = isLocked;
    row.classList.toggle("gmw-locked", isLocked);
    if (lock) {
      lock.setAttribute("aria-pressed", String(isLocked));
      lock.setAttribute("aria-label", `Lock ${name}`);
      lock.title = isLocked ? `${name} stays; click to let it move` : `Keep ${name} as others move`;
    }
  }

  showFigures(areWeights) {
    const figures = areWeights ? this.line.figures : null;
    const judged = this.line.model.get("_judged");
    this.figures.classList.toggle("gmw-waiting", !figures);
    // Until the new figures are there, the old ones stay, and are greyed after a moment.
    if (!figures || (this.told === figures && this.toldOf === judged)) return;
    const isFirst = !this.told;
    this.told = figures;
    this.toldOf = judged;
    const parts = [];
    if (figures.lines.length) {
      parts.push(
        element(
          "div",
          { class: "gmw-summary" },
          ...figures.lines.map((text) => element("div", { class: "gmw-line" }, text)),
        ),
      );
    }
    const tables = element("div", { class: "gmw-tables" });
    if (judged.rows.length) tables.append(scores(judged, figures));
    if (figures.examples.rows.length) tables.append(examples(figures.examples));
    if (tables.childElementCount) parts.push(tables);
    if (this.facts.hint) parts.push(element("div", { class: "gmw-hint" }, this.facts.hint));
    this.figures.replaceChildren(...parts);
    if (isFirst) return;
    clearTimeout(this.speaking);
    this.speaking = setTimeout(() => {
      this.spoken.textContent = [figures.spoken, ...figures.lines].filter(Boolean).join(". ");
    }, SPEAK_AFTER);
  }
}

export default () => {
  let line = null;
  return {
    initialize({ model }) {
      line = new Line(model);
    },
    render({ el }) {
      const view = new View(line, el);
      return () => view.close();
    },
  };
};
