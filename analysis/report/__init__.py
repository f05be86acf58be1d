"""The one-page report, from published tables to a self-contained HTML page."""

from analysis.report.render import DrawnReport, draw_report, render_report

__all__ = ["DrawnReport", "draw_report", "render_report"]
