// What goes between the browser and the kernel, for all views of one panel.

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
    try {
      this.model.send({ do: what, weights: { ...this.weights } });
    } catch {
      this.isAlone = true; // As after the kernel was restarted: it knows nothing of this panel.
      this.show();
    }
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
