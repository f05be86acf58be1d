"""Regressions of the hazard and their rows."""
