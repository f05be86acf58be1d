"""requirements-spark.lock is installed over requirements.lock: it must not change what is there."""

import re
from pathlib import Path

HERE = Path(__file__).parents[2]


def pinned(name: str) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9._-]+)==(\S+)", (HERE / name).read_text(encoding="utf-8"), re.MULTILINE))


def test_what_both_pin_is_of_one_version():
    base, spark = pinned("requirements.lock"), pinned("requirements-spark.lock")
    assert {name: (base[name], spark[name]) for name in base.keys() & spark.keys() if base[name] != spark[name]} == {}
    assert {"pysail", "pyspark-client", "dbt-spark"} <= spark.keys() - base.keys()
