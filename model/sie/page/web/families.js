// The families of priors: log densities, and what a family's numbers must be. The same formulas as data/curves.py.

/**
 * @typedef {object} Prior
 * @property {string} family
 * @property {number[]} numbers
 * @property {number[]} [shapes] the two of a beta
 * @property {Prior[]} [parts] of a mixture
 */

const Z90 = 1.6448536269514722; // 95 % point of a standard normal
const Z95 = 1.959963984540054;
const HALF_LOG_2PI = 0.5 * Math.log(2 * Math.PI);

/** What the numbers of a family are called. @type {Record<string, string[]>} */
export const NUMBERS = {
  uniform: ["lower end", "upper end"],
  loguniform: ["lower end", "upper end"],
  normal: ["5 %", "95 %"],
  lognormal: ["5 %", "95 %"],
  quantiles: ["5 %", "median", "95 %"],
  halfnormal: ["95 %"],
  beta: ["5 %", "95 %"],
};

const BEND = 0.5; // as in data/curves.py
const MOST_SKEW = 6;

/**
 * The log density of a prior at values; -Infinity outside its support.
 * @param {Prior} prior
 * @param {ArrayLike<number>} x
 * @returns {Float64Array}
 */
export function logDensity(prior, x) {
  const found = new Float64Array(x.length);
  const [a, b] = prior.numbers;
  if (prior.family === "mixture") return ofMixture(prior, x);
  const one = DENSITIES[prior.family](a, b, prior);
  for (let i = 0; i < x.length; i++) found[i] = one(x[i]);
  return found;
}

/** @type {Record<string, (a: number, b: number, prior: Prior) => (x: number) => number>} */
const DENSITIES = {
  uniform: (a, b) => {
    const log = -Math.log(b - a);
    return (x) => (x >= a && x <= b ? log : -Infinity);
  },
  loguniform: (a, b) => {
    const log = -Math.log(Math.log(b / a));
    return (x) => (x >= a && x <= b ? log - Math.log(x) : -Infinity);
  },
  normal: (a, b) => {
    const scale = (b - a) / (2 * Z90);
    const middle = (a + b) / 2;
    const log = -HALF_LOG_2PI - Math.log(scale);
    return (x) => log - 0.5 * ((x - middle) / scale) ** 2;
  },
  lognormal: (a, b) => {
    const scale = Math.log(b / a) / (2 * Z90);
    const middle = Math.log(a * b) / 2;
    const log = -HALF_LOG_2PI - Math.log(scale);
    return (x) => {
      if (!(x > 0)) return -Infinity;
      const logX = Math.log(x);
      return log - 0.5 * ((logX - middle) / scale) ** 2 - logX;
    };
  },
  quantiles: (a, b, prior) => {
    const [low, middle, high] = prior.numbers.map(Math.log);
    const slope = (high - low) / (2 * Z90);
    const bend = (high + low - 2 * middle) / (2 * (Math.hypot(Z90, BEND) - BEND));
    const square = slope ** 2 - bend ** 2;
    return (x) => {
      if (!(x > 0)) return -Infinity;
      const logX = Math.log(x);
      const u = logX - middle + bend * BEND;
      const z = (slope * u - bend * Math.sqrt(u ** 2 + BEND ** 2 * square)) / square;
      return -HALF_LOG_2PI - 0.5 * z ** 2 - Math.log(slope + (bend * z) / Math.hypot(z, BEND)) - logX;
    };
  },
  halfnormal: (a) => {
    const scale = a / Z95;
    const log = Math.log(2) - HALF_LOG_2PI - Math.log(scale);
    return (x) => (x >= 0 ? log - 0.5 * (x / scale) ** 2 : -Infinity);
  },
  beta: (a, b, prior) => {
    const [p, q] = prior.shapes ?? betaShapes(a, b);
    const log = -logBeta(p, q);
    return (x) => (x >= 0 && x <= 1 ? (p - 1) * Math.log(x) + (q - 1) * Math.log1p(-x) + log : -Infinity);
  },
};

/** @param {Prior} prior @param {ArrayLike<number>} x */
function ofMixture(prior, x) {
  const parts = prior.parts ?? [];
  const of = parts.map((part) => logDensity(part, x));
  const found = new Float64Array(x.length);
  for (let i = 0; i < x.length; i++) {
    let most = -Infinity;
    for (let k = 0; k < of.length; k++) if (prior.numbers[k] > 0) most = Math.max(most, of[k][i]);
    let sum = 0;
    if (most > -Infinity)
      for (let k = 0; k < of.length; k++)
        if (prior.numbers[k] > 0) sum += prior.numbers[k] * Math.exp(of[k][i] - most);
    found[i] = sum > 0 ? Math.log(sum) + most : -Infinity;
  }
  return found;
}

/**
 * The ends of what a prior allows.
 * @param {Prior} prior
 * @returns {[number, number]}
 */
export function support(prior) {
  const [a, b] = prior.numbers;
  switch (prior.family) {
    case "fixed":
      return [a, a];
    case "uniform":
    case "loguniform":
      return [a, b];
    case "normal":
      return [-Infinity, Infinity];
    case "beta":
      return [0, 1];
    case "mixture": {
      const ends = (prior.parts ?? []).map(support);
      return [Math.min(...ends.map((end) => end[0])), Math.max(...ends.map((end) => end[1]))];
    }
    default:
      return [0, Infinity];
  }
}

/**
 * Why a family cannot have these numbers; "" where it can.
 * @param {Prior} prior
 * @param {[number, number | null, boolean]} range lower and upper end of the quantity, and whether the lower is included
 * @returns {string}
 */
export function problemOf(prior, range) {
  const n = prior.numbers;
  const names = Object.hasOwn(NUMBERS, prior.family) ? NUMBERS[prior.family] : null;
  if (!names) return prior.family === "mixture" ? "" : `no family is called ${prior.family}`;
  if (n.length !== names.length) return `want ${names.length} number${names.length > 1 ? "s" : ""}`;
  for (const number of n)
    if (!Number.isFinite(number) || (number !== 0 && !(Math.abs(number) >= 1e-9 && Math.abs(number) <= 1e9)))
      return "want numbers that are 0 or of a size from 1e-9 to 1e9";
  for (let i = 1; i < n.length; i++) if (!(n[i - 1] < n[i])) return `want the ${names[i - 1]} below the ${names[i]}`;
  if (prior.family !== "uniform" && prior.family !== "normal" && !(n[0] > 0)) return `want a ${names[0]} above 0`;
  if (prior.family === "beta" && !(n[1] < 1)) return "want a 95 % below 1";
  if (prior.family === "quantiles") {
    const skew = Math.log(n[2] / n[1]) / Math.log(n[1] / n[0]);
    if (!(skew < MOST_SKEW && skew > 1 / MOST_SKEW)) return `want neither side more than ${MOST_SKEW} times as long as the other, in log`;
  }
  const [low, high] = support(prior);
  const most = range[1] ?? Infinity;
  if (low < range[0] || high > most) return `want values from ${range[0]} to ${most === Infinity ? "any" : most}`;
  if (prior.family === "beta" && !(prior.shapes ?? betaShapes(n[0], n[1])).every(Number.isFinite))
    return "no beta distribution has these quantiles";
  return "";
}

/**
 * A prior with what its density needs.
 * @param {string} family
 * @param {number[]} numbers
 * @returns {Prior}
 */
export function makePrior(family, numbers) {
  const prior = { family, numbers };
  return family === "beta" && numbers[0] > 0 && numbers[0] < numbers[1] && numbers[1] < 1
    ? { ...prior, shapes: betaShapes(numbers[0], numbers[1]) }
    : prior;
}

/** @param {Prior} one @param {Prior} other @returns {boolean} */
export function same(one, other) {
  return (
    one.family === other.family &&
    one.numbers.length === other.numbers.length &&
    one.numbers.every((number, i) => number === other.numbers[i]) &&
    (one.parts ?? []).length === (other.parts ?? []).length &&
    (one.parts ?? []).every((part, i) => same(part, (other.parts ?? [])[i]))
  );
}

/**
 * The shapes of the beta with these 5 and 95 % quantiles: Newton on the logs of both tails; NaN where there is none.
 * @param {number} q05
 * @param {number} q95
 * @returns {[number, number]}
 */
export function betaShapes(q05, q95) {
  const middle = (q05 + q95) / 2;
  const half = (q95 - q05) / (2 * Z90);
  const size = Math.max((middle * (1 - middle)) / half ** 2 - 1, 0.2);
  let at = [Math.log(middle * size), Math.log((1 - middle) * size)];
  const miss = (/** @type {number[]} */ log) => {
    const [a, b] = log.map(Math.exp);
    return [Math.log(betaBelow(q05, a, b) / 0.05), Math.log(betaBelow(1 - q95, b, a) / 0.05)];
  };
  let now = miss(at);
  for (let round = 0; round < 100; round++) {
    const step = 1e-6;
    const byA = miss([at[0] + step, at[1]]).map((value, i) => (value - now[i]) / step);
    const byB = miss([at[0], at[1] + step]).map((value, i) => (value - now[i]) / step);
    const determinant = byA[0] * byB[1] - byB[0] * byA[1];
    const move = [
      (now[0] * byB[1] - byB[0] * now[1]) / determinant,
      (byA[0] * now[1] - now[0] * byA[1]) / determinant,
    ];
    if (!move.every(Number.isFinite)) return [NaN, NaN];
    const shrink = Math.min(1, 1 / Math.max(...move.map(Math.abs)));
    at = at.map((value, i) => Math.min(Math.max(value - shrink * move[i], -20), 20));
    now = miss(at);
    if (Math.max(...move.map(Math.abs)) < 1e-13) break;
  }
  return Math.max(...now.map(Math.abs)) < 1e-7 ? [Math.exp(at[0]), Math.exp(at[1])] : [NaN, NaN];
}

/**
 * P(X <= x) of a beta, by Lentz's continued fraction.
 * @param {number} x @param {number} a @param {number} b @returns {number}
 */
export function betaBelow(x, a, b) {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  if (x > (a + 1) / (a + b + 2)) return 1 - betaBelow(1 - x, b, a);
  const front = Math.exp(a * Math.log(x) + b * Math.log1p(-x) - logBeta(a, b)) / a;
  let c = 1;
  let d = 1 - ((a + b) * x) / (a + 1);
  d = 1 / (Math.abs(d) < 1e-300 ? 1e-300 : d);
  let value = d;
  for (let m = 1; m < 1000; m++) {
    for (const numerator of [
      (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m)),
      (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1)),
    ]) {
      d = 1 + numerator * d;
      c = 1 + numerator / c;
      d = 1 / (Math.abs(d) < 1e-300 ? 1e-300 : d);
      c = Math.abs(c) < 1e-300 ? 1e-300 : c;
      value *= d * c;
    }
    if (Math.abs(d * c - 1) < 1e-16) break;
  }
  return front * value;
}

/** @param {number} a @param {number} b */
function logBeta(a, b) {
  return logGamma(a) + logGamma(b) - logGamma(a + b);
}

const STIRLING = [1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156];

/** The log of the gamma function above 0: Stirling's series at x + n. @param {number} x */
function logGamma(x) {
  let shift = 0;
  while (x < 15) shift += Math.log(x++);
  let series = 0;
  for (let k = 0, power = x; k < STIRLING.length; k++, power *= x * x) series += STIRLING[k] / power;
  return (x - 0.5) * Math.log(x) - x + HALF_LOG_2PI + series - shift;
}
