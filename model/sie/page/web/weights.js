// Stored draws, and their answers under other priors and without rows: Pareto-smoothed importance weights, as in
// inference/stored_draws.py (Vehtari et al. 2024).

import { logDensity, same, support } from "families";

/** @typedef {import("families").Prior} Prior */

/**
 * @typedef {object} Draws what a set of stored draws holds, one number a draw in each column
 * @property {number} n
 * @property {number} effective how many independent draws they are worth
 * @property {number[]} years X of the columns of progress
 * @property {string[]} rows
 * @property {string[]} historyRows
 * @property {Map<string, Float64Array>} value
 * @property {Map<string, Float64Array>} row log likelihoods
 * @property {Map<string, Float64Array>} history
 * @property {Map<string, Float64Array>} history_rows
 * @property {Map<string, Float64Array>} log_mixture its digits, which add up
 * @property {Map<string, Float64Array>} events bits by mechanism
 * @property {Map<string, Float64Array>} r by mechanism
 * @property {Map<string, Float64Array>} stage
 * @property {Map<string, Float64Array>} pace
 * @property {Map<string, Float64Array>} level
 * @property {Map<string, Float64Array>} time
 * @property {Map<string, Float64Array>} progress
 */

/**
 * @typedef {object} Weights
 * @property {Float64Array | null} weight of each draw, sum 1; null for equal weights
 * @property {number} khat NaN without weights
 * @property {number} effective
 * @property {string} refused why there is no number; "" where there is one
 */

const CODES = 65535; // stands for infinity
const ALIKE = 1e-9; // log ratios that differ by less differ by rounding
export const MAX_KHAT = 0.7;
export const MIN_EFFECTIVE = 100;

/**
 * The columns of a set.
 * @param {any} set as page/draw_sets.py writes it
 * @returns {Draws}
 */
export function decode(set) {
  const bytes = Uint8Array.from(atob(set.data), (letter) => letter.charCodeAt(0));
  const codes = new Uint16Array(bytes.buffer);
  /** @type {any} */
  const draws = { n: set.n, effective: set.effective, years: set.years, rows: set.rows, historyRows: set.history_rows };
  for (const role of ROLES) draws[role] = new Map();
  set.columns.forEach((/** @type {any} */ about, /** @type {number} */ i) => {
    draws[about.role].set(about.name, decoded(about, codes.subarray(i * set.n, (i + 1) * set.n)));
  });
  return draws;
}

const ROLES = [
  "value",
  "row",
  "history",
  "history_rows",
  "log_mixture",
  "events",
  "r",
  "stage",
  "pace",
  "level",
  "time",
  "progress",
];

/** @param {any} about @param {Uint16Array} codes */
function decoded(about, codes) {
  const { low, step, scale } = about;
  const found = new Float64Array(codes.length);
  for (let i = 0; i < codes.length; i++) {
    const on = low + step * codes[i];
    if (scale === "bits") found[i] = codes[i];
    else if (codes[i] === CODES) found[i] = Infinity;
    else if (scale === "log") found[i] = Math.exp(on);
    else if (scale === "logit") found[i] = 1 / (1 + Math.exp(-on));
    else found[i] = on;
  }
  return found;
}

/**
 * The weights of draws under other priors and without rows.
 * @param {Draws} draws
 * @param {Map<string, Prior>} base the priors that the draws have
 * @param {Map<string, Prior>} now the priors asked for, of the same quantities
 * @param {Iterable<string>} without ids of rows
 * @param {Set<string>} correlated quantities whose priors cannot be weighed
 * @returns {Weights}
 */
export function weigh(draws, base, now, without, correlated) {
  const gone = [...without].filter((row) => draws.rows.includes(row));
  const log = new Float64Array(draws.n);
  for (const column of draws.log_mixture.values()) for (let i = 0; i < log.length; i++) log[i] -= column[i];
  for (const [name, prior] of now) {
    const old = /** @type {Prior} */ (base.get(name));
    if (same(prior, old)) continue;
    const refused = outOfReach(name, old, prior, correlated);
    if (refused) return { weight: null, khat: NaN, effective: 0, refused };
    for (const column of [draws.value.get(name), draws.history.get(name)]) {
      if (!column) continue;
      const before = logDensity(old, column);
      const after = logDensity(prior, column);
      for (let i = 0; i < log.length; i++) log[i] += after[i] - before[i];
    }
  }
  for (const row of gone) {
    const column = /** @type {Float64Array} */ (draws.row.get(row));
    for (let i = 0; i < log.length; i++) log[i] -= column[i];
  }
  addHistoryRows(log, draws, gone);
  return smoothed(log);
}

/** @param {string} name @param {Prior} old @param {Prior} now @param {Set<string>} correlated */
function outOfReach(name, old, now, correlated) {
  if (correlated.has(name)) return `${name} is correlated with another quantity`;
  if (old.family === "fixed" || now.family === "fixed") return `the stored draws have one value of ${name}`;
  const [low, high] = support(old);
  const [from, to] = support(now);
  return from < low || to > high ? `${name} now reaches beyond the stored draws` : "";
}

/** @param {Float64Array} log @param {Draws} draws @param {string[]} gone */
function addHistoryRows(log, draws, gone) {
  const whole = 2 ** draws.historyRows.length - 1;
  let kept = whole;
  for (const row of gone) if (draws.historyRows.includes(row)) kept -= 2 ** draws.historyRows.indexOf(row);
  if (kept === whole) return;
  const before = /** @type {Float64Array} */ (draws.history_rows.get(`${whole}`));
  const after = /** @type {Float64Array} */ (draws.history_rows.get(`${kept}`));
  for (let i = 0; i < log.length; i++) log[i] += after[i] - before[i];
}

/**
 * Pareto-smoothed weights from log ratios.
 * @param {Float64Array} log
 * @returns {Weights}
 */
export function smoothed(log) {
  const n = log.length;
  const sorted = Float64Array.from(log).sort();
  const most = sorted[n - 1];
  if (!(most > -Infinity) || Number.isNaN(most)) return refusal(NaN, 0, "no stored draw has what is asked for");
  if (most - sorted[0] < ALIKE) return { weight: null, khat: NaN, effective: n, refused: "" };
  const size = n > 225 ? Math.floor(3 * Math.sqrt(n)) : Math.floor(n / 5);
  const cutoff = sorted[n - size - 1];
  const tail = tailOf(log, cutoff, size);
  const weight = new Float64Array(n);
  for (let i = 0; i < n; i++) weight[i] = log[i] - most;
  const base = Math.exp(cutoff - most);
  const excess = Float64Array.from(tail, (i) => Math.exp(log[i] - most) - base);
  const alike = log[tail[size - 1]] - log[tail[0]] < ALIKE; // bounded weights, of which no tail is fitted
  const { khat, sigma } = alike ? { khat: 0, sigma: NaN } : fitPareto(excess);
  if (!alike && Number.isFinite(khat))
    tail.forEach((i, rank) => {
      const p = (rank + 0.5) / size;
      const excessAt = khat === 0 ? -sigma * Math.log1p(-p) : (sigma * Math.expm1(-khat * Math.log1p(-p))) / khat;
      weight[i] = Math.min(Math.log(base + (sigma > 0 ? excessAt : NaN)), 0);
    });
  let sum = 0;
  for (let i = 0; i < n; i++) sum += weight[i] = Math.exp(weight[i]);
  let squares = 0;
  for (let i = 0; i < n; i++) squares += (weight[i] /= sum) ** 2;
  const effective = 1 / squares;
  if (!(khat <= MAX_KHAT)) return refusal(khat, effective, "too few stored draws are near what is asked for");
  if (!(effective >= MIN_EFFECTIVE)) return refusal(khat, effective, "too few stored draws are near what is asked for");
  return { weight, khat, effective, refused: "" };
}

/** @param {number} khat @param {number} effective @param {string} refused @returns {Weights} */
function refusal(khat, effective, refused) {
  return { weight: null, khat, effective, refused };
}

/** The draws above a cutoff in ascending order, `size` of them; of ties at the cutoff as many as are missing. @param {Float64Array} log @param {number} cutoff @param {number} size */
function tailOf(log, cutoff, size) {
  /** @type {number[]} */
  const above = [];
  /** @type {number[]} */
  const ties = [];
  for (let i = 0; i < log.length; i++) {
    if (log[i] > cutoff) above.push(i);
    else if (log[i] === cutoff) ties.push(i);
  }
  return [...ties.slice(ties.length - (size - above.length)), ...above].sort((i, j) => log[i] - log[j]);
}

/**
 * The generalised Pareto distribution of ascending excesses (Zhang & Stephens 2009), with the prior of Vehtari et al.
 * @param {Float64Array} x
 */
function fitPareto(x) {
  const n = x.length;
  const count = 30 + Math.floor(Math.sqrt(n));
  const quarter = x[Math.floor(n / 4 + 0.5) - 1];
  if (!(quarter > x[0])) return { khat: NaN, sigma: NaN };
  const b = new Float64Array(count);
  const length = new Float64Array(count);
  let most = -Infinity;
  for (let j = 0; j < count; j++) {
    b[j] = (1 - Math.sqrt(count / (j + 0.5))) / (3 * quarter) + 1 / x[n - 1];
    const k = meanLog1p(x, -b[j]);
    length[j] = n * (Math.log(-b[j] / k) - k - 1);
    most = Math.max(most, length[j]);
  }
  let sum = 0;
  for (let j = 0; j < count; j++) sum += length[j] = Math.exp(length[j] - most);
  let kept = 0;
  let mean = 0;
  for (let j = 0; j < count; j++) {
    const share = length[j] / sum;
    if (!(share >= 10 * Number.EPSILON)) continue;
    kept += share;
    mean += b[j] * share;
  }
  const at = mean / kept;
  const k = meanLog1p(x, -at);
  return Number.isNaN(k) ? { khat: Infinity, sigma: NaN } : { khat: (n * k + 5) / (n + 10), sigma: -k / at };
}

/** @param {Float64Array} x @param {number} times */
function meanLog1p(x, times) {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += Math.log1p(times * x[i]);
  return sum / x.length;
}

/**
 * The probability of each event with its Monte Carlo standard error.
 * @param {Draws} draws
 * @param {Float64Array} bits
 * @param {Weights} weights
 * @param {number} events
 * @returns {{p: number, mcse: number}[]}
 */
export function probabilities(draws, bits, weights, events) {
  const n = bits.length;
  const weight = weights.weight;
  const p = new Float64Array(events);
  for (let i = 0; i < n; i++) {
    const w = weight ? weight[i] : 1 / n;
    for (let e = 0; e < events; e++) if ((bits[i] >> e) & 1) p[e] += w;
  }
  for (let e = 0; e < events; e++) p[e] = Math.min(p[e], 1);
  const effective = weight ? weights.effective : n;
  const variance = new Float64Array(events);
  for (let i = 0; i < n; i++) {
    const w = (weight ? weight[i] : 1 / n) * n;
    for (let e = 0; e < events; e++) variance[e] += (w * (((bits[i] >> e) & 1) - p[e])) ** 2 / n;
  }
  return Array.from(p, (each, e) => {
    const size = Math.min(effective, draws.effective, variance[e] > 0 ? (each * (1 - each) * draws.effective) / variance[e] : Infinity);
    const smooth = (each * effective + 0.5) / (effective + 1);
    return { p: each, mcse: Math.sqrt((smooth * (1 - smooth)) / size) };
  });
}

/** @type {WeakMap<Float64Array, Uint32Array>} */
const orders = new WeakMap();

/** The draws of a column from the least to the largest, found once. @param {Float64Array} values */
function orderOf(values) {
  let order = orders.get(values);
  if (!order) {
    order = Uint32Array.from({ length: values.length }, (_, i) => i).sort((i, j) => values[i] - values[j]);
    orders.set(values, order);
  }
  return order;
}

/**
 * Weighted quantiles: the least value below or at which so much weight lies.
 * @param {Float64Array} values
 * @param {Float64Array | null} weight
 * @param {number[]} at
 * @returns {number[]}
 */
export function quantiles(values, weight, at) {
  const n = values.length;
  const order = orderOf(values);
  if (!weight) return at.map((q) => values[order[Math.min(n - 1, Math.max(0, Math.ceil(q * n - 1e-9) - 1))]]);
  const below = new Float64Array(n);
  let sum = 0;
  for (let i = 0; i < n; i++) below[i] = sum += weight[order[i]];
  return at.map((q) => {
    let [low, high] = [0, n - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (below[middle] >= q * sum) high = middle;
      else low = middle + 1;
    }
    return values[order[low]];
  });
}
