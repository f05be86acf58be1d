# Processor seconds of R on rows.csv of a folder, the least of some tries, into seconds.json: Rscript against_r.R FOLDER TRIES PART
suppressMessages({library(survival); library(cmprsk); library(jsonlite)})
given <- commandArgs(TRUE)
rows <- read.csv(file.path(given[1], "rows.csv"))
terms <- grep("^x", names(rows), value = TRUE)
design <- as.matrix(rows[terms])
# the least of some tries, of fewer where one takes seconds
spent <- function(work, tries = as.integer(given[2])) {
  all <- c()
  while (length(all) < tries && sum(all) < 5) { used <- system.time(work()); all <- c(all, used[["user.self"]] + used[["sys.self"]]) }
  min(all)
}
model <- as.formula(paste("Surv(time, code == 1) ~", paste(terms, collapse = " + ")))
weighted <- as.formula(paste("Surv(fgstart, fgstop, fgstatus) ~", paste(terms, collapse = " + ")))
rows$state <- factor(rows$code, 0:2, c("censored", "event", "competing"))
rows$patient <- seq_len(nrow(rows))
seconds <- list()
if (given[3] == "curves and Cox") {
  curves <- spent(function() cuminc(rows$time, rows$code, rows$group))
  seconds <- list(
    "Kaplan-Meier: survfit" = spent(function() survfit(Surv(time, code > 0) ~ group, rows)),
    "cumulative incidence: survfit" = spent(function() survfit(Surv(time, state) ~ group, rows)),
    "cumulative incidence: cuminc (with Gray's test)" = curves,
    "Gray's test: cuminc (with the curves)" = curves,
    "Cox: coxph" = spent(function() coxph(model, rows, ties = "efron"))
  )
}
if (given[3] == "finegray and coxph") seconds[["Fine-Gray: finegray and coxph"]] <- spent(function() {
  long <- finegray(as.formula(paste("Surv(time, state) ~ patient +", paste(terms, collapse = " + "))), rows, etype = "event")
  coxph(weighted, long, weights = fgwt, cluster = patient, ties = "efron")
}, 1)
if (given[3] == "crr") seconds[["Fine-Gray: crr"]] <- spent(function() crr(rows$time, rows$code, design), 1)
write_json(seconds, file.path(given[1], "seconds.json"), auto_unbox = TRUE, digits = NA)
