"""The rules on a frame of counts, by Great Expectations: one row a rule and feed, and one a feed, field and value that broke it."""

import re
from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from quality.night.compare import beyond, judged_numbers, rows_concerned
from quality.night.rules import Rule, RuleBook, rule_books
from quality.run_expectations import CHECK_COLUMNS, Row, judge_frame
from quality.suite_definitions import Check, Suite

CHANGE_COLUMNS = [*CHECK_COLUMNS, "change"]
PASSED, FAILED, ERROR, ACCEPTED = "passed", "failed", "error", "accepted"
CALENDAR_DATE = re.compile(r"\b(?:before|after)? ?\d{4}-\d{2}-\d{2}\b")
COUNT_COLUMNS = [
    "measure", "hospital", "feed", "field", "value", "n", "denominator", "n_before", "denominator_before", "usual_share",
    "n_nights", "told",
]  # fmt: skip


def list_night_suites(stage: str) -> list[str]:
    """Names of the suites of rules of a stage."""
    return [book.name for book in rule_books().values() if book.stage == stage]


def judge_night(
    counts: pd.DataFrame, stage: str, accepted: Mapping[str, str] | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Judge the counts of a stage by its rules.

    Args:
        counts: COUNT_COLUMNS, one row a count of tonight.
        stage: 'landing', 'marts' or 'results'.
        accepted: name of a change -> why it is right; what bears such a name is `accepted` and closes nothing.
    Returns:
        CHANGE_COLUMNS, one row a rule and feed that is kept and one a broken one: `change` is its name; and of the accepted
        ones change, reason, n_checks, what_changed.
    """
    rows: list[Row] = []
    for book in (book for book in rule_books().values() if book.stage == stage):
        rows += _judge_book(book, counts)
    checks = pd.DataFrame(rows, columns=CHANGE_COLUMNS)
    return _with_accepted(checks, accepted or {})


def change_names(checks: pd.DataFrame) -> list[str]:
    """The names of the changes that failed, each once."""
    failed = checks[(checks["status"] == FAILED) & checks["change"].notna()]
    return sorted(failed["change"].unique())


def is_named(change: str, names: Iterable[str]) -> str | None:
    """The name given that accepts this change: itself, itself at any hospital, or its whole feed; None where none does."""
    without_hospital = change.split("@")[0]
    feed = without_hospital.split(".")[0]
    return next(
        (name for name in names if name in (change, without_hospital, feed, f"{feed}@{change.split('@')[-1]}")), None
    )


def _with_accepted(checks: pd.DataFrame, accepted: Mapping[str, str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    names = [
        is_named(change, accepted) if status == FAILED and isinstance(change, str) else None
        for change, status in zip(checks["change"], checks["status"], strict=True)
    ]
    by_name = pd.Series(names, index=checks.index, dtype=object)
    is_accepted = by_name.notna()
    checks = checks.assign(status=checks["status"].where(~is_accepted, ACCEPTED))
    listing = (
        checks[is_accepted]
        .assign(change=by_name[is_accepted])
        .groupby("change", as_index=False)
        .agg(n_checks=("check_name", "size"), what_changed=("description", " | ".join))
    )
    listing["reason"] = listing["change"].map(accepted)
    return checks, listing[["change", "reason", "n_checks", "what_changed"]]


def _judge_book(book: RuleBook, counts: pd.DataFrame) -> list[Row]:
    """Every rule of a suite in one validation: a row a rule and count, against the limit of each severity."""
    frames = [frame for rule in book.rules if len(frame := _counts_of(rule, counts))]
    if not frames:
        return []
    frame = pd.concat(frames, ignore_index=True)
    frame["row_number"] = np.arange(len(frame))
    limits = [
        Check(
            name=severity,
            description="Nothing goes beyond its rule's limit",
            severity=severity,
            expectation="expect_column_pair_values_a_to_be_greater_than_b",
            arguments={"column_A": f"{severity}_limit", "column_B": f"{severity}_number", "or_equal": True},
        )
        for severity in ("warning", "blocking")
    ]
    suite = Suite(name=book.name, table="night_profile", stage="marts", key=["row_number"], checks=limits)
    outcomes, violations = judge_frame(suite, frame, most_keys=len(frame))
    errors = [outcome for outcome in outcomes if outcome[CHECK_COLUMNS.index("status")] == ERROR]
    if errors:
        return [_could_not_run(book, errors[0][CHECK_COLUMNS.index("error")])]
    broken: dict[int, str] = {}
    for _, _, severity, _, key, _ in violations:
        number = int(key.removeprefix("row_number="))
        broken[number] = "blocking" if "blocking" in (severity, broken.get(number)) else severity
    return [
        *(
            _row(book, _rule(book, str(frame["rule"].iloc[number])), frame.iloc[number], FAILED, severity)
            for number, severity in broken.items()
        ),
        *_kept(book, frame[~frame["row_number"].isin(broken)]),
    ]


def _counts_of(rule: Rule, counts: pd.DataFrame) -> pd.DataFrame:
    """The counts that a rule is for, with its two numbers and two limits."""
    measured = counts[counts["measure"] == rule.measure]
    texts = measured[["feed", "field", "value"]].astype(object).where(measured[["feed", "field", "value"]].notna(), "")
    is_named = [rule.is_for(*named) for named in texts.itertuples(index=False, name=None)]
    its_own = measured[np.array(is_named, dtype=bool)].copy()
    judged, concerned = judged_numbers(rule, its_own), rows_concerned(rule, its_own)
    for severity, limit in (("warning", rule.warning), ("blocking", rule.blocking)):
        its_own[f"{severity}_number"] = beyond(limit, judged, concerned)
        its_own[f"{severity}_limit"] = limit.above if limit else 0.0
    its_own = its_own.assign(rule=rule.id, judged=judged, n_others=0)
    return _farthest(rule, its_own) if rule.only_farthest else its_own


def _farthest(rule: Rule, its_own: pd.DataFrame) -> pd.DataFrame:
    """One count a hospital, feed and field, the one that went farthest; `n_others`: how many more went beyond the limit."""
    limit = rule.warning or rule.blocking
    allowed = limit.above if limit else 0.0
    by_field = its_own.assign(is_beyond=its_own["judged"] > allowed).groupby(
        ["hospital", "feed", "field"], dropna=False, sort=False
    )
    n_beyond = by_field["is_beyond"].transform("sum")
    farthest = its_own.assign(n_others=(n_beyond - 1).clip(lower=0)).sort_values(
        "judged", ascending=False, kind="stable"
    )
    return farthest.drop_duplicates(["hospital", "feed", "field"])


def _rule(book: RuleBook, rule_id: str) -> Rule:
    return next(rule for rule in book.rules if rule.id == rule_id)


def _kept(book: RuleBook, frame: pd.DataFrame) -> list[Row]:
    """One row a rule and feed that nothing broke: how much was looked at."""
    first = frame.drop_duplicates(["rule", "hospital", "feed"]).assign(n=0.0, field=None, value=None)
    return [_row(book, _rule(book, str(count["rule"])), count, PASSED, None) for _, count in first.iterrows()]


def _could_not_run(book: RuleBook, error: str) -> Row:
    """The row of CHANGE_COLUMNS of a suite that could not be run."""
    return [book.name, "night_profile", "rules_can_be_judged", "The rules could be judged", None, "blocking", ERROR, 0, 0,
            0.0, 0.0, "a rule without exception", error, None]  # fmt: skip


def _row(book: RuleBook, rule: Rule, count: pd.Series, status: str, severity: str | None) -> Row:
    """One row of CHANGE_COLUMNS."""
    severity = severity or ("blocking" if rule.blocking else "warning")
    limit = rule.limit_of(severity)
    n, total = float(count["n"]), float(count["denominator"])
    text = rule.reason if status == PASSED else _message(rule, count, limit.above)
    return [
        book.name,
        count["feed"] if isinstance(count["feed"], str) else "night",
        rule.id,
        text,
        _known(count["field"]),
        severity,
        status,
        int(total),
        int(n),
        n / total if total else 0.0,
        limit.above,
        rule.reason,
        None,
        None if status == PASSED else _change(rule, count),
    ]


def _known(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _change(rule: Rule, count: pd.Series) -> str:
    name = rule.change.format(feed=count["feed"], field=count["field"], value=count["value"])
    name = name.replace(".None", "").replace(".nan", "")
    return f"{name}@{count['hospital']}" if isinstance(count["hospital"], str) else name


def _limit(rule: Rule, limit: float) -> str:
    if rule.compare in ("range", "level_range"):
        return f"plausible: {rule.low:g} to {rule.high:g}"
    told = {
        "factor": f"{limit:,.3g} times",
        "count": f"{limit:,.0f}",
        "standard_errors": f"{limit:,.3g} standard errors",
    }.get(rule.compare, f"{limit:.1%}")
    return f"limit {told}"


def _message(rule: Rule, count: pd.Series, limit: float) -> str:
    """What is said of a broken rule: the place, the count, what it was, how it looks, what to do, how to accept it."""
    place = f"{count['feed']}.{count['field']}" if _known(count["field"]) else str(count["feed"])
    before = count["n_before"] / count["denominator_before"] if count["denominator_before"] else np.nan
    said = rule.message.format(
        n=f"{count['n']:,.0f}",
        denominator=f"{count['denominator']:,.0f}",
        hospital=count["hospital"],
        share=f"{count['n'] / count['denominator'] if count['denominator'] else 0:.1%}",
        feed=count["feed"],
        before="unknown" if pd.isna(before) else f"{before:.1%}",
        field=_known(count["field"]) or "the whole record",
        value=_known(count["value"]) or "no value",
        told=_known(count["told"]) or "in no one way",
        place=place,
        level=f"{count['n']:,.3g}",
        level_before=f"{count['n_before']:,.3g}",
        others=f" ({count['n_others']:,.0f} more of this endpoint did)" if count.get("n_others") else "",
    )
    name = _change(rule, count).split("@")[0]
    text = f'{place} of {count["hospital"]}: {said} ({_limit(rule, limit)}). {rule.when_it_fails} If it is right: --accept {name} "why"'
    return CALENDAR_DATE.sub("a bound of the contract", text)
