"""A contract's fields as SQL: the canonical value of each source column, and why a value cannot be taken."""

import re
from collections.abc import Callable

from orchestration.ingestion.canonical_feeds import (
    CanonicalColumn,
    canonical_feeds,
    conversion,
)
from orchestration.ingestion.contract import FORMATS_WITH_TIME_ZONES, TIME_ZERO, FieldContract, SourceContract
from orchestration.ingestion.contract.date_formats import (
    has_four_digit_year,
    needs_pattern,
    other_way_round,
    strict_pattern,
)
from orchestration.ingestion.raw_schema import OBSERVATION_FIELDS
from orchestration.ingestion.readers.xlsx_cells import NEVER_CALCULATED
from orchestration.ingestion.time_zones import on_the_hospitals_clock

# what stands around a value and is no part of it; `store_records` takes it away before a value is looked at
BLANKS = " \t\n\r\xa0"
WHITESPACE = " || ".join(f"chr({ord(blank)})" for blank in BLANKS)
CANONICAL_DATE = "%Y-%m-%d"
CANONICAL_TIMESTAMP = "%Y-%m-%d %H:%M:%S"
FRACTION_AND_OFFSET = r"([.]\d+)?(Z|[+-]\d{2}:?\d{2})?$"
MIDNIGHT = r"[ T](0{1,2}:00(:00([.][0-4][0-9]*)?)?|(?i:12:00(:00)? ?AM))(Z|[+-]\d{2}(:?\d{2})?)?$"
"""Midnight, up to half a second after it (a program kept the time as a fraction of a day), on whichever clock."""
BEFORE_MIDNIGHT = r"[ T]23:59:59[.][5-9][0-9]*$"
MAX_DURATION_DAYS = 36525
REAL_DATES = (CANONICAL_DATE, CANONICAL_TIMESTAMP)
"""What the cells of a workbook that are dates, not text, come out as."""
POWER_OF_TEN = r"[0-9]([.,][0-9]+)?E[+][0-9]+|[0-9][.,][0-9]+E[0-9]+"
PLACEHOLDERS = (
    "NULL", "(NULL)", "NONE", "NIL", "NAN", "NA", "N/A", "N.A.", "<NA>", "NAT", "UNKNOWN", "UNK", "UNBEKANNT", "MISSING", "TBD",
    "NOT AVAILABLE", "NOT APPLICABLE", "NOT KNOWN", "?", "-", "--", "---", ".", "X", "#",
)  # fmt: skip
DIGITS_ARE_LOST = "an identifier shown as a power of ten: its digits are lost"
FIRST_YEAR = 1000
"""The first year of four digits."""
TABLES = ("delimited", "redcap", "excel", "parquet", "database")
"""Formats whose cells may come from a spreadsheet."""
SPREADSHEET_ERRORS = (
    "#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NUM!", "#NULL!", "#SPILL!", "#CALC!", "#GETTING_DATA", "#BEZUG!", "#WERT!",
    "#NV", "#ZAHL!",
)  # fmt: skip
COMPARATORS = {
    "<=": "<=",
    ">=": ">=",
    "=<": "<=",
    "=>": ">=",
    "≤": "<=",
    "≥": ">=",
    "⩽": "<=",
    "⩾": ">=",
    "<": "<",
    ">": ">",
}
STARTS_WITH_COMPARATOR = "^(<=|>=|=<|=>|[<>≤≥⩽⩾])"
NUMBER = r"[+-]?(\d+([.]\d*)?|[.]\d+)([eE][+-]?\d+)?"


def text_literal(value: object) -> str:
    """A SQL text literal."""
    return "'" + str(value).replace("'", "''") + "'"


def quoted_name(name: str) -> str:
    """A SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def present_value(field: FieldContract, contract: SourceContract) -> str:
    """The source text (without blanks around it already), NULL where it is one of the declared missing values; of the first
    choice that has one, or of several columns together; an identifier as the contract wants its zeros."""
    if field.is_time_zero:
        return text_literal(TIME_ZERO.isoformat())
    if field.constant is not None:
        return text_literal(field.constant)
    texts = [_as_identifier(_present_text(name, field, contract), field) for name in field.source_columns]
    if contract.format in TABLES and field is contract.fields.get(contract.patient_column):
        # what a data frame made of a number
        texts = [
            f"CASE WHEN ends_with({text}, '.0') OR ends_with({text}, '.00')"
            f" THEN regexp_replace({text}, '^([0-9]+)[.]0+$', '\\1') ELSE {text} END"
            for text in texts
        ]
    if field.choices:
        return texts[0] if len(texts) == 1 else f"coalesce({', '.join(texts)})"
    parts = f" || {text_literal(field.joined_by)} || ".join(f"coalesce({text}, '')" for text in texts)
    return f"CASE WHEN coalesce({', '.join(texts)}) IS NOT NULL THEN {parts} END"


def _present_text(column: str, field: FieldContract, contract: SourceContract) -> str:
    text = quoted_name(contract.reader_column(column))
    sentinels = ", ".join(map(text_literal, contract.spellings_of_missing(field.missing_values)))
    return f"CASE WHEN {text} NOT IN ({sentinels}) THEN {text} END"


def _as_identifier(text: str, field: FieldContract) -> str:
    if field.strip_prefix:
        prefix = text_literal(field.strip_prefix)
        text = f"CASE WHEN starts_with({text}, {prefix}) THEN substr({text}, {len(field.strip_prefix) + 1}) ELSE {text} END"
    if field.strip_zeros or field.pad_zeros_to:
        # what a spreadsheet or a data frame made of a number
        text = f"regexp_replace({text}, '^([0-9]+)[.]0+$', '\\1')"
    if field.strip_zeros:
        text = f"regexp_replace({text}, '^0+([0-9])', '\\1')"
    if field.pad_zeros_to:
        is_short = f"regexp_full_match({text}, '[0-9]{{1,{field.pad_zeros_to - 1}}}')"
        text = f"CASE WHEN {is_short} THEN lpad({text}, {field.pad_zeros_to}, '0') ELSE {text} END"
    return text


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


def _number_or_bound(value: str, number_of: Callable[[str], str]) -> str:
    """A number, or what a bound such as '< 0.5' says: its comparator and its number, never the number alone."""
    said = f"regexp_extract({value}, '{STARTS_WITH_COMPARATOR}')"
    number = number_of(f"ltrim(substr({value}, length({said}) + 1))")
    return (
        f"CASE WHEN regexp_matches({value}, '{STARTS_WITH_COMPARATOR}')"
        f" THEN {_word_of_code(said, COMPARATORS)} || ({number})::VARCHAR ELSE ({number_of(value)})::VARCHAR END"
    )


def _whole_number(text: str) -> str:
    return f"CASE WHEN regexp_full_match({text}, '[+-]?\\d+([.]0*)?') THEN try_cast({text} AS BIGINT) END"


def moment(text: str, field: FieldContract, also: tuple[str, ...] = ()) -> str:
    """SQL for the timestamp that `text` is by the field's formats; NULL where it is none, or two different ones."""
    readings = [_moment_by(text, shape, field.two_digit_years_from) for shape in dict.fromkeys([*field.formats, *also])]
    read = readings[0] if len(readings) == 1 else f"coalesce({', '.join(readings)})"
    for number, shape in enumerate(field.formats):
        if other_way_round(shape) in field.formats[number + 1 :]:
            other = readings[field.formats.index(other_way_round(shape))]
            read = f"CASE WHEN {readings[number]} <> {other} THEN NULL ELSE {read} END"
    return read


def _moment_by(text: str, shape: str, two_digit_years_from: int | None) -> str:
    read = f"try_strptime({text}, {text_literal(shape)})"
    if needs_pattern(shape):
        read = f"CASE WHEN regexp_full_match({text}, {text_literal(strict_pattern(shape))}) THEN {read} END"
    elif has_four_digit_year(shape):
        return f"CASE WHEN year({read}) >= {FIRST_YEAR} THEN {read} END"
    if has_four_digit_year(shape) or two_digit_years_from is None:
        return read
    # DuckDB puts the two digits somewhere; the 29th of February is one only where the year that is meant has it
    moved = f"(year({read}) % 100 - {two_digit_years_from % 100} + 100) % 100 + {two_digit_years_from} - year({read})"
    shifted = f"{read} + to_years(CAST({moved} AS INTEGER))"
    return f"CASE WHEN day({shifted}) = day({read}) THEN {shifted} END"


def text_of_moment(value: str, field: FieldContract, column: CanonicalColumn, has_time_zones: bool) -> str | None:
    """SQL for the text of `value` that the date formats read, None where that is `value` itself."""
    if column.type not in ("date", "timestamp") or field.unit or not field.source_columns:
        return None
    # the clock on the ward counts, not its distance from Greenwich
    local = f"regexp_replace({value}, '{FRACTION_AND_OFFSET}', '')" if has_time_zones else value
    if any(re.fullmatch("(%[A-Za-z])+", shape) for shape in field.formats):
        # a data frame makes 20090403.0 of 20090403 where another row has none
        local = f"CASE WHEN ends_with({local}, '.0') THEN left({local}, length({local}) - 2) ELSE {local} END"
    return None if local == value else local


def canonical_value(
    value: str,
    local: str,
    field: FieldContract,
    column: CanonicalColumn,
    decimal_sign: str = ".",
    has_real_dates: bool = False,
    time_zone: str | None = None,
) -> str:
    """SQL for the canonical text of `value` (a column holding `present_value`); NULL where it cannot be read. `local`: a column
    holding `text_of_moment`, or `value`; `time_zone`: that of the hospital, where values may tell theirs."""
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
        read = moment(local, field, REAL_DATES if has_real_dates else ())
        if column.type == "date" and not any(
            hour in form for form in field.formats for hour in ("%H", "%I", "%c", "%X")
        ):
            # databases and data frames write a day as its midnight
            at_midnight = f"regexp_matches({local}, '{MIDNIGHT}')"
            bare = f"regexp_replace({local}, '{MIDNIGHT}', '')"
            eve = f"regexp_replace({local}, '{BEFORE_MIDNIGHT}', '')"
            read = (
                f"coalesce({read}, CASE WHEN NOT contains({local}, ':') THEN NULL WHEN {at_midnight} THEN {moment(bare, field)}"
                f" WHEN regexp_matches({local}, '{BEFORE_MIDNIGHT}') THEN {moment(eve, field)} + INTERVAL 1 DAY END)"
            )
        if time_zone:
            read = on_the_hospitals_clock(read, value, time_zone)
        return f"strftime({read}, '{shape}')"
    if column.type in ("integer", "decimal"):

        def number_of(text: str) -> str:
            return _whole_number(text) if column.type == "integer" else _number(text, field, column, decimal_sign)

        return _number_or_bound(value, number_of) if column.may_be_bound else f"({number_of(value)})::VARCHAR"
    if column.type == "code":
        word = _word_of_code(value, field.codes)
        if not any(code.isdecimal() for code in field.codes):
            return word
        # a data frame makes 1.0 of the code 1 where another row has none
        whole = _word_of_code(f"left({value}, length({value}) - 2)", field.codes)
        return f"coalesce({word}, CASE WHEN ends_with({value}, '.0') THEN {whole} END)"
    return value


def _not_read(field: FieldContract, column: CanonicalColumn) -> str | None:
    if column.type == "date" and field.unit:
        return f"not a duration in {field.unit} from the operation on"
    forms = " or ".join(field.formats)
    if any(other_way_round(shape) in field.formats for shape in field.formats if other_way_round(shape) != shape):
        forms += ", read one way only"
    return {
        "date": f"not a date of the form {forms}",
        "timestamp": f"not a time of the form {forms}",
        "integer": "not a whole number",
        "decimal": "not a number",
        "code": "unknown code",
        "code_list": "unknown code in the list",
    }.get(column.type)


def _spreadsheet_error(value: str) -> str:
    """SQL for what is wrong with a cell that its spreadsheet could not calculate; NULL for any other."""
    errors = ", ".join(map(text_literal, SPREADSHEET_ERRORS))
    return (
        f"CASE WHEN {value} IN ({errors}) THEN 'an error of a spreadsheet'"
        f" WHEN starts_with({value}, '{NEVER_CALCULATED}') THEN 'a formula that was never calculated' END"
    )


def problem(
    value: str,
    canonical: str,
    field: FieldContract,
    column: CanonicalColumn,
    is_of_table: bool = False,
    is_identifier: bool = False,
    is_patient: bool = False,
) -> str:
    """SQL for the reason why `value` is not taken (NULL = taken); `canonical` holds its canonical text or NULL."""
    if field.constant is not None or field.is_time_zero:
        return "NULL::VARCHAR"
    cases = []
    if field.required:
        cases.append(f"WHEN {value} IS NULL THEN 'required, but missing'")
    if is_of_table and is_patient:
        cases.append(
            f"WHEN upper({value}) IN ({', '.join(map(text_literal, PLACEHOLDERS))}) OR (ltrim({value}, '0') = '' AND length({value}) > 1)"
            " THEN 'a placeholder, no patient'"
        )
    if is_of_table and is_identifier:
        cases.append(
            f"WHEN contains({value}, 'E') AND regexp_full_match({value}, '{POWER_OF_TEN}') THEN '{DIGITS_ARE_LOST}'"
        )
    reason = _not_read(field, column)
    if is_of_table and reason is None:
        cases.append(
            f"WHEN starts_with({value}, '#') AND {_spreadsheet_error(value)} IS NOT NULL THEN {_spreadsheet_error(value)}"
        )
    if field.pattern:
        cases.append(
            f"WHEN NOT regexp_full_match({value}, {text_literal(field.pattern)}) THEN 'not of the expected form'"
        )
    if reason is not None:
        # looked at only where the value cannot be read, so that sound values cost nothing
        told = f"coalesce({_spreadsheet_error(value)}, {text_literal(reason)})" if is_of_table else text_literal(reason)
        cases.append(f"WHEN {value} IS NOT NULL AND {canonical} IS NULL THEN {told}")
    # canonical dates and times are ISO text, whose order is that of time
    if column.type in ("date", "timestamp"):
        cases.append(f"WHEN {canonical} > strftime(current_date + 1, '{CANONICAL_TIMESTAMP}') THEN 'in the future'")
    if field.not_before:
        first = field.not_before.isoformat()
        cases.append(f"WHEN {canonical} < '{first}' THEN 'before {first}'")
    if field.not_after:
        last = field.not_after.isoformat()
        cases.append(f"WHEN left({canonical}, 10) > '{last}' THEN 'after {last}'")
    number = f"ltrim({canonical}, '<>=')" if column.may_be_bound else canonical
    if field.minimum is not None:
        cases.append(f"WHEN {number}::DOUBLE < {field.minimum} THEN 'below the minimum of {field.minimum:g}'")
    if field.maximum is not None:
        cases.append(f"WHEN {number}::DOUBLE > {field.maximum} THEN 'above the maximum of {field.maximum:g}'")
    return f"CASE {' '.join(cases)} END" if cases else "NULL::VARCHAR"


def checked_records_query(
    contract: SourceContract, source: str, decimal_sign: str = ".", filled_by_reader: frozenset[str] = frozenset()
) -> str:
    """SQL over the reader's relation `source`: the canonical columns (NULL where a value is not taken), `content_hash` (of
    what the reader filled in beside the contract's columns), the source's own word on patient and order, and `problems`: a
    list of structs (field, value, reason, rejects_record) in the contract's order, NULL where there is none."""
    columns = canonical_feeds()[contract.feed].columns
    has_time_zones = contract.format in FORMATS_WITH_TIME_ZONES
    time_zone = contract.time_zone if has_time_zones else None
    filled = [_as_text(name, columns[name]) for name in columns if name in filled_by_reader]
    content_hash = f"md5(concat_ws(chr(31), {', '.join(filled)}))" if filled else "''"
    is_of_table = contract.format in TABLES
    identifiers = {contract.patient_column, *contract.key}
    has_real_dates = contract.format in ("excel", "parquet")
    present, moments, canonical, reasons, taken, problems, word_lists = [], [], [], [], [], [], []
    for name, field in contract.fields.items():
        value, text, reason = f'"{name}: value"', f'"{name}: canonical"', f'"{name}: reason"'
        present.append(f"{present_value(field, contract)} AS {value}")
        if columns[name].type == "code_list" and field.source_columns:
            word_lists.append(name)
            canonical.append(f'"{name}: words".words AS {text}')
        else:
            local = value
            if text_of_date := text_of_moment(value, field, columns[name], has_time_zones):
                # a column of its own: written where it is needed, it would be planned and computed a dozen times
                local = f'"{name}: moment"'
                moments.append(f"{text_of_date} AS {local}")
            read = canonical_value(value, local, field, columns[name], decimal_sign, has_real_dates, time_zone)
            canonical.append(f"{read} AS {text}")
        reasons.append(
            f"{problem(value, text, field, columns[name], is_of_table, name in identifiers, name == contract.patient_column)} AS {reason}"
        )
        taken.append(f'CASE WHEN {reason} IS NULL THEN {text} END AS "{name}"')
        rejects = str(field.required or field.required_when_present).upper()
        problems.append(f"{{'field': '{name}', 'value': {value}, 'reason': {reason}, 'rejects_record': {rejects}}}")
    # coalesce stops at the first reason, and the list is made for the few records that have one
    any_reason = "coalesce(" + ", ".join(f'"{name}: reason"' for name in contract.fields) + ")"
    return f"""
    WITH present AS (
        SELECT *{"".join(f", {one}" for one in moments)} FROM (
            SELECT source_line, record_number, structure_problem, source_reference, source_patient, source_version,
                   key_within_format, source_updated_at, {content_hash} AS content_hash, {", ".join(present)} FROM {source}
        )
    ),
    {"".join(_words_of_distinct_lists(name, contract.fields[name]) for name in word_lists)}
    canonical AS (
        SELECT present.*, {", ".join(canonical)} FROM present
        {" ".join(f'LEFT JOIN "{name}: words" ON present."{name}: value" = "{name}: words".value' for name in word_lists)}
    ),
    judged AS (SELECT *, {", ".join(reasons)} FROM canonical)
    SELECT source_line, record_number, structure_problem, source_reference, source_patient, source_version, key_within_format,
           source_updated_at, content_hash,
           {", ".join(taken)},
           CASE WHEN {any_reason} IS NOT NULL
                THEN list_filter([{", ".join(problems)}], x -> x.reason IS NOT NULL) END AS problems
    FROM judged
    """


def _as_text(name: str, column: CanonicalColumn) -> str:
    """SQL: all that a column says as one text; of a report's lines their parts, at half the cost of DuckDB's own spelling of lists."""
    if column.type != "observations":
        return f"{quoted_name(name)}::VARCHAR"
    parts = ", ".join(f"coalesce(line.{part}::VARCHAR, chr(0))" for part in OBSERVATION_FIELDS)
    return f"array_to_string(list_transform({quoted_name(name)}, line -> concat_ws(chr(31), {parts})), chr(30))"


def _words_of_distinct_lists(name: str, field: FieldContract) -> str:
    """A list is taken apart once for all records that hold it: there are few lists and many records."""
    value = f'"{name}: value"'
    return f""""{name}: words" AS (
        SELECT value, {_words_of_list("value", field)} AS words
        FROM (SELECT DISTINCT {value} AS value FROM present WHERE {value} IS NOT NULL)
    ),
    """
