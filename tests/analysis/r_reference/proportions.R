# Reference values for proportions, their trend and standardised differences. Run: Rscript make_reference.R OUTPUT_DIRECTORY
# Needs R >= 4.2 with jsonlite and survival. Writes reference.json; the inputs stand in it beside the values.
suppressMessages(library(jsonlite))
out <- commandArgs(TRUE)[1]; if (is.na(out)) out <- "."

## Wilson limits: prop.test without continuity correction
wilson <- lapply(list(c(13, 86), c(0, 10), c(10, 10), c(1, 3), c(118, 368), c(1, 1), c(0, 1), c(5, 100000), c(1234567, 3000000)),
  function(p) { limits <- suppressWarnings(prop.test(p[1], p[2], correct = FALSE)$conf.int)
    list(n_with = p[1], n = p[2], conf_low = limits[1], conf_high = limits[2]) })

## Cochran-Armitage: prop.trend.test, scores 1, 2, 3, ...
trend <- lapply(list(
    list(x = c(13, 11, 105, 117), n = c(86, 61, 415, 368)),
    list(x = c(83, 90, 129, 70), n = c(86, 93, 136, 82)),
    list(x = c(5, 5, 5, 5), n = c(50, 50, 50, 50)),
    list(x = c(0, 1, 2, 9), n = c(3, 4, 8, 20)),
    list(x = c(2, 7), n = c(10, 11)),
    list(x = c(60000, 50000, 300000, 420000), n = c(400000, 300000, 1200000, 1300000))),
  function(d) { t <- suppressWarnings(prop.trend.test(d$x, d$n))
    list(n_with = d$x, n = d$n, statistic = unname(t$statistic), p_value = t$p.value) })

## Standardised differences (Austin 2009; Yang and Dalton 2012), from R's var, cov of the level indicators and mahalanobis
numbers <- lapply(list(
    list(one = c(4.5, 2.5, 6, 3.1, 8.2), other = c(3.2, 2.2, 4.7, 5.1)),
    list(one = c(1, 1, 2, 3, 1, 9), other = c(2, 2, 4, 1))),
  function(d) c(d, list(difference = abs(mean(d$one) - mean(d$other)) / sqrt((var(d$one) + var(d$other)) / 2))))
indicators <- function(counts) { level <- rep(seq_along(counts), counts)
  sapply(seq_along(counts)[-1], function(k) as.numeric(level == k)) }
population_cov <- function(m) cov(m) * (nrow(m) - 1) / nrow(m)
levels <- lapply(list(
    list(one = c(53, 66), other = c(310, 452)),
    list(one = c(5, 21, 35, 38, 13, 1), other = c(57, 185, 289, 163, 25, 2)),
    list(one = c(71, 36, 12), other = c(429, 239, 95)),
    list(one = c(0, 4, 6), other = c(3, 5, 2))),
  function(d) { a <- indicators(d$one); b <- indicators(d$other)
    squared <- mahalanobis(colMeans(a), colMeans(b), (population_cov(a) + population_cov(b)) / 2)
    c(d, list(difference = sqrt(squared))) })

## Within hospitals: mantelhaen.test (generalised Cochran-Mantel-Haenszel), the score test of the exact conditional likelihood (clogit) for
## the groups in their order, kruskal.test in one hospital, and its stratified form written out patient by patient
suppressMessages(library(survival))
set.seed(7); n <- 90
rows <- data.frame(hospital = rep(0:2, c(40, 30, 20)), group = sample(0:3, n, TRUE, c(2, 1, 3, 3)))
rows$lost <- rbinom(n, 1, plogis(-0.8 + 0.4 * rows$hospital - 0.3 * rows$group))
rows$interval <- round(100 + 20 * rows$hospital - 4 * rows$group + rnorm(n, 0, 15))
association <- mantelhaen.test(table(rows$group, rows$lost, rows$hospital), correct = FALSE)
ordered <- summary(clogit(lost ~ group + strata(hospital), rows, method = "exact"))$sctest
one <- subset(rows, hospital == 0); kruskal <- kruskal.test(one$interval, one$group)
beyond <- rep(0, 4); covariance <- matrix(0, 4, 4)
for (h in unique(rows$hospital)) { s <- subset(rows, hospital == h); m <- nrow(s); a <- rank(s$interval) / (m + 1)
  z <- sapply(0:3, function(k) as.numeric(s$group == k)); centred <- scale(z, scale = FALSE)
  beyond <- beyond + colSums(centred * a); covariance <- covariance + sum((a - mean(a))^2) / (m - 1) * crossprod(centred) }
stratified <- drop(beyond[1:3] %*% solve(covariance[1:3, 1:3]) %*% beyond[1:3])
within <- list(rows = rows, association = list(statistic = unname(association$statistic), p_value = association$p.value),
  trend = list(statistic = unname(ordered["test"]), p_value = unname(ordered["pvalue"])),
  kruskal = list(statistic = unname(kruskal$statistic), p_value = kruskal$p.value),
  ranks = list(statistic = stratified, p_value = pchisq(stratified, 3, lower.tail = FALSE)))

write_json(list(wilson = wilson, trend = trend, numbers = numbers, levels = levels, within = within), file.path(out, "reference.json"),
  auto_unbox = TRUE, digits = NA, pretty = TRUE)
