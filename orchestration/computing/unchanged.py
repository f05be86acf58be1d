"""Families of statistics whose inputs are those that their tables were computed from: the tables stay, and are not computed anew.

A family's fingerprint is one for all that its tables follow from: every row and column of the tables that it reads, the plan, the
code (seeds and settings of the study among it), and the libraries that compute. It stands beside each of its tables in the build
file, and goes when anything writes the table without it. `crlm refresh --force` computes everything anew.
"""

import hashlib
from collections.abc import Sequence

import duckdb

from analysis.patients.plan import PLAN_TABLES
from analysis.results.families import Family
from orchestration.computing.inputs import REASONS_SCHEMA, sources_of
from orchestration.libraries import OF_STATISTICS, versions
from orchestration.publication.verdicts import code_digest, fingerprint
from orchestration.warehouse import column_exists, note_origin, table_exists


def family_fingerprints(
    connection: duckdb.DuckDBPyConnection, families: Sequence[Family], code_version: str
) -> dict[str, str]:
    """By name of the family: one for all that its tables follow from."""
    common = [code_digest(code_version), *versions(OF_STATISTICS)]
    common += [fingerprint(connection, "seeds", name) for name in PLAN_TABLES]
    sources = {source for family in families for need in family.needs for source in sources_of(need)}
    prints = {source: fingerprint(connection, *source) for source in sorted(sources)}
    return {
        family.name: hashlib.sha256(
            repr(
                [family.name, *common, *(prints[source] for need in family.needs for source in sources_of(need))]
            ).encode()
        ).hexdigest()[:16]
        for family in families
    }


def stays(connection: duckdb.DuckDBPyConnection, family: Family, of_inputs: str) -> bool:
    """Whether all tables of a family, and the reasons of what could not be done, stand in the build file as computed from these inputs."""
    # a build file of before has no such column
    is_known = column_exists(connection, "quality", "result_origins", "inputs")
    if not is_known or not table_exists(connection, REASONS_SCHEMA, family.name):
        return False
    rows = connection.execute("SELECT table_name FROM quality.result_origins WHERE inputs = ?", [of_inputs]).fetchall()
    known = {name for (name,) in rows}
    return all(table.name in known and table_exists(connection, "results", table.name) for table in family.tables)


def remember_inputs(connection: duckdb.DuckDBPyConnection, family: Family, of_inputs: str) -> None:
    """Beside the family's tables, as they stand now: what they were computed from, and that they belong to tonight's marts."""
    for table in family.tables:
        note_origin(connection, table.name)
        connection.execute("UPDATE quality.result_origins SET inputs = ? WHERE table_name = ?", [of_inputs, table.name])
