// What leaves the page: the view as TOML, credences and draws as CSV, figures as SVG and PNG, a citation.

/** @typedef {import("families").Prior} Prior */
/** @typedef {import("state").State} State */

/** @param {string} name @param {string | Blob} content @param {string} type */
export function download(name, content, type) {
  const blob = content instanceof Blob ? content : new Blob([content], { type });
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

/** @type {Record<string, string[]>} */
const KEYS = {
  uniform: ["lower", "upper"],
  loguniform: ["lower", "upper"],
  normal: ["q05", "q95"],
  lognormal: ["q05", "q95"],
  quantiles: ["q05", "q50", "q95"],
  halfnormal: ["q95"],
  beta: ["q05", "q95"],
};

/**
 * The view with the reader's priors and rows as a file that `sie check` accepts.
 * @param {any} view the author's payload @param {State} state
 */
export function asToml(view, state) {
  const names = new Set(Object.keys(state.priors));
  const blocks = view.toml.split(/\n(?=\[)/);
  const edited = blocks.map((/** @type {string} */ block) => {
    const name = /^\[([A-Za-z_]+)\]/.exec(block)?.[1] ?? "";
    return names.has(name) ? tableOf(view, name, state.priors[name]) : block;
  });
  const beyond = beyondToml(state);
  let text = (beyond ? `# Not in this file: ${beyond}.\n` : "") + edited.join("\n");
  if (names.size || state.off.length) text = text.replace(/^label(\s*)= *(".*")$/m, (/** @type {string} */ _, /** @type {string} */ gap, /** @type {string} */ label) => `label${gap}= ${JSON.stringify(`${JSON.parse(label)}, edited`)}`);
  if (state.off.length)
    text = text.replace(/^reflects(\s*)= *\[([^\]]*)\]/m, (/** @type {string} */ _, /** @type {string} */ gap, /** @type {string} */ had) => {
      const rows = [...had.matchAll(/"([^"]+)"/g)].map((match) => match[1]).concat(state.off);
      return `reflects${gap}= [${rows.map((row) => JSON.stringify(row)).join(", ")}]`;
    });
  return text;
}

/** @param {any} view @param {string} name @param {Prior} prior */
function tableOf(view, name, prior) {
  const quantity = view.quantities.find((/** @type {any} */ one) => one.name === name);
  const lines = [`[${name}]`, `family = "${prior.family}"`];
  prior.numbers.forEach((number, i) => lines.push(`${KEYS[prior.family][i]} = ${number}`));
  lines.push(`unit = ${JSON.stringify(quantity.unit)}`);
  for (const [key, value] of Object.entries(quantity.extra)) lines.push(`${key} = ${JSON.stringify(value)}`);
  lines.push('basis = "ours"', 'locator = "the page of sie"', `note = ${JSON.stringify(`was ${quantity.said} in ${view.label}`)}`, "");
  return lines.join("\n");
}

/** @param {State} state @param {any} view */
export function fileName(state, view) {
  return Object.keys(state.priors).length || state.off.length ? `${view.name}_edited` : view.name;
}

/** What a view file cannot state of a state, in words; "" for nothing. @param {State} state */
export function beyondToml(state) {
  const levels = Object.entries(state.levels).map(([domain, level]) => `--levels "${domain}=${level}"`);
  const parts = levels.length ? [`give ${levels.join(" ")} to sie report`] : [];
  if (state.mechanism) parts.push(`the page shows the mechanism ${state.mechanism}, which sie table --by-mechanism has`);
  return parts.join("; ");
}

/** The name of a file of numbers. @param {State} state @param {any} view */
export function numbersName(state, view) {
  const levels = Object.keys(state.levels).length ? "_at_other_levels" : "";
  return fileName(state, view) + levels + (state.mechanism ? `_${state.mechanism}` : "");
}

/** @param {any} view @param {string} name @param {Map<string, import("answer").Answer>} answers */
export function credencesCsv(view, name, answers) {
  const lines = ["view,event,given,p,mcse"];
  view.events.forEach((/** @type {any} */ event, /** @type {number} */ i) => {
    for (const [given, answer] of answers)
      if (answer.events.length) lines.push([name, event.name, given, answer.events[i].p, answer.events[i].mcse].join(","));
  });
  return `${lines.join("\n")}\n`;
}

/** @param {import("weights").Draws} draws @param {import("weights").Weights} weights @param {string} mechanism */
export function drawsCsv(draws, weights, mechanism) {
  const names = [...draws.value.keys()];
  const r = /** @type {Float64Array} */ (draws.r.get(mechanism));
  const lines = [["weight", ...names, "r_asara"].join(",")];
  for (let i = 0; i < draws.n; i++) {
    const weight = weights.weight ? weights.weight[i] : 1 / draws.n;
    const values = names.map((name) => /** @type {Float64Array} */ (draws.value.get(name))[i]);
    lines.push([weight, ...values, r[i]].map((x) => x.toPrecision(7)).join(","));
  }
  return `${lines.join("\n")}\n`;
}

/** A figure as a file of its own, in the colours of the page. @param {SVGElement} figure */
export function asSvg(figure) {
  const copy = /** @type {SVGElement} */ (figure.cloneNode(true));
  const [, , width, height] = (figure.getAttribute("viewBox") ?? "0 0 640 320").split(" ");
  copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  copy.setAttribute("width", width);
  copy.setAttribute("height", height);
  const from = [figure, ...figure.querySelectorAll("*")];
  [copy, ...copy.querySelectorAll("*")].forEach((node, i) => {
    const style = getComputedStyle(from[i]);
    for (const property of ["fill", "stroke", "stroke-width", "stroke-dasharray", "opacity", "fill-opacity", "font-size", "font-family", "font-weight"])
      node.setAttribute(property, style.getPropertyValue(property));
    node.removeAttribute("class");
  });
  const paper = document.createElementNS("http://www.w3.org/2000/svg", "rect");
  paper.setAttribute("width", width);
  paper.setAttribute("height", height);
  paper.setAttribute("fill", getComputedStyle(document.body).backgroundColor);
  copy.prepend(paper);
  return `<?xml version="1.0" encoding="UTF-8"?>\n${new XMLSerializer().serializeToString(copy)}`;
}

/** @param {SVGElement} figure @param {string} name */
export function downloadPng(figure, name) {
  const image = new Image();
  image.onload = () => {
    const canvas = document.createElement("canvas");
    canvas.width = 2 * image.width;
    canvas.height = 2 * image.height;
    const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    context.scale(2, 2);
    context.drawImage(image, 0, 0);
    canvas.toBlob((blob) => blob && download(name, blob, "image/png"));
  };
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(asSvg(figure))}`;
}
