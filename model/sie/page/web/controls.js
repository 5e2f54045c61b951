// A control for every quantity and every row: intervals and families, rows off and on.

import { NUMBERS, logDensity, makePrior, problemOf, same } from "families";
import { h, originOf, workLink } from "dom";
import { figureOfPrior, short } from "figures";

/** @typedef {import("families").Prior} Prior */

const STEPS = 1000;
const GRID = 121;

/** A control of one quantity's prior, beside the author's. */
export class PriorControl {
  /**
   * @param {any} quantity
   * @param {(name: string, prior: Prior, moved: string) => void} onPrior
   */
  constructor(quantity, onPrior) {
    this.quantity = quantity;
    this.onPrior = onPrior;
    /** @type {Prior} */
    this.prior = quantity.prior;
    const id = `q-${quantity.name}`;
    this.problem = h("p", { class: "problem", role: "status" });
    this.reset = h("button", { type: "button", class: "quiet", onclick: () => this.onPrior(quantity.name, quantity.prior, "") }, "reset");
    this.picture = h("div", { class: "picture" });
    this.inputs = h("div", { class: "inputs" });
    const families = quantity.families.includes(quantity.prior.family)
      ? quantity.families
      : [quantity.prior.family, ...quantity.families];
    this.family = h(
      "select",
      { id: `${id}-family`, onchange: () => this.chooseFamily(this.family.value) },
      ...families.map((/** @type {string} */ family) => h("option", { value: family }, WORDS[family] ?? family)),
    );
    this.node = h(
      "div",
      { class: "quantity", id },
      h("h4", {}, quantity.words, quantity.symbol ? h("span", { class: "symbol" }, ` ${quantity.symbol}`) : null, this.reset),
      h("p", { class: "meaning" }, quantity.meaning, quantity.unit === "1" ? "" : `; ${quantity.unit}`),
      quantity.moves || quantity.correlated
        ? h("p", { class: "said" }, `${quantity.said}. ${quantity.moves || "Correlated with another quantity: draws cannot be reweighted to another prior."}`)
        : h("div", { class: "control" }, this.picture, h("label", { class: "hidden", for: `${id}-family` }, `Family of ${quantity.words}`), this.family, this.inputs),
      this.problem,
      originOf(quantity.origin),
    );
    this.built = "";
    /** @type {[any, any][]} a slider and a field for each number */
    this.fields = [];
    this.show(quantity.prior);
  }

  get editable() {
    return !this.quantity.moves && !this.quantity.correlated;
  }

  /** Where a number stands on the sliders. @param {number} x */
  position(x) {
    const ends = this.quantity.ends;
    const g = this.forward;
    return Math.round((STEPS * (g(x) - g(ends[0]))) / (g(ends[6]) - g(ends[0])));
  }

  /** @param {number} at */
  number(at) {
    const ends = this.quantity.ends;
    const g = this.forward;
    const on = g(ends[0]) + (at / STEPS) * (g(ends[6]) - g(ends[0]));
    const x = this.quantity.scale === "log" ? Math.exp(on) : this.quantity.scale === "logit" ? 1 / (1 + Math.exp(-on)) : on;
    return Number(x.toPrecision(3));
  }

  get forward() {
    if (this.quantity.scale === "log") return Math.log;
    if (this.quantity.scale === "logit") return (/** @type {number} */ x) => Math.log(x / (1 - x));
    return (/** @type {number} */ x) => x;
  }

  /** Show a prior; nothing is reported. @param {Prior} prior @param {string} problem */
  show(prior, problem = "") {
    this.prior = prior;
    this.problem.textContent = problem;
    this.reset.hidden = same(prior, this.quantity.prior);
    this.node.classList.toggle("edited", !this.reset.hidden);
    if (!this.editable) return;
    this.family.value = prior.family;
    if (this.built !== prior.family) this.build(prior.family);
    prior.numbers.forEach((number, i) => {
      const [slider, field] = this.fields[i] ?? [];
      if (!slider) return;
      if (document.activeElement !== field && Number.isFinite(number)) field.value = `${Number(number.toPrecision(4))}`;
      if (document.activeElement !== slider) slider.value = `${this.position(number)}`;
      slider.setAttribute("aria-valuetext", short(number));
    });
    if (!problem) this.picture.replaceChildren(this.figure());
  }

  /** @param {string} family */
  build(family) {
    this.built = family;
    this.fields = [];
    this.inputs.replaceChildren();
    (NUMBERS[family] ?? []).forEach((words, i) => {
      const name = `${this.quantity.words}, ${words}`;
      const slider = h("input", { type: "range", min: 0, max: STEPS, "aria-label": name, oninput: () => this.move(i, this.number(Number(slider.value)), "slider") });
      const field = h("input", { type: "number", step: "any", "aria-label": `${name}, number`, oninput: () => this.move(i, field.value.trim() ? Number(field.value) : NaN, "field") });
      this.fields.push([slider, field]);
      this.inputs.append(h("div", { class: "input" }, h("span", { class: "end" }, words), slider, field));
    });
  }

  /** @param {number} i @param {number} number @param {string} by */
  move(i, number, by) {
    const numbers = [...this.prior.numbers];
    numbers[i] = number;
    if (by === "slider") {
      const step = Math.max(1, Math.round(STEPS / 100));
      const beside = (/** @type {number} */ x, /** @type {number} */ steps) => this.number(Math.min(Math.max(this.position(x) + steps, 0), STEPS));
      for (let k = i + 1; k < numbers.length; k++) if (!(numbers[k - 1] < numbers[k])) numbers[k] = beside(numbers[k - 1], step);
      for (let k = i - 1; k >= 0; k--) if (!(numbers[k] < numbers[k + 1])) numbers[k] = beside(numbers[k + 1], -step);
    }
    this.offer(makePrior(this.prior.family, numbers), `${this.quantity.name} ${i}`);
  }

  /** Another family with about the same 5 to 95 %. @param {string} family */
  chooseFamily(family) {
    if (family === this.quantity.prior.family) return this.offer(this.quantity.prior, "");
    let [low, high] = interval(this.prior) ?? [this.quantity.ends[2], this.quantity.ends[4]];
    if (family === "halfnormal") return this.offer(makePrior(family, [high]), "");
    if (family === "uniform") [low, high] = [low - (high - low) / 18, high + (high - low) / 18];
    if (family === "loguniform") [low, high] = [low * (low / high) ** (1 / 18), high * (high / low) ** (1 / 18)];
    const [from, to] = [this.quantity.range[0], this.quantity.range[1] ?? Infinity];
    const author = this.quantity.prior;
    const inside = author.family === "uniform" || author.family === "loguniform" ? author.numbers : [from, to];
    low = Math.max(low, family === "beta" && inside[0] <= 0 ? 0.001 : inside[0]);
    high = Math.min(high, family === "beta" && inside[1] >= 1 ? 0.999 : inside[1]);
    const numbers = family === "quantiles" ? [low, Math.sqrt(low * high), high] : [low, high];
    return this.offer(makePrior(family, numbers.map((number) => Number(number.toPrecision(4)))), "");
  }

  /** @param {Prior} prior @param {string} moved */
  offer(prior, moved) {
    const problem = prior.numbers.some(Number.isNaN) ? "want a number" : problemOf(prior, this.quantity.range);
    if (problem) return this.show(prior, `Not taken: ${problem}.`);
    return this.onPrior(this.quantity.name, prior, moved);
  }

  figure() {
    const { ends, scale, prior: author } = this.quantity;
    const now = interval(this.prior) ?? [ends[2], ends[4]];
    const log = scale === "log";
    const low = log ? Math.min(ends[1], now[0] / 1.3) : Math.min(ends[0], now[0]);
    const high = log ? Math.max(ends[5], now[1] * 1.3) : Math.max(ends[6], now[1]);
    const at = Array.from({ length: GRID }, (_, i) => (log ? low * (high / low) ** (i / (GRID - 1)) : low + ((high - low) * i) / (GRID - 1)));
    const densities = (/** @type {Prior} */ prior) =>
      Array.from(logDensity(prior, at), (y, i) => Math.min(Math.exp(y) * (log ? at[i] : 1), 1e6));
    return figureOfPrior({ at, author: densities(author), now: densities(this.prior), log, mark: "" }, `Prior of ${this.quantity.words}: now, and dashed the author's`);
  }
}

/** 5 and 95 % of a prior, about; null where its numbers do not say. @param {Prior} prior @returns {[number, number] | null} */
function interval(prior) {
  const [a, b] = prior.numbers;
  if (prior.family === "uniform") return [a + (b - a) / 20, b - (b - a) / 20];
  if (prior.family === "loguniform") return [a * (b / a) ** 0.05, b * (a / b) ** 0.05];
  if (prior.family === "halfnormal") return [a * 0.032, a];
  if (prior.family === "quantiles") return [a, prior.numbers[2]];
  return prior.family === "mixture" || prior.family === "fixed" ? null : [a, b];
}

/** @type {Record<string, string>} */
const WORDS = {
  uniform: "uniform",
  loguniform: "log-uniform",
  normal: "normal",
  lognormal: "log-normal",
  quantiles: "three quantiles",
  halfnormal: "half-normal",
  beta: "beta",
  mixture: "mixture, as the view has it",
};

/**
 * The rows that count, each with a switch, and those that do not, with the reason.
 * @param {any} view @param {(row: string, counts: boolean) => void} onRow
 */
export function rowControls(view, onRow) {
  /** @type {Map<string, any>} */
  const switches = new Map();
  const used = view.rows.filter((/** @type {any} */ row) => row.used);
  const others = view.rows.filter((/** @type {any} */ row) => !row.used);
  const item = (/** @type {any} */ row) => {
    const box = row.used ? h("input", { type: "checkbox", id: `row-${row.id}`, checked: true, onchange: () => onRow(row.id, box.checked) }) : null;
    if (box) switches.set(row.id, box);
    return h(
      "li",
      { class: row.used ? "row" : "row out" },
      h("div", { class: "what" }, box, h(row.used ? "label" : "span", row.used ? { for: `row-${row.id}` } : {}, row.what, " ", h("code", {}, row.id))),
      h("div", { class: "number" }, row.number),
      row.used ? null : h("p", { class: "why" }, `left out: ${row.why}`),
      originOf(row),
    );
  };
  const node = h(
    "div",
    {},
    h("ul", { class: "rows" }, ...used.map(item)),
    others.length ? h("details", {}, h("summary", {}, `${others.length} rows are left out`), h("ul", { class: "rows" }, ...others.map(item))) : null,
  );
  return { node, switches };
}

/** Works that a view cites. @param {any} view */
export function worksOf(view) {
  /** @type {Map<string, any>} */
  const works = new Map();
  const add = (/** @type {any} */ work) => work && works.set(work.words, work);
  add(view.work);
  for (const quantity of view.quantities) add(quantity.origin?.work);
  for (const row of view.rows) add(row.work);
  for (const event of view.events) add(event.work);
  return h("ul", { class: "works" }, ...[...works.values()].sort((a, b) => (a.words < b.words ? -1 : 1)).map((work) => h("li", {}, workLink(work))));
}
