"""One engine for all tests: Sail, started here, or the one that CRLM_TEST_ENGINE names (sc://host:port; `make parity-spark`)."""

import os
from collections.abc import Iterator

import pytest

if os.environ.get("CRLM_TEST_SPARK") != "1":
    # `make test-spark` installs what is needed, and then a missing package is an error
    pytest.importorskip("pysail", reason="needs requirements-spark.lock: run `make test-spark`")


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a Spark Connect server."""
    from tests.cluster.sail import sail_server

    if address := os.environ.get("CRLM_TEST_ENGINE"):
        yield address
        return
    with sail_server(tmp_path_factory.mktemp("sail") / "sail.log") as server:
        yield server.address


@pytest.fixture(scope="session")
def spark(engine: str):
    """A session of it."""
    from pyspark.sql import SparkSession

    session = SparkSession.builder.remote(engine).create()
    yield session
    session.stop()
