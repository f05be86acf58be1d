"""What holds of the endpoints whatever a hospital sends: looks before the operation, deaths before looks, the same day twice,
sites not stated, treatments of nothing. Each example is a batch of patients, for dbt starts slowly."""

import os
import subprocess
import tempfile
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pandas as pd
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

from orchestration.assets.dbt_models import dbt_executable
from orchestration.ingestion.raw_schema import create_raw_schema
from orchestration.settings import PROJECT_ROOT

OPERATION = date(2000, 6, 1)
days = st.integers(-40, 400)
sites = st.lists(
    st.sampled_from(["liver_at_margin", "liver_elsewhere", "liver", "lung", "bone", "not_stated"]), max_size=3, unique=True
)
looks = st.tuples(
    days,
    st.sampled_from(["imaging", "biopsy", "clinic_visit"]),
    st.sampled_from(["no_evidence_of_disease", "indeterminate", "suspicious", "definite", "second_primary", "not_stated"]),
    sites,
)
treatments = st.tuples(
    days, st.sampled_from(["resection", "ablation", "chemotherapy"]), st.sampled_from(["none", "present", "unknown"])
)
vital = st.tuples(
    st.sampled_from(["alive", "dead", None]), days, st.one_of(st.none(), days), st.sampled_from(["cancer", "other", None])
)
# recurred, was salvaged, recurred again: too rare to be drawn
SALVAGED_AND_RECURRED = (
    [
        (100, "imaging", "definite", ["liver_elsewhere"]),
        (150, "imaging", "no_evidence_of_disease", []),
        (300, "imaging", "definite", ["lung"]),
    ],
    [(120, "resection", "none")],
    ("dead", 400, 400, "cancer"),
)
patients = st.tuples(st.lists(looks, max_size=8), st.lists(treatments, max_size=3), vital)


def write_raw(connection: duckdb.DuckDBPyConnection, cohort: list[tuple]) -> None:
    """The raw tables of one hospital, as ingestion leaves them."""
    create_raw_schema(connection)
    rows: dict[str, list[dict]] = {"registry": [], "follow_up": [], "treatments": [], "vital_status": []}
    for number, (patient_looks, patient_treatments, (status, contact, death, cause)) in enumerate(cohort):
        mrn = f"M{number}"
        rows["registry"].append(
            {
                "registry_record_id": mrn, "mrn": mrn, "birth_date": "1940-01-01", "operation_date": str(OPERATION),
                "operative_intent": "curative", "residual_disease": "R0", "diagnosis": "colorectal_liver_metastasis",
            }
        )  # fmt: skip
        rows["follow_up"] += [
            {"event_id": f"{mrn}-{n}", "mrn": mrn, "event_date": day(offset), "event_type": kind, "finding": finding,
             "sites": ";".join(where) or None}
            for n, (offset, kind, finding, where) in enumerate(patient_looks)
        ]  # fmt: skip
        rows["treatments"] += [
            {"treatment_id": f"{mrn}-{n}", "mrn": mrn, "treatment_date": day(offset), "treatment_type": kind, "residual_disease": left}
            for n, (offset, kind, left) in enumerate(patient_treatments)
        ]  # fmt: skip
        if status is not None:
            is_dead = status == "dead"
            rows["vital_status"].append(
                {"mrn": mrn, "vital_status": status, "last_contact_date": day(contact),
                 "death_date": day(death) if is_dead and death is not None else None, "cause_of_death": cause if is_dead else None}
            )  # fmt: skip
    for table, records in rows.items():
        frame = pd.DataFrame(records)
        if frame.empty:
            continue
        key = {"registry": "registry_record_id", "follow_up": "event_id", "treatments": "treatment_id"}.get(table, "mrn")
        frame = frame.assign(
            source_system="h", system="main", source_file=table, source_line=range(2, len(frame) + 2),
            record_id=[f"{table}:{n}" for n in range(len(frame))], record_key=frame[key], loaded_at=pd.Timestamp("2020-01-01"),
        )  # fmt: skip
        connection.register("records", frame)
        connection.execute(f"INSERT INTO raw.{table} BY NAME SELECT * FROM records")
        connection.unregister("records")
    connection.execute(
        "INSERT INTO raw.patient_identifiers BY NAME SELECT DISTINCT source_system, mrn, 'S' || mrn AS study_id FROM raw.registry"
    )


def day(offset: int) -> str:
    """A date so many days after the operation."""
    return str(OPERATION + timedelta(days=offset))


def marts_of(cohort: list[tuple]) -> dict[str, pd.DataFrame]:
    """The marts derived from such a cohort by the real dbt project."""
    with tempfile.TemporaryDirectory() as scratch:
        build_file, project = Path(scratch) / "build.duckdb", PROJECT_ROOT / "dbt_project"
        with duckdb.connect(str(build_file)) as connection:
            write_raw(connection, cohort)
        completed = subprocess.run(
            [dbt_executable(), "--quiet", "build", "--resource-type", "seed", "--resource-type", "model",
             "--project-dir", str(project), "--profiles-dir", str(project),
             "--target-path", scratch, "--log-path", scratch],
            env=os.environ | {"CRLM_BUILD_PATH": str(build_file), "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert completed.returncode == 0, completed.stdout[-3000:]
        names = ["index_operations", "time_to_event", "event_counts", "recurrences", "first_recurrences", "recurrence_episodes"]
        with duckdb.connect(str(build_file), read_only=True) as connection:
            return {name: connection.table(f"marts.{name}").df() for name in names}


@settings(
    max_examples=3, deadline=None, derandomize=True, phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example, HealthCheck.filter_too_much],
)  # fmt: skip
@given(st.lists(patients, min_size=60, max_size=60))
def test_endpoints_hold_together_whatever_was_sent(cohort):
    marts = marts_of([SALVAGED_AND_RECURRED, *cohort])
    times = marts["time_to_event"]
    assume(len(marts["first_recurrences"]) > 3)  # the simplest example that hypothesis draws has no events at all
    assert not times.duplicated(["study_id", "endpoint"]).any()
    assert (times["time_days"] >= 1).all()
    assert not marts["first_recurrences"].duplicated("study_id").any()

    at = times.pivot(index="study_id", columns="endpoint", values="time_days")
    code = times.pivot(index="study_id", columns="endpoint", values="event_code")
    first = marts["first_recurrences"].set_index("study_id")["recurrence_days"]

    # liver at any time is never before the first recurrence
    liver = at["liver_recurrence_any_time"][code["liver_recurrence_any_time"] == 1]
    assert (liver >= first.reindex(liver.index)).all()

    # recurrence-free survival ends with the earlier of recurrence and death, whatever else is known
    died = at["overall_survival"][code["overall_survival"] == 1]
    ends = pd.concat([first, died], axis=1).min(axis=1)
    free = at["recurrence_free_survival"]
    had_event = code["recurrence_free_survival"] == 1
    assert (free[had_event] == ends.reindex(free[had_event].index)).all()
    assert ends.reindex(free[~had_event & free.notna()].index).isna().all()

    # the first patterns share one time with recurrence at any site, as event or competing event
    for endpoint in ("isolated_liver_recurrence", "margin_recurrence", "extrahepatic_only_recurrence"):
        known = at[endpoint].notna() & at["overall_recurrence"].notna()
        assert (at.loc[known, endpoint] == at.loc[known, "overall_recurrence"]).all()

    # every patient with a time is counted once in each grouping
    counts = marts["event_counts"].assign(n=lambda rows: rows[["n_event", "n_competing", "n_censored"]].sum(axis=1))
    counted = counts.groupby(["endpoint", "grouping"])["n"].sum().unstack()
    in_cohort = times.groupby("endpoint")["study_id"].nunique()
    assert (counted.eq(in_cohort, axis=0)).all(axis=None)

    # the first episode begins with the first recurrence, each later one after the salvage that ended the one before
    episodes = marts["recurrence_episodes"].sort_values(["study_id", "episode_number"])
    first_episode = episodes[episodes["episode_number"] == 1].set_index("study_id")["start_days"]
    assert first_episode.sort_index().astype(int).equals(first.sort_index().astype(int).rename("start_days"))
    before = episodes.groupby("study_id").shift()
    follows = episodes["episode_number"] > 1
    assert follows.any()
    assert before.loc[follows, "is_salvaged"].astype(bool).all()
    assert (episodes.loc[follows, "start_days"] > before.loc[follows, "salvage_days"]).all()
