"""Pathology that is no message: report text in columns, margin fields as statements, a row a specimen, a lesion or a statement."""

import csv
from pathlib import Path

import pytest

from orchestration.ingestion.contract import ContractError, load_hospitals
from orchestration.ingestion.contract.report_lines import SECTIONS
from tests.ingestion.test_formats_text import rejected, write_contract
from tests.ingestion.test_workbooks_as_they_come import workbook

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "cap_specimen_results" / "pathology.yml"
SECTIONS_SEED = next((Path(__file__).parents[2] / "dbt_project" / "seeds").rglob("pathology_sections.csv"))
REPORTS = """
version: "1"
feed: pathology_messages
file_pattern: "reports/*"
format: delimited
key: [message_control_id]
fields:
  message_control_id: {column: acc, required: true}
  mrn: {column: mrn, required: true}
  accession_number: {column: acc, required: true}
  collected_date: {column: dt, formats: ["%Y-%m-%d"], required: true}
  report_status: {column: status, codes: {F: final, C: corrected}, required: true}
"""


def reports_contract(warehouse, lines: str, file_format: str = "delimited") -> None:
    write_contract(warehouse, "pathology", REPORTS.replace("format: delimited", f"format: {file_format}") + lines)


def land(warehouse, header: str, *rows: str) -> None:
    warehouse.land("reports/a.csv", "\n".join([f"acc,mrn,dt,status,{header}", *rows]) + "\n")


def lines_of(warehouse, accession: str = "K1") -> list[tuple]:
    return warehouse.rows(
        f"""SELECT line.section, line.specimen, line.label, line.value, line.unit
            FROM (SELECT accession_number, record_number, unnest(observations) AS line FROM raw.pathology_messages)
            WHERE accession_number = '{accession}' ORDER BY record_number, line.sequence"""
    )


# text


def test_report_text_in_several_columns_is_a_line_a_column(warehouse):
    reports_contract(
        warehouse, "lines:\n  - {section: final_diagnosis, column: dx}\n  - {section: gross, column: gross}\n"
    )
    land(
        warehouse,
        "dx,gross",
        'K1,900001,2004-03-01,F,"Wedge of liver with metastasis.\nTransection margin involved.",4 x 3 x 2 cm',
        "K2,900002,2004-03-02,F,Margin 3 mm.,",
    )
    (load,) = warehouse.load("pathology_messages")
    assert (load.rows_read, load.rows_loaded) == (2, 2)
    assert lines_of(warehouse) == [
        ("final_diagnosis", None, None, "Wedge of liver with metastasis.\nTransection margin involved.", None),
        ("gross", None, None, "4 x 3 x 2 cm", None),
    ]
    assert lines_of(warehouse, "K2") == [("final_diagnosis", None, None, "Margin 3 mm.", None)]


def test_rtf_and_html_in_a_column_are_read_and_a_damaged_document_is_listed(warehouse):
    reports_contract(warehouse, "lines:\n  - {section: final_diagnosis, column: dx}\n")
    land(
        warehouse,
        "dx",
        r"K1,900001,2004-03-01,F,{\rtf1\ansi Margin \b 3 mm\b0.\par Metastasis.}",
        "K2,900002,2004-03-01,F,<div><p>Margin <b>4 mm</b>.</p><p>CEA &lt; 5</p></div>",
        "K3,900003,2004-03-01,F,JVBERi0xLjQK",
        "K4,900004,2004-03-01,F,<1 mm from the margin",
    )
    warehouse.load("pathology_messages")
    texts = [lines_of(warehouse, f"K{n}")[0][3] for n in (1, 2, 3, 4)]
    assert texts == [
        "Margin 3 mm.\nMetastasis.",
        "Margin 4 mm.\n\nCEA < 5",
        "[a document in a column was not read: its PDF is damaged or locked with a password]",
        "<1 mm from the margin",
    ]
    assert warehouse.rows("SELECT kind, what, n, reason FROM raw.load_notices") == [
        ("not read", "document in a column of text", 1, "its PDF is damaged or locked with a password")
    ]


def test_a_table_of_reports_without_lines_is_refused_in_the_contract(warehouse):
    reports_contract(warehouse, "")
    with pytest.raises(
        ContractError, match=r"pathology\.yml:5: format: 'delimited' holds reports in columns: say in `lines`"
    ):
        load_hospitals(warehouse.contracts_folder)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{section: diagnosis, column: dx}", "section 'diagnosis' is none of: final_diagnosis"),
        ("{section: synoptic, column: mm, unit: mm}", "a number needs a `label`"),
        ('{section: synoptic, column: mm, label: "Lesion {n}"}', "the `column` needs it too"),
        ("{section: synoptic}", "lines.0.column: this setting is missing"),
    ],
)
def test_a_line_that_cannot_be_meant_is_refused_in_the_contract(warehouse, line, reason):
    reports_contract(warehouse, f"lines:\n  - {line}\n")
    with pytest.raises(ContractError, match=r"pathology\.yml:14: lines\.0") as refusal:
        load_hospitals(warehouse.contracts_folder)
    assert reason in str(refusal.value)


def test_the_sections_of_a_contract_are_those_that_the_warehouse_reads():
    with SECTIONS_SEED.open(encoding="utf-8", newline="") as file:
        assert {row["section"] for row in csv.DictReader(file)} == set(SECTIONS)


# statements

MARGIN = (
    "lines:\n  - {section: synoptic, label: Hepatic parenchymal margin, column: mm, comparator_column: cmp, unit: mm}\n"
    "  - {section: synoptic, label: Residual tumor status, column: r, codes: {'0': R0, '1': R1}}\n"
)


@pytest.mark.parametrize(
    ("cells", "statements"),
    [
        ("3,,0", [("Hepatic parenchymal margin", "3", "mm"), ("Residual tumor status", "R0", None)]),
        ("1,<,1", [("Hepatic parenchymal margin", "<1", "mm"), ("Residual tumor status", "R1", None)]),
        ("10,at least,", [("Hepatic parenchymal margin", ">=10", "mm")]),
        ("< 1,,", [("Hepatic parenchymal margin", "< 1", "mm")]),
        ("0.5,=,", [("Hepatic parenchymal margin", "0.5", "mm")]),
        ("not given,,", [("Hepatic parenchymal margin", "not given", None)]),
        (",<,", []),
    ],
)
def test_a_margin_column_is_a_statement_with_its_comparator_and_unit(warehouse, cells, statements):
    reports_contract(warehouse, MARGIN)
    land(warehouse, "mm,cmp,r", f"K1,900001,2004-03-01,F,{cells}")
    warehouse.load("pathology_messages")
    assert [(label, value, unit) for _, _, label, value, unit in lines_of(warehouse)] == statements


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ("3,,7", "a code in a line of the report that the contract does not map"),
        ("3,ca.,0", "a comparator of a number in the report that is not known"),
    ],
)
def test_a_statement_that_is_not_understood_keeps_its_report_out(warehouse, cells, reason):
    reports_contract(warehouse, MARGIN)
    land(warehouse, "mm,cmp,r", f"K1,900001,2004-03-01,F,{cells}", "K2,900002,2004-03-01,F,4,,0")
    (load,) = warehouse.load("pathology_messages")
    assert (load.rows_loaded, load.rows_rejected) == (1, 1)
    assert rejected(warehouse) == [(2, None, None, reason)]


def test_lesions_in_columns_of_their_own_are_statements_of_their_own(warehouse):
    reports_contract(
        warehouse,
        'lines:\n  - {section: synoptic, label: "Lesion {n}, hepatic parenchymal margin", column: "m{n}_mm", unit: mm}\n',
    )
    land(warehouse, "m1_mm,m2_mm,m10_mm", "K1,900001,2004-03-01,F,3,,12")
    warehouse.load("pathology_messages")
    assert [(label, value, unit) for _, _, label, value, unit in lines_of(warehouse)] == [
        ("Lesion 1, hepatic parenchymal margin", "3", "mm"),
        ("Lesion 10, hepatic parenchymal margin", "12", "mm"),
    ]


# rows


def test_rows_of_one_report_are_one_record_and_another_status_is_a_version_of_it(warehouse):
    reports_contract(
        warehouse,
        "lines:\n  - {section: synoptic, label_column: item, column: answer, unit_column: unit, specimen_column: part}\n",
    )
    land(
        warehouse,
        "part,item,answer,unit",
        "K1,900001,2004-03-01,F,A,Parenchymal margin,Uninvolved,",
        "K2,900002,2004-03-01,F,A,Parenchymal margin,Involved,",
        "K1,900001,2004-03-01,F,B,Parenchymal margin,4,mm",
        "K1,900001,2004-03-01,C,B,Parenchymal margin,3,mm",
    )
    (load,) = warehouse.load("pathology_messages")
    assert (load.rows_read, load.rows_loaded, load.rows_duplicate) == (3, 3, 0)
    assert warehouse.rows(
        "SELECT accession_number, report_status, source_line, len(observations) FROM raw.pathology_messages ORDER BY ALL"
    ) == [("K1", "corrected", 5, 1), ("K1", "final", 2, 2), ("K2", "final", 3, 1)]
    assert lines_of(warehouse)[:2] == [
        ("synoptic", "A", "Parenchymal margin", "Uninvolved", None),
        ("synoptic", "B", "Parenchymal margin", "4", "mm"),
    ]
    assert warehouse.rows("SELECT payload FROM raw.pathology_messages WHERE source_line = 2") == [
        ("K1,900001,2004-03-01,F,A,Parenchymal margin,Uninvolved,\nK1,900001,2004-03-01,F,B,Parenchymal margin,4,mm",)
    ]


def test_a_report_is_not_taken_where_one_of_its_rows_has_another_shape(warehouse):
    reports_contract(warehouse, "lines:\n  - {section: final_diagnosis, column: dx}\n")
    land(warehouse, "dx", "K1,900001,2004-03-01,F,Margin 3 mm", "K2,900002,2004-03-01,F", "K3,900003,2004-03-01,F,x")
    (load,) = warehouse.load("pathology_messages")
    assert (load.rows_read, load.rows_loaded, load.rows_rejected) == (3, 2, 1)
    assert [
        accession for (accession,) in warehouse.rows("SELECT accession_number FROM raw.pathology_messages ORDER BY 1")
    ] == [
        "K1",
        "K3",
    ]


def test_a_corrected_margin_column_is_a_new_version_and_the_same_row_again_is_none(warehouse):
    reports_contract(warehouse, MARGIN)
    land(warehouse, "mm,cmp,r", "K1,900001,2004-03-01,F,3,,0")
    warehouse.load("pathology_messages")
    warehouse.land("reports/b.csv", "acc,mrn,dt,status,mm,cmp,r,other\nK1,900001,2004-03-01,F,3,,0,x\n")
    (same,) = warehouse.load("pathology_messages", "night-2")
    assert (same.rows_loaded, same.rows_duplicate) == (0, 1)
    warehouse.land("reports/c.csv", "acc,mrn,dt,status,mm,cmp,r\nK1,900001,2004-03-01,F,4,,0\n")
    (changed,) = warehouse.load("pathology_messages", "night-3")
    assert (changed.rows_loaded, changed.rows_duplicate) == (1, 0)


def test_reports_in_a_workbook_are_read_too(warehouse):
    reports_contract(warehouse, MARGIN, "excel")
    rows = [["acc", "mrn", "dt", "status", "mm", "cmp", "r"], ["K1", "900001", "2004-03-01", "F", 0.5, "<", 1]]
    warehouse.land("reports/a.xlsx", workbook(rows))
    warehouse.load("pathology_messages")
    assert [(label, value, unit) for _, _, label, value, unit in lines_of(warehouse)] == [
        ("Hepatic parenchymal margin", "<0.5", "mm"),
        ("Residual tumor status", "R1", None),
    ]


# the shape of the College of American Pathologists' forms


def test_the_example_contract_reads_a_table_of_specimen_results(warehouse):
    write_contract(warehouse, "pathology", EXAMPLE.read_text(encoding="utf-8"))
    warehouse.land(
        "pathology/a.csv",
        "ACCESSION_NUM,PAT_MRN_ID,COLLECTION_DATE,RESULT_TIME,RESULT_STATUS,SPECIMEN,DIAGNOSIS_TEXT,PARENCHYMAL_MARGIN_C,"
        "BILE_DUCT_MARGIN_C,CLOSEST_MARGIN_DISTANCE,CLOSEST_MARGIN_COMPARATOR\n"
        "S04-1,900001,2004-03-01,2004-03-04 10:12,Final,A,Metastatic adenocarcinoma.,1,9,3,\n"
        "S04-1,900001,2004-03-01,2004-03-04 10:12,Final,B,Metastatic adenocarcinoma.,1,1,1,<\n"
        "S04-2,900002,2004-03-02,2004-03-05 09:00,Final,A,Metastatic adenocarcinoma.,2,1,,\n",
    )
    (load,) = warehouse.load("pathology_messages")
    assert (load.rows_read, load.rows_loaded, load.fields_rejected) == (2, 2, 0)
    margin, duct, distance = (
        "Parenchymal margin",
        "Bile duct margin",
        "Distance of invasive carcinoma from closest margin",
    )
    clear, involved = "Uninvolved by invasive carcinoma", "Involved by invasive carcinoma"
    assert [line for line in lines_of(warehouse, "S04-1") if line[0] == "synoptic"] == [
        ("synoptic", "A", margin, clear, None),
        ("synoptic", "A", duct, "Not applicable", None),
        ("synoptic", "A", distance, "3", "mm"),
        ("synoptic", "B", margin, clear, None),
        ("synoptic", "B", duct, clear, None),
        ("synoptic", "B", distance, "<1", "mm"),
    ]
    assert [line for line in lines_of(warehouse, "S04-2") if line[0] == "synoptic"] == [
        ("synoptic", "A", margin, involved, None),
        ("synoptic", "A", duct, clear, None),
    ]
