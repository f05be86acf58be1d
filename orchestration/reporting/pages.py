"""The report and the page of Explore as files: drawn from a publication, replaced whole."""

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from analysis.patients.plan import PLAN_TABLES, plan_from_frames
from orchestration.files.encryption import encryption_key
from orchestration.reporting.inputs import report_context, report_frames, since_frames
from orchestration.settings import EXPLORE_PAGE
from orchestration.warehouse import read_published

if TYPE_CHECKING:
    from analysis.report import DrawnReport


class DrawnPages(NamedTuple):
    """The report with its files, Explore's page, and why there is none of the latter, if there is none."""

    report: "DrawnReport"
    explore: str | None
    no_explore: str | None


def draw_pages(published_file: Path, before: Path | None, report_file: Path, least_k: int) -> DrawnPages:
    """What the night writes beside a published warehouse, drawn from it alone and not yet written.

    Args:
        before: the publication that it is compared with, None for none.
        report_file: where the report will stand; its files will stand in `<name>_files` beside it.
    """
    explore, no_explore = draw_explore(published_file, least_k)
    report = draw_report_of(published_file, report_file, before, is_explore_there=no_explore is None)
    return DrawnPages(report, explore, no_explore)


def place_pages(drawn: DrawnPages, report_file: Path, explore_file: Path, mode: int) -> None:
    """Replace the report, its files and Explore's page by those drawn."""
    _place_explore(drawn.explore, explore_file, mode)
    _place_report(drawn.report, report_file, mode)


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
    _place_report(draw_report_of(published_file, report_file, before, is_explore_there), report_file, mode)


def draw_report_of(
    published_file: Path, report_file: Path, before: Path | None, is_explore_there: bool
) -> "DrawnReport":
    """The report and its files, not yet written; see `write_report`."""
    from analysis.report import draw_report

    frames = report_frames(published_file)
    if before is not None:
        frames |= since_frames(before, published_file)
    explore_page = EXPLORE_PAGE if is_explore_there else None
    return draw_report(frames, report_context(published_file), _files_of(report_file).name, explore_page)


def _place_report(drawn: "DrawnReport", report_file: Path, mode: int) -> None:
    _replace_files(_files_of(report_file), drawn.files, mode)
    _replace_page(drawn.page, report_file, mode)


def _files_of(report_file: Path) -> Path:
    return report_file.with_name(f"{report_file.stem}_files")


MOST_PATIENTS_OF_A_PAGE = 50_000
"""Rows of more are not even read for the page of Explore."""


def write_explore(published_file: Path, page_file: Path, mode: int, least_k: int) -> str | None:
    """Render the page of Explore from the internal publication; returns why there is none, if there is none."""
    page, refusal = draw_explore(published_file, least_k)
    _place_explore(page, page_file, mode)
    return refusal


def draw_explore(published_file: Path, least_k: int) -> tuple[str | None, str | None]:
    """Explore's page, or why there is none."""
    from analysis.explore import ExploreRefused, render_explore

    stamp = report_context(published_file)
    if stamp["n_patients"] > MOST_PATIENTS_OF_A_PAGE:
        return None, f"{stamp['n_patients']:,} patients are too many for a page (at most {MOST_PATIENTS_OF_A_PAGE:,})"
    if encryption_key() is not None:
        return None, "the warehouse is encrypted, and the page would not be"
    try:
        page = render_explore(
            read_published(published_file, "FROM marts.index_operations"),
            read_published(published_file, "SELECT study_id, endpoint, time_days, event_code FROM marts.time_to_event"),
            plan_from_frames({name: read_published(published_file, f"FROM meta.{name}") for name in PLAN_TABLES}),
            least_k,
            stamp,
        )
    except ExploreRefused as refusal:
        return None, str(refusal)
    return page, None


def _place_explore(page: str | None, page_file: Path, mode: int) -> None:
    if page is None:
        page_file.unlink(missing_ok=True)
    else:
        _replace_page(page, page_file, mode)


def _replace_page(page: str, page_file: Path, mode: int) -> None:
    new_file = page_file.with_suffix(".new")
    new_file.write_text(page, encoding="utf-8")
    new_file.chmod(mode)
    new_file.replace(page_file)


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
