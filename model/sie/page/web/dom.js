// Elements with text, never with markup, so that nothing in a data file becomes markup.

/**
 * @param {string} tag
 * @param {Record<string, any>} attributes `on...` are listeners, `class` and others attributes, booleans present or absent
 * @param {(Node | string | null)[]} children
 * @returns {any}
 */
export function h(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value !== undefined) node.setAttribute(name, `${value}`);
  }
  node.append(...children.filter((child) => child !== null));
  return node;
}

/** @param {string} id @returns {any} */
export function byId(id) {
  return document.getElementById(id);
}

/** A work, linked where it has a web address. @param {{words: string, url: string}} work */
export function workLink(work) {
  return /^https?:\/\/\S+$/.test(work.url)
    ? h("a", { href: work.url, rel: "noopener noreferrer" }, work.words)
    : h("span", {}, work.words);
}

/** Where a number comes from, closed until asked for. @param {any} origin */
export function originOf(origin) {
  if (!origin) return null;
  return h(
    "details",
    { class: "origin" },
    h("summary", {}, BASIS[origin.basis] ?? origin.basis),
    origin.quote ? h("q", {}, origin.quote) : null,
    origin.note ? h("p", {}, origin.note) : null,
    h("p", { class: "place" }, workLink(origin.work), origin.locator ? `, ${origin.locator}` : "", origin.via ? `, read at ${origin.via}` : ""),
  );
}

/** @type {Record<string, string>} */
const BASIS = {
  stated: "stated in the source",
  transcribed: "read second-hand",
  derived: "derived from a source",
  ours: "our judgement",
  reference: "as in the reference view: the author says nothing of it",
  calibrated: "set so that the whole comes out as the author says",
};

/** One digit after the point as Python prints it: of two that are as near, the even one. Only quarters lie so. @param {number} x */
function tenth(x) {
  return x % 1 === 0.25 ? `${Math.floor(x)}.2` : x.toFixed(1);
}

/** A probability as a report prints it. @param {number} p */
export function percent(p) {
  const x = 100 * p;
  if (x < 0.05) return "< 0.1\u00a0%";
  if (x > 99.95) return "> 99.9\u00a0%";
  return `${tenth(x)}\u00a0%`;
}

/** An error in points. @param {number} mcse */
export function points(mcse) {
  const x = 100 * mcse;
  return `±\u00a0${x < 0.05 ? "0.1" : tenth(x)}`;
}
