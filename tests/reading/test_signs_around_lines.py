"""Signs that forms and printers put around lines and fields: they change nothing of what the lines say."""

import pytest

from report_reader.margins import margin_reader


def said(text):
    """(what is said, of which margin, mm) of each statement that says something."""
    statements = margin_reader().read(text)
    return {(s.reading, s.subject, s.mm) for s in statements if s.reading not in ("", "tumour", "not stated", "target")}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Distance to margin ..... .9 cm", {("distance", "margin", 9.0)}),
        ("Distance to margin ......9 mm", {("distance", "margin", 9.0)}),
        (
            "| Margin status: negative |\n| Comment: tumour at the inked surface, R1. |",
            {("negative", "margin", None), ("involved", "margin", None)},
        ),
        ("*   Parenchymal margin: clear, 6 mm", {("negative", "parenchymal", None), ("distance", "parenchymal", 6.0)}),
        ("* Clinical details: resected with a 1 cm margin.", said("Clinical details: resected with a 1 cm margin.")),
        ("(Provisional report: margin 8 mm.)", said("Provisional report: margin 8 mm.")),
        ("DIAGNOSIS:\nThe inked resection surface measures 40 mm.", {("distance", "none", 40.0)}),
        ("Microscopy: the inked resection surface measures 40 mm.", {("distance", "none", 40.0)}),
        (
            "(Carcinoma is at the bile duct margin; the liver margin is 15 mm from tumour.)",
            {("involved", "bile_duct", None), ("distance", "parenchymal", 15.0)},
        ),
        (
            '"All lesions are 10 mm or more clear of the margin; the last one (0.7 mm)."',
            said("All lesions are 10 mm or more clear of the margin; the last one (0.7 mm)."),
        ),
        ("> Parenchymal margin clear by 4 mm.\n> R0.", said("Parenchymal margin clear by 4 mm.\nR0.")),
        ("> > Distance to the resection\n> > margin 4 mm.", said("Distance to the resection margin 4 mm.")),
        ("Parenchymal margin:\n> 10 mm", said("Parenchymal margin: more than 10 mm")),
        (
            "Metastasis - Margin: 4 mm - Capsule: clear - Background liver: steatosis.",
            said("Metastasis, margin: 4 mm. Capsule: clear. Background liver: steatosis."),
        ),
        (
            "The distance to the margin is over 2 cm. The metastasis itself measures 3 mm.",
            {("distance", "margin", 20.0), ("distance", "none", 3.0)},
        ),
        ("Metastasis 2.2 cm - margin clear - R0", said("Metastasis 2.2 cm. Margin clear.")),
    ],
)
def test_what_stands_around_a_line_changes_nothing(text, expected):
    assert said(text) == expected
