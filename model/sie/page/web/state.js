// What the reader chose, as data; its place in the address; undo and redo.

import { makePrior, problemOf, same } from "families";

/** @typedef {import("families").Prior} Prior */

/**
 * @typedef {object} State everything that the reader chose
 * @property {string} view name of the view
 * @property {string} second name of the view beside it; "" for none
 * @property {string} event
 * @property {string} mechanism "" for the view's own
 * @property {Record<string, Prior>} priors those that differ from the author's, by quantity
 * @property {string[]} off ids of rows that shall not count
 * @property {string} own the text of an own view; "" for a bundled one
 * @property {Record<string, string>} levels of domains whose evidence enters at another level than in the file
 */

/** @param {any} view a payload @returns {State} */
export function initial(view) {
  return {
    view: view.name,
    second: "",
    event: "r_above_1",
    mechanism: "",
    priors: {},
    off: [],
    own: view.bundled ? "" : view.toml,
    levels: {},
  };
}

/** What tells views apart that are asked about: an own view from a bundled one of its name. @param {{view: string, own: string}} state */
export function viewKey(state) {
  return `${state.own ? "own " : ""}${state.view}`;
}

/** The levels of a state in one line. @param {State} state */
export function levelsKey(state) {
  return JSON.stringify(Object.entries(state.levels).sort());
}

/**
 * The part of an address after `#`.
 * @param {State} state
 */
export function toHash(state) {
  /** @type {Record<string, unknown>} */
  const short = { view: state.view };
  for (const key of /** @type {const} */ (["second", "mechanism", "own"])) if (state[key]) short[key] = state[key];
  if (state.event !== "r_above_1") short.event = state.event;
  if (state.off.length) short.off = state.off;
  if (Object.keys(state.levels).length) short.levels = state.levels;
  const priors = Object.entries(state.priors).map(([name, prior]) => [name, packed(prior)]);
  if (priors.length) short.priors = Object.fromEntries(priors);
  const bytes = new TextEncoder().encode(JSON.stringify(short));
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""))
    .replace(/\+/g, "-")
    .replace(/\//g, "_")
    .replace(/=+$/, "");
}

/** @param {Prior} prior @returns {unknown[]} */
function packed(prior) {
  return [prior.family, prior.numbers];
}

/**
 * The state that an address holds, or why it holds none.
 * @param {string} hash without `#`
 * @returns {{state: State | null, problem: string}}
 */
export function fromHash(hash) {
  if (!hash) return { state: null, problem: "" };
  const bad = { state: null, problem: "The address holds no state that this page wrote; the view is shown as it stands." };
  /** @type {any} */
  let read;
  try {
    const text = atob(hash.replace(/-/g, "+").replace(/_/g, "/"));
    read = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(Uint8Array.from(text, (c) => c.charCodeAt(0))));
  } catch {
    return bad;
  }
  const words = (/** @type {unknown} */ x) => x === undefined || (typeof x === "string" && x.length < 300000);
  const known = ["view", "second", "event", "mechanism", "own", "off", "priors", "levels"];
  if (
    typeof read !== "object" ||
    read === null ||
    Object.keys(read).some((key) => !known.includes(key)) ||
    typeof read.view !== "string" ||
    !known.slice(0, 5).every((key) => words(read[key])) ||
    !(read.off === undefined || (Array.isArray(read.off) && read.off.every((/** @type {unknown} */ row) => typeof row === "string"))) ||
    !(read.levels === undefined || (isTable(read.levels) && Object.values(read.levels).every((level) => typeof level === "string"))) ||
    !(read.priors === undefined || isTable(read.priors))
  )
    return bad;
  /** @type {Record<string, Prior>} */
  const priors = {};
  for (const [name, item] of Object.entries(read.priors ?? {})) {
    if (name in Object.prototype || !Array.isArray(item) || typeof item[0] !== "string" || !Array.isArray(item[1])) return bad;
    if (!item[1].every((number) => typeof number === "number")) return bad;
    priors[name] = makePrior(item[0], item[1]);
  }
  return {
    state: {
      view: read.view,
      second: read.second ?? "",
      event: read.event ?? "r_above_1",
      mechanism: read.mechanism ?? "",
      priors,
      off: [...new Set(/** @type {string[]} */ (read.off ?? []))],
      own: read.own ?? "",
      levels: read.levels ?? {},
    },
    problem: "",
  };
}

/** @param {unknown} x @returns {x is Record<string, unknown>} */
function isTable(x) {
  return typeof x === "object" && x !== null && !Array.isArray(x);
}

/**
 * Why a state does not fit a view; "" where it does.
 * @param {State} state
 * @param {any} view a payload
 */
export function unfit(state, view) {
  if (!view.events.some((/** @type {any} */ event) => event.name === state.event)) return `no event is called ${state.event}`;
  if (state.mechanism && !view.mechanisms.some((/** @type {any} */ one) => one.name === state.mechanism))
    return `no mechanism is called ${state.mechanism}`;
  for (const row of state.off)
    if (!view.rows.some((/** @type {any} */ one) => one.id === row && one.used)) return `no row ${row} counts in this view`;
  for (const [name, prior] of Object.entries(state.priors)) {
    const quantity = view.quantities.find((/** @type {any} */ one) => one.name === name);
    if (!quantity) return `the view has no quantity ${name}`;
    const offered = quantity.families.includes(prior.family) || same(prior, quantity.prior);
    const problem = offered ? problemOf(prior, quantity.range) : `no family is called ${prior.family} here`;
    if (problem) return `${name}: ${problem}`;
  }
  return "";
}

/**
 * With another prior; one that equals the author's is no change.
 * @param {State} state @param {any} quantity @param {Prior} prior @returns {State}
 */
export function withPrior(state, quantity, prior) {
  const priors = { ...state.priors };
  if (same(prior, quantity.prior)) delete priors[quantity.name];
  else priors[quantity.name] = prior;
  return { ...state, priors };
}

/** Whether anything differs from what the author says. @param {State} state */
export function isEdited(state) {
  return Object.keys(state.priors).length > 0 || state.off.length > 0;
}

/** The states of one reader, with undo and redo; moves of one control in quick succession are one step. */
export class Past {
  /** @param {State} first */
  constructor(first) {
    this.states = [first];
    this.at = 0;
    this.last = "";
    this.when = 0;
  }

  get now() {
    return this.states[this.at];
  }

  /** @param {State} state @param {string} what what was moved @param {number} time milliseconds */
  note(state, what, time) {
    const again = what !== "" && what === this.last && time - this.when < 1000 && this.at > 0;
    this.states.length = this.at + 1;
    if (again) this.states[this.at] = state;
    else {
      this.states.push(state);
      this.at += 1;
    }
    [this.last, this.when] = [what, time];
  }

  undo() {
    if (this.at > 0) this.at -= 1;
    this.last = "";
    return this.now;
  }

  redo() {
    if (this.at < this.states.length - 1) this.at += 1;
    this.last = "";
    return this.now;
  }
}
