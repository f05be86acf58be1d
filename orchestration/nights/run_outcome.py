"""A finished run of the nightly job, read from Dagster's event log as a night's record."""

import dagster as dg
from dagster import DagsterEventType, DagsterRunStatus

from orchestration.nights.night_records import NightRecord, now_utc, spelled

GATE_STEP_ENDING = "_gate"


def night_of_run(instance: dg.DagsterInstance, run_id: str) -> NightRecord:
    """What became of a run: its first failed step and why, and the checks that warned.

    Only what the project itself wrote is taken from a failure (`dagster.Failure.description`); of any other error its class, since
    its text may quote a record.
    """
    run = instance.get_run_by_id(run_id)
    warnings, ended_at = _warnings(instance, run_id), _end_of(instance, run_id)
    failures = instance.get_records_for_run(run_id, of_type=DagsterEventType.STEP_FAILURE).records
    if not failures:
        outcome = "published" if run is not None and run.status == DagsterRunStatus.SUCCESS else "failed"
        message = "" if outcome == "published" else "the process ended before any step said why"
        return NightRecord(run_id, ended_at, outcome, message=message, warnings=warnings)
    event = failures[0].event_log_entry.dagster_event
    step = event.step_key or ""
    told = event.step_failure_data.user_failure_data
    if told is not None and told.description:
        outcome = "gate closed" if step.endswith(GATE_STEP_ENDING) else "failed"
        return NightRecord(run_id, ended_at, outcome, step, told.description, warnings)
    return NightRecord(run_id, ended_at, "failed", step, _kind_of(event.step_failure_data.error), warnings)


def _end_of(instance: dg.DagsterInstance, run_id: str) -> str:
    """When it ended, which may be long before anybody asks; now where Dagster does not know."""
    record = instance.get_run_record_by_id(run_id)
    return now_utc() if record is None or record.end_time is None else spelled(record.end_time)


def _kind_of(error) -> str:
    while error is not None and error.cause is not None:
        error = error.cause
    return error.cls_name if error is not None and error.cls_name else "an error without a name"


def _warnings(instance: dg.DagsterInstance, run_id: str) -> list[str]:
    records = instance.get_records_for_run(run_id, of_type=DagsterEventType.ASSET_CHECK_EVALUATION).records
    evaluations = [record.event_log_entry.dagster_event.asset_check_evaluation_data for record in records]
    return sorted(
        {
            f"{evaluation.asset_key.to_user_string()}: {evaluation.check_name}"
            for evaluation in evaluations
            if not evaluation.passed and evaluation.severity == dg.AssetCheckSeverity.WARN
        }
    )
