"""A contract's fields as SQL: the canonical value of each source column, and why a value cannot be taken."""

from orchestration.ingestion.source_contract import (
    COLUMNS_FILLED_BY_READER,
    CanonicalColumn,
    FieldContract,
    SourceContract,
    canonical_feeds,
)

WHITESPACE = "' ' || chr(9) || chr(10) || chr(13)"
CANONICAL_DATE = "%Y-%m-%d"
CANONICAL_TIMESTAMP = "%Y-%m-%d %H:%M:%S"


def text_literal(value: object) -> str:
    """A SQL text literal."""
    return "'" + str(value).replace("'", "''") + "'"


def _text_list(values: list[str]) -> str:
    return "[" + ", ".join(text_literal(value) for value in values) + "]"


def present_value(field: FieldContract, contract: SourceContract) -> str:
    """The trimmed source text, NULL where it is one of the declared missing values."""
    trimmed = f'trim("{field.column}", {WHITESPACE})'
    sentinels = _text_list([*contract.missing_values, *field.missing_values])
    return f"CASE WHEN list_contains({sentinels}, {trimmed}) THEN NULL ELSE {trimmed} END"


def _code_map(field: FieldContract) -> str:
    return f"MAP {{{', '.join(f'{text_literal(code)}: {text_literal(word)}' for code, word in field.codes.items())}}}"


def canonical_value(value: str, field: FieldContract, column: CanonicalColumn) -> str:
    """SQL for the canonical text of `value` (a column holding `present_value`); NULL where it cannot be read."""
    if column.type in ("date", "timestamp"):
        shape = CANONICAL_DATE if column.type == "date" else CANONICAL_TIMESTAMP
        return f"strftime(try_strptime({value}, {_text_list(field.formats)}), '{shape}')"
    if column.type == "integer":
        return f"try_cast({value} AS BIGINT)::VARCHAR"
    if column.type == "decimal":
        return f"try_cast({value} AS DOUBLE)::VARCHAR"
    if column.type == "code":
        return f"{_code_map(field)}[{value}]"
    if column.type == "code_list":
        words = f"list_transform(string_split({value}, {text_literal(field.separator)}), x -> {_code_map(field)}[trim(x, {WHITESPACE})])"
        return f"CASE WHEN len(list_filter({words}, x -> x IS NULL)) = 0 THEN array_to_string({words}, ';') END"
    return value


def problem(value: str, canonical: str, field: FieldContract, column: CanonicalColumn) -> str:
    """SQL for the reason why `value` is not taken (NULL = taken); `canonical` holds its canonical text or NULL."""
    not_read = {
        "date": f"not a date of the form {' or '.join(field.formats)}",
        "timestamp": f"not a time of the form {' or '.join(field.formats)}",
        "integer": "not a whole number",
        "decimal": "not a number",
        "code": "unknown code",
        "code_list": "unknown code in the list",
    }.get(column.type)
    cases = []
    if field.required:
        cases.append(f"WHEN {value} IS NULL THEN 'required, but missing'")
    if field.pattern:
        cases.append(
            f"WHEN NOT regexp_full_match({value}, {text_literal(field.pattern)}) THEN 'not of the expected form'"
        )
    if not_read:
        cases.append(f"WHEN {value} IS NOT NULL AND {canonical} IS NULL THEN {text_literal(not_read)}")
    if column.type in ("date", "timestamp"):
        cases.append(f"WHEN {canonical}::TIMESTAMP > current_date::TIMESTAMP + INTERVAL 1 DAY THEN 'in the future'")
    if field.not_before:
        cases.append(
            f"WHEN {canonical}::DATE < DATE '{field.not_before.isoformat()}' THEN 'before {field.not_before.isoformat()}'"
        )
    if field.minimum is not None:
        cases.append(f"WHEN {canonical}::DOUBLE < {field.minimum} THEN 'below the minimum of {field.minimum:g}'")
    if field.maximum is not None:
        cases.append(f"WHEN {canonical}::DOUBLE > {field.maximum} THEN 'above the maximum of {field.maximum:g}'")
    return f"CASE {' '.join(cases)} END" if cases else "NULL::VARCHAR"


def checked_records_query(contract: SourceContract, source: str) -> str:
    """SQL over the reader's relation `source`: the canonical columns (NULL where a value is not taken) and `problems`,
    a list of structs (field, value, reason, rejects_record) in the contract's order."""
    columns = canonical_feeds()[contract.feed].columns
    fields = contract.fields
    present, canonical, reasons, taken, problems = [], [], [], [], []
    for name, field in fields.items():
        value, text, reason = f'"{name}: value"', f'"{name}: canonical"', f'"{name}: reason"'
        present.append(f"{present_value(field, contract)} AS {value}")
        canonical.append(f"{canonical_value(value, field, columns[name])} AS {text}")
        reasons.append(f"{problem(value, text, field, columns[name])} AS {reason}")
        taken.append(f'CASE WHEN {reason} IS NULL THEN {text} END AS "{name}"')
        rejects = str(field.required or field.required_when_present).upper()
        problems.append(f"{{'field': '{name}', 'value': {value}, 'reason': {reason}, 'rejects_record': {rejects}}}")
    from_reader = "".join(f', "{name}"' for name in sorted(COLUMNS_FILLED_BY_READER & set(columns)))
    return f"""
    WITH present AS (SELECT source_line, payload, structure_problem{from_reader}, {", ".join(present)} FROM {source}),
         canonical AS (SELECT *, {", ".join(canonical)} FROM present),
         judged AS (SELECT *, {", ".join(reasons)} FROM canonical)
    SELECT source_line, payload, structure_problem{from_reader}, {", ".join(taken)},
           list_filter([{", ".join(problems)}], x -> x.reason IS NOT NULL) AS problems
    FROM judged
    """
