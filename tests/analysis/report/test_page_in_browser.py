"""The page in a real browser: on a phone no label is too small to read, in print no figure is cut."""

import pytest

from analysis.report import render_report
from tests.analysis.report_builders import fake_context, fake_results

LABELS_TOO_SMALL = """() => [...document.querySelectorAll('svg text, p, td, th, a, span, figcaption')].filter(label => {
    const box = label.getBoundingClientRect(), drawing = label.closest('svg');
    if (!box.height || !label.textContent.trim()) return false;
    let size = parseFloat(getComputedStyle(label).fontSize);
    if (drawing) size *= drawing.getBoundingClientRect().width / drawing.viewBox.baseVal.width;
    return size < 9;
}).map(label => label.textContent)"""
CUT = """height => [...document.querySelectorAll('.drawing svg')].map(drawing => [drawing, drawing.getBoundingClientRect()])
    .filter(([drawing, box]) => box.right > document.documentElement.clientWidth + 1 || box.height > height
        || box.right > drawing.closest('figure').getBoundingClientRect().right + 1)
    .map(([drawing, box]) => [drawing.closest('figure').id, box.right, box.height])"""
# A4 within the page's margins, in pixels of 1/96 inch
PRINT_WIDTH, PRINT_HEIGHT = 703, 1024


@pytest.fixture(scope="module")
def html() -> str:
    return render_report(fake_results(), fake_context())


def test_no_label_is_under_nine_pixels_on_a_phone_and_the_page_does_not_scroll_sideways(browser, html):
    page = browser.new_page(viewport={"width": 375, "height": 740})
    page.set_content(html)
    assert page.locator(".drawing svg").count() == 7
    assert page.evaluate(LABELS_TOO_SMALL) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 376


def test_no_figure_is_cut_in_print(browser, html):
    page = browser.new_page(viewport={"width": PRINT_WIDTH, "height": PRINT_HEIGHT})
    page.set_content(html)
    page.emulate_media(media="print")
    assert page.evaluate(CUT, PRINT_HEIGHT) == []
