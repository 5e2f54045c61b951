// What the page shows of the answers: words and numbers at once, figures in the next frame.

import { byId, h, originOf, percent, points, workLink } from "dom";
import { chain, drivers, fan, lastGiven, progress } from "answer";
import { isEdited } from "state";
import { quantiles } from "weights";
import { figureOfAlternatives, figureOfChain, figureOfDrivers, figureOfFan, figureOfProgress, figureOfR, short } from "figures";

/** @typedef {import("answer").Answer} Answer */
/** @typedef {import("answer").Loaded} Loaded */
/** @typedef {import("state").State} State */

/**
 * @typedef {object} Shown
 * @property {Loaded} loaded
 * @property {State} state
 * @property {Map<string, Answer>} answers
 * @property {Loaded | null} second
 * @property {Map<string, Answer> | null} secondAnswers
 * @property {boolean} waiting whether a refit is on its way
 * @property {boolean} served
 * @property {number} unedited what the same stored draws say of the event without an edit
 */

/** @type {Record<string, string>} */
const GIVEN = { priors: "from the priors alone", evidence: "with the evidence" };

/** The answer in words: the bar, the first screen, the other meanings. @param {Shown} shown */
export function showWords(shown) {
  const { loaded, state, answers } = shown;
  const view = loaded.author;
  const index = view.events.findIndex((/** @type {any} */ event) => event.name === state.event);
  const event = view.events[index];
  const last = /** @type {Answer} */ (answers.get(lastGiven(answers)));
  const first = /** @type {Answer} */ (answers.get("priors"));
  const p = last.refused ? "no number" : percent(last.events[index].p);
  text("bar-event", event.wording);
  text("bar-p", p);
  text("big-p", p);
  text("big-error", last.refused ? "" : points(last.events[index].mcse));
  text("big-event", `${event.wording}, ${GIVEN[lastGiven(answers)]}`);
  const before = answers.has("evidence") ? `From the priors alone: ${first.refused ? "no number" : `${percent(first.events[index].p)} ${points(first.events[index].mcse)}`}.` : "";
  text("big-before", before);
  const r = last.refused ? "" : `r at ASARA: median ${short(last.r[2])}, 5 to 95 % ${short(last.r[0])} to ${short(last.r[4])}.`;
  text("big-r", r);
  const curve = view.alternatives?.headline[state.event];
  const asIs = !isEdited(state) && !state.mechanism && !Object.keys(state.levels).length;
  byId("hangs-on").hidden = !(view.alternatives && asIs && state.event === view.alternatives.events[0]);
  byId("headline").hidden = !asIs;
  document.body.classList.toggle("stale", shown.waiting);
  text("figure-r-title", answers.has("evidence") ? "r at ASARA, before and after evidence" : "r at ASARA, from the priors");
  text("big-range", curve && asIs ? `${percent(curve.least.p)} to ${percent(curve.most.p)} over ${view.alternatives.singles.length} other choices that could be defended, one at a time.` : "");
  text("bar-how", howOf(shown, last));
  const refused = [...answers.entries()].find(([, answer]) => answer.refused);
  text("refused", refused && !shown.waiting ? refusal(shown, refused[0], refused[1]) : "");
  byId("refused").hidden = !refused || shown.waiting;
  view.events.forEach((/** @type {any} */ one, /** @type {number} */ i) => {
    for (const given of ["priors", "evidence"]) {
      const answer = answers.get(given);
      const words = !answer ? "–" : answer.refused ? "no number" : percent(answer.events[i].p);
      text(`p-${given}-${one.name}`, words);
      const error = answer && !answer.refused ? points(answer.events[i].mcse) : "";
      text(`e-${given}-${one.name}`, error);
    }
    const second = shown.secondAnswers?.get(lastGiven(shown.secondAnswers));
    text(`p-second-${one.name}`, second ? (second.refused ? "no number" : percent(second.events[i].p)) : "");
  });
}

/** @param {Shown} shown @param {Answer} last */
function howOf(shown, last) {
  const { state } = shown;
  if (shown.waiting) return "refitting; the number shown is from before this edit";
  if (last.refused) return "outside the reach of the stored draws";
  const levels = Object.keys(state.levels).length;
  if (!isEdited(state) && !state.mechanism && !levels) return "the view as it stands";
  const parts = [];
  if (levels) parts.push(`${levels} domain${levels > 1 ? "s" : ""} at another level`);
  const priors = Object.keys(state.priors).length;
  if (priors) parts.push(`${priors} prior${priors > 1 ? "s" : ""} edited`);
  if (state.off.length) parts.push(`${state.off.length} row${state.off.length > 1 ? "s" : ""} off`);
  if (state.mechanism) parts.push("another mechanism");
  if (shown.loaded.payload !== shown.loaded.author && last.weights.weight === null) parts.push("refitted");
  else if (last.weights.weight) {
    const same = percent(shown.unedited);
    parts.push(`weighted, ${Math.round(last.weights.effective)} effective draws${Number.isFinite(last.weights.khat) ? `, k-hat ${last.weights.khat.toFixed(2)}` : ""}; the same draws unedited: ${same}`);
  }
  return parts.join("; ");
}

/** @param {Shown} shown @param {string} given @param {Answer} answer */
function refusal(shown, given, answer) {
  const { khat, effective } = answer.weights;
  const number = Number.isFinite(khat) ? ` (k-hat ${khat.toFixed(2)}, ${Math.round(effective)} effective draws)` : "";
  const name = `${shown.loaded.author.name}_edited.toml`;
  return `No number ${GIVEN[given]}: ${answer.refused}${number}. Save the view as TOML, then: sie report ${name}, or sie page ${name} --out page.html for a page of its own.`;
}

/** Tables that stand still: the meanings of the event, and what the author says. @param {any} view @param {(event: string) => void} onEvent */
export function meanings(view, onEvent) {
  const evidence = "evidence" in view.answers;
  const says = view.events.some((/** @type {any} */ event) => event.origin);
  const head = h("tr", {}, h("th", { scope: "col" }, "What may be meant"), h("th", { scope: "col" }, "priors"), evidence ? h("th", { scope: "col" }, "with evidence") : null, h("th", { scope: "col", class: "second" }, "second view"), says ? h("th", { scope: "col", class: "says" }, "author says") : null);
  const rows = view.events.map((/** @type {any} */ event) => {
    const choose = h("button", { type: "button", class: "event", id: `event-${event.name}`, "aria-pressed": "false", onclick: () => onEvent(event.name) }, event.wording);
    const cell = (/** @type {string} */ given) => h("td", {}, h("span", { id: `p-${given}-${event.name}` }), " ", h("small", { id: `e-${given}-${event.name}` }));
    return h("tr", {}, h("th", { scope: "row" }, choose, " ", h("small", {}, `${event.within}; after `, workLink(event.work))), cell("priors"), evidence ? cell("evidence") : null, h("td", { class: "second", id: `p-second-${event.name}` }), says ? h("td", { class: "says" }, event.says, originOf(event.origin)) : null);
  });
  return h("table", { class: "meanings" }, h("thead", {}, head), h("tbody", {}, ...rows));
}

/** Every figure that follows the answers. @param {Shown} shown */
export function showFigures(shown) {
  const { loaded, state, answers } = shown;
  const view = loaded.author;
  const given = lastGiven(answers);
  const last = /** @type {Answer} */ (answers.get(given));
  const draws = loaded.draws.get(given);
  const index = view.events.findIndex((/** @type {any} */ event) => event.name === state.event);
  /** @type {{name: string, kind: string, r: Float64Array, weight: Float64Array | null, quantiles: number[]}[]} */
  const sets = [];
  for (const [name, answer] of answers) {
    const own = loaded.draws.get(name)?.r.get(state.mechanism);
    if (!own || answer.refused) continue;
    sets.push({ name: name === "priors" ? "priors alone" : "with the evidence", kind: name === "priors" && answers.size > 1 ? "before" : "after", r: own, weight: answer.weights.weight, quantiles: answer.r });
  }
  const second = shown.secondAnswers && shown.second ? shown.secondAnswers.get(lastGiven(shown.secondAnswers)) : null;
  if (second && shown.second && !second.refused) {
    const own = shown.second.draws.get(lastGiven(/** @type {Map<string, Answer>} */ (shown.secondAnswers)))?.r.get(state.mechanism);
    if (own) sets.push({ name: shown.second.author.label, kind: "other", r: own, weight: second.weights.weight, quantiles: second.r });
  }
  put("figure-r", sets.length ? (width) => figureOfR(sets, width) : null);
  byId("key").replaceChildren(...sets.map((s) => h("span", { class: `key ${s.kind}` }, s.name)));
  const ok = draws && !last.refused ? draws : null;
  const chained = ok && ok.stage.size > 1 && !state.mechanism;
  put("figure-chain", chained ? (width) => figureOfChain(chain(ok, last.weights), width) : null);
  put("figure-fan", ok && ok.level.size && !state.mechanism ? (width) => figureOfFan(fan(ok, last.weights), quantiles(paceOf(ok), last.weights.weight, [0.5])[0], width) : null);
  put("figure-progress", ok && ok.progress.size && !state.mechanism ? (width) => figureOfProgress([
    { name: "within a year", kind: "after", p: progress(ok, "1", last.weights) },
    { name: "within 4 months", kind: "other", p: progress(ok, "0.333333", last.weights) },
  ], width) : null);
  const found = ok ? drivers(loaded, state, given, last.weights, index).slice(0, 12) : [];
  put("figure-drivers", found.length ? (width) => figureOfDrivers(found, last.events[index].p, width) : null);
  const drives = found.length ? `It moves most with ${found[0].name}: ${percent(found[0].low)} in its lowest third, ${percent(found[0].high)} in its highest.` : "";
  text("drives", drives);
  text("big-drives", drives);
  showAlternatives(shown);
}

/** @param {import("weights").Draws} draws */
function paceOf(draws) {
  return /** @type {Float64Array} */ (draws.pace.get("recent"));
}

/** @param {Shown} shown */
function showAlternatives(shown) {
  const { loaded, state } = shown;
  const curve = loaded.author.alternatives;
  const section = byId("alternatives");
  const asked = curve && curve.events.includes(state.event);
  section.hidden = !curve;
  if (!curve) return;
  text("alternatives-note", asked ? "Each is the answer of the view with one other choice, as stored; they do not follow the controls." : "They are stored for two events: r above 1, and 3 years of progress within some year. Choose one of them to see the curve.");
  const sorted = [...curve.singles].map((one) => ({ group: one.group, label: one.label, p: one.p[state.event], mcse: one.mcse[state.event] })).sort((a, b) => a.p - b.p);
  put("figure-alternatives", asked ? (width) => figureOfAlternatives(sorted, curve.headline[state.event].p, width) : null);
}

/** @param {string} id @param {((width: number) => SVGElement) | null} draw */
function put(id, draw) {
  const place = byId(id);
  const panel = place.closest("figure");
  if (panel) panel.hidden = !draw;
  if (!draw) return place.replaceChildren();
  return place.replaceChildren(draw(Math.max(300, Math.min(place.clientWidth || 640, 1180))));
}

/** Set the text of an element where it differs. @param {string} id @param {string} words */
export function text(id, words) {
  const node = byId(id);
  if (node && node.textContent !== words) node.textContent = words;
}
