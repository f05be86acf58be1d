"""The study as a Word document in a journal's layout: Table 1, patterns, hazard ratios, figures. Sections in, bytes out."""

import io
from collections.abc import Mapping, Sequence
from typing import Any

from analysis.report.formats import moment

FONT, POINTS, TABLE_POINTS = "Times New Roman", 11, 8.5
FIGURES = {
    "recurrence": "Cumulative incidence of recurrence at any site by margin group (Aalen-Johansen, death competing; bands are 95% limits).",
    "liver": "Cumulative incidence of liver recurrence at any time by margin group.",
    "recurrence_free_survival": "Recurrence-free survival by margin group (Kaplan-Meier).",
    "forest": "Adjusted hazard ratios against margins of 10 mm and more, with 95% limits.",
    "patterns": "Initial pattern of recurrence by margin group.",
    "flow": "Cohort flow.",
}
WIDTH_INCHES = 6.3


def word_document(
    sections: Mapping[str, Mapping[str, Any]],
    pictures: Mapping[str, bytes],
    study: Mapping[str, Any],
    stamp: Mapping[str, Any],
    is_simulated: bool,
) -> bytes:
    """The document.

    Args:
        sections: of the page: table_one, patterns, hazards; what is not available is said in its place.
        pictures: PNG by the figure's name; only those that could be drawn.
        study, stamp: as for the page.
    """
    import docx

    document = docx.Document()
    _style(document)
    if is_simulated:
        document.sections[0].header.paragraphs[0].text = "SIMULATED DATA: no patient is in these numbers"
        document.sections[0].footer.paragraphs[0].text = "SIMULATED DATA"
    document.add_heading(study["title"], level=0)
    document.add_paragraph(
        f"{stamp['n_patients']:,} {'simulated ' if is_simulated else ''}patients; published {moment(stamp['published_at'])};"
        f" code {stamp['code_version']}, data {stamp['data_hash']}, run {stamp['run_id']}."
        if stamp.get("n_patients") is not None
        else "The publication is not stamped."
    )
    _table_one(document, sections["table_one"])
    _patterns(document, sections["patterns"])
    _hazard_ratios(document, sections["hazards"])
    for number, (name, legend) in enumerate(
        ((name, legend) for name, legend in FIGURES.items() if name in pictures), start=1
    ):
        _picture(document, pictures[name], f"Figure {number}. ", legend)
    file = io.BytesIO()
    document.save(file)
    return file.getvalue()


def _style(document: Any) -> None:
    from docx.shared import Pt, RGBColor

    for name in ("Normal", "Title", "Heading 1"):
        style = document.styles[name]
        style.font.name, style.font.color.rgb = FONT, RGBColor(0, 0, 0)
        style.element.get_or_add_rPr().get_or_add_rFonts().set(
            "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}eastAsia", FONT
        )
    document.styles["Normal"].font.size = Pt(POINTS)
    document.styles["Title"].font.size = Pt(16)


def _caption(document: Any, number: str, text: str) -> None:
    paragraph = document.add_paragraph()
    paragraph.paragraph_format.keep_with_next = True
    paragraph.add_run(number).bold = True
    paragraph.add_run(text)


def _table_one(document: Any, section: Mapping[str, Any]) -> None:
    _caption(document, "Table 1. ", "Patients and index operations by margin group.")
    if section["reason"]:
        document.add_paragraph(f"Not available: {section['reason']}.")
        return
    rows = []
    for block in section["blocks"]:
        is_one_line = len(block["lines"]) == 1 and not block["lines"][0]["level"]
        label = f"{block['variable']}, {block['statistic']}"
        if not is_one_line:
            rows.append([label, *[""] * len(section["strata"]), block["difference"]])
        rows += [
            [label if is_one_line else f"  {line['level']}", *line["cells"], block["difference"] if is_one_line else ""]
            for line in block["lines"]
        ]
        if block["missing"]:
            rows.append(["  missing", *block["missing"], ""])
    _ruled_table(document, ["", *section["strata"], "max SMD"], rows)
    _note(
        document,
        "Shares are of patients with a known value; 'all' includes unresolved margins. SMD: standardised mean difference.",
    )


def _patterns(document: Any, section: Mapping[str, Any]) -> None:
    _caption(document, "Table 2. ", "Patterns of recurrence, n (% of all patients in the group).")
    if section["reason"]:
        document.add_paragraph(f"Not available: {section['reason']}.")
        return
    rows = []
    for panel in section["panels"]:
        rows.append([panel["label"], *[""] * len(section["strata"])])
        rows += [[f"  {line['label']}", *line["cells"]] for line in panel["lines"]]
    _ruled_table(document, ["", *section["strata"]], rows)


def _hazard_ratios(document: Any, section: Mapping[str, Any]) -> None:
    against = "" if section["reason"] else f" against margins of {section['reference']}"
    _caption(document, "Table 3. ", f"Adjusted hazard ratios (95% CI){against}.")
    if section["reason"]:
        document.add_paragraph(f"Not available: {section['reason']}.")
        return
    compared = section["compared"]
    rows = []
    for endpoint, groups in section["texts"].items():
        rows.append([section["labels"][endpoint], *(groups[group]["ours"] for group in compared)])
        if any(groups[group]["published"][:1].isdigit() for group in compared):
            rows.append(["  published", *(groups[group]["published"] for group in compared)])
    _ruled_table(document, ["", *compared], rows)
    adjusted = ", ".join(section.get("covariates", []))
    _note(
        document,
        f"Cause-specific Cox models (Efron), adjusted for {adjusted}."
        if adjusted
        else "Cause-specific Cox models (Efron).",
    )


def _ruled_table(document: Any, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Three lines: above and below the head, below the last row."""
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.shared import Pt

    table = document.add_table(rows=0, cols=len(head))
    for number, texts in enumerate([head, *rows]):
        cells = table.add_row().cells
        for column, (cell, text) in enumerate(zip(cells, texts, strict=True)):
            paragraph = cell.paragraphs[0]
            paragraph.paragraph_format.space_after = Pt(0)
            run = paragraph.add_run(str(text).lstrip() if column == 0 else str(text))
            run.font.size, run.bold = Pt(TABLE_POINTS), number == 0
            if column:
                paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
            elif str(text).startswith("  "):
                paragraph.paragraph_format.left_indent = Pt(9)
        if number == 0:
            _rule(cells, "top")
            _rule(cells, "bottom")
            _repeat_on_every_page(table.rows[0])
    if rows:
        _rule(table.rows[-1].cells, "bottom")


def _rule(cells: Any, side: str) -> None:
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    for cell in cells:
        properties = cell._tc.get_or_add_tcPr()
        borders = properties.find(qn("w:tcBorders"))
        if borders is None:
            borders = OxmlElement("w:tcBorders")
            properties.append(borders)
        line = OxmlElement(f"w:{side}")
        for name, value in (("val", "single"), ("sz", "6"), ("space", "0"), ("color", "000000")):
            line.set(qn(f"w:{name}"), value)
        borders.append(line)


def _repeat_on_every_page(row: Any) -> None:
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    mark = OxmlElement("w:tblHeader")
    mark.set(qn("w:val"), "true")
    row._tr.get_or_add_trPr().append(mark)


def _note(document: Any, text: str) -> None:
    from docx.shared import Pt

    run = document.add_paragraph().add_run(text)
    run.font.size, run.italic = Pt(TABLE_POINTS), True


def _picture(document: Any, png: bytes, number: str, legend: str) -> None:
    from docx.shared import Inches

    paragraph = document.add_paragraph()
    paragraph.paragraph_format.keep_with_next = True
    paragraph.add_run().add_picture(io.BytesIO(png), width=Inches(WIDTH_INCHES))
    _caption(document, number, legend)
