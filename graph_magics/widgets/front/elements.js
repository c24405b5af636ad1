// The parts of a view that only show: tables, the drawing, a sign.

const SMALLEST = 0.6; // Of its natural size: in less, a drawing cannot be read.

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
