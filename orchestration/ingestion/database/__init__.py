"""Feeds that are no files: a table or query of a hospital's database, fetched into the landing folder as a Parquet snapshot.

What was fetched is a file like any other from there on: verbatim, kept, read by the same checks into the same ledger.
"""

from orchestration.ingestion.database.fetch import Fetch, fetch_sources

__all__ = ["Fetch", "fetch_sources"]
