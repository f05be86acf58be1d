# Reference values for quantiles, limits at landmarks, effects by period, pooling, splines and Firth's model.
# Run: Rscript limits_periods_and_splines.R FOLDER_WITH_THE_CSV_FILES
# Needs R >= 4.2 with survival, rms, mice, mitml and jsonlite; half a minute, nearly all of it for Firth's model.
# Reads the inputs that make_reference.R wrote, and margins.csv; writes limits_periods_and_splines.json beside them.
suppressMessages({library(survival); library(jsonlite)})
out <- commandArgs(TRUE)[1]; if (is.na(out)) out <- "."
read <- function(name) read.csv(file.path(out, paste0(name, ".csv")))
inputs <- sapply(c("colon", "pbc", "mgus2", "ties", "ends"), read, simplify = FALSE)
margins <- read("margins")
covariates <- list(colon = c("age", "male", "obstruct", "node4", "perfor"), pbc = c("age", "female", "logbili", "albumin"),
  mgus2 = c("age", "male", "hgb"), ties = c("age", "node"))
model <- function(response, terms) as.formula(paste(response, "~", paste(terms, collapse = "+")))
dummies_of <- function(d) paste0("g", setdiff(sort(unique(d$g)), max(d$g)))
with_dummies <- function(d) { for (k in setdiff(sort(unique(d$g)), max(d$g))) d[[paste0("g", k)]] <- as.integer(d$g == k); d }
versions <- sapply(c("survival", "rms", "mice", "mitml"), function(name) as.character(packageVersion(name)))
reference <- list(versions = c(list(R = R.version.string), as.list(versions)))
types <- c("log", "log-log", "plain")

## ---------------------------------------------------------------- quartiles and medians, limits at landmarks
quantiles <- function(d) sapply(types, simplify = FALSE, function(type) {
  q <- quantile(survfit(Surv(time, code > 0) ~ g, d, conf.type = type), c(.25, .5, .75)); rows <- function(x) unname(rbind(x))
  list(time = rows(q$quantile), lower = rows(q$lower), upper = rows(q$upper)) })
at_landmarks <- function(d) { d$state <- factor(d$code, 0:2, c("censored", "event", "competing"))
  times <- unname(quantile(d$time, c(.2, .5, .8)))
  c(list(times = times), sapply(types, simplify = FALSE, function(type) {
    a <- summary(survfit(Surv(time, code > 0) ~ 1, d, conf.type = type), times = times)
    b <- summary(survfit(Surv(time, state) ~ 1, d, conf.type = type), times = times); k <- match("event", b$states)
    list(survival = a$surv, lower = a$lower, upper = a$upper, incidence = unname(b$pstate[, k]),
      incidence_lower = unname(b$lower[, k]), incidence_upper = unname(b$upper[, k])) })) }
for (name in names(inputs)) reference[[name]] <- list(quantiles = quantiles(inputs[[name]]), at_landmarks = at_landmarks(inputs[[name]]))

## ---------------------------------------------------------------- one proportional-hazards test of all groups
for (name in names(covariates)) { d <- inputs[[name]]; d$group <- relevel(factor(d$g), as.character(max(d$g)))
  reference[[name]]$zph_of_groups <- lapply(list(unadjusted = NULL, adjusted = covariates[[name]]), function(terms) {
    fit <- coxph(model("Surv(time, code == 1)", c("group", terms)), d); unname(cox.zph(fit, transform = "km", terms = TRUE)$table["group", ]) }) }

## ---------------------------------------------------------------- hazard ratios by period of follow-up
by_period <- function(d, cuts, terms, groups = dummies_of(d)) { d <- with_dummies(d); d$event <- as.integer(d$code == 1)
  s <- survSplit(model("Surv(time, event)", "."), d, cut = cuts, episode = "period")
  columns <- as.vector(outer(groups, seq_len(length(cuts) + 1), function(g, p) paste0(g, "_", p)))
  for (g in groups) for (p in seq_len(length(cuts) + 1)) s[[paste0(g, "_", p)]] <- s[[g]] * (s$period == p)
  fit <- coxph(model("Surv(tstart, time, event)", c(columns, terms)), s, ties = "efron")
  constant <- coxph(model("Surv(tstart, time, event)", c(groups, terms)), s, ties = "efron")
  b <- coef(fit)[columns]; v <- vcov(fit)[columns, columns]; n <- length(groups)
  contrast <- do.call(rbind, lapply(seq_len(length(cuts)), function(p) { m <- matrix(0, n, length(columns)); m[, 1:n] <- -diag(n); m[, p * n + 1:n] <- diag(n); m }))
  list(cuts = cuts, covariates = terms, coef = unname(b), se = unname(sqrt(diag(v))), interval = unname(summary(fit)$conf.int[columns, 3:4]),
    p = unname(summary(fit)$coefficients[columns, 5]), likelihood_ratio = 2 * (fit$loglik[2] - constant$loglik[2]), df = nrow(contrast),
    wald = as.numeric(t(contrast %*% b) %*% solve(contrast %*% v %*% t(contrast)) %*% (contrast %*% b)),
    n_event = as.integer(tapply(s$event, s$period, sum)), n = as.integer(table(s$period))) }
cuts <- list(colon = c(365, 730), pbc = c(365, 730), mgus2 = c(60, 120), ties = c(360, 720))
for (name in names(covariates)) reference[[name]]$by_period <- list(unadjusted = by_period(inputs[[name]], cuts[[name]], NULL),
  adjusted = by_period(inputs[[name]], cuts[[name]], covariates[[name]]))

for (name in names(covariates)) reference[[name]]$by_period$of_age <- by_period(inputs[[name]], cuts[[name]],
  c(dummies_of(inputs[[name]]), setdiff(covariates[[name]], "age")), "age")

## ---------------------------------------------------------------- differences of restricted means
for (name in names(covariates)) { d <- inputs[[name]]; tau <- round(.7 * min(tapply(d$time, d$g, max)))
  table <- summary(survfit(Surv(time, code > 0) ~ g, d), rmean = tau)$table; k <- nrow(table)
  mean <- table[, grep("^.?rmean", colnames(table))]; se <- table[, grep("se\\(", colnames(table))]
  difference <- unname(mean[-k] - mean[k]); error <- unname(sqrt(se[-k]^2 + se[k]^2))
  reference[[name]]$restricted_differences <- list(horizon = tau, difference = difference, se = error,
    lower = difference - qnorm(.975) * error, upper = difference + qnorm(.975) * error, p = 2 * pnorm(-abs(difference / error))) }

## ---------------------------------------------------------------- restricted cubic spline by rms
suppressMessages(library(rms))
with_rms <- function(d, width, reference, grid, terms) { d$width <- d[[width]]; knots <- as.numeric(quantile(d$width, c(.05, .35, .65, .95)))
  assign("ranges", datadist(d), envir = globalenv()); options(datadist = "ranges")
  assign("fit_knots", knots, envir = globalenv()); assign("fit_data", d, envir = globalenv())
  fit <- cph(model("Surv(time, code == 1)", c("rcs(width, fit_knots)", terms)), fit_data, method = "efron", eps = 1e-12, iter.max = 50, x = TRUE, y = TRUE)
  a <- contrast(fit, list(width = grid), list(width = reference)); tests <- anova(fit)
  list(width = width, reference = reference, covariates = terms, grid = grid, log_hazard_ratio = unname(a$Contrast), std_error = unname(a$SE), lower = unname(a$Lower), upper = unname(a$Upper),
    association = unname(tests["width", 1:3]), nonlinearity = unname(tests[" Nonlinear", 1:3])) }
of_margins <- function(terms) with_rms(margins, "margin", 10, c(0, .5, 1, 2, 5, 15, 20, 40), terms)
reference$margins <- list(rms = list(unadjusted = of_margins(NULL), adjusted = of_margins(c("age", "kras"))))
reference$pbc$rms <- with_rms(inputs$pbc, "albumin", 3.5, c(2.5, 3, 3.25, 4, 4.5), c("age", "logbili"))
reference$colon$rms <- with_rms(inputs$colon, "age", 60, c(30, 40, 50, 70, 80), c("node4", "obstruct"))
reference$mgus2$rms <- with_rms(inputs$mgus2, "hgb", 13, c(8, 10, 12, 14, 16), c("age", "male"))
suppressMessages(detach("package:rms"))

## ---------------------------------------------------------------- Rubin's rules by mice, on five fixed completions
# every fifth patient's age and KRAS is filled in by a rule that the tests repeat: no random number is needed
completed <- lapply(1:5, function(i) { d <- margins; row <- seq_len(nrow(d)) - 1; filled <- row %% 5 == 0
  d$age[filled] <- 40 + (row[filled] * 13 + i * 29) %% 45; d$kras[filled] <- (row[filled] * 7 + i * 3 + row[filled] %/% 10) %% 2; d })
d <- margins
of_groups <- function(d) { d$narrow <- as.integer(d$margin < 1); d$middle <- as.integer(d$margin >= 1 & d$margin < 10); d }
fits <- lapply(completed, function(d) coxph(Surv(time, code == 1) ~ narrow + middle + age + kras, of_groups(d)))
pooled <- mice::pool(mice::as.mira(fits)); table <- summary(pooled, conf.int = TRUE)
reference$margins$mice <- list(terms = as.character(table$term), estimate = table$estimate, std_error = table$std.error, df = table$df,
  p = table$p.value, lower = table[["2.5 %"]], upper = table[["97.5 %"]], riv = pooled$pooled$riv, fmi = pooled$pooled$fmi, n = fits[[1]]$n, n_event = fits[[1]]$nevent)
# D1 (Li, Raghunathan and Rubin 1991) with Reiter's degrees of freedom (2007), as mitml::testModels, which mice::D1 calls
smaller <- lapply(completed, function(d) coxph(Surv(time, code == 1) ~ age + kras, of_groups(d)))
d1 <- function(b, v, complete = Inf) { m <- nrow(b); k <- ncol(b); mean <- colMeans(b); within <- Reduce(`+`, v) / m; between <- cov(b)
  r <- (1 + 1 / m) * sum(diag(between %*% solve(within))) / k; t <- k * (m - 1)
  df <- if (t > 4) 4 + (t - 4) * (1 + (1 - 2 / t) / r)^2 else t * (1 + 1 / k) * (1 + 1 / r)^2 / 2
  f <- as.numeric(mean %*% solve(within) %*% mean) / (k * (1 + r)); list(statistic = f, df1 = k, df2 = df, r = r, p = pf(f, k, df, lower.tail = FALSE)) }
b <- t(sapply(fits, function(f) coef(f)[1:2])); v <- lapply(fits, function(f) vcov(f)[1:2, 1:2]); ours <- d1(b, v)
reference$margins$d1 <- c(ours, list(estimates = unname(b), covariances = lapply(v, unname)))
of_mitml <- mitml::testModels(fits, smaller, method = "D1")$test
stopifnot(max(abs(of_mitml / c(ours$statistic, ours$df1, ours$df2, ours$p, ours$r) - 1)) < 1e-9)

## ---------------------------------------------------------------- weighted Cox with robust errors, on real data
for (name in names(covariates)) { d <- with_dummies(inputs[[name]]); d$w <- .5 + ((seq_len(nrow(d)) - 1) %% 10) / 5
  fit <- coxph(model("Surv(time, code == 1)", dummies_of(d)), d, weights = w, robust = TRUE, ties = "efron")
  reference[[name]]$weighted <- list(coef = unname(coef(fit)), se = unname(sqrt(diag(fit$var))), p = unname(summary(fit)$coefficients[, 6])) }

## ---------------------------------------------------------------- Firth's model to the last digits, with and without late entry
# penalised score: the partial likelihood's, plus half the trace of the inverse information times its derivative (a five-point rule)
firth <- function(d, terms, ties) { x <- as.matrix(d[terms]); event <- d$event == 1; start <- if (is.null(d$start)) rep(-1, nrow(d)) else d$start; k <- ncol(x)
  parts <- function(beta) { eta <- as.numeric(x %*% beta); value <- 0; score <- rep(0, k); information <- matrix(0, k, k)
    for (t in unique(d$time[event])) { at_risk <- d$time >= t & start < t; tied <- event & d$time == t; m <- sum(tied)
      value <- value + sum(eta[tied]); score <- score + colSums(x[tied, , drop = FALSE])
      for (l in seq_len(m) - 1) { w <- exp(eta) * at_risk; if (ties == "efron") w[tied] <- w[tied] * (1 - l / m)
        s <- sum(w); mean <- colSums(w * x) / s; value <- value - log(s); score <- score - mean
        information <- information + crossprod(x * w, x) / s - outer(mean, mean) } }
    list(value = value + as.numeric(determinant(information)$modulus) / 2, score = score, information = information) }
  penalised <- function(beta) { a <- parts(beta); inverse <- solve(a$information); h <- 2e-3
    a$score <- a$score + sapply(seq_len(k), function(j) { at <- function(step) { b <- beta; b[j] <- b[j] + step; parts(b)$information }
      slope <- (at(-2 * h) - 8 * at(-h) + 8 * at(h) - at(2 * h)) / (12 * h); sum(diag(inverse %*% slope)) / 2 }); a }
  climb <- function(beta, held = NULL) { free <- setdiff(seq_len(k), held); for (i in 1:200) { a <- penalised(beta)
      step <- solve(a$information[free, free, drop = FALSE], a$score[free]); step <- step * min(1, 1 / max(abs(step))); beta[free] <- beta[free] + step
      if (max(abs(step)) < 1e-10) return(list(par = beta, value = parts(beta)$value)) }; stop("no convergence") }
  best <- climb(rep(0, k)); se <- sqrt(diag(solve(parts(best$par)$information)))
  profile <- sapply(seq_len(k), function(j) { from <- best$par
    deviance <- function(v) { from[j] <<- v; a <- climb(from, j); from <<- a$par; 2 * (best$value - a$value) }
    limit <- function(side) { from <<- best$par; uniroot(function(v) deviance(v) - qchisq(.95, 1), best$par[j] + side * c(0, 2) * se[j], extendInt = "yes", tol = 1e-12)$root }
    c(low = limit(-1), high = limit(1), lr = { from <- best$par; deviance(0) }) })
  list(terms = terms, ties = ties, coef = best$par, value = best$value, low = profile["low", ], high = profile["high", ], lr = profile["lr", ]) }
few <- inputs$ties[1:120, ]; few$g1 <- as.integer(few$g == 1); few$g2 <- as.integer(few$g == 2); few$event <- as.integer(few$code == 1)
few$event[few$g == 2] <- 0; few$decades <- (few$age - 60) / 10
reference$ties$firth <- lapply(c("efron", "breslow"), function(ties) firth(few, c("g1", "g2", "decades"), ties))
late <- survSplit(Surv(time, event) ~ ., few, cut = 720, episode = "period"); late$start <- late$tstart; late$g1_late <- late$g1 * (late$period == 2)
reference$ties$firth_late_entry <- firth(late, c("g1", "g2", "g1_late"), "efron")
write_json(reference, file.path(out, "limits_periods_and_splines.json"), digits = I(13), auto_unbox = TRUE, na = "null", null = "null")
