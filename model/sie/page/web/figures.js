// Figures as SVG: axes, curves, bars. Numbers in, elements out; colours and type come from the style sheet.

const SVG = "http://www.w3.org/2000/svg";

/**
 * @param {string} tag
 * @param {Record<string, string | number>} attributes
 * @param {(Node | string)[]} children
 */
export function svg(tag, attributes = {}, ...children) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, `${value}`);
  node.append(...children);
  return node;
}

/**
 * @typedef {object} Scale
 * @property {(x: number) => number} at
 * @property {number} low
 * @property {number} high
 */

/** @param {number} low @param {number} high @param {number} from @param {number} to @param {boolean} log @returns {Scale} */
export function scale(low, high, from, to, log = false) {
  const g = log ? Math.log : (/** @type {number} */ x) => x;
  const span = g(high) - g(low) || 1;
  return { low, high, at: (x) => from + ((g(Math.min(Math.max(x, low), high)) - g(low)) / span) * (to - from) };
}

/** @param {number} x */
export function short(x) {
  if (!Number.isFinite(x)) return x > 0 ? "never" : "";
  if (x === 0) return "0";
  const digits = Math.abs(x) >= 100 ? 0 : Math.abs(x) >= 10 ? 1 : 2;
  return Math.abs(x) < 0.01 || Math.abs(x) >= 1e5 ? x.toPrecision(2) : `${Number(x.toFixed(digits))}`;
}

const BINS = 240;

/**
 * A smooth density over the log10 of values: a weighted histogram, smoothed at Scott's width.
 * @param {Float64Array} values above 0
 * @param {Float64Array | null} weight
 * @param {number} low
 * @param {number} high
 */
function density(values, weight, low, high) {
  const [from, to] = [Math.log10(low), Math.log10(high)];
  const width = (to - from) / BINS;
  const counts = new Float64Array(BINS);
  let [sum, mean, squares] = [0, 0, 0];
  for (let i = 0; i < values.length; i++) {
    if (!(values[i] > 0 && values[i] < Infinity)) continue;
    const x = Math.log10(values[i]);
    const w = weight ? weight[i] : 1 / values.length;
    sum += w;
    mean += w * x;
    squares += w * x * x;
    const bin = Math.floor((x - from) / width);
    if (bin >= 0 && bin < BINS) counts[bin] += w / width;
  }
  mean /= sum;
  const sd = Math.sqrt(Math.max(squares / sum - mean * mean, 1e-12));
  const band = Math.max(1.5, (1.06 * sd * 3000 ** -0.2) / width);
  const reach = Math.ceil(3 * band);
  const kernel = Array.from({ length: 2 * reach + 1 }, (_, k) => Math.exp(-0.5 * ((k - reach) / band) ** 2));
  const whole = kernel.reduce((a, b) => a + b, 0);
  return Array.from({ length: BINS }, (_, i) => {
    let y = 0;
    for (let k = -reach; k <= reach; k++) {
      const j = i + k < 0 ? -i - k - 1 : i + k >= BINS ? 2 * BINS - i - k - 1 : i + k;
      y += (counts[j] ?? 0) * kernel[k + reach];
    }
    return [10 ** (from + (i + 0.5) * width), y / whole];
  });
}

/** @param {number[][]} points @param {Scale} x @param {Scale} y */
function line(points, x, y) {
  return points.map(([a, b], i) => `${i ? "L" : "M"}${x.at(a).toFixed(1)} ${y.at(b).toFixed(1)}`).join("");
}

/** @param {number} low @param {number} high @returns {number[]} */
function logTicks(low, high) {
  const all = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000].filter((t) => t >= low && t <= high);
  return all.length > 9 ? all.filter((t) => /^0?\.?0*1/.test(`${t}`) || t === 1) : all;
}

/** @param {number} high @returns {number[]} */
function linearTicks(high) {
  const step = [0.1, 0.2, 0.25, 0.5, 1, 2, 5, 10, 20, 25, 50, 100, 200, 500, 1000, 2000, 5000, 1e4, 1e5].find((s) => high / s <= 6) ?? high;
  return Array.from({ length: Math.floor(high / step + 1e-9) + 1 }, (_, i) => i * step);
}

/**
 * @typedef {object} Frame
 * @property {SVGElement} root
 * @property {number} left
 * @property {number} right
 * @property {number} top
 * @property {number} bottom
 */

/** An empty figure with its description. @param {number} width @param {number} height @param {string} title @param {number} [left] @param {number} [bottom] @returns {Frame} */
function frame(width, height, title, left = 46, bottom = 40) {
  const root = svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": title, class: "figure" });
  return { root, left, right: width - 12, top: 12, bottom: height - bottom };
}

/** @param {Frame} f @param {Scale} x @param {number[]} ticks @param {string} label @param {(x: number) => string} words */
function axisX(f, x, ticks, label, words = short) {
  f.root.append(svg("line", { x1: f.left, x2: f.right, y1: f.bottom, y2: f.bottom, class: "axis" }));
  for (const tick of ticks)
    f.root.append(
      svg("line", { x1: x.at(tick), x2: x.at(tick), y1: f.bottom, y2: f.bottom + 4, class: "axis" }),
      svg("text", { x: x.at(tick), y: f.bottom + 16, "text-anchor": "middle" }, words(tick)),
    );
  const [long, brief = long] = label.split("|");
  const said = long.length * 6.6 > f.right - f.left ? brief : long;
  f.root.append(svg("text", { x: (f.left + f.right) / 2, y: f.bottom + 33, "text-anchor": "middle", class: "label" }, said));
}

/** @param {Frame} f @param {Scale} y @param {number[]} ticks @param {string} label @param {(y: number) => string} words */
function axisY(f, y, ticks, label, words = short) {
  for (const tick of ticks)
    f.root.append(
      svg("line", { x1: f.left, x2: f.right, y1: y.at(tick), y2: y.at(tick), class: "grid" }),
      svg("text", { x: f.left - 6, y: y.at(tick) + 4, "text-anchor": "end" }, words(tick)),
    );
  f.root.append(svg("text", { x: f.left, y: f.top - 2, class: "label" }, label));
}

/**
 * r at ASARA: a density for each set of draws, r = 1 marked, intervals below.
 * @param {{name: string, kind: string, r: Float64Array, weight: Float64Array | null, quantiles: number[]}[]} sets
 * @param {number} width
 */
export function figureOfR(sets, width) {
  const narrow = width < 520;
  const height = narrow ? 300 : 330;
  const f = frame(width, height, `Density of r at ASARA. ${sets.map((s) => `${s.name}: median ${short(s.quantiles[2])}, 5 to 95 % ${short(s.quantiles[0])} to ${short(s.quantiles[4])}`).join(". ")}`, 16, 44);
  const low = Math.min(0.1, ...sets.map((s) => s.quantiles[0] / 2));
  const high = Math.max(6, ...sets.map((s) => s.quantiles[4] * 2));
  const x = scale(Math.max(low, 1e-3), Math.min(high, 1e3), f.left, f.right, true);
  const room = 16 * sets.length + 8;
  const curves = sets.map((s) => density(s.r, s.weight, x.low, x.high));
  const top = Math.max(...curves.flat().map((point) => point[1]));
  const y = scale(0, top * 1.06, f.bottom - room, f.top + 16);
  const one = x.at(1);
  f.root.append(
    svg("rect", { x: one, y: f.top + 16, width: f.right - one, height: f.bottom - room - f.top - 16, class: "above" }),
    svg("text", { x: one - 6, y: f.top + 10, "text-anchor": "end", class: "side" }, "progress slows down"),
    svg("text", { x: one + 6, y: f.top + 10, class: "side" }, "speeds up by itself"),
  );
  sets.forEach((s, i) => {
    const path = line(curves[i], x, y);
    f.root.append(
      svg("path", { d: `${path}L${x.at(x.high)} ${y.at(0)}L${x.at(x.low)} ${y.at(0)}Z`, class: `fill ${s.kind}` }),
      svg("path", { d: path, class: `curve ${s.kind}` }),
    );
    const at = f.bottom - room + 16 + 16 * i;
    const [q05, q25, q50, q75, q95] = s.quantiles.map(x.at);
    f.root.append(
      svg("line", { x1: q05, x2: q95, y1: at, y2: at, class: `interval ${s.kind}` }),
      svg("line", { x1: q25, x2: q75, y1: at, y2: at, class: `interval inner ${s.kind}` }),
      svg("circle", { cx: q50, cy: at, r: 4, class: `dot ${s.kind}` }),
    );
  });
  f.root.append(svg("line", { x1: one, x2: one, y1: f.top, y2: f.bottom, class: "one" }));
  axisX(f, x, logTicks(x.low, x.high), "r at ASARA: software doublings per doubling of cumulative research input (log scale)|r at ASARA (log scale)");
  return f.root;
}

/**
 * A prior beside the author's.
 * @param {{at: number[], author: number[], now: number[], log: boolean, mark: string}} picture densities on a grid
 * @param {string} title
 */
export function figureOfPrior(picture, title) {
  const f = frame(260, 84, title, 6, 18);
  const x = scale(picture.at[0], picture.at[picture.at.length - 1], f.left, 254, picture.log);
  const top = Math.max(...picture.author, ...picture.now);
  const y = scale(0, top * 1.05 || 1, f.bottom, f.top);
  const path = (/** @type {number[]} */ densities) => line(densities.map((d, i) => [picture.at[i], d]), x, y);
  const now = path(picture.now);
  f.root.append(
    svg("path", { d: `${now}L${x.at(x.high)} ${f.bottom}L${x.at(x.low)} ${f.bottom}Z`, class: "fill after" }),
    svg("path", { d: path(picture.author), class: "curve before" }),
    svg("path", { d: now, class: "curve after" }),
    svg("line", { x1: f.left, x2: 254, y1: f.bottom, y2: f.bottom, class: "axis" }),
    svg("text", { x: f.left, y: f.bottom + 14 }, short(x.low)),
    svg("text", { x: 254, y: f.bottom + 14, "text-anchor": "end" }, short(x.high)),
  );
  return f.root;
}

/**
 * From r of language models to r at ASARA, a factor at a time.
 * @param {{name: string, quantiles: number[], factor: number | null}[]} stages
 * @param {number} width
 */
export function figureOfChain(stages, width) {
  const f = frame(width, 60 + 34 * stages.length, "r of language models and each factor on it, to r at ASARA", Math.min(190, width * 0.42), 40);
  const low = Math.min(...stages.map((s) => s.quantiles[0])) / 1.2;
  const high = Math.max(...stages.map((s) => s.quantiles[4])) * 1.2;
  const x = scale(Math.max(low, 1e-4), high, f.left, f.right, true);
  f.root.append(svg("line", { x1: x.at(1), x2: x.at(1), y1: f.top, y2: f.bottom, class: "one" }));
  stages.forEach((s, i) => {
    const at = f.top + 18 + 34 * i;
    const [q05, q25, q50, q75, q95] = s.quantiles.map(x.at);
    const factor = s.factor === null ? "" : ` × ${short(s.factor)}`;
    f.root.append(
      svg("text", { x: f.left - 10, y: at + 4, "text-anchor": "end" }, s.name + factor),
      svg("line", { x1: q05, x2: q95, y1: at, y2: at, class: "interval after" }),
      svg("line", { x1: q25, x2: q75, y1: at, y2: at, class: "interval inner after" }),
      svg("circle", { cx: q50, cy: at, r: 4, class: "dot after" }),
      svg("text", { x: q50, y: at - 8, "text-anchor": "middle", class: "value" }, short(s.quantiles[2])),
    );
  });
  axisX(f, x, logTicks(x.low, x.high), "r so far: median, 25 to 75 % and 5 to 95 %|r so far");
  return f.root;
}

/**
 * Software over time.
 * @param {{years: number, quantiles: number[]}[]} times
 * @param {number} pace
 * @param {number} width
 */
export function figureOfFan(times, pace, width) {
  const f = frame(width, 300, "Software doublings gained after ASARA: median, 25 to 75 % and 5 to 95 %");
  const all = [{ years: 0, quantiles: [0, 0, 0, 0, 0] }, ...times];
  const last = times[times.length - 1];
  const finite = last.quantiles.filter(Number.isFinite);
  const top = Math.max(pace * last.years * 1.5, ...finite.slice(0, 4)) * 1.05;
  const x = scale(0, last.years, f.left, f.right);
  const y = scale(0, top, f.bottom, f.top + 12);
  const band = (/** @type {number} */ a, /** @type {number} */ b) =>
    `${line(all.map((t) => [t.years, t.quantiles[a]]), x, y)}${line([...all].reverse().map((t) => [t.years, t.quantiles[b]]), x, y).replace("M", "L")}Z`;
  axisY(f, y, linearTicks(top), "software doublings since ASARA");
  f.root.append(
    svg("path", { d: band(0, 4), class: "band" }),
    svg("path", { d: band(1, 3), class: "band" }),
    svg("path", { d: line(all.map((t) => [t.years, t.quantiles[2]]), x, y), class: "curve after" }),
    svg("path", { d: line([[0, 0], [last.years, pace * last.years]], x, y), class: "curve trend" }),
    svg("text", { x: f.right, y: y.at(pace * last.years) + 16, "text-anchor": "end", class: "value" }, "at the recent pace"),
  );
  axisX(f, x, [0, 1, 2, 3, 4, 5], "years since ASARA");
  return f.root;
}

/**
 * The probability of at least X years of progress within some time, over X.
 * @param {{name: string, kind: string, p: number[][]}[]} curves
 * @param {number} width
 */
export function figureOfProgress(curves, width) {
  const f = frame(width, 300, "Probability of at least X years of AI progress within some year, and within some four months, over X");
  const high = Math.max(...curves[0].p.map((point) => point[0]));
  const x = scale(0, high, f.left, f.right);
  const y = scale(0, 1, f.bottom, f.top + 12);
  axisY(f, y, [0, 0.25, 0.5, 0.75, 1], "probability", (p) => `${100 * p} %`);
  for (const c of curves) {
    f.root.append(svg("path", { d: line(c.p, x, y), class: `curve ${c.kind}` }));
    const at = c.p.find((point) => point[0] >= 5) ?? c.p[0];
    f.root.append(svg("text", { x: x.at(at[0]) + 6, y: y.at(at[1]) + (c.kind === "other" ? 18 : -8), "text-anchor": c.kind === "other" ? "end" : "start", class: `value ${c.kind}` }, c.name));
  }
  axisX(f, x, [0, 3, 5, 10, 15, 20].filter((t) => t <= high), "X: years of total AI progress at the recent pace|X: years of AI progress");
  return f.root;
}

/**
 * What drives an event: its probability where a quantity is in its lowest and in its highest third.
 * @param {{name: string, low: number, high: number}[]} drivers
 * @param {number} p
 * @param {number} width
 */
export function figureOfDrivers(drivers, p, width) {
  const f = frame(width, 56 + 24 * drivers.length, "Probability of the event where each quantity is in its lowest and in its highest third", Math.min(170, width * 0.4));
  const ends = drivers.flatMap((d) => [d.low, d.high]);
  const x = scale(Math.max(0, Math.min(p, ...ends) - 0.03), Math.min(1, Math.max(p, ...ends) + 0.03), f.left, f.right);
  f.root.append(svg("line", { x1: x.at(p), x2: x.at(p), y1: f.top, y2: f.bottom, class: "one" }));
  drivers.forEach((d, i) => {
    const at = f.top + 14 + 24 * i;
    f.root.append(
      svg("text", { x: f.left - 10, y: at + 4, "text-anchor": "end" }, d.name),
      svg("line", { x1: x.at(d.low), x2: x.at(d.high), y1: at, y2: at, class: "interval after" }),
      svg("circle", { cx: x.at(d.low), cy: at, r: 4.5, class: "dot hollow" }),
      svg("circle", { cx: x.at(d.high), cy: at, r: 4.5, class: "dot after" }),
    );
  });
  const step = x.high - x.low > 0.4 ? 0.2 : x.high - x.low > 0.2 ? 0.1 : 0.05;
  const ticks = Array.from({ length: 21 }, (_, i) => i * step).filter((t) => t >= x.low - 1e-9 && t <= x.high + 1e-9);
  axisX(f, x, ticks, "probability of the event: ○ lowest third, ● highest third|○ lowest third, ● highest third", (t) => `${Math.round(100 * t)} %`);
  return f.root;
}

/**
 * Other choices that could be defended, sorted by what they make of the event.
 * @param {{group: string, label: string, p: number, mcse: number}[]} choices ascending
 * @param {number} p
 * @param {number} width
 */
export function figureOfAlternatives(choices, p, width) {
  const left = Math.min(420, width * (width < 520 ? 0.62 : 0.45));
  const f = frame(width, 56 + 18 * choices.length, "Probability of the event under each single alternative, sorted", left);
  const x = scale(0, Math.min(1, Math.max(p, ...choices.map((c) => c.p)) * 1.15), f.left, f.right);
  f.root.append(svg("line", { x1: x.at(p), x2: x.at(p), y1: f.top, y2: f.bottom, class: "one" }));
  const most = Math.floor((left - 12) / 6.9);
  choices.forEach((c, i) => {
    const at = f.top + 10 + 18 * i;
    const whole = width < 520 ? c.label : `${c.group}: ${c.label}`;
    const words = whole.length > most ? `${whole.slice(0, most - 1)}…` : whole;
    f.root.append(
      svg("text", { x: f.left - 10, y: at + 4, "text-anchor": "end" }, words, svg("title", {}, `${c.group}: ${c.label}`)),
      svg("line", { x1: x.at(c.p - 1.96 * c.mcse), x2: x.at(c.p + 1.96 * c.mcse), y1: at, y2: at, class: "interval after" }),
      svg("circle", { cx: x.at(c.p), cy: at, r: 3.5, class: "dot after" }),
    );
  });
  axisX(f, x, linearTicks(x.high), "probability of the event (95 % Monte Carlo error)|probability (95 % error)", (t) => `${Math.round(100 * t)} %`);
  return f.root;
}
