"""Floor 5, the engine: rows of rules on the tokens of one sentence. It knows kinds and rules by their names only."""

from report_reader.engine.clauses import Clause, Reading
from report_reader.engine.remembered import UNIT_OF_ALL, Remembered, Sentences
from report_reader.engine.shapes import A_LENGTH

__all__ = ["A_LENGTH", "UNIT_OF_ALL", "Clause", "Reading", "Remembered", "Sentences"]
