"""A contract's fields as SQL: the canonical value of each source column, and why a value cannot be taken."""

from orchestration.ingestion.canonical_feeds import (
    CanonicalColumn,
    canonical_feeds,
    conversion,
)
from orchestration.ingestion.contract import TIME_ZERO, FieldContract, SourceContract

WHITESPACE = "' ' || chr(9) || chr(10) || chr(13) || chr(160)"
CANONICAL_DATE = "%Y-%m-%d"
CANONICAL_TIMESTAMP = "%Y-%m-%d %H:%M:%S"
FRACTION_AND_OFFSET = r"([.]\d+)?(Z|[+-]\d{2}:?\d{2})?$"
MAX_DURATION_DAYS = 36525
NUMBER = r"[+-]?(\d+([.]\d*)?|[.]\d+)([eE][+-]?\d+)?"


def text_literal(value: object) -> str:
    """A SQL text literal."""
    return "'" + str(value).replace("'", "''") + "'"


def quoted_name(name: str) -> str:
    """A SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def _text_list(values: list[str]) -> str:
    return "[" + ", ".join(text_literal(value) for value in values) + "]"


def present_value(field: FieldContract, contract: SourceContract) -> str:
    """The trimmed source text, NULL where it is one of the declared missing values."""
    if field.is_time_zero:
        return text_literal(TIME_ZERO.isoformat())
    if field.constant is not None:
        return text_literal(field.constant)
    trimmed = f"trim({quoted_name(contract.reader_column(field.column))}, {WHITESPACE})"
    sentinels = ", ".join(map(text_literal, dict.fromkeys(["", *contract.missing_values, *field.missing_values])))
    return f"CASE WHEN {trimmed} NOT IN ({sentinels}) THEN {trimmed} END"


def _word_of_code(value: str, codes: dict[str, str]) -> str:
    cases = " ".join(f"WHEN {text_literal(code)} THEN {text_literal(word)}" for code, word in codes.items())
    return f"CASE {value} {cases} END"


def _words_of_list(value: str, field: FieldContract) -> str:
    codes = f"MAP {{{', '.join(f'{text_literal(code)}: {text_literal(word)}' for code, word in field.codes.items())}}}"
    words = (
        f"list_transform(string_split({value}, {text_literal(field.separator)}), x -> {codes}[trim(x, {WHITESPACE})])"
    )
    return (
        f"CASE WHEN {value} IS NOT NULL AND len(list_filter({words}, x -> x IS NULL)) = 0"
        f" THEN array_to_string({words}, ';') END"
    )


def _number(value: str, field: FieldContract, column: CanonicalColumn, decimal_sign: str) -> str:
    text = value if decimal_sign == "." else f"replace(replace({value}, '.', 'not a decimal sign'), ',', '.')"
    # DuckDB would also take words such as 'nan' and 'inf' for numbers
    number = f"CASE WHEN regexp_full_match({text}, '{NUMBER}') THEN try_cast({text} AS DOUBLE) END"
    unit = "days" if column.type == "date" else column.unit
    return f"({number}){conversion(field.unit, unit)}" if field.unit else number


def canonical_value(
    value: str,
    field: FieldContract,
    column: CanonicalColumn,
    decimal_sign: str = ".",
    has_time_zones: bool = False,
) -> str:
    """SQL for the canonical text of `value` (a column holding `present_value`); NULL where it cannot be read."""
    if field.is_time_zero or field.constant is not None:
        return value
    if column.type == "date" and field.unit:
        days = f"round({_number(value, field, column, decimal_sign)})"
        return (
            f"CASE WHEN {days} BETWEEN 0 AND {MAX_DURATION_DAYS}"
            f" THEN strftime(DATE '{TIME_ZERO.isoformat()}' + CAST({days} AS INTEGER), '{CANONICAL_DATE}') END"
        )
    if column.type in ("date", "timestamp"):
        shape = CANONICAL_DATE if column.type == "date" else CANONICAL_TIMESTAMP
        # the clock on the ward counts, not its distance from Greenwich
        local = f"regexp_replace({value}, '{FRACTION_AND_OFFSET}', '')" if has_time_zones else value
        return f"strftime(try_strptime({local}, {_text_list(field.formats)}), '{shape}')"
    if column.type == "integer":
        return (
            f"CASE WHEN regexp_full_match({value}, '[+-]?\\d+([.]0*)?') THEN try_cast({value} AS BIGINT)::VARCHAR END"
        )
    if column.type == "decimal":
        return f"({_number(value, field, column, decimal_sign)})::VARCHAR"
    if column.type == "code":
        return _word_of_code(value, field.codes)
    return value


def _not_read(field: FieldContract, column: CanonicalColumn) -> str | None:
    if column.type == "date" and field.unit:
        return f"not a duration in {field.unit} from the operation on"
    return {
        "date": f"not a date of the form {' or '.join(field.formats)}",
        "timestamp": f"not a time of the form {' or '.join(field.formats)}",
        "integer": "not a whole number",
        "decimal": "not a number",
        "code": "unknown code",
        "code_list": "unknown code in the list",
    }.get(column.type)


def problem(value: str, canonical: str, field: FieldContract, column: CanonicalColumn) -> str:
    """SQL for the reason why `value` is not taken (NULL = taken); `canonical` holds its canonical text or NULL."""
    if field.constant is not None or field.is_time_zero:
        return "NULL::VARCHAR"
    cases = []
    if field.required:
        cases.append(f"WHEN {value} IS NULL THEN 'required, but missing'")
    if field.pattern:
        cases.append(
            f"WHEN NOT regexp_full_match({value}, {text_literal(field.pattern)}) THEN 'not of the expected form'"
        )
    if reason := _not_read(field, column):
        cases.append(f"WHEN {value} IS NOT NULL AND {canonical} IS NULL THEN {text_literal(reason)}")
    # canonical dates and times are ISO text, whose order is that of time
    if column.type in ("date", "timestamp"):
        cases.append(f"WHEN {canonical} > strftime(current_date + 1, '{CANONICAL_TIMESTAMP}') THEN 'in the future'")
    if field.not_before:
        first = field.not_before.isoformat()
        cases.append(f"WHEN {canonical} < '{first}' THEN 'before {first}'")
    if field.not_after:
        last = field.not_after.isoformat()
        cases.append(f"WHEN left({canonical}, 10) > '{last}' THEN 'after {last}'")
    if field.minimum is not None:
        cases.append(f"WHEN {canonical}::DOUBLE < {field.minimum} THEN 'below the minimum of {field.minimum:g}'")
    if field.maximum is not None:
        cases.append(f"WHEN {canonical}::DOUBLE > {field.maximum} THEN 'above the maximum of {field.maximum:g}'")
    return f"CASE {' '.join(cases)} END" if cases else "NULL::VARCHAR"


def checked_records_query(
    contract: SourceContract, source: str, decimal_sign: str = ".", filled_by_reader: frozenset[str] = frozenset()
) -> str:
    """SQL over the reader's relation `source`: the canonical columns (NULL where a value is not taken), `content_hash` (of
    what the reader filled in beside the contract's columns), the source's own word on patient and order, and `problems`: a
    list of structs (field, value, reason, rejects_record) in the contract's order, NULL where there is none."""
    columns = canonical_feeds()[contract.feed].columns
    has_time_zones = contract.format in ("hl7_v2", "fhir")
    filled = [f"{quoted_name(name)}::VARCHAR" for name in columns if name in filled_by_reader]
    content_hash = f"md5(concat_ws(chr(31), {', '.join(filled)}))" if filled else "''"
    present, canonical, reasons, taken, problems, word_lists = [], [], [], [], [], []
    for name, field in contract.fields.items():
        value, text, reason = f'"{name}: value"', f'"{name}: canonical"', f'"{name}: reason"'
        present.append(f"{present_value(field, contract)} AS {value}")
        if columns[name].type == "code_list" and field.column:
            word_lists.append(name)
            canonical.append(f'"{name}: words".words AS {text}')
        else:
            read = canonical_value(value, field, columns[name], decimal_sign, has_time_zones)
            canonical.append(f"{read} AS {text}")
        reasons.append(f"{problem(value, text, field, columns[name])} AS {reason}")
        taken.append(f'CASE WHEN {reason} IS NULL THEN {text} END AS "{name}"')
        rejects = str(field.required or field.required_when_present).upper()
        problems.append(f"{{'field': '{name}', 'value': {value}, 'reason': {reason}, 'rejects_record': {rejects}}}")
    # coalesce stops at the first reason, and the list is made for the few records that have one
    any_reason = "coalesce(" + ", ".join(f'"{name}: reason"' for name in contract.fields) + ")"
    return f"""
    WITH present AS (
        SELECT source_line, record_number, structure_problem, source_reference, source_patient, source_version,
               source_updated_at, {content_hash} AS content_hash, {", ".join(present)} FROM {source}
    ),
    {"".join(_words_of_distinct_lists(name, contract.fields[name]) for name in word_lists)}
    canonical AS (
        SELECT present.*, {", ".join(canonical)} FROM present
        {" ".join(f'LEFT JOIN "{name}: words" ON present."{name}: value" = "{name}: words".value' for name in word_lists)}
    ),
    judged AS (SELECT *, {", ".join(reasons)} FROM canonical)
    SELECT source_line, record_number, structure_problem, source_reference, source_patient, source_version,
           source_updated_at, content_hash,
           {", ".join(taken)},
           CASE WHEN {any_reason} IS NOT NULL
                THEN list_filter([{", ".join(problems)}], x -> x.reason IS NOT NULL) END AS problems
    FROM judged
    """


def _words_of_distinct_lists(name: str, field: FieldContract) -> str:
    """A list is taken apart once for all records that hold it: there are few lists and many records."""
    value = f'"{name}: value"'
    return f""""{name}: words" AS (
        SELECT value, {_words_of_list("value", field)} AS words
        FROM (SELECT DISTINCT {value} AS value FROM present WHERE {value} IS NOT NULL)
    ),
    """
