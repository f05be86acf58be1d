"""What several paragraphs of one operation say together: sections, specimens, addenda."""

import pandas as pd
import pytest

from .conftest import TEXT_COLUMNS, read_margins

PARENCHYMAL, DUCT, CLEAR = "Parenchymal margin", "Bile duct margin", "Uninvolved by invasive carcinoma"
CLOSEST = "Distance of invasive carcinoma from closest margin"
REPORTS = {
    "gross never beats microscopic": [
        ("gross", "A", "The nodule lies 0.1 cm from the inked margin."),
        ("microscopic", "A", "Tumor is 6 mm from the parenchymal margin."),
    ],
    "gross distance only": [
        ("gross", "A", "The nodule lies 0.4 cm from the inked margin."),
        ("final_diagnosis", "A", "LIVER, SEGMENT 6: Metastatic adenocarcinoma. Margin negative."),
    ],
    "permanent over frozen": [
        ("intraoperative", "A", "Parenchymal margin positive for carcinoma."),
        ("final_diagnosis", "A", "Parenchymal margin negative, 2 mm."),
    ],
    "frozen section only": [("intraoperative", "A", "Parenchymal margin negative, 12 mm.")],
    "smallest of the liver specimens": [
        ("final_diagnosis", "A", "LIVER, SEGMENT 6: Metastatic adenocarcinoma. Margin 12 mm."),
        ("final_diagnosis", "B", "LIVER, SEGMENT 2: Metastatic adenocarcinoma. Margin 3 mm."),
    ],
    "one specimen left open": [
        ("final_diagnosis", "A", "LIVER, SEGMENT 6: Metastatic adenocarcinoma. Margin negative."),
        ("final_diagnosis", "B", "LIVER, SEGMENT 2: Metastatic adenocarcinoma. Margin 3 mm."),
    ],
    "bowel of the same operation": [
        ("final_diagnosis", "A", "SIGMOID COLON, RESECTION: Adenocarcinoma."),
        ("final_diagnosis", "B", "LIVER, WEDGE: Metastatic adenocarcinoma."),
        ("microscopic", "A", "Margin positive. Closest margin 0.5 mm."),
        ("microscopic", "B", "Closest margin 11 mm."),
    ],
    "a synoptic margin that names no organ beside a bowel": [
        ("final_diagnosis", "A", "SIGMOID COLON, RESECTION: Adenocarcinoma."),
        ("final_diagnosis", "B", "LIVER, WEDGE: Metastatic adenocarcinoma."),
        ("synoptic", None, "Distance from closest margin: 4 mm"),
    ],
    "a label that stands above the line with its value, beside a bowel": [
        ("final_diagnosis", "A", "SIGMOID COLON, RESECTION: Adenocarcinoma."),
        ("final_diagnosis", "B", "LIVER, WEDGE: Metastatic adenocarcinoma."),
        ("synoptic", None, "Closest margin: parenchymal\nClearance: 0.4 cm"),
    ],
    "a specimen lettered by the text and by the feed": [
        ("final_diagnosis", "A", "A. LIVER, SEGMENT 6, RESECTION: Metastatic adenocarcinoma."),
        ("synoptic", "A", "Distance from parenchymal margin: 4 mm"),
    ],
    "benign liver specimen": [
        ("final_diagnosis", "A", "LIVER, SEGMENT 6: Metastatic adenocarcinoma. Margin 5 mm."),
        ("final_diagnosis", "B", "LIVER, SEGMENT 3: Hemangioma. Margin negative."),
    ],
    "re-resected margin": [
        ("final_diagnosis", "A", "LIVER, SEGMENT 6: Metastatic adenocarcinoma, present at the parenchymal margin."),
        ("final_diagnosis", "B", "ADDITIONAL PARENCHYMAL MARGIN: Benign liver parenchyma."),
    ],
    "addendum adds": [
        ("final_diagnosis", "A", "LIVER, SEGMENT 6: Metastatic adenocarcinoma. Margin negative."),
        ("addendum", None, "On review the tumor is 7 mm from the parenchymal margin."),
    ],
    "the closest of two clear margins": [
        ("synoptic", "A", f"{PARENCHYMAL}: {CLEAR}\n{DUCT}: {CLEAR}\n{CLOSEST}: 3 mm")
    ],
    "the closest of two clear margins, far": [
        ("synoptic", "A", f"{PARENCHYMAL}: {CLEAR}\n{DUCT}: {CLEAR}\n{CLOSEST}: 12 mm")
    ],
    "the closest of two clear margins, near": [
        ("synoptic", "A", f"{PARENCHYMAL}: {CLEAR}\n{DUCT}: {CLEAR}\n{CLOSEST}: <1 mm")
    ],
    "the closest margin where there is no other": [
        ("synoptic", "A", f"{PARENCHYMAL}: {CLEAR}\n{DUCT}: Not applicable\n{CLOSEST}: 3 mm")
    ],
    "the closest margin is the duct": [
        ("synoptic", "A", f"All margins negative for carcinoma\nClosest margin: Bile duct\n{CLOSEST}: 3 mm")
    ],
    "the closest margin is the parenchymal one": [
        ("synoptic", "A", f"All margins negative for carcinoma\nClosest margin: Hepatic parenchymal\n{CLOSEST}: 3 mm")
    ],
    "the closest of two clear margins beside the parenchymal width": [
        ("synoptic", "A", f"{PARENCHYMAL}: {CLEAR}, 5 mm\n{DUCT}: {CLEAR}\n{CLOSEST}: 3 mm")
    ],
    "the duct is involved": [
        ("synoptic", "A", f"{PARENCHYMAL}: {CLEAR}\n{DUCT}: Involved by invasive carcinoma\n{CLOSEST}: 0 mm")
    ],
    # a discrete line (a number with its unit, a registry's column) ranks as a synoptic field
    "a discrete line beside the naked eye": [
        ("gross", "A", "The nodule lies 0.1 cm from the inked margin."),
        ("synoptic", None, f"{PARENCHYMAL}: 4 mm"),
    ],
    "a discrete line beside a frozen section": [
        ("intraoperative", "A", "Parenchymal margin positive for carcinoma."),
        ("synoptic", None, f"{PARENCHYMAL}: 4 mm"),
    ],
    "a discrete line beside a wider microscopic one": [
        ("microscopic", "A", "Tumor is 6 mm from the parenchymal margin."),
        ("synoptic", None, f"{PARENCHYMAL}: 4 mm"),
    ],
    "a discrete line that the diagnosis contradicts": [
        ("final_diagnosis", "A", "Tumor is present at the parenchymal margin."),
        ("synoptic", None, f"{PARENCHYMAL}: 4 mm"),
    ],
    "wrapped lines": [
        ("final_diagnosis", "A", "The parenchymal margin is negative, with a closest\ndistance of\n4\nmm.")
    ],
}
EXPECTED = {
    "gross never beats microscopic": ("1.0-9.9 mm", 6, None),
    "gross distance only": ("unresolved", None, "gross distance only"),
    "permanent over frozen": ("1.0-9.9 mm", 2, None),
    "frozen section only": ("unresolved", None, "intraoperative statement only"),
    "smallest of the liver specimens": ("1.0-9.9 mm", 3, None),
    "one specimen left open": ("unresolved", None, "distance only bounded"),
    "bowel of the same operation": (">=10 mm", 11, None),
    "a synoptic margin that names no organ beside a bowel": ("unresolved", None, "margin not assessable"),
    "a label that stands above the line with its value, beside a bowel": ("1.0-9.9 mm", 4, None),
    "a specimen lettered by the text and by the feed": ("1.0-9.9 mm", 4, None),
    "benign liver specimen": ("1.0-9.9 mm", 5, None),
    "re-resected margin": ("unresolved", None, "re-resected margin"),
    "addendum adds": ("1.0-9.9 mm", 7, None),
    "the closest of two clear margins": ("unresolved", None, "distance only bounded"),
    "the closest of two clear margins, far": (">=10 mm", 12, None),
    "the closest of two clear margins, near": ("unresolved", None, "distance not given"),
    "the closest margin where there is no other": ("1.0-9.9 mm", 3, None),
    "the closest margin is the duct": ("unresolved", None, "distance only bounded"),
    "the closest margin is the parenchymal one": ("1.0-9.9 mm", 3, None),
    "the closest of two clear margins beside the parenchymal width": ("1.0-9.9 mm", 5, None),
    "the duct is involved": ("positive", 0, None),
    "a discrete line beside the naked eye": ("1.0-9.9 mm", 4, None),
    "a discrete line beside a frozen section": ("1.0-9.9 mm", 4, None),
    "a discrete line beside a wider microscopic one": ("1.0-9.9 mm", 4, None),
    "a discrete line that the diagnosis contradicts": ("unresolved", None, "status and distance conflict"),
    "wrapped lines": ("1.0-9.9 mm", 4, None),
}


@pytest.fixture(scope="module")
def margins():
    paragraphs = [
        (name, name, f"{name} {section}", section, specimen, text)
        for name, rows in REPORTS.items()
        for section, specimen, text in rows
    ]
    return read_margins(pd.DataFrame(paragraphs, columns=TEXT_COLUMNS))


@pytest.mark.parametrize("name", REPORTS)
def test_paragraphs_are_read_together(margins, name):
    read = margins.loc[name]
    width = None if pd.isna(read["margin_mm"]) else read["margin_mm"]
    reason = None if pd.isna(read["unresolved_reason"]) else read["unresolved_reason"]
    assert (read["margin_group"], width, reason) == EXPECTED[name]
