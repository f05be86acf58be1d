// What the page's own statistics give of a data set: rows [group, day, code] on stdin as JSON, results on stdout.
const statistics = globalThis.survivalStatistics || require(process.argv[2]);
function resultsOf(rows, landmarks) {
  const names = [...new Set(rows.map(row => row[0]))].sort((a, b) => a - b);
  const counts = names.map(name => statistics.countsOf(rows.filter(row => row[0] === name).map(([, day, code]) => [day, code, 1])));
  const asSurvival = names.map(name =>
    statistics.countsOf(rows.filter(row => row[0] === name).map(([, day, code]) => [day, code ? 1 : 0, 1])));
  const tidy = curve => ({days: curve.days, risk: curve.risk, estimate: curve.estimate, error: curve.error, low: curve.low, high: curve.high});
  const survival = asSurvival.map(statistics.kaplanMeier), incidence = counts.map(statistics.aalenJohansen);
  return {
    names, survival: survival.map(tidy), incidence: incidence.map(tidy),
    landmarks: survival.map(curve => landmarks.map(day => statistics.readOff(curve, day))),
    logrank: statistics.logrank(asSurvival), gray: statistics.gray(counts),
  };
}
if (typeof process !== "undefined" && process.argv) {
  const {rows, landmarks} = JSON.parse(require("fs").readFileSync(0, "utf8"));
  // NaN becomes null
  process.stdout.write(JSON.stringify(resultsOf(rows, landmarks)));
}
