"""The report and the page of Explore as files: drawn from a publication, replaced whole."""

from pathlib import Path

from analysis.patients.plan import PLAN_TABLES, plan_from_frames
from orchestration.files.encryption import encryption_key
from orchestration.reporting.inputs import report_context, report_frames, since_frames
from orchestration.settings import EXPLORE_PAGE
from orchestration.warehouse import read_published


def write_report(
    published_file: Path,
    report_file: Path,
    mode: int = 0o600,
    before: Path | None = None,
    is_explore_there: bool = False,
) -> None:
    """Render the report of a published warehouse and replace the old one, with its files in `<name>_files` beside it.

    Args:
        before: the publication that it is compared with, None for none.
        is_explore_there: link to Explore's page beside it.
    """
    from analysis.report import draw_report

    frames = report_frames(published_file)
    if before is not None:
        frames |= since_frames(before, published_file)
    folder = report_file.with_name(f"{report_file.stem}_files")
    explore_page = EXPLORE_PAGE if is_explore_there else None
    drawn = draw_report(frames, report_context(published_file), folder.name, explore_page)
    _replace_files(folder, drawn.files, mode)
    new_file = report_file.with_suffix(".new")
    new_file.write_text(drawn.page, encoding="utf-8")
    new_file.chmod(mode)
    new_file.replace(report_file)


MOST_PATIENTS_OF_A_PAGE = 50_000
"""Rows of more are not even read for the page of Explore."""


def write_explore(published_file: Path, page_file: Path, mode: int, least_k: int) -> str | None:
    """Render the page of Explore from the internal publication; returns why there is none, if there is none."""
    from analysis.explore import ExploreRefused, render_explore

    stamp = report_context(published_file)
    refusal = "the warehouse is encrypted, and the page would not be" if encryption_key() is not None else None
    if stamp["n_patients"] > MOST_PATIENTS_OF_A_PAGE:
        refusal = f"{stamp['n_patients']:,} patients are too many for a page (at most {MOST_PATIENTS_OF_A_PAGE:,})"
    if refusal is not None:
        page_file.unlink(missing_ok=True)
        return refusal
    try:
        page = render_explore(
            read_published(published_file, "FROM marts.index_operations"),
            read_published(published_file, "SELECT study_id, endpoint, time_days, event_code FROM marts.time_to_event"),
            plan_from_frames({name: read_published(published_file, f"FROM meta.{name}") for name in PLAN_TABLES}),
            least_k,
            stamp,
        )
    except ExploreRefused as refusal:
        page_file.unlink(missing_ok=True)
        return str(refusal)
    new_file = page_file.with_suffix(".new")
    new_file.write_text(page, encoding="utf-8")
    new_file.chmod(mode)
    new_file.replace(page_file)
    return None


def _replace_files(folder: Path, files: dict[str, bytes], mode: int) -> None:
    """Each file whole under its name; those of an earlier report that this one does not have go."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(mode | (mode & 0o444) >> 2)
    for name, content in files.items():
        new_file = folder / f".{name}.new"
        new_file.write_bytes(content)
        new_file.chmod(mode)
        new_file.replace(folder / name)
    for path in folder.iterdir():
        if path.name not in files:
            path.unlink()
