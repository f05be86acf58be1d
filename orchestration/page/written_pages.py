"""Which written page explains an asset: its name, and a link where a setting says at which address the site of `make docs` is served."""

import dagster as dg

STUDY, FORMATS = "docs/study.md", "docs/formats.md"
PAGES = {
    "landing": FORMATS,
    "raw": FORMATS,
    "definitions": STUDY,
    "staging": "docs/add_a_source.md",
    "changes": "docs/incremental.md",
    "intermediate_margins": "docs/margin_reading.md",
    "intermediate_cohort": STUDY,
    "intermediate_recurrence": STUDY,
    "intermediate_endpoints": STUDY,
    "intermediate_treatment": STUDY,
    "intermediate_episodes": STUDY,
    "marts": STUDY,
    "quality": "docs/judging_the_night.md",
    "results": "docs/results.md",
    "published": "README.md",
    "restricted": "docs/adjudication.md",
    "restricted/retention": "docs/deploy.md",
}
"""By the group in which Dagster shows the asset, or by an asset's own name where it has another than its group."""


def page_of(spec: dg.AssetSpec, docs_url: str = "") -> dg.MetadataValue | None:
    """The page for an asset; None where there is none."""
    page = PAGES.get("/".join(spec.key.path)) or PAGES.get(spec.group_name or "")
    if page is None or not docs_url:
        return page and dg.MetadataValue.text(page)
    from orchestration.docs_site.written import page_of_site

    return dg.MetadataValue.url(f"{docs_url.rstrip('/')}/{page_of_site(page)}")
