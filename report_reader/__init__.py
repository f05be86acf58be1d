"""The words of a report into statements: text in, statements out, each with its span in the original text, its rule and its certainty.

Floors, each knowing only those before it: traced (a text that remembers where it came from), cleaning, layout, tokens, measurements,
patterns and rules, engine, reader. What is read is data in a folder (`margins`: lexicon, kinds, compounds, cuts, contexts, lengths,
statements); no floor knows it. No DuckDB, no Dagster, nothing of the project.
"""

from report_reader.reader import Reader
from report_reader.statements import Statement

__all__ = ["Reader", "Statement"]
