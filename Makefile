# The road in one command. `make help` lists what there is.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
SPARK_INSTALLED := $(VENV)/.installed-spark
PACKAGES := analysis crlm_warehouse orchestration quality report_reader simulated_hospital
CRLM := $(BIN)/crlm
PATIENTS ?= 1776
SEED ?= 2012
DATA := $(or $(CRLM_DATA_DIR),data)
export DBT_SEND_ANONYMOUS_USAGE_STATS := false
export GX_ANALYTICS_ENABLED := false
export DO_NOT_TRACK := 1

.DEFAULT_GOAL := help
.PHONY: docs walkthroughs help setup simulate run refresh summary report sql ui test test-fast test-pythons lock truth-at-scale simulation-study fault-study clean-cohorts lint bench results-at-scale mutation kill-test clean scale
.PHONY: compiled setup-spark test-spark parity-spark

help: ## List these commands
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-17s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(INSTALLED): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' \
		|| { echo "Python 3.11, 3.12 or 3.13 is needed; $(PYTHON) is another. Try: make PYTHON=python3.11"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing the locked requirements into $(VENV) (once) ..."
	@$(BIN)/python -m pip install -qq --require-hashes --no-deps -r requirements.lock
	@$(BIN)/python -m pip install -qq --no-deps --editable .
	@touch $@

# an environment that writes no bytecode (PYTHONDONTWRITEBYTECODE) would compile the project in every process of a night: two of its five seconds
compiled: $(INSTALLED)
	@$(BIN)/python -m compileall -q $(PACKAGES) tests

setup: compiled ## Make the virtual environment with every requirement

$(SPARK_INSTALLED): $(INSTALLED) requirements-spark.lock
	@echo "Installing the locked requirements for Spark Connect engines into $(VENV) (once) ..."
	@$(BIN)/python -m pip install -qq --require-hashes --no-deps -r requirements-spark.lock
	@touch $@

setup-spark: $(SPARK_INSTALLED) ## The same, and what a Spark Connect engine needs (docs/cluster.md)

simulate: compiled ## Land a simulated hospital's raw files (PATIENTS=1776 SEED=2012)
	@$(CRLM) simulate --patients $(PATIENTS) --seed $(SEED) --out $(DATA)

run: compiled ## Set up, simulate if the landing folder is empty, refresh, show the study and the report's path
	@test -n "$$(find $(DATA)/landing -type f 2>/dev/null | head -1)" || $(MAKE) --no-print-directory simulate
	@$(CRLM) refresh
	@$(CRLM) summary

refresh: compiled ## Load what is new, derive, validate, analyse, publish (what the night does)
	@$(CRLM) refresh

summary: $(INSTALLED) ## The published study in the terminal
	@$(CRLM) summary

report: $(INSTALLED) ## Draw the report anew and say where it is
	@$(CRLM) report

sql: $(INSTALLED) ## Query the published warehouse: make sql Q="SELECT * FROM results.hazard_ratios"
	@$(CRLM) sql "$${Q:-SELECT table_schema, table_name FROM information_schema.tables ORDER BY ALL}"

ui: compiled ## Open Dagster's lineage, runs and schedule at localhost:3000
	@$(CRLM) ui

# needs requirements of its own: make test-spark
CLUSTER := tests/cluster
# longest first (what is not named is one lot among them); whoever is ready takes the next lot, so that both cores end together
LONG := tests/end_to_end tests/incremental tests/analysis tests/quality lint tests/orchestration tests/service tests/ingestion tests/margins
SHORT := tests/fault_study tests/dbt_project tests/exports
REST := $(filter-out $(LONG) $(SHORT) $(CLUSTER) tests/__pycache__,$(patsubst %/,%,$(wildcard tests/*/)) $(wildcard tests/test_*.py))
# one lot more than there are processors: while one waits (a schedule's minute, a server's start) another computes
AT_ONCE ?= $(shell expr $$(nproc 2>/dev/null || echo 2) + 1)
comma := ,
together = $(subst $(eval) ,$(comma),$(strip $(1)))
# $(call side_by_side,lots,pytest's options): AT_ONCE lots at a time, what each says when it has ended; folders joined by commas are one lot
side_by_side = printf '%s\n' $(1) | xargs -P $(AT_ONCE) -I LOT sh -c 'said=$$(mktemp); \
	if [ LOT = lint ]; then $(MAKE) --no-print-directory lint; else $(BIN)/python -m pytest $$(echo LOT | tr , " ") $(2); fi > $$said 2>&1; \
	ended=$$?; echo "== LOT (ended with $$ended)"; cat $$said; rm -f $$said; exit $$ended'
test: compiled ## Every test, and the linters: some lots at a time
	@$(call side_by_side,$(LONG) $(call together,$(REST)) $(SHORT))

# what a change is tried with: of the rooms below, without what starts processes, draws or tries thousands of files
SLOW := tests/analysis/results tests/analysis/report tests/analysis/figures tests/orchestration/test_publication.py tests/orchestration/test_disk_full.py \
	tests/orchestration/test_encryption.py tests/ingestion/test_killed_nights.py tests/ingestion/test_damaged_files.py tests/simulated_hospital/test_calibration.py tests/quality/test_counted_gate.py
FAST := tests/ingestion tests/analysis tests/orchestration tests/dbt_project tests/quality $(call together,tests/reading tests/simulated_hospital tests/comparison)
test-fast: compiled ## What every change is tried with: no whole night, no server, no browser, no linter
	@$(call side_by_side,$(FAST),$(addprefix --ignore=,$(SLOW)))

test-spark: $(SPARK_INSTALLED) compiled ## The same dbt project on a Spark Connect engine (Sail, which the tests start): every table row for row
	@export CRLM_TEST_SPARK=1; night=$$(mktemp); \
	$(BIN)/python -W ignore -m pytest $(CLUSTER)/test_parity.py > $$night 2>&1 & parity=$$!; \
	$(BIN)/python -W ignore -m pytest $(CLUSTER) --ignore=$(CLUSTER)/test_parity.py; others=$$?; \
	wait $$parity; night_ended=$$?; cat $$night; rm -f $$night; \
	test $$others -eq 0 -a $$night_ended -eq 0

# a server's worth of Java classes, in an environment of their own
SPARK_SERVER := .venv-spark
parity-spark: $(SPARK_INSTALLED) ## The same on Spark itself (needs Java 17; installs pyspark into .venv-spark), and all labelled texts
	@command -v java >/dev/null || { echo "Java 17 or later is needed"; exit 1; }
	@test -x $(SPARK_SERVER)/bin/python || $(PYTHON) -m venv $(SPARK_SERVER)
	@$(SPARK_SERVER)/bin/python -m pip install -qq --no-deps "pyspark==4.1.*"
	@SPARK_HOME=$$($(SPARK_SERVER)/bin/python -c 'import importlib.util as u; print(u.find_spec("pyspark").submodule_search_locations[0])') \
		CRLM_TEST_SPARK=1 CRLM_TEST_SPARK_EVERY=1 \
		$(BIN)/python -m tests.cluster.spark_server $(BIN)/python -W ignore -m pytest $(CLUSTER)

docs: $(INSTALLED) ## One static site of models, columns, lineage, results, example queries and the written pages (site/)
	@$(BIN)/python -m orchestration.docs_site $(or $(OUT),site)

walkthroughs: $(INSTALLED) ## Do the tasks of docs/walkthroughs.md in a new data folder with two nights, or on a copy of FOLDER
	@copy=$$(mktemp -d) && if [ -n "$(FOLDER)" ]; then cp -r $(FOLDER)/. $$copy; else $(BIN)/python -m tests.walkthroughs.two_nights $$copy; fi \
		&& $(BIN)/python -m tests.walkthroughs $$copy; rm -rf $$copy

# PYTHONS="python3.12 python3.13" by default: those of them that the machine has, on the path or as pyenv keeps them
test-pythons: ## The quick tests and a small night under each other Python that the machine has
	@set -e; for name in $${PYTHONS:-python3.12 python3.13}; do \
		python=$$name; $$python -c '' 2>/dev/null || python=$$(ls -d $${PYENV_ROOT:-$$HOME/.pyenv}/versions/$${name#python}*/bin/python 2>/dev/null | tail -1); \
		if [ -z "$$python" ]; then echo "$$name: not on this machine"; continue; fi; echo "== $$name: $$($$python --version)"; \
		venv=$$(mktemp -d)/venv; data=$$(mktemp -d); $$python -m venv $$venv; \
		$$venv/bin/python -m pip install -qq --require-hashes --no-deps -r requirements.lock; \
		$$venv/bin/python -m pip install -qq --no-deps --editable .; \
		CRLM_DATA_DIR=$$data $$venv/bin/crlm simulate --patients 120 --out $$data; CRLM_DATA_DIR=$$data $$venv/bin/crlm refresh; \
		$(MAKE) --no-print-directory test-fast BIN=$$venv/bin INSTALLED=; \
		rm -rf $$(dirname $$venv) $$data; \
	done

LOCK := uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --quiet
lock: ## Resolve requirements.lock and requirements-spark.lock anew for Python 3.11 to 3.13 (needs uv), with hashes and without addresses
	@$(LOCK) $(addprefix --extra ,sources encryption notebook exports postgres dev) -o requirements.lock pyproject.toml
	@$(LOCK) --extra spark --constraints requirements.lock -o requirements-spark.lock pyproject.toml

truth-at-scale: $(INSTALLED) ## Compare 50,000 simulated patients with their truth (some minutes; not part of make test)
	@CRLM_TRUTH_PATIENTS=$${CRLM_TRUTH_PATIENTS:-50000} $(BIN)/python -m pytest tests/end_to_end/test_truth.py

simulation-study: $(INSTALLED) ## 1,000 cohorts of one hospital and of two with faults: bias and coverage, to docs/simulation_study.md
	@$(BIN)/python -W ignore -m tests.simulation_study

fault-study: $(INSTALLED) ## Plant every fault overnight, say what the gates say: docs/fault_study.md (FAULTS=another.py)
	@$(BIN)/python -W ignore -m tests.fault_study $(if $(FAULTS),--faults $(FAULTS))

clean-cohorts: $(INSTALLED) ## Twenty clean cohorts that grow over five nights: no gate may close, docs/clean_cohorts.md
	@$(BIN)/python -W ignore -m tests.fault_study.clean_cohorts

# sqlfluff has dbt compile each model; what dbt parses for it is kept apart from what a night or a test parses
lint: $(INSTALLED) ## ruff, basedpyright, sqlfluff, import-linter
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports --no-cache | tail -8
	@$(BIN)/basedpyright | tail -5; test $${PIPESTATUS[0]} -eq 0
	@DBT_TARGET_PATH=$(abspath $(VENV))/lint_target $(BIN)/sqlfluff lint --nocolor dbt_project/models | tail -20; test $${PIPESTATUS[0]} -eq 0

.PHONY: results-doc
results-doc: $(INSTALLED) ## Write docs/results.md and README's rows of results anew from the catalogue of results
	@$(BIN)/python -m analysis.results.document > docs/results.md
	@readme=$$(mktemp) && $(BIN)/python -m analysis.results.document readme < README.md > $$readme && cat $$readme > README.md; rm -f $$readme

bench: $(INSTALLED) ## Timings on this machine: statistics against R, sentences read, ingestion against DuckDB, nights (ONLY=statistics)
	@OPENBLAS_NUM_THREADS=1 $(BIN)/python -m tests.bench $(if $(ONLY),--only $(ONLY))

mutation: $(INSTALLED) ## Change every number of the plan and other lines one by one: is each seen by its named test? (ONLY=a name)
	@$(BIN)/python -W ignore -m tests.mutation $(if $(ONLY),--only "$(ONLY)")

results-at-scale: $(INSTALLED) ## Seconds and memory of every family of results on drawn studies (SIZES="1776 17760 177600")
	@OPENBLAS_NUM_THREADS=1 $(BIN)/python -W ignore -m tests.bench.results $(if $(SIZES),--patients $(SIZES))

.PHONY: scale
scale: $(INSTALLED) ## What PATIENTS=17760 cost from simulation to report, and a night of a few changes, beside bare DuckDB (OUT=file)
	@$(BIN)/python -W ignore -m tests.bench.scale --patients $(PATIENTS) $(if $(OUT),--out $(OUT)) $(if $(FOLDER),--folder $(FOLDER))

.PHONY: scale-engines
scale-engines: $(SPARK_INSTALLED) ## What two nights of PATIENTS=1776 cost on DuckDB and Sail (ENGINES=duckdb,sail,spark OUT=file)
	@$(BIN)/python -W ignore -m tests.bench.engines --patients $(PATIENTS) --engines $(or $(ENGINES),duckdb,sail) $(if $(OUT),--out $(OUT))

.PHONY: disk
disk: $(INSTALLED) ## What one more night adds on the disk beside the data: three nights of 60 patients, at most 1 MB
	@$(BIN)/python -W ignore -m tests.bench.disk $(if $(FOLDER),--folder $(FOLDER))

kill-test: $(INSTALLED) ## Kill whole refreshes at KILLS=40 random moments, and compare the last with an undisturbed one (an hour)
	@$(BIN)/python -W ignore -m tests.reliability

clean: ## Remove what a refresh can make anew (landing folder, study-id key and kept publications stay)
	@for part in build published; do test ! -d $(DATA)/$$part || find $(DATA)/$$part -mindepth 1 -maxdepth 1 \
		! -name 'study_id*' ! -name history ! -name SHA256SUMS -exec rm -rf {} +; done
	@rm -rf $(DATA)/dagster dbt_project/target dbt_project/logs
