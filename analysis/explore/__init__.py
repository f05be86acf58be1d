"""Explore: a page on which a surgeon chooses a subgroup, an endpoint and a grouping. Counts in, one HTML page out.

statistics.js computes in the page what `analysis.curves` computes in Python, equal to R's to 1e-9; page.js draws it. For the people of the
study only: small cells of counts are nearly patients' rows, so the page belongs to the internal publication.
"""

from analysis.explore.page import ExploreRefused, render_explore

__all__ = ["ExploreRefused", "render_explore"]
