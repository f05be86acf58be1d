"""The recipes of docs/recipes.md: an exposure, a covariate and an endpoint are rows, and no code."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.patients.collapsed_counts import count_events
from analysis.patients.plan import PLAN_TABLES, Plan, plan_from_frames
from analysis.report.render import draw_report
from analysis.results.catalogue import CATALOGUE
from analysis.results.families import FAMILIES, compute_family
from orchestration.ingestion.contract.loading import CONTRACTS_FOLDER, load_contract, load_identity
from tests.analysis.recipe_rows import contract_line, recipe_rows, rows_of_dbt_unit_test, seed_with_recipe
from tests.analysis.report_builders import fake_context
from tests.analysis.results import study
from tests.analysis.study_plan import seed
from tests.bench.drawn_marts import drawn_marts

ENDPOINTS = Path(__file__).parents[3] / "dbt_project/models/intermediate/endpoints/_endpoints.yml"


def plan_with(*tables: str) -> Plan:
    """The plan of the seeds, of these with the recipes' rows."""
    return plan_from_frames({name: seed_with_recipe(name) if name in tables else seed(name) for name in PLAN_TABLES})


def models(plan: Plan, inputs: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    family = next(family for family in FAMILIES if family.name == "models")
    tables, reasons = compute_family(family, inputs, plan)
    assert not reasons["reason"].str.startswith("failed").any()
    return tables


@pytest.fixture(scope="module")
def inputs() -> dict[str, pd.DataFrame]:
    operations, random = study.operations(), np.random.default_rng(2)
    operations["is_kras_mutated"] = pd.array(random.random(len(operations)) < 0.4, dtype="boolean")
    operations.loc[:9, "is_kras_mutated"] = pd.NA
    times = study.times()
    return study.inputs_of(times[times["endpoint"] == "margin_recurrence"], operations)


def test_kras_status_is_a_line_of_the_registry_s_contract(tmp_path):
    hospital = CONTRACTS_FOLDER / "simulated_hospital"
    of_registry = (hospital / "registry.yml").read_text(encoding="utf-8")
    contract = tmp_path / "registry.yml"
    contract.write_text(of_registry.replace("\nfields:\n", f"\nfields:\n{contract_line()}"), encoding="utf-8")
    field = load_contract(contract, load_identity(hospital)).fields["kras_status"]
    assert (field.column, field.codes) == ("kras", {"mut": "mutated", "wt": "wild_type"})


def test_kras_status_as_a_second_exposure_is_a_row(inputs):
    plan = plan_with("exposures")
    ratios = models(plan, inputs)["hazard_ratios"].query("model == 'adjusted' and estimand == 'cause-specific'")
    of_kras = ratios[ratios["term"].str.startswith("KRAS")].set_index("term")
    assert list(of_kras.index) == ["KRAS mutated true", "KRAS status (omnibus)", "KRAS status (omnibus, Wald)"]
    assert of_kras.loc["KRAS mutated true", "reference"] == "false"
    assert of_kras.loc["KRAS mutated true", "hazard_ratio"] > 0
    # 10 without KRAS status and 20 without a covariate; unresolved margins are no reason here
    assert of_kras.loc["KRAS mutated true", "n"] == 500 - 10 - 20
    # the margin's models stay as they were, beside it
    assert {"margin positive", "margin group (trend)"} <= set(ratios["term"])


@pytest.fixture(scope="module")
def with_kras() -> dict[str, pd.DataFrame]:
    """Every table of results of a drawn study of two hospitals with KRAS status as a second exposure, and the plan's seeds."""
    marts, random = drawn_marts(1500), np.random.default_rng(3)
    status = pd.array(random.random(1500) < 0.4, dtype="boolean")
    status[:30] = pd.NA
    for name in ("operations", "index_operations"):
        marts[name] = marts[name].assign(is_kras_mutated=status)
    seeds = {name: seed(name) for name in PLAN_TABLES} | {"exposures": seed_with_recipe("exposures")}
    plan = plan_from_frames(seeds)
    lean = {
        "imputations": (2.0,),
        "imputation_iterations": (1.0,),
        "width_imputations": (2.0,),
        "random_draws": (20.0,),
    }
    plan = plan._replace(settings=dict(plan.settings) | lean)
    tables: dict[str, pd.DataFrame] = {}
    for family in FAMILIES:
        made, reasons = compute_family(family, marts | tables, plan)
        tables |= made
        assert not reasons["reason"].str.startswith("failed").any(), reasons.to_dict("records")
    return tables | seeds | {"event_count_groupings": seed("event_count_groupings")}


# the width of a margin, the reading of margins, the plan's one test an endpoint, the paper's figures; of two levels one pair is all
OF_THE_MARGIN_ONLY = (
    "dose_response", "dose_response_tests", "margin_agreement", "planned_tests", "published_comparison", "pairwise_hazard_ratios",
    "analyses_not_done",
)  # fmt: skip


def test_a_second_exposure_stands_in_every_table_of_results(with_kras):
    """In each a row beside the margin's, in the column that says of which exposure, or of which term, a row is."""
    of_column = {"grouping": 0, "exposure": 0, "term": 0}
    for table in CATALOGUE:
        if table.name in OF_THE_MARGIN_ONLY:
            continue
        columns = {column.name for column in table.columns}
        column = next(name for name in of_column if name in columns)
        of_column[column] += 1
        said = with_kras[table.name][column]
        if column == "term":
            assert said.str.startswith("KRAS").any() and said.str.startswith("margin").any(), table.name
        else:
            assert {"margin_group", "is_kras_mutated"} <= set(said), table.name
    assert all(n > 4 for n in of_column.values())
    salvage = with_kras["salvage_by_margin"].query("grouping == 'is_kras_mutated'")
    assert salvage["stratum"].tolist() == ["true", "false", "unknown"]
    # its levels have no order: no trend
    assert salvage["trend_p_value"].isna().all()
    assert "trend" not in set(with_kras["group_tests"].query("grouping == 'is_kras_mutated'")["test"])
    patients = (
        with_kras["table_one"]
        .query("grouping == 'is_kras_mutated' and variable == 'Patients'")
        .set_index("stratum")["n"]
    )
    assert (patients["unknown"], patients["all"]) == (30, 1500)


def test_a_second_exposure_has_figures_and_a_section_of_the_report(with_kras):
    drawn = draw_report(with_kras, fake_context(n_patients=1500), "files")
    heading = '<h2 id="exposure-is-kras-mutated">By KRAS status</h2>'
    assert heading in drawn.page
    section = drawn.page.split(heading)[1].split("<h2")[0]
    assert section.count("<svg") == 4
    for words in (
        "Estimates (95 % limits) by KRAS status",
        "Patients and index operations by KRAS status",
        "against false",
        "Recurrence at any site by KRAS status over 10 years",
    ):
        assert words in section, words
    assert {
        "recurrence_is_kras_mutated.svg",
        "standardised_is_kras_mutated.svg",
        "recurrence_free_survival_is_kras_mutated.png",
    } <= set(drawn.files)
    # the margin's own parts stay the margin's
    assert "is_kras_mutated" not in drawn.page.split(heading)[0].replace("recurrence_is_kras_mutated", "")
    alone = {**with_kras, "exposures": with_kras["exposures"].iloc[:1]}
    assert "By KRAS status" not in draw_report(alone, fake_context(n_patients=1500)).page


def test_a_covariate_is_two_rows(inputs):
    ratios = models(plan_with("covariates", "covariate_sets"), inputs)["hazard_ratios"].query("model == 'adjusted'")
    assert "KRAS mutated" in set(ratios["term"])


def test_what_is_exposure_and_covariate_is_not_adjusted_for_itself(inputs):
    frames = {name: seed(name) for name in PLAN_TABLES} | {"exposures": seed_with_recipe("exposures")}
    for name in ("covariates", "covariate_sets"):
        frames[name] = seed_with_recipe(name).replace({"covariate": {"KRAS mutated": "mutated KRAS gene"}})
    plan = plan_from_frames(frames)
    plan = plan._replace(settings=dict(plan.settings) | {"imputations": (2.0,), "imputation_iterations": (1.0,)})
    made = models(plan, inputs)
    choices = (
        made["model_covariates"].query("model == 'adjusted' and covariate == 'mutated KRAS gene'").set_index("exposure")
    )
    assert choices["is_used"].to_dict() == {"margin_group": True, "is_kras_mutated": False}
    assert choices.loc["is_kras_mutated", "reason"] == "it is what is compared"
    ratios = made["hazard_ratios"].query("model == 'adjusted' and estimand == 'cause-specific'").set_index("term")
    assert ratios.loc[["mutated KRAS gene", "KRAS mutated true"], "hazard_ratio"].notna().all()
    imputed, reasons = compute_family(
        next(family for family in FAMILIES if family.name == "imputation"),
        inputs,
        plan,
    )
    assert reasons.empty
    of_kras = imputed["imputed_hazard_ratios"].query("model == 'adjusted' and term == 'KRAS mutated true'")
    assert of_kras["hazard_ratio"].notna().all()
    assert of_kras["warning"].str.contains("without mutated KRAS gene: it is what is compared").all()


def test_an_endpoint_is_a_row_beside_its_definition(inputs):
    """Its times come from rows of endpoint_definitions, of which the unit test of dbt is."""
    of_dbt = rows_of_dbt_unit_test(ENDPOINTS, "an_endpoint_of_milestones_that_exist_is_rows", "endpoint_definitions")
    assert recipe_rows("endpoint_definitions")[of_dbt.columns].to_dict("records") == of_dbt.to_dict("records")
    plan = plan_with("analysis_endpoints")
    times = inputs["time_to_event"].assign(endpoint="liver_recurrence_free_survival")
    times["event_code"] = (times["event_code"] > 0).astype(int)
    operations = inputs["operations"]
    counts = pd.concat([count_events(times), count_events(times.merge(operations, on="study_id"), "margin_group")])
    more = {"time_to_event": times, "event_counts": counts}
    ratios = models(plan, inputs | more)["hazard_ratios"]
    assert set(ratios["endpoint"]) == {"liver_recurrence_free_survival"}
    # nothing competes with it
    assert set(ratios["estimand"]) == {"cause-specific"}
    curves = compute_family(next(family for family in FAMILIES if family.name == "curves"), inputs | more, plan)[0]
    assert set(curves["kaplan_meier"]["endpoint"]) == {"liver_recurrence_free_survival"}
    assert curves["group_tests"]["hypothesis"].iloc[0] == "equal survival"
