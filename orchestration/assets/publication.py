"""Write, audit, publish: the de-identified copy replaces the published warehouse, then the report is drawn from it."""

from collections.abc import Callable
from pathlib import Path

import dagster as dg

from orchestration.comparison.kept import latest_kept, publication_before
from orchestration.exports.copies import NOT_ENCRYPTED, copies_no_more, make_copies, parquet_stamp
from orchestration.night_profile.baseline import accept_night
from orchestration.nights.finished import end_of_step
from orchestration.nights.steps import night_step
from orchestration.privacy.disclosure import disclosure_rules
from orchestration.publication.publish import publish
from orchestration.publication.verdicts import PublicationRefused
from orchestration.reporting.drawing_beside import drawn_pages, end_drawing, start_drawing
from orchestration.reporting.pages import draw_pages, place_pages
from orchestration.review.lists import write_lists
from orchestration.review.questions import find_waiting, margins_asked, questions_by_kind, write_questions
from orchestration.review.worklist import write_site_words, write_worklist
from orchestration.settings import Settings, load_settings
from orchestration.warehouse import open_build_file, read_table

REPORT_STEP = "published__report"


def _drawn_beside(context: dg.AssetExecutionContext, settings: Settings, least_k: int) -> Callable[[Path, bool], None]:
    """What has the report drawn by another process, as soon as the file that will be published is written; nothing in a run without a
    report. Where the file is refused the process is ended, and nothing that it drew was ever on the disk."""
    if not any(node.name == REPORT_STEP for node in context.job_def.nodes):
        return lambda new_file, is_changed: None
    drawing = start_drawing(context.run.run_id)

    def begin(new_file: Path, is_changed: bool) -> None:
        # what changed will be kept: the one before it is then the latest of those kept already
        before = latest_kept(settings.history, 1 if is_changed else 2)
        drawing.begin(new_file, before, settings.report_file, least_k)

    return begin


@dg.asset(
    key=["published", "warehouse"],
    group_name="published",
    kinds={"duckdb"},
    deps=[["quality", "results_gate"], ["quality", "adjudication_queue"]],
    description="The de-identified warehouse that everybody queries; replaced by renaming, so that open readers never notice.",
)
@night_step
def published_warehouse(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    settings = load_settings()
    rules = disclosure_rules(settings.disclosure_rules)
    try:
        stamp, is_changed = publish(
            settings.build_file,
            settings.published_file,
            settings.history,
            context.run.run_id,
            settings.code_version,
            rules,
            settings.published_folder_mode,
            settings.publish_shareable,
            _drawn_beside(context, settings, rules.least_k),
        )
    except BaseException as error:
        end_drawing()
        if not isinstance(error, PublicationRefused):
            raise
        raise dg.Failure(description=str(error), allow_retries=False) from None
    context.log.info(f"published {stamp.n_patients:,} patients, data {'changed' if is_changed else 'unchanged'}")
    end_of_step(settings, context.op_def.name, [settings.published_file, settings.shareable_file])
    return dg.MaterializeResult(
        metadata={
            "n_patients": stamp.n_patients,
            "data_hash": stamp.data_hash,
            "code_version": stamp.code_version,
            "is_changed": is_changed,
            "is_simulated": stamp.is_simulated,
        }
    )


@dg.asset(
    key=["published", "report"],
    group_name="published",
    kinds={"html"},
    deps=[published_warehouse],
    description="The one-page report and its files, and Explore's page, drawn from the published warehouse alone.",
)
@night_step
def report(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    settings = load_settings()
    drawn = drawn_pages(context.run.run_id)
    if drawn is None:
        before = publication_before(settings.history, settings.published_file)
        least_k = disclosure_rules(settings.disclosure_rules).least_k
        drawn = draw_pages(settings.published_file, before, settings.report_file, least_k)
    place_pages(drawn, settings.report_file, settings.explore_file, settings.published_folder_mode & 0o666)
    end_of_step(settings, context.op_def.name, [settings.report_file, settings.explore_file])
    metadata = {"size_bytes": settings.report_file.stat().st_size}
    return dg.MaterializeResult(metadata=metadata | ({"no_explore_page": drawn.no_explore} if drawn.no_explore else {}))


@dg.asset(
    key=["published", "copies"],
    group_name="published",
    kinds={"parquet", "postgres"},
    deps=[published_warehouse],
    description="The published tables in other forms, where settings ask for them: Parquet files, a PostgreSQL database. "
    "A copy that cannot be made leaves its predecessor in place and the night published.",
    check_specs=[
        dg.AssetCheckSpec(
            "every_copy_is_made",
            asset=["published", "copies"],
            description="Every copy that settings ask for was made tonight. Fails: readers of the copy see an earlier night; the reason "
            "stands in the check's metadata, and the next night tries again.",
        ),
        dg.AssetCheckSpec(
            "no_other_copy_is_left",
            asset=["published", "copies"],
            description="No copy stays that settings ask for no more: Parquet files of earlier nights are removed. Fails: one that the "
            "night does not remove, a database's or a folder that no night wrote, stays as it was published; look whether it may.",
        ),
    ],
)
@night_step
def published_copies(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    settings = load_settings()
    removed, left = copies_no_more(settings)
    made, refused = make_copies(settings)
    for reason in (*removed, *left, *refused):
        context.log.warning(reason)
    if set(refused) <= {NOT_ENCRYPTED}:
        end_of_step(settings, context.op_def.name, [parquet_stamp(settings)])
    is_made = dg.AssetCheckResult(
        check_name="every_copy_is_made",
        passed=not refused,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"refused": refused},
    )
    is_gone = dg.AssetCheckResult(
        check_name="no_other_copy_is_left",
        passed=not left,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"left": left, "removed": removed},
    )
    return dg.MaterializeResult(metadata={"made": made, "refused": refused}, check_results=[is_made, is_gone])


@dg.asset(
    key=["restricted", "adjudication_worklist"],
    group_name="restricted",
    kinds={"html", "excel"},
    deps=[["intermediate", "adjudication_worklist"], ["intermediate", "site_words_to_settle"]],
    description="What reviewers are asked about margins, with the words of the reports: a local page, a workbook, a CSV. And the words "
    "for sites of recurrence that could not be read, with the nearest known word: site_words.csv.",
)
@night_step
def adjudication_worklist(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    settings = load_settings()
    with open_build_file(settings.build_file) as connection:
        questions = read_table(connection, "intermediate", "adjudication_worklist")
        find_waiting(connection)
        write_questions(questions_by_kind(connection), settings.worklist_folder)
        write_lists(connection, settings.worklist_folder)
        asked = margins_asked(connection)
        words = read_table(connection, "intermediate", "site_words_to_settle")
        definitions = read_table(connection, "seeds", "margin_definitions")
    published = definitions[definitions["definition"] == "published"].sort_values("group_order")
    write_worklist(
        questions, list(published["margin_group"]), settings.worklist_folder, settings.landing / "adjudication", asked
    )
    write_site_words(words, settings.worklist_folder)
    end_of_step(settings, context.op_def.name, [settings.worklist_folder / "worklist.html"])
    return dg.MaterializeResult(
        metadata={
            "n_open": int((~questions["is_sample"]).sum()),
            "n_sampled": int(questions["is_sample"].sum()),
            "n_site_words": len(words),
        }
    )


@dg.asset(
    key=["quality", "accepted_night"],
    group_name="quality",
    kinds={"duckdb"},
    deps=[published_warehouse],
    description="The published night's counts, which the next night is compared with; a refused night never gets here.",
)
def accepted_night(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    settings = load_settings()
    with open_build_file(settings.build_file) as connection:
        night = accept_night(connection, context.run.run_id)
    end_of_step(settings, context.op_def.name)
    return dg.MaterializeResult(metadata={"night": night})


publication_assets = [published_warehouse, accepted_night, report, published_copies, adjudication_worklist]
