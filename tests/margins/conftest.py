"""Run the real dbt models of the margin reading on a few texts in a temporary DuckDB file."""

import json
import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pandas as pd
import pytest

DBT_PROJECT = Path(__file__).parents[2] / "dbt_project"
TEXT_COLUMNS = ["text_id", "accession_number", "record_id", "section", "specimen", "text"]


def read_margins(texts: pd.DataFrame, folder: Path) -> pd.DataFrame:
    """One row per text_id with margin_group, margin_mm, rule, evidence_text, ... for rows of TEXT_COLUMNS.

    Texts that say nothing about a margin are unresolved. Raises RuntimeError with dbt's words when dbt fails.
    """
    build_path = folder / "margins.duckdb"
    with duckdb.connect(str(build_path)) as connection:
        connection.register("frame", texts[TEXT_COLUMNS].astype("string"))
        connection.execute("create table main.margin_input as select * from frame")
    completed = subprocess.run(
        [
            str(Path(sys.executable).with_name("dbt")), "--quiet", "build",
            "--resource-type", "seed", "--resource-type", "model", "--select", "+text_margins",
            "--vars", json.dumps({"margin_texts_relation": "main.margin_input"}),
            "--project-dir", str(DBT_PROJECT), "--profiles-dir", str(DBT_PROJECT),
            "--target-path", str(folder / "target"), "--log-path", str(folder / "logs"),
        ],
        env=os.environ | {"CRLM_BUILD_PATH": str(build_path), "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"},
        capture_output=True,
        text=True,
    )  # fmt: skip
    if completed.returncode:
        raise RuntimeError(completed.stdout + completed.stderr)
    with duckdb.connect(str(build_path), read_only=True) as connection:
        margins = connection.execute(
            """
            select text_id, coalesce(margin_group, 'unresolved') as margin_group, margin_mm, margin_comparator, margin_type,
                rule, coalesce(unresolved_reason, case when margin_group is null then 'no margin statement' end) as unresolved_reason,
                evidence_text
            from (select distinct text_id from main.margin_input) left join intermediate.text_margins using (text_id)
            """
        ).df()
    return margins.set_index("text_id")


@pytest.fixture(scope="session")
def margins_of_phrases(tmp_path_factory):
    """Margins of both phrase files, read in one run (dbt starts slowly), next to their labels."""
    phrases = pd.concat(
        pd.read_csv(
            Path(__file__).with_name(name), dtype={"phrase_id": str, "report_text": str, "margin_group": str}
        ).assign(source=name)
        for name in ("phrases.csv", "phrases_unseen.csv")
    )
    texts = pd.DataFrame(
        {
            "text_id": phrases["phrase_id"],
            "accession_number": phrases["phrase_id"],
            "record_id": phrases["phrase_id"],
            "section": "final_diagnosis",
            "specimen": None,
            "text": phrases["report_text"],
        }
    )
    read = read_margins(texts, tmp_path_factory.mktemp("phrases"))
    return phrases.set_index("phrase_id").join(
        read.rename(columns={c: f"{c}_read" for c in ("margin_group", "margin_mm")})
    )
