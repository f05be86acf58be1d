# Reference values for several hospitals, standardised curves, interval-censored fits and time 0. Run: Rscript hospitals.R FOLDER_WITH_THE_CSV_FILES
# Needs R >= 4.2 with survival, cmprsk and jsonlite; some seconds. Reads margins.csv, ties.csv beside it, writes hospitals.json.
suppressMessages({library(survival); library(cmprsk); library(jsonlite)})
out <- commandArgs(TRUE)[1]; if (is.na(out)) out <- "."
read <- function(name) read.csv(file.path(out, paste0(name, ".csv")))
reference <- list(versions = list(R = R.version.string, survival = as.character(packageVersion("survival"))))
summary_of <- function(fit) list(coef = unname(coef(fit)), se = unname(sqrt(diag(vcov(fit)))))

## ---------------------------------------------------------------- hospitals as strata
d <- read("margins"); d$patient <- seq_len(nrow(d))
for (k in 1:3) d[[paste0("g", k)]] <- as.integer(d$margin_code == k)
terms <- "g1 + g2 + g3 + treat"
cox <- coxph(as.formula(paste("Surv(time, code == 1) ~", terms, "+ strata(centre)")), d, ties = "efron")
reference$stratified_cox <- c(summary_of(cox), list(loglik = cox$loglik))
reference$stratified_zph <- unname(cox.zph(cox, transform = "km")$table[, 1])
clustered <- coxph(as.formula(paste("Surv(time, code == 1) ~", terms)), d, ties = "efron", cluster = centre)
reference$clustered_cox <- summary_of(clustered)
d$state <- factor(d$code, 0:2, c("censored", "event", "competing"))
fg <- finegray(as.formula(paste("Surv(time, state) ~ g1 + g2 + g3 + treat + patient + centre + strata(centre)")), d, etype = "event")
reference$stratified_fine_gray <- summary_of(coxph(as.formula(paste("Surv(fgstart, fgstop, fgstatus) ~", terms, "+ strata(centre)")),
  fg, weights = fgwt, cluster = patient, ties = "efron"))
# Firth's penalised likelihood, stratified: the sum of the strata's partial likelihoods plus half the log-determinant of their information
few <- subset(d, margin_code %in% c(1, 4)); few <- few[order(few$time), ][1:200, ]; few$code[few$margin_code == 1] <- 0
partial <- function(b) { value <- 0; information <- 0
  for (h in unique(few$centre)) { s <- few[few$centre == h, ]; risk <- exp(b * s$g1)
    for (t in unique(s$time[s$code == 1])) { at <- s$time >= t; dead <- s$time == t & s$code == 1; m <- sum(dead)
      for (l in 0:(m - 1)) { w <- risk * at - l / m * risk * dead; mean <- sum(w * s$g1) / sum(w)
        value <- value - log(sum(w)); information <- information + sum(w * s$g1^2) / sum(w) - mean^2 }
      value <- value + sum(b * s$g1[dead]) } }
  value + log(information) / 2 }
best <- optimize(partial, c(-12, 6), maximum = TRUE, tol = 1e-12)
side <- function(interval) uniroot(function(b) partial(b) - best$objective + qchisq(.95, 1) / 2, interval, tol = 1e-12)$root
reference$stratified_firth <- list(coef = best$maximum, low = side(c(best$maximum - 12, best$maximum)), high = side(c(best$maximum, best$maximum + 8)),
  lr = 2 * (best$objective - partial(0)))

## ---------------------------------------------------------------- random effects: DerSimonian and Laird, written out
y <- c(0.10, 0.65, -0.20, 0.90, 0.35); v <- c(0.04, 0.09, 0.05, 0.12, 0.03); w <- 1 / v; k <- length(y)
fixed <- sum(w * y) / sum(w); Q <- sum(w * (y - fixed)^2); tau2 <- max(0, (Q - (k - 1)) / (sum(w) - sum(w^2) / sum(w)))
own <- 1 / (v + tau2); mu <- sum(own * y) / sum(own); se <- 1 / sqrt(sum(own))
reference$random_effects <- list(y = y, v = v, estimate = mu, std_error = se, tau_squared = tau2, i_squared = max(0, (Q - (k - 1)) / Q),
  statistic = Q, p_value = pchisq(Q, k - 1, lower.tail = FALSE), prediction_width = qt(.975, k - 2) * sqrt(tau2 + se^2))

## ---------------------------------------------------------------- weighted Aalen-Johansen
set.seed(4); w <- round(exp(rnorm(nrow(d), 0, .5)), 3)
reference$weighted_incidence <- list(weights = w, groups = lapply(1:4, function(k) { s <- d[d$margin_code == k, ]
  fit <- survfit(Surv(time, state) ~ 1, s, weights = w[d$margin_code == k], id = patient)
  list(time = fit$time, estimate = fit$pstate[, 2], std_error = fit$std.err[, 2]) }))

## ---------------------------------------------------------------- interval censoring
look <- 120; left <- ifelse(d$code == 1, pmax(0, (ceiling(d$time / look) - 1) * look), d$time); right <- ifelse(d$code == 1, d$time, Inf)
weibull <- survreg(Surv(ifelse(left == 0, NA, left), ifelse(is.finite(right), right, NA), type = "interval2") ~ g1 + g2 + g3 + treat + factor(centre), d, dist = "weibull",
  control = survreg.control(rel.tolerance = 1e-12, maxiter = 200))
reference$weibull <- list(left = left, right = ifelse(is.finite(right), right, NA), coef = unname(coef(weibull)), scale = weibull$scale,
  covariance = unname(vcov(weibull)), loglik = weibull$loglik[2])
# Turnbull's self-consistent estimate: probabilities of the innermost intervals by EM until nothing moves
s <- d$margin_code == 1; L <- left[s]; R <- right[s]; points <- sort(unique(c(L, R)))
inner <- do.call(rbind, lapply(seq_along(points[-1]), function(i) c(points[i], points[i + 1])))
inside <- outer(seq_along(L), seq_len(nrow(inner)), function(i, j) (L[i] <= inner[j, 1]) & (R[i] >= inner[j, 2]))
p <- rep(1 / nrow(inner), nrow(inner))
for (i in 1:200000) { new <- colMeans(t(t(inside) * p) / as.vector(inside %*% p)); if (max(abs(new - p)) < 1e-13) break; p <- new }
reference$turnbull <- list(left = L, right = ifelse(is.finite(R), R, NA), time = c(365, 730, 1095), iterations = i,
  survival = sapply(c(365, 730, 1095), function(t) 1 - sum(p[inner[, 2] <= t])), loglik = sum(log(inside %*% p)))

## ---------------------------------------------------------------- events and censorings on day 0
z <- read("ties"); z$time[seq(1, nrow(z), 9)] <- 0
km <- survfit(Surv(time, code > 0) ~ g, z); aj <- survfit(Surv(time, factor(code, 0:2)) ~ g, z); inc <- cuminc(z$time, z$code, z$g, cencode = 0)
for (k in 1:2) z[[paste0("g", k)]] <- as.integer(z$g == k); z$g3 <- as.integer(z$g == 3)
reference$time_zero <- list(km = summary(km, times = c(0, 100, 400), extend = TRUE)$surv, aj = summary(aj, times = c(0, 100, 400), extend = TRUE)$pstate[, 2],
  logrank = survdiff(Surv(time, code > 0) ~ g, z)$chisq, gray = unname(inc$Tests["1", 1]),
  cox = summary_of(coxph(Surv(time, code == 1) ~ g1 + g2 + g3, z, ties = "efron")))
writeLines(toJSON(reference, digits = NA, auto_unbox = TRUE), file.path(out, "hospitals.json"))
