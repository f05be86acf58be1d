"""Renders the report: every number in it stands in a frame that anyone can query."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from analysis.patients.exposures import Exposure
from analysis.report import (
    effect_sections,
    exposure_sections,
    outcome_sections,
    since_sections,
    study_sections,
    time_sections,
)
from analysis.report.availability import NotAvailable, frame_of, section
from analysis.report.checklists import checklist_rows, checklists
from analysis.report.definitions import SETTINGS_READ, Definitions, definitions, of_exposure
from analysis.report.downloads import figure_files, table_files
from analysis.report.drawings import drawings_of_exposure, drawings_of_page, drawn
from analysis.report.formats import FILTERS
from analysis.report.word_document import word_document

TEMPLATE_FOLDER = Path(__file__).parent
STAMP = ("published_at", "run_id", "code_version", "data_hash", "n_patients", "last_attempt")


COLORECTAL_METASTASES = {
    "study": "crlm",
    "title": "Surgical margin and recurrence after hepatectomy for colorectal liver metastases",
    "disease": "colorectal liver metastases",
    "operation": "hepatectomy",
    "compared_with": "perrin_2025",
    "reference": "Perrin et al., Ann Surg 2025, doi 10.1097/SLA.0000000000006659",
}


WORD_FILE, CHECKLISTS_FILE = "report.docx", "checklists.csv"


class DrawnReport(NamedTuple):
    """The page as HTML text, and the files that its links lead to, by name."""

    page: str
    files: dict[str, bytes]


def render_report(results: Mapping[str, pd.DataFrame], context: Mapping[str, Any]) -> str:
    """The page alone, without links to files beside it; see `draw_report`."""
    return draw_report(results, context).page


def draw_report(
    results: Mapping[str, pd.DataFrame],
    context: Mapping[str, Any],
    files_folder: str | None = None,
    explore_page: str | None = None,
) -> DrawnReport:
    """The page, self-contained: no script, no address outside itself but the files beside it, fit for A4; and those files: each figure
    as SVG and PNG, each table as CSV, the checklists, a Word document.

    Args:
        results: the published tables by name: cumulative_incidence, kaplan_meier, landmark_estimates, group_tests,
            hazard_ratios, proportional_hazards, table_one, recurrence_patterns, salvage_by_margin, published_comparison,
            cohort_flow, check_results, and the summaries margin_groups (margin_group, n, share), ingest_by_feed,
            rejected_by_reason, unresolved_by_reason, records_set_aside; the definitions exposures, analysis_endpoints and
            analysis_plan, which name and order everything; optional: event_count_groupings, not_derivable_endpoints, dose_response,
            median_times, time_varying_hazard_ratios, planned_tests, risk_differences, standardised_incidence,
            hospital_hazard_ratios, specification_curve, covariate_balance, follow_up_quality, analyses_not_done,
            clinical_settings (name, value, unit); stale_feeds (source_system, feed, reason); since_publications, since_cohort,
            since_patients, since_numbers, since_notes (what changed since the publication before); drawn_from (endpoint,
            margin_group, value: of a simulated cohort's model).
            What is missing, empty or cannot be drawn shows as 'Not available' with the reason.
        context: is_simulated (required); published_at, run_id, code_version, data_hash, n_patients ('not available'
            where missing); study: a row of meta.study, which names the page (that of colorectal liver metastases where missing).
        files_folder: what the folder of the files is called from the page; None: no links and no files.
        explore_page: where Explore's page is from this one; None: it is not there.
    Raises:
        ValueError: is_simulated is missing, or contradicts the label of the results: whether patients are real is never
            guessed.
    """
    is_simulated = _checked_origin(results, context)
    known, undefined = _definitions(results)
    sections = _sections(results)
    notes_of_forest = sections["hazards"].get("notes", {})
    drawings = drawings_of_page(known, notes_of_forest, results.get("margin_groups"))
    further = []
    for exposure in known.exposures[1:]:
        of_it = of_exposure(results, exposure.column)
        drawings |= drawings_of_exposure(definitions(of_it), exposure.column)
        further.append(exposure_sections.further_exposure(of_it, exposure))
    figures = {
        name: ({"reason": undefined} if undefined else section(drawn, results, name, drawing, is_simulated))
        | {"table": drawing.table}
        for name, drawing in drawings.items()
    }
    stamp = {name: context.get(name) for name in STAMP}
    study = context.get("study") or COLORECTAL_METASTASES
    files = {}
    if files_folder is not None:
        files = {**figure_files(figures), **table_files(results)}
        files[CHECKLISTS_FILE] = checklist_rows(results, context).to_csv(index=False).encode()
        pictures = {name.removesuffix(".png"): content for name, content in files.items() if name.endswith(".png")}
        files[WORD_FILE] = word_document(sections, pictures, study, stamp, is_simulated)
    page = _template().render(
        is_simulated=is_simulated,
        exposure=known.exposure,
        groups=known.exposure.levels,
        reference=known.exposure.reference,
        highest_risk=known.exposure.levels[0],
        further_exposures=further,
        windows=outcome_sections.windows(results),
        stamp=stamp,
        study=study,
        contradictions=study_sections.contradictions(results, context.get("n_patients")),
        figures=figures,
        files=files_folder,
        file_names=set(files),
        explore_page=explore_page,
        checklists=checklists(results, context),
        **sections,
    )
    return DrawnReport(_with_contents(page), files)


def _definitions(results: Mapping[str, pd.DataFrame]) -> tuple[Definitions, str | None]:
    """The definitions, or ones that say nothing and the reason why."""
    try:
        return definitions(results), None
    except NotAvailable as absence:
        return Definitions((Exposure("", "", "", ("",), ""),), (), {}, dict.fromkeys(SETTINGS_READ, (1.0,))), str(
            absence
        )


def _template() -> Any:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATE_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= FILTERS
    return environment.get_template("report.html.jinja")


def _with_contents(page: str) -> str:
    """The list of contents in its place, a line for each heading that the page has."""
    lines = re.findall(r'<h2 id="([^"]+)">(.*?)</h2>', page)
    listed = "".join(f'<li><a href="#{anchor}">{title}</a></li>\n' for anchor, title in lines)
    return page.replace("<!-- contents -->", f'<nav aria-label="Contents"><ul class="contents">\n{listed}</ul></nav>')


def _sections(results: Mapping[str, pd.DataFrame]) -> dict[str, dict[str, Any]]:
    builders = {
        "three_years": outcome_sections.three_year_recurrence,
        "hazards": outcome_sections.adjusted_hazards,
        "proportional_hazards": outcome_sections.proportional_hazards,
        "landmarks": outcome_sections.landmarks,
        "risk_scores": outcome_sections.landmarks_by_risk_score,
        "medians": time_sections.medians,
        "periods": time_sections.periods,
        "patterns": outcome_sections.patterns,
        "salvage": outcome_sections.salvage,
        "planned": effect_sections.planned_tests,
        "absolute_risks": effect_sections.absolute_risks,
        "hospitals": effect_sections.hospitals,
        "follow_up": outcome_sections.follow_up,
        "margin_groups": study_sections.margin_groups,
        "table_one": study_sections.table_one,
        "feeds": study_sections.feeds,
        "rejected": study_sections.rejected,
        "unresolved": study_sections.unresolved,
        "set_aside": study_sections.set_aside,
        "not_derivable": study_sections.not_derivable,
        "checks": study_sections.checks,
        "analyses_not_done": study_sections.analyses_not_done,
        "since": since_sections.since,
        "drawn_from": since_sections.drawn_from,
    }
    return {name: section(build, results) for name, build in builders.items()}


def _checked_origin(results: Mapping[str, pd.DataFrame], context: Mapping[str, Any]) -> bool:
    if not isinstance(context.get("is_simulated"), bool):
        raise ValueError("context.is_simulated must say True or False")
    is_simulated = context["is_simulated"]
    try:
        labels = set(frame_of(results, "published_comparison", "data_label")["data_label"])
    except NotAvailable:
        return is_simulated
    if labels != {"simulated" if is_simulated else "observed"}:
        raise ValueError(
            f"context.is_simulated is {is_simulated}, but published_comparison.data_label says {', '.join(sorted(labels))}"
        )
    return is_simulated
