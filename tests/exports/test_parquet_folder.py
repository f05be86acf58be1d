"""Every published table as Parquet, with a dictionary; a folder that an export did not write is left alone."""

import json

import pandas as pd
import pyarrow.parquet as pq
import pytest

from orchestration.exports.folders import ExportRefused
from orchestration.exports.parquet_folder import export_parquet


def test_each_table_is_a_file_that_describes_itself_and_the_dictionary_counts_what_is_missing(published, tmp_path):
    out = tmp_path / "out"
    assert export_parquet(published, out) == 12
    patients = pq.read_table(out / "marts" / "patients.parquet")
    assert patients.num_rows == 5
    assert patients.schema.metadata[b"description"] == b"One row a registered patient; the cohort's are marked"
    assert patients.schema.metadata[b"column.vital_status"] == b"alive or dead at last contact"
    dictionary = pd.read_csv(out / "data_dictionary.csv").set_index(["table", "column"])
    assert dictionary.loc[("patients", "cause_of_death"), ["n_rows", "n_missing"]].tolist() == [5, 3]
    assert dictionary.loc[("patients", "vital_status"), "description"] == "alive or dead at last contact"
    assert json.loads((out / "publication.json").read_text())["data_hash"] == "hash1"


def test_a_second_export_replaces_the_first_and_nothing_of_anybody_elses(published, tmp_path):
    out = tmp_path / "out"
    export_parquet(published, out)
    (out / "marts" / "of_yesterday.parquet").touch()
    export_parquet(published, out)
    assert not (out / "marts" / "of_yesterday.parquet").exists()
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.docx").touch()
    with pytest.raises(ExportRefused, match="no export wrote"):
        export_parquet(published, mine)
    assert (mine / "thesis.docx").exists()


def test_an_export_that_breaks_off_leaves_the_one_before(published, tmp_path):
    out = tmp_path / "out"
    export_parquet(published, out)

    def break_off(text: str) -> None:
        if "patients" in text:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export_parquet(published, out, break_off)
    assert (out / "marts" / "patients.parquet").exists()
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".out")] == []
