"""What sqlglot leaves wrong between DuckDB and Spark, one topic a file. A statement rule sees the whole query, a node rule one
expression whose parts are translated already; a node rule gives back the node itself where it has nothing to say."""

from orchestration.engines.spark.rules.case_types import type_of_case
from orchestration.engines.spark.rules.columns import stars_and_names
from orchestration.engines.spark.rules.grouping import group_by_all
from orchestration.engines.spark.rules.hashes import hash_of_64_bits
from orchestration.engines.spark.rules.joined_text import joined_text
from orchestration.engines.spark.rules.known_functions import only_what_is_known
from orchestration.engines.spark.rules.letter_case import distance_of_words, letter_case
from orchestration.engines.spark.rules.list_functions import list_function, list_of_literals, position_in_list
from orchestration.engines.spark.rules.lists_of_rows import first_of_rows, list_of_rows
from orchestration.engines.spark.rules.numbers import (
    days_between,
    decimal_literal,
    division,
    hexadecimal_text,
    number_tried,
    wide_integer,
)
from orchestration.engines.spark.rules.patterns import like, pattern_function, split_text
from orchestration.engines.spark.rules.qualifying import qualified
from orchestration.engines.spark.rules.refusals import refused
from orchestration.engines.spark.rules.trimming import trimmed
from orchestration.engines.spark.rules.unnesting import unnested_joins, unnested_projections

STATEMENT_RULES = (only_what_is_known, stars_and_names, group_by_all, unnested_projections, unnested_joins, qualified)
NODE_RULES = (
    refused,
    pattern_function,
    split_text,
    like,
    list_of_rows,
    first_of_rows,
    joined_text,
    trimmed,
    letter_case,
    distance_of_words,
    list_function,
    list_of_literals,
    position_in_list,
    hash_of_64_bits,
    division,
    hexadecimal_text,
    number_tried,
    days_between,
    wide_integer,
    decimal_literal,
    type_of_case,
)
