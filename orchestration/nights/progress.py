"""Progress of a refresh on the terminal: one line a step as it ends, instead of Dagster's own log."""

import logging
import sys
import time
from typing import ClassVar

import dagster as dg

from analysis.results.families import FAMILIES

STEP_LABELS = {f"results_{family.name}": family.title for family in FAMILIES} | {
    "results__analyses_not_done": "Gathering what could not be done",
    "raw__registry": "Loading the operations registry",
    "raw__pathology_messages": "Loading pathology messages",
    "raw__margin_adjudications": "Loading margin adjudications",
    "raw__follow_up_adjudications": "Loading answers about follow-up",
    "raw__patient_merges": "Loading patient merges",
    "raw__follow_up": "Loading follow-up",
    "raw__treatments": "Loading treatments",
    "raw__vital_status": "Loading vital status",
    "raw_accounts": "Assigning study ids, closing the ledger",
    "quality__landing_gate": "Judging what changed overnight (Great Expectations)",
    "quality__accepted_night": "Keeping the night as what the next is compared with",
    "dbt_models": "Deriving margins, recurrences and endpoints (dbt build and tests)",
    "quality__staging_gate": "Judging the registry records (Great Expectations)",
    "quality__marts_gate": "Judging the marts (Great Expectations)",
    "quality__results_gate": "Judging the results (Great Expectations)",
    "published__warehouse": "Publishing the de-identified warehouse",
    "published__copies": "Copying it to where settings say",
    "published__report": "Drawing the report",
    "restricted__retention": "Removing what old nights left",
    "restricted__adjudication_worklist": "Writing the reviewers' worklist",
}


class StepProgress(logging.Handler):
    """Prints step starts and ends; on a terminal the running step stays on the last line."""

    started: ClassVar[dict[str, float]] = {}
    """Shared, because Dagster makes its loggers anew for every step."""

    def __init__(self) -> None:
        super().__init__()
        self.is_terminal = sys.stderr.isatty()

    def emit(self, record: logging.LogRecord) -> None:
        event = getattr(record, "dagster_event", None) or getattr(record, "dagster_meta", {}).get("dagster_event")
        step = getattr(event, "step_key", None)
        if event is None or step is None:
            return
        label = STEP_LABELS.get(step, step)
        if event.event_type_value == "STEP_START":
            self.started[step] = time.monotonic()
            if self.is_terminal:
                print(f"  … {label}", end="\r", file=sys.stderr, flush=True)
        elif event.event_type_value in ("STEP_SUCCESS", "STEP_FAILURE"):
            mark = "✓" if event.event_type_value == "STEP_SUCCESS" else "✗"
            seconds = time.monotonic() - self.started.get(step, time.monotonic())
            print(f"  {mark} {label:<66} {seconds:6.1f} s", file=sys.stderr, flush=True)


@dg.logger(description="One line a step on the terminal, for `crlm refresh`")
def progress_logger(init_context: dg.InitLoggerContext) -> logging.Logger:
    logger = logging.Logger("crlm.progress", level=logging.DEBUG)
    logger.addHandler(StepProgress())
    return logger
