# Reference values for restricted means, stratified tests, Fine-Gray, Firth, splines, weights, E-values, pooling, states and landmarks. Run: Rscript curves_models_and_weights.R FOLDER_WITH_THE_CSV_FILES
# Needs R >= 4.2 with survival, cmprsk, nnet, Hmisc and jsonlite; a minute and a half, nearly all of it for Firth's model.
# Reads the inputs beside it and writes curves_models_and_weights.json: colon, pbc, mgus2 and ties.csv come from make_reference.R;
# margins.csv is 800 simulated patients (time in days, margin in mm); mgus2_multistate.csv is survival::mgus2 with a row a stay.
suppressMessages({library(survival); library(cmprsk); library(jsonlite)})
out <- commandArgs(TRUE)[1]; if (is.na(out)) out <- "."
read <- function(name) read.csv(file.path(out, paste0(name, ".csv")))
inputs <- sapply(c("colon", "pbc", "mgus2", "ties", "ends"), read, simplify = FALSE)
margins <- read("margins")
reference <- list(versions = list(R = R.version.string, survival = as.character(packageVersion("survival")),
  cmprsk = as.character(packageVersion("cmprsk")), nnet = as.character(packageVersion("nnet")),
  Hmisc = as.character(packageVersion("Hmisc"))))

## ---------------------------------------------------------------- restricted means
restricted <- function(d, tau) {
  table <- summary(survfit(Surv(time, code > 0) ~ g, d), rmean = tau)$table
  d$state <- factor(d$code, 0:2, c("censored", "event", "competing"))
  lost <- lapply(sort(unique(d$g)), function(k) {
    fit <- survfit(Surv(time, state) ~ 1, d[d$g == k, ], influence = TRUE)
    # print(fit, rmean = tau) of survival 3.5-3 misaligns the influence array (one row more than there are times, the first
    # of time 0) with the times and warns of it, so the integral over that array is written out here
    width <- diff(c(0, pmin(fit$time, tau), tau)); influence <- apply(fit$influence.pstate[, , 2:3], c(1, 3), function(x) sum(x * width))
    list(mean = unname(survival:::survmean2(survfit(Surv(time, state) ~ 1, d[d$g == k, ]), scale = 1, rmean = tau)$matrix[2:3, "rmean"]),
      se = sqrt(colSums(influence^2))) })
  list(horizon = tau, g = as.integer(sub(".*=", "", rownames(table))), mean = unname(table[, grep("^.?rmean", colnames(table))]),
    se = unname(table[, grep("se\\(", colnames(table))]), lost = lost) }
for (name in c("colon", "pbc", "mgus2", "ties")) { d <- inputs[[name]]
  end <- min(tapply(d$time, d$g, max)); reference[[name]]$restricted <- lapply(round(c(.3, .7, 1) * end), function(tau) restricted(d, tau)) }

## ---------------------------------------------------------------- stratified tests
stratified <- function(d, block) { d$block <- d[[block]]
  one <- function(event) { a <- survdiff(Surv(d$time, event) ~ d$g + strata(d$block)); a$chisq }
  gray <- cuminc(d$time, d$code, d$g, d$block, cencode = 0)$Tests
  list(block = block, all_causes = one(d$code > 0), cause_specific = one(d$code == 1), gray_event = unname(gray["1", 1:3]),
    gray_competing = unname(gray["2", 1:3])) }
blocks <- c(colon = "node4", pbc = "female", mgus2 = "male", ties = "node")
for (name in names(blocks)) reference[[name]]$stratified <- stratified(inputs[[name]], blocks[[name]])
margins$treatment <- margins$treat; d <- margins; d$g <- d$margin_code
reference$margins$stratified <- stratified(d, "centre")
sparse <- subset(inputs$colon, !(g == 2 & node4 == 1))  # a group that one block lacks
reference$colon_sparse$stratified <- stratified(sparse, "node4")

## ---------------------------------------------------------------- Fine-Gray
covariates <- list(colon = c("age", "male", "obstruct", "node4", "perfor"), pbc = c("age", "female", "logbili", "albumin"),
  mgus2 = c("age", "male", "hgb"), ties = c("age", "node"))
with_dummies <- function(d) { for (k in setdiff(sort(unique(d$g)), max(d$g))) d[[paste0("g", k)]] <- as.integer(d$g == k); d }
dummies_of <- function(d) paste0("g", setdiff(sort(unique(d$g)), max(d$g)))
model <- function(response, terms) as.formula(paste(response, "~", paste(terms, collapse = "+")))
summary_of <- function(fit) list(coef = unname(coef(fit)), se = unname(sqrt(diag(vcov(fit)))),
  interval = unname(summary(fit)$conf.int[, 3:4, drop = FALSE]), p = unname(summary(fit)$coefficients[, ncol(summary(fit)$coefficients)]))
fine_gray <- function(d, covariates) { terms <- c(dummies_of(d), covariates); d <- with_dummies(d)
  d$state <- factor(d$code, 0:2, c("censored", "event", "competing")); d$patient <- seq_len(nrow(d))
  fg <- finegray(model("Surv(time, state)", c(terms, "patient")), d, etype = "event")
  summary_of(coxph(model("Surv(fgstart, fgstop, fgstatus)", terms), fg, weights = fgwt, cluster = patient, ties = "efron")) }
for (name in names(covariates)) reference[[name]]$fine_gray <- list(covariates = covariates[[name]],
  unadjusted = fine_gray(inputs[[name]], NULL), adjusted = fine_gray(inputs[[name]], covariates[[name]]))

## ---------------------------------------------------------------- Firth's penalised Cox, by brute force
# coxphf is not used: the penalised likelihood is written down event by event and maximised by optim
penalised <- function(d, terms, ties) {
  x <- as.matrix(d[terms]); x <- sweep(x, 2, colMeans(x)); event <- d$code == 1
  function(beta) { eta <- as.numeric(x %*% beta); value <- 0; information <- matrix(0, length(beta), length(beta))
    for (t in unique(d$time[event])) { at_risk <- d$time >= t; tied <- event & d$time == t; m <- sum(tied); value <- value + sum(eta[tied])
      for (l in seq_len(m) - 1) { w <- exp(eta) * at_risk; if (ties == "efron") w[tied] <- w[tied] * (1 - l / m)
        s <- sum(w); value <- value - log(s); mean <- colSums(w * x) / s
        information <- information + crossprod(x * w, x) / s - outer(mean, mean) } }
    value + as.numeric(determinant(information)$modulus) / 2 } }
maximise <- function(f, start) { if (length(start) == 0) return(list(par = start, value = f(start)))
  for (pass in 1:4) { a <- optim(start, f, method = "BFGS", control = list(fnscale = -1, reltol = 1e-16, maxit = 2000, ndeps = rep(1e-4, length(start)))); start <- a$par }
  a }
firth <- function(d, terms, ties) { f <- penalised(d, terms, ties); best <- maximise(f, rep(0, length(terms)))
  held <- function(j, value) maximise(function(b) f(append(b, value, j - 1)), best$par[-j])$value
  per_term <- sapply(seq_along(terms), function(j) { deviance <- function(v) 2 * (best$value - held(j, v)) - qchisq(.95, 1)
    root <- function(from, to) uniroot(deviance, c(from, to), extendInt = "yes", tol = 1e-9)$root
    c(low = root(best$par[j] - 2.5, best$par[j]), high = root(best$par[j], best$par[j] + 2.5), lr = 2 * (best$value - held(j, 0))) })
  list(terms = terms, ties = ties, n = nrow(d), coef = best$par, value = best$value, low = per_term["low", ], high = per_term["high", ], lr = per_term["lr", ]) }
few <- inputs$ties[1:120, ]; few$g1 <- as.integer(few$g == 1); few$g2 <- as.integer(few$g == 2)
few$code[few$g == 2] <- 0  # a group without any event: the ordinary estimate is infinite
few$decades <- few$age / 10
reference$ties$firth <- lapply(c("efron", "breslow"), function(ties) firth(few, c("g1", "g2", "decades", "node"), ties))

## ---------------------------------------------------------------- dose response
dose <- function(adjust) { d <- margins
  knots <- as.numeric(quantile(d$margin, c(.05, .35, .65, .95))); d$B <- Hmisc::rcspline.eval(d$margin, knots = knots, inclx = TRUE)
  right <- if (adjust) "+ age + kras" else ""
  fit <- coxph(as.formula(paste("Surv(time, code == 1) ~ B", right)), d); linear <- coxph(as.formula(paste("Surv(time, code == 1) ~ margin", right)), d)
  grid <- c(0, .5, 1, 2, 5, 10, 15, 20, 40); at <- Hmisc::rcspline.eval(c(grid, 10), knots = knots, inclx = TRUE)
  difference <- sweep(at[seq_along(grid), ], 2, at[length(grid) + 1, ]); b <- coef(fit)[1:3]; v <- vcov(fit)[1:3, 1:3]
  wald <- function(k) as.numeric(t(b[k]) %*% solve(v[k, k]) %*% b[k])
  list(knots = knots, grid = grid, basis = unname(at[seq_along(grid), ]), log_hazard_ratio = as.numeric(difference %*% b),
    std_error = sqrt(diag(difference %*% v %*% t(difference))), association = wald(1:3), nonlinearity = wald(2:3),
    likelihood_ratio = 2 * diff(c(linear$loglik[2], fit$loglik[2]))) }
x <- seq(0, 30, 1.5); knots_of <- function(n) as.numeric(quantile(margins$margin, list(c(.1, .5, .9), NULL, c(.05, .275, .5, .725, .95))[[n - 2]]))
reference$margins$dose_response <- list(unadjusted = dose(FALSE), adjusted = dose(TRUE), bases = lapply(c(3, 5), function(n)
  list(n_knots = n, knots = knots_of(n), x = x, basis = unname(Hmisc::rcspline.eval(x, knots = knots_of(n), inclx = TRUE)))))

## ---------------------------------------------------------------- treatment weights
polished <- function(x, level) { # nnet::multinom stops at a relative change of the likelihood; Newton's steps from there
  fit <- nnet::multinom(factor(level) ~ x - 1, trace = FALSE, reltol = 1e-14, maxit = 1000); k <- max(level) - 1
  b <- matrix(coef(fit), nrow = k); start <- b
  for (i in 1:20) { p <- exp(cbind(0, x %*% t(b))); p <- (p / rowSums(p))[, -1, drop = FALSE]; y <- outer(level, seq_len(k) + 1, "==")
    score <- as.numeric(t(x) %*% (y - p)); information <- do.call(rbind, lapply(seq_len(k), function(r) do.call(cbind, lapply(seq_len(k), function(s)
      crossprod(x, x * p[, r] * ((r == s) - p[, s])))))); b <- b + matrix(solve(information, score), k, byrow = TRUE) }
  stopifnot(max(abs(score)) < 1e-8, max(abs(b - start)) < 1e-3); list(coef = b, se = sqrt(diag(solve(information))), multinom = start) }
weighted <- function(level, stabilised, truncate = NULL) { d <- margins; x <- cbind(1, d$age, d$kras, d$npos, d$logcea)
  fit <- polished(x, level); p <- exp(cbind(0, x %*% t(fit$coef))); p <- p / rowSums(p)
  w <- 1 / p[cbind(seq_along(level), level)]; if (stabilised) w <- w * as.numeric(table(level) / length(level))[level]
  if (!is.null(truncate)) w <- pmin(pmax(w, quantile(w, truncate[1])), quantile(w, truncate[2]))
  dummies <- outer(level, 2:max(level), "=="); storage.mode(dummies) <- "double"
  cox <- coxph(Surv(time, code == 1) ~ dummies, d, weights = w, robust = TRUE, ties = "efron")
  difference <- function(v, k) { a <- level == k; o <- level == 1; binary <- all(v %in% 0:1); s <- function(z) if (binary) mean(z) * (1 - mean(z)) else var(z)
    c(before = mean(v[a]) - mean(v[o]), after = weighted.mean(v[a], w[a]) - weighted.mean(v[o], w[o])) / sqrt((s(v[a]) + s(v[o])) / 2) }
  list(coef = fit$coef, se = fit$se, multinom = fit$multinom, weights = w, cox = list(coef = unname(coef(cox)), se = unname(sqrt(diag(cox$var)))),
    balance = lapply(d[c("age", "kras", "npos", "logcea")], function(v) unname(t(sapply(2:max(level), function(k) difference(v, k))))),
    effective_n = as.numeric(tapply(w, level, sum)^2 / tapply(w^2, level, sum))) }
two <- margins$treat + 1; binomial_fit <- glm(treat ~ age + kras + npos + logcea, binomial, margins, epsilon = 1e-14)
reference$margins$weighting <- list(two_groups = weighted(two, TRUE), unstabilised = weighted(two, FALSE), truncated = weighted(two, TRUE, c(.05, .95)),
  centres = weighted(margins$centre, TRUE), glm = list(coef = unname(coef(binomial_fit)), se = unname(sqrt(diag(vcov(binomial_fit))))))

## ---------------------------------------------------------------- E-values
e_of <- function(rr) { rr <- ifelse(rr < 1, 1 / rr, rr); rr + sqrt(rr * (rr - 1)) }
hr <- c(.2, .56, .8, 1, 1.3, 2, 3.9, 8)
reference$e_values <- list(hazard_ratio = hr, rare = e_of(hr), common = e_of((1 - .5^sqrt(hr)) / (1 - .5^sqrt(1 / hr))))

## ---------------------------------------------------------------- Rubin's rules
# The values of mice::pool.scalar come from golden.json (that R had mice); written out here they must agree with it
pool <- function(q, u, n, k) { m <- length(q); ubar <- mean(u); b <- var(q); t <- ubar + (1 + 1 / m) * b
  lambda <- max((1 + 1 / m) * b / t, 1e-4); df_old <- (m - 1) / lambda^2; complete <- n - k
  df <- if (is.infinite(complete)) df_old else { seen <- (complete + 1) / (complete + 3) * complete * (1 - lambda); df_old * seen / (df_old + seen) }
  r <- (1 + 1 / m) * b / ubar
  list(estimates = q, variances = u, n = if (is.infinite(n)) NULL else n, k = k, estimate = mean(q), within = ubar, between = b, total = t, df = df,
    relative_increase = r, fmi = (r + 2 / (df + 3)) / (r + 1), low = mean(q) - qt(.975, df) * sqrt(t), high = mean(q) + qt(.975, df) * sqrt(t),
    p = 2 * pt(-abs(mean(q)) / sqrt(t), df)) }
q <- c(.42, .47, .39, .51, .44); u <- c(.021, .023, .02, .024, .022)
mice <- list(list(df = 200.542442854776, fmi = .112891803657547, total = .024556), list(df = 369.193071137659, fmi = .108902843038055, total = .024556))
reference$rubin <- list(pool(q, u, 500, 8), pool(q, u, Inf, 1), pool(rep(.3, 4), u[1:4], 200, 3), pool(c(-1, 2, .4), c(.1, .2, .15), 40, 5))
for (i in 1:2) stopifnot(abs(mice[[i]]$df - reference$rubin[[i]]$df) < 1e-9, abs(mice[[i]]$fmi - reference$rubin[[i]]$fmi) < 1e-12,
  abs(mice[[i]]$total - reference$rubin[[i]]$total) < 1e-12)

## ---------------------------------------------------------------- imputation: Nelson-Aalen and complete-data fits
chained <- inputs$ties; curve <- survfit(Surv(time, code == 1) ~ 1, chained, ctype = 1)
reference$ties$nelson_aalen <- curve$cumhaz[match(chained$time, curve$time)]

## ---------------------------------------------------------------- multi-state
states <- function(d) { d$event <- factor(d$ev, c("censor", "pcm", "death")); fit <- survfit(Surv(t0, t1, event) ~ 1, d, id = id)
  list(time = fit$time, states = fit$states, pstate = unname(fit$pstate), std_err = unname(fit$std.err), n_risk = unname(fit$n.risk),
    lower = unname(fit$lower), upper = unname(fit$upper)) }
paths <- read("mgus2_multistate"); reference$multi_state <- states(subset(paths, id <= 400))
reference$multi_state_by_sex <- lapply(0:1, function(k) states(subset(paths, id <= 400 & male == k)))

## ---------------------------------------------------------------- landmark analysis
landmark <- function(d, at, covariates) { d <- with_dummies(d); terms <- c(dummies_of(d), covariates); d <- d[d$time > at, ]; d$left <- d$time - at
  c(list(landmark = at, n = nrow(d), n_event = sum(d$code == 1)), summary_of(coxph(model("Surv(left, code == 1)", terms), d))) }
for (name in c("colon", "ties", "pbc")) reference[[name]]$landmark <- lapply(unname(quantile(inputs[[name]]$time, c(.1, .3))), function(at)
  landmark(inputs[[name]], round(at), covariates[[name]]))
write_json(reference, file.path(out, "curves_models_and_weights.json"), digits = I(13), auto_unbox = TRUE, na = "null", null = "null")
