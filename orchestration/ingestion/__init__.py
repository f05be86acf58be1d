"""Raw records in: source contracts, one reader a file format, the quarantine and the ledger. Knows nothing of the rest of the project."""
