# Reference values for the survival statistics. Run: Rscript make_reference.R OUTPUT_DIRECTORY
# Needs R >= 4.2 with survival, cmprsk and jsonlite. Writes the inputs (*.csv) and reference.json beside them.
# Every input has: time (whole days or months), code (0 censored, 1 event, 2 competing event), g (group), covariates.
suppressMessages({library(survival); library(cmprsk); library(jsonlite)})
out <- commandArgs(TRUE)[1]; if (is.na(out)) out <- "."
RNGversion("4.2.0"); set.seed(1776)

## ---------------------------------------------------------------- inputs
recurrence <- subset(colon, etype == 1); death <- subset(colon, etype == 2)
death <- death[match(recurrence$id, death$id), ]
colon_input <- with(recurrence, data.frame(time, code = ifelse(status == 1, 1, ifelse(death$status == 1, 2, 0)),
  g = as.integer(rx), age, male = sex, obstruct, node4, perfor))
pbc_complete <- subset(pbc, !is.na(stage))
pbc_input <- with(pbc_complete, data.frame(time, code = c(0, 2, 1)[status + 1], g = stage, age,  # transplant competes with death
  female = as.integer(sex == "f"), logbili = round(log(bili), 4), albumin))
mgus_complete <- subset(mgus2, !is.na(hgb))
mgus_input <- with(mgus_complete, data.frame(time = ifelse(pstat == 0, futime, ptime), code = ifelse(pstat == 0, 2 * death, 1),
  g = as.integer(cut(age, c(0, 60, 75, 200))), age, male = as.integer(sex == "M"), hgb))
n <- 500  # visits every 90 days: nearly every time is shared by events, competing events and censorings of all groups
g <- sample(1:4, n, TRUE, c(.15, .1, .4, .35)); age <- round(rnorm(n, 62, 11)); node <- rbinom(n, 1, .6)
t1 <- rexp(n, exp(c(.7, .6, .2, 0)[g] + .3 * node) / 1500); t2 <- rexp(n, exp(.03 * (age - 62)) / 4000); censor <- runif(n, 100, 4000)
t <- pmin(t1, t2, censor)
ties_input <- data.frame(time = 90 * ceiling(t / 90), code = ifelse(t == t1, 1, ifelse(t == t2, 2, 0)), g, age, node)
# curves that end in an event (survival 0), in a competing event and in a censoring; groups that leave early; a survival of
# exactly one half, in between and to the end
ends_input <- data.frame(time = c(2, 3, 3, 5, 8, 8, 9, 1, 4, 4, 6, 7, 12, 12, 1, 2, 2, 3, 10, 11, 14, 5, 5, 6, 1, 2),
  code = c(1, 2, 0, 1, 1, 2, 1, 2, 1, 1, 0, 1, 2, 2, 0, 1, 1, 2, 0, 1, 0, 0, 1, 0, 1, 0), g = rep(1:5, c(7, 7, 7, 3, 2)))
inputs <- list(colon = colon_input, pbc = pbc_input, mgus2 = mgus_input, ties = ties_input, ends = ends_input)
for (name in names(inputs)) write.csv(inputs[[name]], file.path(out, paste0(name, ".csv")), row.names = FALSE)

## ---------------------------------------------------------------- curves
groups_of <- function(fit) rep(as.integer(sub(".*=", "", names(fit$strata))), fit$strata)
kaplan_meier <- function(d) {
  fit <- survfit(Surv(time, code > 0) ~ g, d)
  limits <- sapply(c("log", "log-log", "plain"), simplify = FALSE, function(type) {
    a <- survfit(Surv(time, code > 0) ~ g, d, conf.type = type); q <- quantile(a, .5)
    list(lower = a$lower, upper = a$upper, median = as.numeric(q$quantile),
      median_lower = as.numeric(q$lower), median_upper = as.numeric(q$upper)) })
  list(g = groups_of(fit), time = fit$time, n_risk = fit$n.risk, n_event = fit$n.event, n_censor = fit$n.censor,
    surv = fit$surv, std_err = fit$surv * fit$std.err, limits = limits) }
reverse_median <- function(d) {
  q <- quantile(survfit(Surv(time, code == 0) ~ g, d), .5)
  list(median = as.numeric(q$quantile), lower = as.numeric(q$lower), upper = as.numeric(q$upper)) }
aalen_johansen <- function(d) {
  d$state <- factor(d$code, 0:2, c("censored", "event", "competing"))
  fit <- survfit(Surv(time, state) ~ g, d); column <- match("event", fit$states)
  limits <- sapply(c("log", "log-log", "plain"), simplify = FALSE, function(type) {
    a <- survfit(Surv(time, state) ~ g, d, conf.type = type); list(lower = a$lower[, column], upper = a$upper[, column]) })
  curves <- cuminc(d$time, d$code, d$g, cencode = 0); g <- groups_of(fit)
  at_times <- function(what) unlist(lapply(unique(g), function(k) {
    x <- curves[[paste(k, 1)]]; approx(x$time, x[[what]], fit$time[g == k], method = "constant", f = 0, rule = 2,
      ties = function(v) v[length(v)])$y }))
  list(g = g, time = fit$time, n_risk = unname(fit$n.risk[, 1]), estimate = unname(fit$pstate[, column]),
    infinitesimal_jackknife = unname(fit$std.err[, column]), limits = limits,
    cuminc_estimate = at_times("est"), cuminc_variance = at_times("var")) }
landmarks <- function(d, times) {
  a <- summary(survfit(Surv(time, code > 0) ~ g, d), times = times)
  list(times = times, g = as.integer(sub(".*=", "", a$strata)), time = a$time, n_risk = a$n.risk, surv = a$surv,
    std_err = a$std.err, lower = a$lower, upper = a$upper) }

## ---------------------------------------------------------------- tests
tests <- function(d) {
  trend <- function(event) {  # Tarone: scores 1..k on the log-rank O - E, hypergeometric covariance
    a <- survdiff(Surv(d$time, event) ~ d$g); s <- seq_along(a$obs)
    list(logrank = a$chisq, trend = sum(s * (a$obs - a$exp))^2 / as.numeric(t(s) %*% a$var %*% s)) }
  gray <- cuminc(d$time, d$code, d$g, cencode = 0)$Tests
  list(all_causes = trend(d$code > 0), cause_specific = trend(d$code == 1), gray_event = unname(gray["1", 1:3]),
    gray_competing = unname(gray["2", 1:3])) }

## ---------------------------------------------------------------- cause-specific Cox models, Efron
cox <- function(d, covariates, event = d$code == 1) {
  reference <- max(d$g); d$event <- as.integer(event)
  levels <- setdiff(sort(unique(d$g)), reference); dummies <- paste0("g", levels)
  for (k in levels) d[[paste0("g", k)]] <- as.integer(d$g == k)
  fit_terms <- function(terms) coxph(as.formula(paste("Surv(time, event) ~", paste(terms, collapse = "+"))), d, ties = "efron")
  fit <- fit_terms(c(dummies, covariates)); k <- seq_along(dummies)
  without <- if (length(covariates)) fit_terms(covariates)$loglik[2] else fit$loglik[1]
  d$score <- reference - d$g; ordinal <- coxph(as.formula(paste("Surv(time, event) ~", paste(c("score", covariates), collapse = "+"))), d)
  z <- cox.zph(fit, transform = "km", terms = FALSE)$table
  list(terms = names(coef(fit)), coef = unname(coef(fit)), se = unname(sqrt(diag(vcov(fit)))),
    interval = unname(summary(fit)$conf.int[, 3:4]), p = unname(summary(fit)$coefficients[, 5]), n = fit$n, n_event = fit$nevent,
    wald = as.numeric(t(coef(fit)[k]) %*% solve(vcov(fit)[k, k]) %*% coef(fit)[k]), likelihood_ratio = 2 * (fit$loglik[2] - without),
    trend = c(coef(ordinal)[1], sqrt(vcov(ordinal)[1, 1])), zph_terms = rownames(z), zph_statistic = unname(z[, 1]),
    zph_df = unname(z[, 2]), zph_p = unname(z[, 3])) }

covariates <- list(colon = c("age", "male", "obstruct", "node4", "perfor"), pbc = c("age", "female", "logbili", "albumin"),
  mgus2 = c("age", "male", "hgb"), ties = c("age", "node"))
reference <- list(versions = list(R = R.version.string, survival = as.character(packageVersion("survival")),
  cmprsk = as.character(packageVersion("cmprsk"))))
for (name in names(inputs)) { d <- inputs[[name]]
  reference[[name]] <- list(kaplan_meier = kaplan_meier(d), reverse_median = reverse_median(d), aalen_johansen = aalen_johansen(d),
    landmarks = landmarks(d, unname(quantile(d$time, c(.2, .5, .8, .97)))), tests = tests(d))
  if (name %in% names(covariates)) reference[[name]]$cox <- list(unadjusted = cox(d, NULL), adjusted = cox(d, covariates[[name]]),
    covariates = covariates[[name]]) }
write_json(reference, file.path(out, "reference.json"), digits = I(13), auto_unbox = TRUE, na = "null", null = "null")
