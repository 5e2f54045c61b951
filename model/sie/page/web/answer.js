// What a view says to the reader's state: from the report where nothing is edited, else from weights on stored draws.

import { decode, probabilities, quantiles, weigh } from "weights";
import { isEdited } from "state";

/** @typedef {import("families").Prior} Prior */
/** @typedef {import("state").State} State */
/** @typedef {import("weights").Draws} Draws */
/** @typedef {import("weights").Weights} Weights */

/**
 * @typedef {object} Answer given priors alone, or evidence too
 * @property {Weights} weights
 * @property {{p: number, mcse: number}[]} events in the order of the view's; empty where refused
 * @property {number[]} r 5, 25, 50, 75 and 95 % of r at ASARA; empty where refused
 * @property {string} how "report" or "weights"
 * @property {string} refused
 */

const AT = [0.05, 0.25, 0.5, 0.75, 0.95];

/** A view's payload with its draws decoded once, and what they are of. */
export class Loaded {
  /** @param {any} payload @param {any} author the payload of the author's own view, which edits are relative to */
  constructor(payload, author = payload) {
    this.payload = payload;
    this.author = author;
    /** @type {Map<string, Draws> | null} */
    this.decoded = null;
    /** @type {{p: number, mcse: number}[] | null} */
    this.plain = null;
    /** @type {Map<string, Prior>} */
    this.base = new Map(payload.quantities.map((/** @type {any} */ q) => [q.name, q.prior]));
    this.correlated = new Set(payload.quantities.filter((/** @type {any} */ q) => q.correlated).map((/** @type {any} */ q) => q.name));
  }

  /** The draws, decoded when they are first needed. @returns {Map<string, Draws>} */
  get draws() {
    this.decoded ??= new Map(Object.entries(this.payload.sets).map(([given, set]) => [given, decode(set)]));
    return this.decoded;
  }

  /** What the stored draws say of an event as they are, given all that counts. @param {number} event */
  unedited(event) {
    const given = lastGiven(this.draws);
    const draws = /** @type {Draws} */ (this.draws.get(given));
    this.plain ??= probabilities(draws, /** @type {Float64Array} */ (draws.events.get("")), weigh(draws, this.base, this.base, [], this.correlated), this.author.events.length);
    return this.plain[event].p;
  }

  /** The priors that a state has. @param {State} state @returns {Map<string, Prior>} */
  now(state) {
    return new Map(
      this.author.quantities.map((/** @type {any} */ q) => [q.name, state.priors[q.name] ?? q.prior]),
    );
  }

  /** @param {State} state @returns {Map<string, Answer>} */
  answer(state) {
    /** @type {Map<string, Answer>} */
    const found = new Map();
    for (const given of this.draws.keys()) found.set(given, this.one(state, given));
    return found;
  }

  /** @param {State} state @param {string} given @returns {Answer} */
  one(state, given) {
    const draws = /** @type {Draws} */ (this.draws.get(given));
    const held = draws.rows.length > 0;
    if (given === "evidence" && !held && state.off.length) return refusedAnswer("the stored draws do not say what each row does");
    const missing = given === "evidence" && held ? this.usedRows().filter((row) => !draws.rows.includes(row) && !state.off.includes(row)) : [];
    if (missing.length) return refusedAnswer(`${missing[0]} is not in the stored draws`);
    const off = given === "evidence" ? state.off : [];
    const weights = weigh(draws, this.base, this.now(state), off, this.correlated);
    if (weights.refused) return { ...refusedAnswer(weights.refused), weights };
    const own = this.payload === this.author && !(given === "priors" ? Object.keys(state.priors).length : isEdited(state));
    if (own && !state.mechanism) {
      const said = this.payload.answers[given];
      const events = this.author.events.map((/** @type {any} */ event) => ({ p: said.p[event.name][0], mcse: said.p[event.name][1] }));
      return { weights, events, r: said.r, how: "report", refused: "" };
    }
    const bits = draws.events.get(state.mechanism);
    const r = draws.r.get(state.mechanism);
    if (!bits || !r) return refusedAnswer("these draws hold the view's own mechanism alone");
    const events = probabilities(draws, bits, weights, this.author.events.length);
    return { weights, events, r: quantiles(r, weights.weight, AT), how: "weights", refused: "" };
  }

  /** The rows that the author's view uses. @returns {string[]} */
  usedRows() {
    return this.author.rows.filter((/** @type {any} */ row) => row.used).map((/** @type {any} */ row) => row.id);
  }
}

/** @param {string} refused @returns {Answer} */
function refusedAnswer(refused) {
  return { weights: { weight: null, khat: NaN, effective: 0, refused }, events: [], r: [], how: "weights", refused };
}

/** The given of which a view's headline speaks. @param {Map<string, any>} answers */
export function lastGiven(answers) {
  return answers.has("evidence") ? "evidence" : "priors";
}

/**
 * An event's probability where each quantity is in its lowest and in its highest third, the widest apart first.
 * @param {Loaded} loaded @param {State} state @param {string} given @param {Weights} weights @param {number} event
 */
export function drivers(loaded, state, given, weights, event) {
  const draws = /** @type {Draws} */ (loaded.draws.get(given));
  const bits = draws.events.get(state.mechanism);
  if (!bits) return [];
  const found = [];
  for (const quantity of loaded.author.quantities) {
    const values = draws.value.get(quantity.name);
    if (!values) continue;
    const [first, second] = quantiles(values, weights.weight, [1 / 3, 2 / 3]);
    let [low, lowAll, high, highAll] = [0, 0, 0, 0];
    for (let i = 0; i < values.length; i++) {
      const w = weights.weight ? weights.weight[i] : 1;
      const happens = (bits[i] >> event) & 1 ? w : 0;
      if (values[i] <= first) {
        low += happens;
        lowAll += w;
      } else if (values[i] > second) {
        high += happens;
        highAll += w;
      }
    }
    if (lowAll && highAll) found.push({ name: quantity.words, low: low / lowAll, high: high / highAll });
  }
  return found.sort((a, b) => Math.abs(b.high - b.low) - Math.abs(a.high - a.low));
}

/** @param {Draws} draws @param {Weights} weights */
export function fan(draws, weights) {
  return [...draws.level].map(([years, values]) => ({ years: Number(years), quantiles: quantiles(values, weights.weight, AT) }));
}

/** @type {WeakMap<Draws, {name: string, r: Float64Array, factor: Float64Array | null}[]>} */
const chains = new WeakMap();

/** r after each factor in turn, draw by draw. @param {Draws} draws */
function stagesOf(draws) {
  const found = chains.get(draws);
  if (found) return found;
  /** @type {{name: string, r: Float64Array, factor: Float64Array | null}[]} */
  const stages = [];
  for (const [name, values] of draws.stage) {
    const before = stages[stages.length - 1];
    stages.push(
      before
        ? { name: name.replaceAll("_", " ").replace("post training", "post-training"), r: before.r.map((r, i) => r * values[i]), factor: values }
        : { name: "r of language models", r: values, factor: null },
    );
  }
  chains.set(draws, stages);
  return stages;
}

/** The chain from r of language models to r at ASARA. @param {Draws} draws @param {Weights} weights */
export function chain(draws, weights) {
  return stagesOf(draws).map(({ name, r, factor }) => ({
    name,
    quantiles: quantiles(r, weights.weight, AT),
    factor: factor ? quantiles(factor, weights.weight, [0.5])[0] : null,
  }));
}

/** P(at least X years of progress) over X. @param {Draws} draws @param {string} window @param {Weights} weights */
export function progress(draws, window, weights) {
  const x = draws.years;
  const reached = /** @type {Float64Array} */ (draws.progress.get(window));
  const p = new Float64Array(x.length + 1);
  for (let i = 0; i < reached.length; i++) p[Math.round(reached[i])] += weights.weight ? weights.weight[i] : 1 / reached.length;
  for (let k = x.length - 1; k >= 0; k--) p[k] += p[k + 1];
  return x.map((years, k) => [years, Math.min(p[k + 1], 1)]);
}
