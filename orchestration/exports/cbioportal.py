"""The files of a cBioPortal study: clinical attributes of patients and samples, survival, a case list, a link to the paper.

cbioportal.yml says which attributes there are. A sample is the specimen of the index operation; there is no molecular data.
"""

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import yaml

from orchestration.exports.folders import ExportRefused, whole_folder
from orchestration.warehouse import Publication, connect_read_only, read_publication

METADATA_FILE = Path(__file__).with_name("cbioportal.yml")
DAYS_A_MONTH = "(SELECT value::DOUBLE / 12 FROM meta.analysis_plan WHERE name = 'days_a_year')"
ROWS = """
    marts.index_operations AS operations
    LEFT JOIN marts.resection_margins AS margins USING (study_id)
    LEFT JOIN (SELECT study_id, initial_pattern FROM marts.first_recurrences) AS recurrences USING (study_id)"""
Progress = Callable[[str], None]
Attribute = dict[str, Any]


@cache
def study_metadata() -> dict[str, Any]:
    """The file cbioportal.yml."""
    return yaml.safe_load(METADATA_FILE.read_text(encoding="utf-8"))


def export_cbioportal(published_file: Path, target: Path, progress: Progress = lambda text: None) -> int:
    """Write the study's folder; returns how many patients it holds.

    Raises:
        ExportRefused: nothing is published, nobody is in the cohort, the publication lacks a column, or the target holds something else.
    """
    stamp = read_publication(published_file)
    if stamp is None:
        raise ExportRefused("nothing is published yet: run `crlm refresh` first")
    metadata = study_metadata()
    with connect_read_only(published_file) as connection:
        study = connection.execute("SELECT study, title FROM meta.study").fetchall()[0]
        patients = _attributes_frame(connection, study[0], patient_attributes(), "operations.study_id AS PATIENT_ID")
        samples_of = [one for one in metadata["sample"] if study[0] in one.get("studies", [study[0]])]
        samples = _attributes_frame(
            connection,
            study[0],
            samples_of,
            "operations.study_id AS PATIENT_ID, operations.study_id || '-T1' AS SAMPLE_ID",
        )
    if patients.empty:
        raise ExportRefused("nobody is in the published cohort")
    with whole_folder(target, stamp, "cbioportal") as folder:
        progress("clinical attributes")
        _write_study(folder, study[0], study[1], stamp)
        ids = {"id": "PATIENT_ID", "name": "Patient Identifier", "meaning": "The patient's pseudonym"}
        sample_ids = {"id": "SAMPLE_ID", "name": "Sample Identifier", "meaning": "The specimen of the index operation"}
        _write_clinical(folder, "patient", "PATIENT_ATTRIBUTES", [ids, *patient_attributes()], patients)
        _write_clinical(folder, "sample", "SAMPLE_ATTRIBUTES", [ids, sample_ids, *samples_of], samples)
        _write_case_list(folder, samples["SAMPLE_ID"].tolist())
        _write_resource(folder)
    return len(patients)


def patient_attributes() -> list[Attribute]:
    """Those of cbioportal.yml, and status, months and end of each survival endpoint."""
    attributes = list(study_metadata()["patient"])
    for one in study_metadata()["survival"]:
        times = "marts.time_to_event AS times WHERE times.study_id = operations.study_id"
        of_endpoint = f"(SELECT {{}} FROM {times} AND times.endpoint = '{one['endpoint']}')"
        status = f"CASE WHEN event_code = 1 THEN '1:{one['with']}' ELSE '0:{one['without']}' END"
        shared = {"priority": 7}
        attributes += [
            {**shared, "id": f"{one['prefix']}_STATUS", "name": f"{one['name']} Status", "type": "STRING",
             "meaning": f"{one['name']}: 1 is the event; censored and competing are 0", "sql": of_endpoint.format(status)},
            {**shared, "id": f"{one['prefix']}_MONTHS", "name": f"{one['name']} (Months)", "type": "NUMBER",
             "meaning": f"{one['name']}: months from the index operation",
             "sql": of_endpoint.format(f"round(time_days / {DAYS_A_MONTH}, 2)")},
            {**shared, "priority": 1, "id": f"{one['prefix']}_END", "name": f"{one['name']}: end of the time", "type": "STRING",
             "meaning": "How the time ended, competing events by name", "sql": of_endpoint.format("event_label")},
        ]  # fmt: skip
    return attributes


def _attributes_frame(
    connection: duckdb.DuckDBPyConnection, study: str, attributes: list[Attribute], keys: str
) -> pd.DataFrame:
    columns = ", ".join(f"{one['sql'].replace('$study', study)} AS {one['id']}" for one in attributes)
    try:
        frame = connection.execute(f"SELECT {keys}, {columns} FROM {ROWS} ORDER BY operations.study_id").df()
    except (duckdb.BinderException, duckdb.CatalogException) as error:
        raise ExportRefused(f"the study cannot be made from this publication: {str(error).splitlines()[0]}") from None
    for one in attributes:
        frame[one["id"]] = frame[one["id"]].map(_written)
    return frame


def _written(value: Any) -> str:
    """A value as cBioPortal reads it: nothing where it is missing, TRUE or FALSE, a number without needless digits."""
    if pd.isna(value):
        return ""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, int | float):
        return f"{value:.10g}"
    return re.sub(r"\s+", " ", str(value)).strip()


def _write_study(folder: Path, study: str, title: str, stamp: Publication) -> None:
    metadata = study_metadata()
    simulated = "SIMULATED DATA, no patient is in it. " if stamp.is_simulated else ""
    _write_meta(
        folder / "meta_study.txt",
        {
            "type_of_cancer": metadata["cancer_types"].get(study, "mixed"),
            "cancer_study_identifier": metadata["study_id"],
            "name": ("SIMULATED DATA: " if stamp.is_simulated else "") + title,
            "description": f"{simulated}{stamp.n_patients} patients after hepatectomy; {stamp.published_at:%Y-%m}, data {stamp.data_hash}",
            "groups": metadata["groups"],
        },
    )


def _write_clinical(folder: Path, which: str, datatype: str, attributes: list[Attribute], frame: pd.DataFrame) -> None:
    _write_meta(
        folder / f"meta_clinical_{which}.txt",
        {
            "cancer_study_identifier": study_metadata()["study_id"],
            "genetic_alteration_type": "CLINICAL",
            "datatype": datatype,
            "data_filename": f"data_clinical_{which}.txt",
        },
    )
    rows = [
        "#" + "\t".join(one["name"] for one in attributes),
        "#" + "\t".join(one["meaning"] for one in attributes),
        "#" + "\t".join(one.get("type", "STRING") for one in attributes),
        "#" + "\t".join(str(one.get("priority", 1)) for one in attributes),
        "\t".join(one["id"] for one in attributes),
    ]
    rows += [
        "\t".join(values) for values in frame[[one["id"] for one in attributes]].itertuples(index=False, name=None)
    ]
    (folder / f"data_clinical_{which}.txt").write_text("\n".join(rows) + "\n", encoding="utf-8")


def _write_case_list(folder: Path, samples: list[str]) -> None:
    (folder / "case_lists").mkdir()
    study = study_metadata()["study_id"]
    _write_meta(
        folder / "case_lists" / "cases_all.txt",
        {
            "cancer_study_identifier": study,
            "stable_id": f"{study}_all",
            "case_list_name": "All samples",
            "case_list_description": f"All specimens of index operations ({len(samples)} samples)",
            "case_list_category": "all_cases_in_study",
            "case_list_ids": "\t".join(samples),
        },
    )


def _write_resource(folder: Path) -> None:
    study = study_metadata()["study_id"]
    for which, datatype in (("definition", "DEFINITION"), ("study", "STUDY")):
        _write_meta(
            folder / f"meta_resource_{which}.txt",
            {
                "cancer_study_identifier": study,
                "resource_type": datatype,
                "data_filename": f"data_resource_{which}.txt",
            },
        )
    (folder / "data_resource_definition.txt").write_text(
        "RESOURCE_ID\tDISPLAY_NAME\tRESOURCE_TYPE\tDESCRIPTION\tOPEN_BY_DEFAULT\tPRIORITY\n"
        "PAPER\tPaper\tSTUDY\tThe publication that the statistics are compared with\tfalse\t1\n",
        encoding="utf-8",
    )
    (folder / "data_resource_study.txt").write_text(
        f"RESOURCE_ID\tURL\nPAPER\t{study_metadata()['paper']}\n", encoding="utf-8"
    )


def _write_meta(file: Path, entries: dict[str, str]) -> None:
    file.write_text("".join(f"{name}: {value}\n" for name, value in entries.items()), encoding="utf-8")
