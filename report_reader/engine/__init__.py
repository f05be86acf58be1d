"""Floor 5, the engine: rows of rules on the tokens of one sentence. It knows kinds and rules by their names only."""

from report_reader.engine.clauses import Clause, Reading, clauses_of
from report_reader.engine.shapes import A_LENGTH

__all__ = ["A_LENGTH", "Clause", "Reading", "clauses_of"]
