"""A first contract from a file: `crlm draft-contract`. What is not sure is said on its line; what is not known is asked."""

from orchestration.ingestion.drafting.draft import NothingToDraft, draft_contract

__all__ = ["NothingToDraft", "draft_contract"]
