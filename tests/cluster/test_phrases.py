"""The report reader as a function of the engine's SQL, on the labelled texts: the statements that it finds on DuckDB."""

import json
import os

import duckdb
import pandas as pd

from orchestration.engines.spark.report_reading import register_report_reader as register_on_spark
from orchestration.reading.report_reading import register_report_reader
from tests.margins.conftest import OTHER_FILES, PHRASE_FILES, labelled

EVERY = int(os.environ.get("CRLM_TEST_SPARK_EVERY", "12"))
"""One phrase of so many; `make parity-spark` takes all."""


def test_the_reader_says_the_same_of_every_phrase(spark):
    texts = pd.concat([labelled(name) for name in (*PHRASE_FILES, *OTHER_FILES)])["report_text"].drop_duplicates()
    texts = texts.iloc[::EVERY].reset_index(drop=True).to_frame("text")
    assert len(texts) > 500
    with duckdb.connect() as connection:
        register_report_reader(connection)
        connection.register("texts", texts)
        told = dict(connection.execute("SELECT text, to_json(read_margin_statements(text)) FROM texts").fetchall())
    register_on_spark(spark)
    # a column of objects is one Arrow array; a column of Arrow texts may be several, which this client refuses
    spark.createDataFrame(texts.astype(object)).createOrReplaceTempView("texts")
    read = spark.sql("SELECT text, read_margin_statements(text) AS statements FROM texts").collect()
    spark.catalog.dropTempView("texts")
    assert len(read) == len(texts)
    different = [
        row.text for row in read if json.loads(told[row.text]) != [one.asDict(recursive=True) for one in row.statements]
    ]
    assert different == []


def test_no_text_has_no_statements(spark):
    register_on_spark(spark)
    rows = spark.sql("SELECT read_margin_statements(CAST(NULL AS STRING)) AS statements").collect()
    assert rows[0].statements is None
