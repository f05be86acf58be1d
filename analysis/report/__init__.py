"""The one-page report, from published tables to a self-contained HTML page."""

from analysis.report.render import render_report

__all__ = ["render_report"]
