"""CDISC ADaM data sets: ADSL (a row a patient of the cohort) and ADTTE (a row a patient and endpoint).

Written as CDISC Dataset-JSON 1.1, and as SAS transport files (version 5) where pyreadstat is installed; with `variables.csv`, which
says of every variable what it is and where it comes from. adam.yml holds all of it. There is no define.xml.
"""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import yaml

from orchestration.exports.folders import ExportRefused, whole_folder
from orchestration.warehouse import Publication, connect_read_only, read_publication

METADATA_FILE = Path(__file__).with_name("adam.yml")
LONGEST_NAME, LONGEST_LABEL, LONGEST_TEXT = 8, 40, 200
"""Of SAS transport files, version 5."""
PARAMETERS = """
    SELECT endpoints.endpoint, endpoints.label, endpoints.position, coalesce(codes.code, format('PARM{:04d}', endpoints.position)) AS code,
           CASE WHEN origins.origin = 'recurrence' THEN 'first recurrence' ELSE 'index operation' END AS origin
    FROM meta.analysis_endpoints AS endpoints
    INNER JOIN (SELECT endpoint, any_value(origin) AS origin FROM meta.endpoint_definitions GROUP BY endpoint) AS origins USING (endpoint)
    LEFT JOIN codes USING (endpoint)"""
Progress = Callable[[str], None]


@cache
def adam_metadata() -> dict[str, Any]:
    """The file adam.yml."""
    return yaml.safe_load(METADATA_FILE.read_text(encoding="utf-8"))


def export_adam(published_file: Path, target: Path, progress: Progress = lambda text: None) -> dict[str, int]:
    """Write the folder; returns the rows of each data set.

    Raises:
        ExportRefused: nothing is published, the publication lacks a column that a variable needs, or the target holds something else.
    """
    stamp = read_publication(published_file)
    if stamp is None:
        raise ExportRefused("nothing is published yet: run `crlm refresh` first")
    with connect_read_only(published_file) as connection:
        frames = adam_frames(connection)
    with whole_folder(target, stamp, "adam") as folder:
        for name, frame in frames.items():
            progress(name)
            _write_dataset_json(name, frame, stamp, folder / f"{name.lower()}.json")
            _write_transport(name, frame, folder / f"{name.lower()}.xpt")
        variables_table(frames).to_csv(folder / "variables.csv", index=False)
    return {name: len(frame) for name, frame in frames.items()}


def adam_frames(connection: duckdb.DuckDBPyConnection) -> dict[str, pd.DataFrame]:
    """Each data set with the variables of adam.yml in their order; texts as '' where missing, numbers as NaN.

    Raises:
        ExportRefused: the publication lacks a column that a variable needs.
    """
    metadata = adam_metadata()
    codes = pd.DataFrame(list(metadata["parameters"].items()), columns=["endpoint", "code"])
    connection.register("codes", codes)
    frames = {}
    for name, dataset in metadata["datasets"].items():
        columns = ", ".join(f"{_sql(one['sql'], metadata)} AS {one['name']}" for one in dataset["variables"])
        query = f"WITH parameters AS ({PARAMETERS}) SELECT {columns} FROM {dataset['from']} ORDER BY {', '.join(dataset['keys'])}"
        try:
            frame = connection.execute(query).df()
        except (duckdb.BinderException, duckdb.CatalogException) as error:
            raise ExportRefused(f"{name} cannot be made from this publication: {str(error).splitlines()[0]}") from None
        for one in dataset["variables"]:
            column = frame[one["name"]]
            is_text = one["type"] == "Char"
            frame[one["name"]] = (
                column.astype(object).where(column.notna(), "").astype(str) if is_text else column.astype(float)
            )
        frames[name] = frame
    return frames


def _sql(expression: str, metadata: dict[str, Any]) -> str:
    """A variable's expression with the file's abbreviations written out."""
    expression = re.sub(r"\$flag\(([\w.]+)\)", r"CASE \1 WHEN TRUE THEN 'Y' WHEN FALSE THEN 'N' END", expression)
    expression = re.sub(
        r"\$margin_order\(([\w.]+)\)",
        lambda found: metadata["margin_order"].replace("margin_group", found[1]),
        expression,
    )
    return expression.replace("$study_id", f"'{metadata['study_id']}'")


def variables_table(frames: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """One row a variable: dataset, variable, label, type, length, core, codes, derivation (SQL on the publication), note."""
    rows = []
    for name, dataset in adam_metadata()["datasets"].items():
        for one in dataset["variables"]:
            length = _length(frames[name][one["name"]]) if one["type"] == "Char" else 8
            rows.append(
                {
                    "dataset": name, "variable": one["name"], "label": one["label"], "type": one["type"], "length": length,
                    "core": one["core"], "codes": "; ".join(map(str, one.get("codes", []))),
                    "derivation": _sql(one["sql"], adam_metadata()), "note": one.get("note", ""),
                }
            )  # fmt: skip
    return pd.DataFrame(rows)


def _length(texts: pd.Series) -> int:
    return max(1, int(texts.str.len().max())) if len(texts) else 1


def _write_dataset_json(name: str, frame: pd.DataFrame, stamp: Publication, file: Path) -> None:
    metadata = adam_metadata()
    dataset = metadata["datasets"][name]
    columns = []
    for one in dataset["variables"]:
        is_text = one["type"] == "Char"
        column: dict[str, Any] = {
            "itemOID": f"IT.{name}.{one['name']}",
            "name": one["name"],
            "label": one["label"],
            "dataType": "string" if is_text else "float",
        }
        if is_text:
            column["length"] = _length(frame[one["name"]])
        if one["name"] in dataset["keys"]:
            column["keySequence"] = dataset["keys"].index(one["name"]) + 1
        columns.append(column)
    written = {
        "datasetJSONCreationDateTime": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S"),
        "datasetJSONVersion": "1.1.0",
        "fileOID": f"{metadata['study_id']}.{stamp.data_hash}.{name}",
        "originator": "CRLM outcomes warehouse",
        "sourceSystem": {"name": "CRLM outcomes warehouse", "version": stamp.code_version},
        "studyOID": metadata["study_id"],
        "metaDataVersionOID": f"MDV.{metadata['study_id']}",
        "itemGroupOID": f"IG.{name}",
        "records": len(frame),
        "name": name,
        "label": dataset["label"],
        "columns": columns,
        "rows": frame.astype(object).where(frame.notna(), None).to_numpy().tolist(),
    }
    file.write_text(json.dumps(written, ensure_ascii=False), encoding="utf-8")


def _write_transport(name: str, frame: pd.DataFrame, file: Path) -> None:
    """A SAS transport file where the package that writes one is there; its texts are cut at 200 characters."""
    try:
        import pyreadstat
    except ImportError:
        return
    dataset = adam_metadata()["datasets"][name]
    labels = {one["name"]: one["label"] for one in dataset["variables"]}
    cut = frame.apply(
        lambda column: column.str.slice(0, LONGEST_TEXT) if column.name in labels and column.dtype != float else column
    )
    pyreadstat.write_xport(
        cut, str(file), file_label=dataset["label"], column_labels=labels, table_name=name, file_format_version=5
    )
