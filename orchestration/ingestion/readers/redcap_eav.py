"""REDCap's EAV exports: a row a value (record, field_name, value), put together to a row an instance of a form."""

import duckdb
import pyarrow as pa

from orchestration.ingestion.contract import SourceContract
from orchestration.ingestion.readers.tabular import Rows

EAV_COLUMNS = (("record",), ("field_name",), ("value",))
PLACES = ("redcap_event_name", "redcap_repeat_instrument", "redcap_repeat_instance")
# checkboxes come as one row a ticked choice
TOLD_TWICE = "a field has two values in one instance of its form"


def in_wide_form(rows: Rows, contract: SourceContract) -> Rows:
    """One row a record, event, instrument and instance, its columns the record id and the field names.

    A checkbox's values are a list, joined by the field's separator; another field with two different values has none, and its row a
    structure problem. `source_line` is the first of the values' lines, the payload all of them.
    """
    separators = {field.column: field.separator for field in contract.fields.values() if field.is_checkbox}
    places = [name for name in PLACES if name in rows.header]
    table = {name: rows.column(name) for name in ("record", "field_name", "value", *places)}
    own = {
        "source_line": rows.source_line,
        "payload": rows.payload.cast(pa.string()),
        "problem": rows.structure_problem,
    }
    with duckdb.connect() as connection:
        connection.register("told", pa.table({**own, **table}))
        groups = ", ".join(["trim(record) AS record", *(f"trim({name}) AS {name}" for name in places)])
        connection.execute(
            f"""CREATE TEMP TABLE forms AS
                SELECT {groups}, trim(field_name) AS field_name, list("value" ORDER BY source_line) AS told_values,
                       min(source_line) AS source_line, string_agg(payload, chr(10) ORDER BY source_line) AS payload
                FROM told WHERE problem IS NULL AND trim("value") <> '' GROUP BY ALL"""
        )
        broken = connection.execute(
            "SELECT source_line, payload, problem FROM told WHERE problem IS NOT NULL ORDER BY source_line"
        ).to_arrow_table()
        key = ", ".join(["record", *places])
        names = [name for (name,) in connection.execute("SELECT DISTINCT field_name FROM forms ORDER BY 1").fetchall()]
        values = "".join(f", {_value_of(name, separators.get(name))} AS {_quoted(f'f: {name}')}" for name in names)
        twice = _told_twice(separators)
        wide = connection.execute(
            f"""SELECT min(source_line) AS source_line, string_agg(payload, chr(10) ORDER BY source_line) AS payload,
                       CASE WHEN bool_or({twice}) THEN '{TOLD_TWICE}' END AS problem, {key}{values}
                FROM forms GROUP BY {key} ORDER BY source_line"""
        ).to_arrow_table()
    header = [contract.record_id, *places, *names]
    columns = [wide[name].cast(pa.string()) for name in ("record", *places, *(f"f: {name}" for name in names))]
    # a field that nobody filled in has no row
    header += (absent := [name for name in contract.source_columns if name not in header])
    columns += [pa.chunked_array([pa.nulls(wide.num_rows, pa.string())])] * len(absent)
    sound = Rows(wide["source_line"], wide["payload"], wide["problem"].cast(pa.string()), header, columns, rows.notices)
    nothing = pa.chunked_array([pa.nulls(broken.num_rows, pa.string())])
    ragged = Rows(broken["source_line"], broken["payload"], broken["problem"], header, [nothing] * len(header))
    return Rows.joined([sound, ragged]) if broken.num_rows else sound


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _value_of(name: str, separator: str | None) -> str:
    joined = f"array_to_string(told_values, {_literal(separator)})" if separator else "told_values[1]"
    return f"max({joined}) FILTER (field_name = {_literal(name)})"


def _told_twice(separators: dict[str, str]) -> str:
    boxes = ", ".join(map(_literal, separators)) or "''"
    return f"len(list_distinct(told_values)) > 1 AND field_name NOT IN ({boxes})"
