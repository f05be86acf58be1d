"""Regular expressions of RE2, which the project's are, in the spellings of other engines."""
