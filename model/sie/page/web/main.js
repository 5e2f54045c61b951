// The page: reads its data, keeps the reader's state, and brings words, figures and address into line with it.

import { Loaded, lastGiven } from "answer";
import { PriorControl, rowControls, worksOf } from "controls";
import { byId, h, percent, points } from "dom";
import { same } from "families";
import { asSvg, asToml, beyondToml, credencesCsv, download, downloadPng, drawsCsv, fileName, numbersName } from "files";
import { meanings, showFigures, showWords, text } from "screen";
import { Past, fromHash, initial, isEdited, levelsKey, toHash, unfit, viewKey, withPrior } from "state";

/** @typedef {import("state").State} State */
/** @typedef {import("families").Prior} Prior */

const data = JSON.parse(byId("data").textContent);
const served = Boolean(data.served);
/** Views at the levels of the file, by key. @type {Map<string, Loaded>} */
const views = new Map();
for (const payload of data.views) views.set(keyOf(payload), new Loaded(payload));
/** Fits of edited views, by key and levels. @type {Map<string, Loaded>} */
const refits = new Map();
/** Views at other levels, by key and levels, as the server gave them. @type {Map<string, Loaded>} */
const atLevels = new Map();

/** @type {Past} */
let past;
/** @type {Map<string, PriorControl>} */
let controls = new Map();
/** @type {Map<string, any>} */
let switches = new Map();
/** @type {string} */
let built = "";
let frame = 0;
let serial = 0;
let refitting = false;
let fetching = false;
/** The state of which a fit was asked for last. */
let refitted = "";
/** The levels that were asked for last. */
let asked = "";
let noted = 0;
const session = Array.from(crypto.getRandomValues(new Uint32Array(4)), (part) => part.toString(36)).join("");

/** @param {any} payload */
function keyOf(payload) {
  return viewKey({ view: payload.name, own: payload.bundled ? "" : payload.toml });
}

/** The view of a state, as loaded or refitted; at the levels of the file where those of the state are still on their way. @param {State} state */
function loadedOf(state) {
  const key = viewKey(state) + levelsKey(state);
  return /** @type {Loaded} */ (refits.get(key) ?? atLevels.get(key) ?? views.get(viewKey(state)));
}

/** Bring everything into line with the state. */
function update() {
  const state = past.now;
  let loaded = loadedOf(state);
  if (Object.keys(state.levels).length && !atLevels.has(viewKey(state) + levelsKey(state))) fetchLevels(state);
  const shape = viewKey(state) + loaded.author.sha256;
  if (built !== shape) build(loaded.author, shape);
  let answers = loaded.answer(state);
  if (!isEdited(state) && loaded.payload !== loaded.author) {
    refits.delete(viewKey(state) + levelsKey(state));
    loaded = loadedOf(state);
    answers = loaded.answer(state);
  }
  const refused = [...answers.values()].some((answer) => answer.refused);
  const key = toHash(state);
  if (served && refused && key !== refitted) refit(state, key);
  else if (!refused) refitting = false;
  const waiting = refitting || fetching;
  const second = views.get(state.second) ?? null;
  const shown = {
    loaded,
    state,
    answers: waiting && lastAnswers ? lastAnswers : answers,
    second,
    secondAnswers: second ? second.answer({ ...state, priors: {}, off: [], mechanism: state.mechanism }) : null,
    waiting,
    served,
    unedited: loaded.unedited(loaded.author.events.findIndex((/** @type {any} */ event) => event.name === state.event)),
  };
  if (!refused) lastAnswers = answers;
  showWords(shown);
  controls.forEach((control, name) => {
    const prior = state.priors[name] ?? control.quantity.prior;
    if (prior !== control.prior) control.show(prior);
  });
  switches.forEach((box, row) => {
    box.checked = !state.off.includes(row);
  });
  byId("undo").disabled = past.at === 0;
  byId("redo").disabled = past.at === past.states.length - 1;
  byId("reset").disabled = !isEdited(state) && !state.mechanism && !Object.keys(state.levels).length;
  byId("mechanism").value = state.mechanism;
  byId("view").value = viewKey(state);
  byId("second").value = state.second;
  document.body.classList.toggle("two", Boolean(second));
  for (const event of loaded.author.events) byId(`event-${event.name}`).setAttribute("aria-pressed", `${event.name === state.event}`);
  showAlternative(state.event);
  cancelAnimationFrame(frame);
  frame = requestAnimationFrame(() => {
    showFigures(shown);
    setAddress(state);
  });
}

/** @type {Map<string, import("answer").Answer> | null} */
let lastAnswers = null;

/** @param {State} state */
function setAddress(state) {
  clearTimeout(noted);
  noted = window.setTimeout(() => {
    const plain = !isEdited(state) && !Object.keys(state.levels).length && !state.mechanism && !state.second && state.event === "r_above_1" && viewKey(state) === keyOf(data.views[0]);
    history.replaceState(null, "", plain ? location.pathname + location.search : `#${toHash(state)}`);
  }, 150);
}

/** @param {State} state @param {string} moved what was moved, for undo */
function go(state, moved = "") {
  tell("");
  past.note(state, moved, performance.now());
  update();
}

/** The parts of the page that a view has of its own. @param {any} view @param {string} shape */
function build(view, shape) {
  built = shape;
  lastAnswers = null;
  text("view-label", view.label);
  text("big-authored", view.authored);
  text("authored", view.remarks.join(" "));
  const sentence = view.alternatives?.sentence || sentenceOf(view);
  text("headline", sentence.split("All credences are conditional")[0].trim().replaceAll(" %", "\u00a0%"));
  text("conditions", view.conditions);
  const hangs = view.alternatives?.hangs_on ?? [];
  byId("hangs").replaceChildren(...hangs.map((/** @type {any} */ one) => h("li", {}, `${one.group}. With ${one.alternative}: ${percent(one.p)} ${points(one.mcse)}`)));
  byId("meanings").replaceChildren(meanings(view, (event) => go({ ...past.now, event })));
  controls = new Map();
  for (const group of ["r", "growth"]) {
    const place = byId(`quantities-${group}`);
    place.replaceChildren();
    for (const quantity of view.quantities.filter((/** @type {any} */ one) => one.group === group)) {
      const control = new PriorControl(quantity, (name, prior, moved) => {
        go(withPrior(past.now, quantity, prior), moved);
        controls.get(name)?.show(prior);
      });
      controls.set(quantity.name, control);
      place.append(control.node);
    }
  }
  const rows = rowControls(view, (row, counts) => {
    const off = past.now.off.filter((one) => one !== row);
    go({ ...past.now, off: counts ? off : [...off, row] });
  });
  switches = rows.switches;
  byId("rows").replaceChildren(rows.node);
  byId("evidence").hidden = view.rows.length === 0;
  byId("levels").replaceChildren(
    ...(served ? view.domains : []).map((/** @type {any} */ domain) =>
      h(
        "label",
        {},
        domain.name,
        h(
          "select",
          { onchange: (/** @type {any} */ event) => chooseLevel(domain.name, event.target.value) },
          ...domain.options.map((/** @type {string} */ level) => h("option", { value: level, selected: level === domain.level }, level)),
        ),
      ),
    ),
  );
  byId("choose-levels").hidden = !served || view.domains.length === 0;
  byId("mechanism").replaceChildren(h("option", { value: "" }, "as the view states it"), ...view.mechanisms.map((/** @type {any} */ one) => h("option", { value: one.name }, one.label)));
  byId("alternative").replaceChildren(
    h("option", { value: "" }, "choose"),
    ...(view.alternatives?.singles ?? []).map((/** @type {any} */ one) => h("option", { value: one.name }, `${one.group}: ${one.label}`)),
  );
  byId("works").replaceChildren(worksOf(view));
  byId("facts").replaceChildren(
    ...[
      ["To compute the same numbers again", view.command],
      ["Seed and draws", `${view.seed}, ${view.draws} draws; the page weighs ${view.sets.priors.n} stored draws of each kind`],
      ["Sampler", view.sampler],
      ["SHA-256 of all inputs", view.sha256],
      ["Versions", Object.entries(view.versions).map(([name, version]) => `${name} ${version}`).join(", ")],
    ].filter(([, fact]) => fact).map(([term, fact]) => h("div", {}, h("dt", {}, term), h("dd", {}, fact))),
  );
  text("citation", `The sie project. sie ${view.versions.sie}: ${view.label}, inputs ${view.sha256.slice(0, 12)}, seed ${view.seed}, ${data.date}.`);
}

/** A view's answer in a sentence. @param {any} view */
function sentenceOf(view) {
  const given = lastGiven(new Map(Object.entries(view.answers)));
  const said = view.answers[given].p;
  const words = (/** @type {string} */ event) => `${percent(said[event][0])} (Monte Carlo error ${(100 * said[event][1]).toFixed(1)} points)`;
  return `${view.label}${given === "evidence" ? ", given the evidence" : ""}: P(r at ASARA > 1) is ${words("r_above_1")} and P(3 years of AI progress within some year) is ${words("years_3_in_1y")}.`;
}

/**
 * The server's answer to a question, or why there is none.
 * @param {Record<string, unknown>} question
 * @returns {Promise<{found: any, problem: string}>}
 */
async function ask(question) {
  try {
    const answer = await fetch("answer", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ mechanism: "", ...question, session, serial: ++serial }),
    });
    const found = await answer.json();
    return answer.ok ? { found, problem: "" } : { found: null, problem: found.problem ?? "The server gave no answer." };
  } catch {
    return { found: null, problem: "The server has stopped; the stored draws still answer smaller edits." };
  }
}

/** Ask the server for a fit of the state, once. @param {State} state @param {string} key */
async function refit(state, key) {
  const { author } = loadedOf(state);
  refitting = true;
  refitted = key;
  const { found, problem } = await ask({ toml: asToml(author, state), name: fileName(state, author), levels: author.levels, mechanism: state.mechanism, whole: false });
  if (refitted !== key) return;
  refitting = false;
  if (found) refits.set(viewKey(state) + levelsKey(state), new Loaded(found, author));
  update();
  if (problem) tell(problem);
}

/** Ask the server for a view at other levels. @param {State} state */
async function fetchLevels(state) {
  if (asked === levelsKey(state)) return;
  asked = levelsKey(state);
  const { author } = /** @type {Loaded} */ (views.get(viewKey(state)));
  fetching = true;
  const { found, problem } = await ask({ toml: author.toml, name: author.name, levels: { ...author.levels, ...state.levels }, whole: true });
  fetching = false;
  if (found) {
    atLevels.set(viewKey(state) + levelsKey(state), new Loaded(found));
    const counted = new Set(found.rows.filter((/** @type {any} */ row) => row.used).map((/** @type {any} */ row) => row.id));
    if (past.now.off.some((row) => !counted.has(row))) past.note({ ...past.now, off: past.now.off.filter((row) => counted.has(row)) }, "", 0);
  } else past.note({ ...past.now, levels: {} }, "", 0);
  update();
  if (problem) tell(problem);
}

/** Say that something could not be done. @param {string} problem */
function tell(problem) {
  text("problem", problem);
  byId("problem").hidden = !problem;
}

/** Open a view file of the reader's. @param {string} name @param {string} toml @param {State | null} state */
async function openOwn(name, toml, state = null) {
  const { found, problem } = await ask({ toml, name, levels: data.views[0].levels, whole: true });
  if (!found) return tell(problem);
  views.set(keyOf(found), new Loaded(found));
  listViews();
  const why = state ? unfit(state, found) : "";
  tell(why ? `The address does not fit the view: ${why}.` : "");
  return go(state && !why ? state : initial(found));
}

/** The state to begin with: that of the address, or the first view. */
function opening() {
  const first = initial(data.views[0]);
  const { state, problem } = fromHash(location.hash.slice(1));
  if (problem) return { state: first, problem };
  if (!state) return { state: first, problem: "" };
  const loaded = views.get(viewKey(state));
  if (!loaded || (state.own && state.own !== loaded.author.toml)) {
    const what = state.own ? "a view of its own" : `the view ${state.view}`;
    return { state: first, problem: `The address is about ${what}, which this file does not hold: save it from the page that made the link, or run sie explore with its file.`, asked: state };
  }
  if (state.second && !views.has(state.second)) state.second = "";
  const other = Object.keys(state.levels).length > 0;
  if (other && !served)
    return { state: first, problem: "The link sets other levels of the evidence, which need a fit: open it with sie explore." };
  const why = unfit(other ? { ...state, off: [] } : state, loaded.author);
  for (const quantity of loaded.author.quantities) if (state.priors[quantity.name] && same(state.priors[quantity.name], quantity.prior)) delete state.priors[quantity.name];
  return why ? { state: first, problem: `The address does not fit the view: ${why}.` } : { state, problem: "" };
}

function listViews() {
  const options = () => [...views].map(([key, one]) => h("option", { value: key }, one.author.bundled ? one.author.label : `${one.author.label}, from a file`));
  byId("view").replaceChildren(...options());
  byId("second").replaceChildren(h("option", { value: "" }, "none"), ...options());
  byId("choose-view").hidden = views.size < 2;
  byId("choose-second").hidden = views.size < 2;
}

function start() {
  listViews();
  const { state, problem, asked: wanted } = opening();
  past = new Past(state);
  text("problem", problem);
  byId("problem").hidden = !problem;
  byId("view").value = viewKey(state);
  byId("view").addEventListener("change", () => go({ ...initial(/** @type {Loaded} */ (views.get(byId("view").value)).author), event: past.now.event, second: past.now.second }));
  byId("second").addEventListener("change", () => go({ ...past.now, second: byId("second").value }));
  byId("alternative").addEventListener("change", () => update());
  byId("alternative-apply").addEventListener("click", () => {
    const { edits } = chosenAlternative();
    go({ ...past.now, priors: { ...past.now.priors, ...edits.priors }, off: [...new Set([...past.now.off, ...edits.off])] });
  });
  byId("mechanism").addEventListener("change", () => go({ ...past.now, mechanism: byId("mechanism").value }));
  byId("undo").addEventListener("click", () => (past.undo(), update()));
  byId("redo").addEventListener("click", () => (past.redo(), update()));
  byId("reset").addEventListener("click", () => go({ ...past.now, priors: {}, off: [], mechanism: "", levels: {} }));
  for (const [id, act] of Object.entries(SAVING)) byId(id).addEventListener("click", act);
  document.querySelectorAll("button[data-figure]").forEach((button) => {
    button.addEventListener("click", () => {
      const name = /** @type {HTMLElement} */ (button).dataset.figure ?? "";
      const figure = byId(`figure-${name}`).querySelector("svg");
      if (!figure) return;
      const file = `${numbersName(past.now, loadedOf(past.now).author)}_${name}`;
      if (/** @type {HTMLElement} */ (button).dataset.as === "png") downloadPng(figure, `${file}.png`);
      else download(`${file}.svg`, asSvg(figure), "image/svg+xml");
    });
  });
  document.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || /** @type {HTMLElement} */ (event.target).matches("input:not([type=range], [type=checkbox])")) return;
    if (event.key === "z" && !event.shiftKey) (past.undo(), update());
    else if (event.key === "y" || (event.key === "Z" && event.shiftKey)) (past.redo(), update());
  });
  window.addEventListener("hashchange", () => {
    const again = opening();
    if (again.problem) tell(again.problem);
    else if (toHash(again.state) !== toHash(past.now)) go(again.state);
  });
  window.addEventListener("resize", () => update());
  update();
  document.body.classList.add("ready");
  byId("own").hidden = !served;
  byId("own-file").addEventListener("change", async () => {
    const [file] = byId("own-file").files;
    if (file) await openOwn(file.name.replace(/\.toml$/, ""), await file.text());
    byId("own-file").value = "";
  });
  if (served && wanted?.own) openOwn(wanted.view, wanted.own, wanted);
}

/** Let a domain's evidence enter at another level. @param {string} domain @param {string} level */
function chooseLevel(domain, level) {
  const file = /** @type {Loaded} */ (views.get(viewKey(past.now))).author.levels;
  const levels = { ...past.now.levels, [domain]: level };
  if (file[domain] === level) delete levels[domain];
  const off = past.now.off;
  asked = "";
  go({ ...past.now, levels, off: [] });
  if (off.length) tell("Rows that were switched off are on again: at these levels other rows count.");
}

/** The alternative that the reader looks at. @returns {any} */
function chosenAlternative() {
  const { alternatives } = loadedOf(past.now).author;
  return alternatives?.singles.find((/** @type {any} */ one) => one.name === byId("alternative").value);
}

/** What the stored curve says of one alternative. @param {string} event */
function showAlternative(event) {
  const chosen = chosenAlternative();
  const known = chosen && event in chosen.p;
  text("alternative-answer", known ? `With this choice: ${percent(chosen.p[event])} ${points(chosen.mcse[event])}.` : "");
  byId("alternative-apply").hidden = !chosen?.edits;
}

/** @type {Record<string, () => void>} */
const SAVING = {
  "save-toml": () => {
    const view = loadedOf(past.now).author;
    download(`${fileName(past.now, view)}.toml`, asToml(view, past.now), "application/toml");
    const beyond = beyondToml(past.now);
    tell(beyond ? `Not in the saved file: ${beyond}.` : "");
  },
  "save-credences": () => {
    const loaded = loadedOf(past.now);
    const name = numbersName(past.now, loaded.author);
    download(`${name}_credences.csv`, credencesCsv(loaded.author, name, loaded.answer(past.now)), "text/csv");
  },
  "save-draws": () => {
    const loaded = loadedOf(past.now);
    const answers = loaded.answer(past.now);
    const given = lastGiven(answers);
    const answer = answers.get(given);
    const draws = loaded.draws.get(given);
    if (!answer || !draws || answer.refused) return tell("There is no number here, and no draws to save.");
    return download(`${numbersName(past.now, loaded.author)}_draws.csv`, drawsCsv(draws, answer.weights, past.now.mechanism), "text/csv");
  },
  "copy-link": () => {
    const link = `${location.href.split("#")[0]}#${toHash(past.now)}`;
    byId("link").value = link;
    byId("link").hidden = false;
    byId("link").select();
    navigator.clipboard?.writeText(link).catch(() => undefined);
  },
};

start();
