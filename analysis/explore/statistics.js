// Curves and tests from exact counts by day; the same formulas as analysis/curves (Python), which has their sources.
// A stratum: {days, event, competing, censored}, arrays of one length, days ascending. A curve adds risk, estimate, error, low, high.
"use strict";
const survivalStatistics = (() => {
  const NORMAL_QUANTILE = 1.959963984540054;

  /** Counts of one stratum from rows [day, code, n]; code 0 censored, 1 event, 2 competing. Begins at day 0. */
  function countsOf(rows) {
    const byDay = new Map([[0, [0, 0, 0]]]);
    for (const [day, code, n] of rows) {
      if (!byDay.has(day)) byDay.set(day, [0, 0, 0]);
      byDay.get(day)[code] += n;
    }
    const days = [...byDay.keys()].sort((a, b) => a - b);
    const column = code => days.map(day => byDay.get(day)[code]);
    return withRisk({days, censored: column(0), event: column(1), competing: column(2)});
  }
  function withRisk(counts) {
    const risk = new Array(counts.days.length);
    let left = 0;
    for (let i = risk.length - 1; i >= 0; i--) risk[i] = left += counts.event[i] + counts.competing[i] + counts.censored[i];
    return {...counts, risk, n: left};
  }
  const sum = values => values.reduce((total, value) => total + value, 0);
  function cumulative(values) {
    let total = 0;
    return values.map(value => total += value);
  }

  /** Kaplan-Meier with Greenwood's error and log limits, as R's survfit. */
  function kaplanMeier(counts) {
    let survival = 1, variance = 0;
    const curve = {...counts, estimate: [], error: [], low: [], high: []};
    counts.days.forEach((_, i) => {
      const risk = counts.risk[i], event = counts.event[i];
      survival *= (risk - event) / risk;
      variance += event / (risk * (risk - event));
      const logError = Math.sqrt(variance), isThere = survival > 0;
      curve.estimate.push(survival);
      curve.error.push(isThere ? survival * logError : NaN);
      curve.low.push(isThere ? survival * Math.exp(-NORMAL_QUANTILE * logError) : NaN);
      curve.high.push(isThere ? Math.min(survival * Math.exp(NORMAL_QUANTILE * logError), 1) : NaN);
    });
    return curve;
  }

  // the hypergeometric variance of d events among n at risk, over n squared
  const tiedVariance = (d, n) => (d > 1 ? (n - d) / Math.max(n - 1, 1) : 1) * d / (n * n);

  /** Aalen-Johansen with Aalen's variance (cmprsk) and log-log limits. */
  function aalenJohansen(counts) {
    const incidence = [], survivals = [], before = [];
    let survival = 1, total = 0;
    counts.days.forEach((_, i) => {
      const risk = counts.risk[i];
      before.push(survival);
      total += survival * counts.event[i] / risk;
      survival *= (risk - counts.event[i] - counts.competing[i]) / risk;
      incidence.push(total);
      survivals.push(survival);
    });
    let constant = 0, linear = 0, square = 0;
    const curve = {...counts, estimate: incidence, error: [], low: [], high: []};
    counts.days.forEach((_, i) => {
      const weight = before[i] ** 2, risk = counts.risk[i];
      const ofEvent = weight * tiedVariance(counts.event[i], risk), ofCompeting = weight * tiedVariance(counts.competing[i], risk);
      const remaining = total - incidence[i], inverse = survivals[i] > 0 ? 1 / survivals[i] : 0, atEnd = remaining * inverse;
      constant += (1 - atEnd) ** 2 * ofEvent + atEnd ** 2 * ofCompeting;
      linear += inverse * ((1 - atEnd) * ofEvent - atEnd * ofCompeting);
      square += inverse ** 2 * (ofEvent + ofCompeting);
      const variance = constant + 2 * remaining * linear + remaining ** 2 * square;
      const error = incidence[i] > 0 ? Math.sqrt(Math.max(variance, 0)) : 0;
      const isInside = incidence[i] > 0 && incidence[i] < 1;
      const power = isInside ? Math.exp(-NORMAL_QUANTILE * error / (incidence[i] * Math.log(incidence[i]))) : NaN;
      curve.error.push(error);
      curve.low.push(isInside ? incidence[i] ** power : NaN);
      curve.high.push(isInside ? incidence[i] ** (1 / power) : NaN);
    });
    return curve;
  }

  /** The curve at a day: {risk, estimate, error, low, high}; all missing but risk where nobody is at risk any more. */
  function readOff(curve, day) {
    const next = curve.days.findIndex(time => time >= day);
    const risk = next < 0 ? 0 : curve.risk[next];
    if (!risk) return {risk: 0, estimate: NaN, error: NaN, low: NaN, high: NaN};
    let last = -1;
    while (last + 1 < curve.days.length && curve.days[last + 1] <= day) last++;
    return {risk, estimate: curve.estimate[last], error: curve.error[last], low: curve.low[last], high: curve.high[last]};
  }

  /** Groups on one axis of days: matrices [day][group]. */
  function sideBySide(groups) {
    const days = [...new Set(groups.flatMap(group => group.days))].sort((a, b) => a - b);
    const at = new Map(days.map((day, i) => [day, i]));
    const matrix = name => {
      const rows = days.map(() => new Array(groups.length).fill(0));
      groups.forEach((group, k) => group.days.forEach((day, i) => { rows[at.get(day)][k] = group[name][i]; }));
      return rows;
    };
    const event = matrix("event"), competing = matrix("competing"), censored = matrix("censored");
    const left = new Array(groups.length).fill(0), risk = new Array(days.length);
    for (let i = days.length - 1; i >= 0; i--) {
      for (let k = 0; k < left.length; k++) left[k] += event[i][k] + competing[i][k] + censored[i][k];
      risk[i] = [...left];
    }
    return {days, event, competing, risk, n: groups.length};
  }
  const square = n => Array.from({length: n}, () => new Array(n).fill(0));

  /** Log-rank test of two or more groups (hypergeometric covariance, as survdiff): {statistic, degrees, p}. */
  function logrank(groups) {
    const {event, risk, n} = sideBySide(groups), difference = new Array(n).fill(0), covariance = square(n);
    event.forEach((events, i) => {
      const d = sum(events), r = sum(risk[i]);
      if (!d) return;
      const share = risk[i].map(value => value / r), weight = r > 1 ? d * (r - d) / (r - 1) : 0;
      for (let k = 0; k < n; k++) {
        difference[k] += events[k] - d * share[k];
        covariance[k][k] += weight * share[k];
        for (let j = 0; j < n; j++) covariance[k][j] -= weight * share[k] * share[j];
      }
    });
    const used = difference.map((_, k) => k).filter(k => covariance[k][k] > 0);
    return tested(used.map(k => difference[k]), used.map(k => used.map(j => covariance[k][j])));
  }

  const quotient = (a, b) => b > 0 ? a / b : 0;
  const tieFactor = (d, r) => d > 1 && r > 1 ? 1 - (d - 1) / (r - 1) : 1;

  /** Gray's test (1988, rho = 0), as cmprsk's cuminc: {statistic, degrees, p}. */
  function gray(groups) {
    const {days, event, competing, risk, n} = sideBySide(groups);
    const survival = new Array(n).fill(1), incidence = new Array(n).fill(0), score = new Array(n).fill(0);
    const steps = [];
    let pooledIncidence = 0;
    days.forEach((_, i) => {
      const before = [...survival], incidenceBefore = [...incidence];
      const unscathed = risk[i].map((r, k) => r > 0 ? quotient(r, before[k]) : 0);
      const pooled = sum(unscathed), events = sum(event[i]);
      const expecting = unscathed.map((u, k) => u * (1 - incidenceBefore[k])), expected = sum(expecting);
      for (let k = 0; k < n; k++) {
        score[k] += event[i][k] - expecting[k] * quotient(events, expected);
        incidence[k] += before[k] * quotient(event[i][k], risk[i][k]);
        survival[k] *= 1 - quotient(event[i][k] + competing[i][k], risk[i][k]);
      }
      const jump = quotient(events, pooled), factor = quotient(jump, 1 - pooledIncidence);
      pooledIncidence += jump;
      const influence = square(n);
      for (let a = 0; a < n; a++) for (let k = 0; k < n; k++)
        influence[a][k] = (a === k ? unscathed[k] : 0) - unscathed[a] * quotient(unscathed[k], pooled);
      steps.push({
        influence, perJump: influence.map(row => row.map(value => value * factor)),
        spared: survival.map(value => quotient(1 - pooledIncidence, value)),
        eventVariance: risk[i].map((r, k) => tieFactor(events, pooled * before[k]) * quotient(before[k] * jump, r)),
        competingVariance: risk[i].map((r, k) =>
          tieFactor(competing[i][k], r) * quotient(before[k] ** 2 * competing[i][k], r * r)),
      });
    });
    const later = square(n), covariance = square(n);
    for (let i = steps.length - 1; i >= 0; i--) {
      const {influence, perJump, spared, eventVariance, competingVariance} = steps[i];
      for (let a = 0; a < n; a++) for (let b = 0; b < n; b++) for (let k = 0; k < n; k++) {
        const ofEvent = j => influence[j][k] + (1 - spared[k]) * later[j][k], ofCompeting = j => spared[k] * later[j][k];
        covariance[a][b] += ofEvent(a) * ofEvent(b) * eventVariance[k] + ofCompeting(a) * ofCompeting(b) * competingVariance[k];
      }
      for (let a = 0; a < n; a++) for (let k = 0; k < n; k++) later[a][k] += perJump[a][k];
    }
    return tested(score, covariance);
  }

  /** Chi-square of scores that sum to zero: one is left out; missing unless the covariance is positive definite. */
  function tested(score, covariance) {
    const degrees = score.length - 1;
    if (degrees < 1) return {statistic: NaN, degrees: Math.max(degrees, 0), p: NaN};
    const factor = cholesky(covariance.slice(0, -1).map(row => row.slice(0, -1)));
    if (!factor) return {statistic: NaN, degrees, p: NaN};
    // the statistic is the squared length of the solution of L y = score
    const y = [];
    let statistic = 0;
    for (let i = 0; i < degrees; i++) {
      y[i] = (score[i] - sum(y.map((value, j) => factor[i][j] * value))) / factor[i][i];
      statistic += y[i] ** 2;
    }
    return {statistic, degrees, p: chiSquareUpper(statistic, degrees)};
  }
  function cholesky(matrix) {
    const n = matrix.length, factor = square(n), largest = Math.max(...matrix.map((row, i) => row[i]));
    for (let i = 0; i < n; i++) for (let j = 0; j <= i; j++) {
      let rest = matrix[i][j];
      for (let k = 0; k < j; k++) rest -= factor[i][k] * factor[j][k];
      if (i === j) {
        if (!(rest > 1e-13 * largest)) return null;
        factor[i][i] = Math.sqrt(rest);
      } else factor[i][j] = rest / factor[j][j];
    }
    return factor;
  }

  /** P of a chi-square above x: the upper incomplete gamma function, by series or continued fraction. */
  function chiSquareUpper(x, degrees) {
    const a = degrees / 2, half = x / 2;
    if (!(x > 0)) return 1;
    // log gamma at half integers, by its recursion
    let logGamma = degrees % 2 ? Math.log(Math.PI) / 2 : 0;
    for (let value = degrees % 2 ? 0.5 : 1; value < a - 0.25; value++) logGamma += Math.log(value);
    const scale = Math.exp(a * Math.log(half) - half - logGamma);
    if (half < a + 1) {
      let term = 1 / a, total = term;
      for (let k = 1; k < 1000 && term > total * 1e-17; k++) total += term *= half / (a + k);
      return 1 - scale * total;
    }
    let b = half + 1 - a, c = 1e300, d = 1 / b, fraction = d;
    for (let k = 1; k < 1000; k++) {
      const step = -k * (k - a);
      b += 2;
      d = 1 / (step * d + b);
      c = b + step / c;
      fraction *= d * c;
      if (Math.abs(d * c - 1) < 1e-16) break;
    }
    return scale * fraction;
  }

  return {countsOf, kaplanMeier, aalenJohansen, readOff, logrank, gray, chiSquareUpper};
})();
if (typeof module !== "undefined") module.exports = survivalStatistics;
