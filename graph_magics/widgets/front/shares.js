// Arithmetic of weights: plain functions, which the tests call by themselves.

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
