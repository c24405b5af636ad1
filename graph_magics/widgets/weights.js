// The front end of the weights panel. It answers at once with what needs no models (sums, shares,
// the drawing's edges); the kernel's figures follow, and are shown if they are of these weights.

const SUPPRESS = "lmSuppressShortcuts"; // Without it arrow keys move between the notebook's cells.
const SMALLEST = 0.6; // Of its natural size: in less, a drawing cannot be read.
const WIDE = 700; // Pixels from which on it has a line of its own.
const SPEAK_AFTER = 900; // Milliseconds of rest before figures are read out.

// ---- Arithmetic: plain functions, which the tests call by themselves. ----

/**
 * The weights after one route was moved, of a Splitter: percents, whose sum stays 100.
 * Locked routes stay; the others share what is left in the proportion that they have in `base`.
 */
export function moved(weights, name, value, locked, base, grain) {
  const names = Object.keys(weights);
  const held = names.filter((other) => other !== name && locked.includes(other));
  const free = names.filter((other) => other !== name && !locked.includes(other));
  const room = Math.max(0, 100 - sum(held.map((other) => weights[other])));
  const mine = free.length ? clamp(onGrid(value, grain), 0, room) : room;
  const shares = split(clean(room - mine), free.map((other) => base[other] ?? 0), grain);
  const result = {};
  for (const other of names) {
    const place = free.indexOf(other);
    result[other] = other === name ? clean(mine) : place < 0 ? weights[other] : shares[place];
  }
  return result;
}

/** Parts of a whole in a given proportion, each on the grid but one, with that very sum. */
export function split(whole, proportion, grain) {
  const count = proportion.length;
  if (!count) return [];
  const total = sum(proportion);
  const exact = proportion.map((part) => (whole * (total > 0 ? part / total : 1 / count)) / grain);
  const parts = exact.map((part) => Math.floor(part + 1e-9));
  const order = exact.map((part, i) => [part - parts[i], i]).sort((a, b) => b[0] - a[0]);
  let left = whole / grain - sum(parts);
  for (const [, i] of order) {
    if (left < 1 - 1e-9) break;
    parts[i] += 1;
    left -= 1;
  }
  // What is finer than the grid goes to the largest, where it shows least.
  parts[parts.indexOf(Math.max(...parts))] += Math.abs(left) < 1e-9 ? 0 : left;
  return parts.map((part) => clean(part * grain));
}

/** Each weight's part of their sum; null if there is none. */
export function shares(weights) {
  const total = sum(Object.values(weights));
  if (!(total > 0)) return null;
  return Object.fromEntries(Object.entries(weights).map(([name, one]) => [name, one / total]));
}

/** The end of a slider that shows a weight: 1, 2 or 5 times a power of ten. */
export function reach(weight) {
  if (!(weight > 0)) return 1;
  const ten = 10 ** Math.floor(Math.log10(weight));
  return clean([1, 2, 5, 10].find((step) => step * ten >= weight * (1 - 1e-9)) * ten);
}

const sum = (numbers) => numbers.reduce((total, one) => total + one, 0);
const clamp = (value, least, most) => Math.min(Math.max(value, least), most);
const onGrid = (value, grain) => Math.round(value / grain) * grain;
const clean = (value) => Number(value.toFixed(9));
const same = (one, other) =>
  Boolean(one && other) &&
  Object.keys(one).length === Object.keys(other).length &&
  Object.keys(one).every((name) => one[name] === other[name]);

// Three digits, as Python's format has them in the drawing.
const short = (value) => String(Number(value.toPrecision(3)));
const percent = (share) => `${(100 * share).toFixed(1)} %`;

// ---- What goes between the browser and the kernel, for all views of one panel. ----

class Line {
  constructor(model) {
    this.model = model;
    this.weights = { ...model.get("weights") };
    this.asked = model.get("_asked");
    this.views = new Set();
    this.isOut = false; // A question is out, and not answered yet.
    this.isNewer = false; // There are newer weights than those asked for.
    this.isAlone = false;
    model.on("change:weights", () => this.given());
    model.on("change:_figures", () => this.answered());
    for (const name of ["locked", "_said", "_searching", "_judged"]) {
      model.on(`change:${name}`, () => this.show());
    }
  }

  /** Take weights that were moved here. While a question is out, only the newest wait. */
  move(weights) {
    this.weights = weights;
    if (this.isOut) this.isNewer = true;
    else this.ask();
    this.show();
  }

  ask() {
    this.asked += 1;
    this.isOut = true;
    this.isNewer = false;
    this.isOurs = true;
    this.model.set("weights", { ...this.weights });
    this.model.set("_asked", this.asked);
    this.isOurs = false;
    this.save();
  }

  save() {
    try {
      this.model.save_changes();
    } catch {
      this.isAlone = true; // As on an exported page: there is no kernel to ask.
    }
  }

  /** Take weights that Python has set, or another page with the same kernel. */
  given() {
    if (this.isOurs) return;
    this.weights = { ...this.model.get("weights") };
    this.isNewer = false;
    this.show();
  }

  answered() {
    if (this.model.get("_figures").asked >= this.asked) {
      this.isOut = false;
      if (this.isNewer) this.ask();
    }
    this.show();
  }

  /** The kernel's figures, if they are of these very weights. */
  get figures() {
    const figures = this.model.get("_figures");
    return same(figures.weights, this.weights) ? figures : null;
  }

  /** Have the kernel do something with the weights as they are here. */
  send(what) {
    this.isNewer = false;
    this.model.send({ do: what, weights: { ...this.weights } });
  }

  lock(name, isLocked) {
    const others = this.model.get("locked").filter((other) => other !== name);
    this.model.set("locked", isLocked ? [...others, name] : others);
    this.save();
    this.show();
  }

  show() {
    for (const view of this.views) view.show();
  }
}

// ---- One view: the elements, and what they show. ----

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "class") made.className = value;
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== null) made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

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
    if (isAlone) this.status.textContent = "There is no kernel, so figures stay as they were.";
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

/** The table of scores, with a dot on a common scale beside each. */
function scores(judged, figures) {
  const rows = [
    { name: "these weights", ...figures.score, kind: "now" },
    ...(figures.expected ? [{ name: "these weights, all draws", ...figures.expected, kind: "now" }] : []),
    ...judged.rows,
  ];
  const known = rows.map((row) => row.value).filter((value) => value !== null);
  const least = Math.min(...known);
  const width = Math.max(...known) - least || 1;
  const body = element("tbody");
  for (const row of rows) {
    const track = element("span", { class: "gmw-track", "aria-hidden": "true" });
    if (row.value !== null) {
      const dot = element("span", { class: "gmw-dot" });
      dot.style.setProperty("--gmw-at", String((row.value - least) / width));
      track.append(dot);
    }
    body.append(
      element(
        "tr",
        { class: `gmw-${row.kind}`, "data-name": row.name },
        element("th", { scope: "row", title: row.name }, row.name),
        element("td", { class: "gmw-value" }, row.text),
        element("td", { class: "gmw-scale" }, track),
      ),
    );
  }
  const aim = judged.is_higher_better ? "higher is better" : "lower is better";
  return element(
    "table",
    { class: "gmw-scores" },
    element("caption", {}, `${judged.metric}, `, element("span", { class: "gmw-aim" }, aim)),
    body,
  );
}

/** The first events whose answer is another one. */
function examples({ columns, rows, caption }) {
  const head = element("tr", {}, ...columns.map((name) => element("th", { scope: "col" }, name)));
  const body = rows.map(({ cells, marks }) =>
    element(
      "tr",
      {},
      ...cells.map((text, i) => {
        if (i === 0) return element("th", { scope: "row" }, text);
        const made = element("td", { class: marks[i] ? `gmw-${marks[i]}` : "" }, text);
        if (marks[i]) made.append(element("span", { class: "gmw-hidden" }, ` (${marks[i]})`));
        return made;
      }),
    ),
  );
  return element(
    "div",
    { class: "gmw-scroll" },
    element(
      "table",
      { class: "gmw-examples" },
      element("caption", {}, caption),
      element("thead", {}, head),
      element("tbody", {}, ...body),
    ),
  );
}

/** The kernel's drawing as an element: parsed as SVG, and never as HTML. */
function drawn(svg) {
  const parsed = new DOMParser().parseFromString(svg, "image/svg+xml").documentElement;
  const made = document.importNode(parsed, true);
  made.setAttribute("aria-hidden", "true");
  const [width, height] = ["width", "height"].map((side) => parseFloat(made.getAttribute(side)));
  if (width && height) {
    made.style.aspectRatio = `${width} / ${height}`;
    const pixels = Math.round((width * 4) / 3);
    made.style.width = `${pixels}px`;
    made.style.minWidth = `${Math.round(SMALLEST * pixels)}px`; // In less room it is scrolled.
    made.dataset.pixels = pixels;
  }
  made.removeAttribute("width");
  made.removeAttribute("height");
  // Several panels of a graph on one page: an id may stand in it once only.
  for (const part of [made, ...made.querySelectorAll("[id]")]) {
    if (part.id) part.dataset.part = part.id;
    part.removeAttribute("id");
  }
  return made;
}

/** What shows a route's share on its edge, by route. */
function edgesIn(drawing, edges) {
  const found = new Map();
  for (const [name, { part, thin, span, unit }] of Object.entries(edges)) {
    const group = drawing.querySelector(`[data-part="${CSS.escape(part)}"]`);
    if (!group) continue;
    const path = group.querySelector("path");
    const text = group.querySelector("text");
    found.set(name, (share) => {
      if (path) path.style.strokeWidth = (thin + span * share).toFixed(2);
      group.classList.toggle("gmw-none", !share);
      if (text) text.textContent = unit === "%" ? `${short(100 * share)} %` : short(share);
    });
  }
  return found;
}

function padlock() {
  const namespace = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(namespace, "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("aria-hidden", "true");
  const body = document.createElementNS(namespace, "rect");
  for (const [name, value] of Object.entries({ x: 3, y: 7, width: 10, height: 7, rx: 1.5 })) {
    body.setAttribute(name, value);
  }
  const bow = document.createElementNS(namespace, "path");
  bow.setAttribute("d", "M5 7 V5 a3 3 0 0 1 6 0 V7");
  svg.append(bow, body);
  return svg;
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
