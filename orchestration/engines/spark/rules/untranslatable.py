"""What a rule says where it cannot keep the meaning."""


class Untranslatable(ValueError):
    """A construct of DuckDB's that has no counterpart, or none that a rule knows; the message names it."""
