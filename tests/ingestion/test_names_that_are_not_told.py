"""A name that stands where a file's own words stand (sheets, headers, segments, types) is in no ledger, notice or reason.

What a reader says of a file leaves the restricted build area: the ledger, the notices and the reasons are published, and are in the
log. Only words of the standards and of the contract are told; whatever else is called `of another kind`.
"""

import openpyxl
import pytest

from orchestration.ingestion.contract import read_hospitals
from orchestration.ingestion.listener.acknowledgement import Header, Rejected, check
from orchestration.ingestion.load_feed import record_stale_feeds
from orchestration.ingestion.readers.attachments import UnreadableAttachment, text_of_attachment
from orchestration.ingestion.told_names import told_name
from tests.ingestion.test_formats_binary import parquet, workbook
from tests.ingestion.test_formats_text import operations_contract, write_contract
from tests.ingestion.test_record_identity import REPORTS, lines, patient, report, resource
from tests.ingestion.test_redcap_projects import EAV, SITES, looks_contract
from tests.ingestion.test_tables_as_they_come import zipped
from tests.ingestion.test_workbooks_as_they_come import saved

INVENTED = ("doe", "jane", "7654321")
HEADER = ["id", "patient", "name", "remark", "operated", "nodules", "cea"]
SOUND = ["R1", "A1", "", "", "2000-12-31", "3", "12.5"]
LOOKS = """
version: "1"
feed: follow_up
file_pattern: "looks/*"
format: delimited
key: [mrn, event_id]
fields:
  event_id: {column: "{n}", required: true}
  mrn: {column: mrn, required: true}
  event_date: {column: "fu{n}_date", formats: ["%Y-%m-%d"], required: true}
  event_type: {constant: imaging}
  finding: {column: "fu{n}_res", codes: {"0": no_evidence_of_disease}, required: true}
"""
MESSAGE = ["MSH|^~\\&|L|H|C|W|20090610||ORU^R01|M1|T|2.5.1", "PID|1||A1^^^H^MR", "OBR|1||S1|D", "OBX|1|TX|D||x||||||F"]
REPORTS_OF_MESSAGES = """
version: "1"
feed: pathology_messages
file_pattern: pathology/*.hl7
format: hl7_v2
key: [message_control_id]
fields:
  message_control_id: {column: MSH-10, required: true}
  mrn: {column: PID-3.1, required: true}
  accession_number: {column: OBR-3.1, required: true}
"""
MERGES = """
version: "1"
feed: patient_merges
file_pattern: merges/*.hl7
format: hl7_v2
message_type: ADT
key: [retired_mrn]
fields: {retired_mrn: {column: MRG-1.1, required: true}, mrn: {column: PID-3.1, required: true}}
"""


def told(warehouse) -> list[str]:
    """All that is told outside of what was read: of a refused file, of records that were rejected, of what was not read."""
    record_stale_feeds(warehouse.connection, read_hospitals(warehouse.contracts_folder, []), warehouse.landing)
    rows = warehouse.rows(
        """SELECT status FROM raw.ingest_ledger UNION ALL SELECT concat_ws(': ', what, reason) FROM raw.load_notices
           UNION ALL SELECT concat_ws(': ', field, reason) FROM raw.rejected_records
           UNION ALL SELECT reason FROM raw.stale_feeds"""
    )
    return [text for (text,) in rows]


def says_nothing_of_her(warehouse, feed: str) -> list[str]:
    (load,) = warehouse.load(feed)
    texts = [load.status, *told(warehouse)]
    for name in INVENTED:
        assert not [text for text in texts if name in text.lower()]
    return texts


# tables


def workbook_of_empty_sheets() -> bytes:
    book = openpyxl.Workbook()
    book.active.title = "Doe, Jane"
    return saved(book)


@pytest.mark.parametrize(
    ("content", "settings", "said"),
    [
        (
            workbook_of_empty_sheets(),
            "",
            "refused: the first visible sheet is empty, and no other has the contract's columns",
        ),
        (workbook_of_empty_sheets(), "sheet: Operations", "refused: the workbook has no sheet 'Operations'"),
        (workbook([HEADER, SOUND], "Doe, Jane", {"Jane": [["notes"]]}), "", "loaded"),
        (workbook([["Doe", "Jane", *HEADER[2:]]], "Doe, Jane"), "", "refused: the header lacks the contract's column(s): id, patient"),
        (workbook([["mm", "Doe, Jane"], HEADER, ["", "", "Jane", "Doe", "", "", "ng/ml"], SOUND], "Doe"), "", "loaded"),
    ],
)  # fmt: skip
def test_the_name_of_a_sheet_and_what_its_cells_say(warehouse, content, settings, said):
    operations_contract(warehouse, settings, file_format="excel", ending="xlsx")
    warehouse.land("operations/a.xlsx", content)
    assert says_nothing_of_her(warehouse, "registry")[0] == said


def test_a_sheet_that_the_contract_names_is_told(warehouse):
    operations_contract(warehouse, "sheet: Operations", file_format="excel", ending="xlsx")
    warehouse.land("operations/a.xlsx", workbook([], "Operations"))
    (load,) = warehouse.load("registry")
    assert load.status == "refused: sheet 'Operations' is empty"


@pytest.mark.parametrize(
    "text",
    [
        "Doe;Jane\n1;2\n",
        ";".join(HEADER) + "\n" + ";".join(SOUND) + ";Doe, Jane\n",
        "Doe, Jane\n" + ";".join(HEADER) + "\n" + ";".join(SOUND) + "\n",
        ";".join(HEADER) + '\nR1;"Doe, Jane;;\n',
        'id;"Doe\nJane;patient\n' + ";".join(SOUND) + "\n",
    ],
)
def test_the_words_of_a_delimited_file(warehouse, text):
    operations_contract(warehouse, 'delimiter: ";"')
    warehouse.land("operations/a.csv", text)
    says_nothing_of_her(warehouse, "registry")


def test_the_number_in_a_column_of_a_wide_table_may_be_a_patients(warehouse):
    write_contract(warehouse, "looks", LOOKS)
    warehouse.land("looks/a.csv", "mrn,fu1_date,fu1_res,fu7654321_date\nA1,2005-04-03,0,2005-04-03\n")
    assert says_nothing_of_her(warehouse, "follow_up")[0].startswith("refused: the header lacks")


def test_the_columns_of_a_parquet_file(warehouse):
    operations_contract(warehouse, file_format="parquet", ending="parquet")
    warehouse.land("operations/a.parquet", parquet([["Doe, Jane", *HEADER[1:]], SOUND]))
    says_nothing_of_her(warehouse, "registry")


@pytest.mark.parametrize(
    "text",
    [
        "record_id,mrn,fu_date,res,site___1,site___doe_jane\n1,900001,2005-04-03,0,1,1\n2,900002,2005-04-03,Doe,Jane,0\n",
        "record_id,mrn,fu_date,res,Doe (choice=Jane)\n1,900001,2005-04-03,0,Checked\n",
        EAV.replace("year_1_arm_1", "doe_jane_arm_1") + "1,year_1_arm_1,follow_up,3,doe_jane,x\n",
    ],
)
def test_the_forms_and_choices_of_a_redcap_export(warehouse, text):
    looks_contract(warehouse, more=SITES)
    warehouse.land("redcap/r.csv", text)
    says_nothing_of_her(warehouse, "follow_up")


def test_the_files_of_an_archive(warehouse):
    operations_contract(warehouse, ending="csv")
    sound = ",".join(HEADER) + "\n" + ",".join(SOUND) + "\n"
    warehouse.land("operations/a.csv.zip", zipped(Doe__csv=sound, Jane__csv="Doe,Jane\n", Doe_Jane__pdf="x"))
    says_nothing_of_her(warehouse, "registry")


# messages


@pytest.mark.parametrize(
    ("segment", "what"),
    [
        ("DOE|1|Jane", "segment of another kind: "),
        ("ZDO|1|Jane", "segment Z..: "),
        ("OBX|2|DOE|D||Jane||||||F", "OBX of another kind: of this type no text is made"),
        ("OBX|2|XPN|D||Doe^Jane||||||F", "OBX of type XPN: of this type no text is made"),
        (
            "OBX|2|ED|60567-5^Report^LN||^application^Doe_Jane.pdf^Base64^JVBERi0xLjEK||||||F",
            "attachment of another kind: its PDF is damaged or locked with a password",
        ),
        (
            "OBX|2|ED|D||^application^Doe_Jane.pdf^Base64^AAAA||||||F",
            "attachment of another kind: it is called PDF but is none, or it is damaged",
        ),
        ("OBX|2|RP|D||//doe/jane^^Doe^Jane||||||F", "attachment of another kind: it is a pointer to a document elsewhere"),
        ("OBX|2|TX|D||x||||||Jane", None),
        ("Doe, Jane", "1 line(s) that are no segment"),
    ],
)  # fmt: skip
def test_the_segments_and_types_of_a_message(warehouse, segment, what):
    warehouse.land("pathology/a.hl7", "".join(f"{one}\r" for one in [*MESSAGE, segment]))
    write_contract(warehouse, "pathology", REPORTS_OF_MESSAGES)
    texts = says_nothing_of_her(warehouse, "pathology_messages")
    assert what is None or what.removesuffix(": ") in texts


@pytest.mark.parametrize(
    "message",
    [
        MESSAGE[0].replace("ORU^R01", "DOE^JANE"),
        MESSAGE[0] + "||||||JANE DOE",
        "MSH|^~\\&|Doe|Jane|",
    ],
)
def test_the_types_and_character_sets_of_a_message(warehouse, message):
    warehouse.land("pathology/a.hl7", "".join(f"{one}\r" for one in [message, *MESSAGE[1:]]))
    says_nothing_of_her(warehouse, "pathology_messages")


def test_the_events_of_merges(warehouse):
    write_contract(warehouse, "merges", MERGES)
    heads = [MESSAGE[0].replace("ORU^R01", f"ADT^{event}") for event in ("JANE", "A01", "A60DOE")]
    warehouse.land("merges/a.hl7", "".join(f"{head}\rPID|1||A1\r" for head in heads))
    texts = says_nothing_of_her(warehouse, "patient_merges")
    assert "ADT^A01 message: it says nothing of whose record a record is" in texts


def test_the_type_of_a_message_that_the_listener_does_not_take():
    for kind, said in (("DOE", "messages of another kind"), ("ORM", "messages of type ORM")):
        with pytest.raises(Rejected, match=f"^{said} are not taken here"):
            check(Header("|", "^~\\&", ("^~\\&", *[""] * 6, f"{kind}^O01", "M1")), {"ORU"})


# resources


@pytest.mark.parametrize(
    ("other", "what"),
    [
        ([resource("DoeJane", "1")], "resource of another kind: no record of this contract refers to it"),
        (
            [{"resourceType": "Bundle", "type": "transaction", "entry": [{"request": {"method": "DELETE", "url": "DoeJane/7654321"}}]}],
            "deleted resource of another kind: the contract reads resources of another type",
        ),
        ([report("x", "r2", doeJane=1)], "element of another kind: nothing was taken from it"),
        ([report("x", "r2", **{"(doe": 1})], "element of another kind: nothing was taken from it"),
        (
            [report("x", "r2", presentedForm=[{"contentType": "Doe Jane.pdf", "data": "AAAA"}])],
            "attachment of another kind: it is called PDF but is none, or it is damaged",
        ),
        (
            [report("x", "r2", presentedForm=[{"contentType": "doe/jane", "data": "AAAA"}])],
            "attachment of another kind: it is of a type that is not read",
        ),
        ([report("x", "r2", result=[{"reference": "https://doe/Jane/7654321"}])], "refers to an Observation, which is not in the file"),
        ([{"Doe": "Jane"}], "not a FHIR resource: no JSON object with a resourceType"),
    ],
)  # fmt: skip
def test_the_types_and_elements_of_resources(warehouse, other, what):
    write_contract(warehouse, "fhir", REPORTS)
    warehouse.land("fhir/a.ndjson", lines(patient("900001"), *other, report("y")))
    assert what in says_nothing_of_her(warehouse, "pathology_messages")


# the words themselves


def test_words_of_the_standards_are_told_and_no_others():
    assert told_name("segment", "SPM") == "segment SPM"
    assert told_name("resource", "Encounter") == "resource Encounter"
    assert told_name("attachment", "application/pdf") == "attachment application/pdf"
    assert told_name("attachment", "ap/pdf") == "attachment ap/pdf"
    assert told_name("attachment", "application/jane") == "attachment of another kind"
    assert told_name("attachment", "pdf/application/pdf/text") == "attachment of another kind"


def test_the_reason_of_an_attachment_quotes_no_name_of_it():
    with pytest.raises(UnreadableAttachment, match="^it is called RTF but is none, or it is damaged$"):
        text_of_attachment(b"x", "Doe Jane.rtf")
