"""A hospital that does not exist: a cohort from a known multi-state model, and the raw files its systems would write."""
