"""When messages were sent (MSH-7), as text whose order is that of time.

One rule for a file: as it is written, the hospital's local time; or in UTC, where a message of the file tells its distance from UTC,
the others of it by the hospital's time zone. From file to file the clock may so differ; one clock for all would give the records of every
file of one of the two kinds another place in their history than they were loaded with.
"""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc

_PARTS = ("year", "month", "day", "hour", "minute", "second")
_FIRST = {"month": "01", "day": "01", "hour": "00", "minute": "00", "second": "00"}
TIME = (
    r"^(?P<year>\d{4})(?P<month>\d\d)?(?P<day>\d\d)?(?P<hour>\d\d)?(?P<minute>\d\d)?(?P<second>\d\d)?(?:\.\d+)?"
    r"(?P<sign>[+-])?(?P<hours>\d\d)?(?P<minutes>\d\d)?"
)
_DIGITS = "%Y%m%d%H%M%S"
_OF_OUR_YEARS = r"^(?:000[1-9]|00[1-9]\d|0[1-9]\d\d|[1-9]\d{3})\d{10}$"


def tells_distance(written: pa.Array | pa.ChunkedArray) -> bool:
    """Whether one of the times says how far from UTC it is."""
    if not pc.any(pc.or_(pc.match_substring(written, "+"), pc.match_substring(written, "-"))).as_py():
        return False
    return bool(pc.any(pc.match_substring_regex(written, r"^\d{4,14}(?:\.\d+)?[+-]\d{4}")).as_py())


def as_written(written: pa.Array) -> pa.Array:
    return pc.struct_field(pc.extract_regex(written, r"^(?P<time>\d{4,14}(?:\.\d+)?)"), "time")


def in_utc(written: pa.Array, time_zone: str | None) -> pa.Array:
    """The times in UTC, to the second; null where there is none. `time_zone`: that of the times that tell no distance."""
    found = pc.extract_regex(written, TIME)
    part = {name: pc.struct_field(found, name) for name in (*_PARTS, "sign", "hours", "minutes")}
    digits = pc.binary_join_element_wise(*(_or_first(part[name], name) for name in _PARTS), "")
    time = pc.strptime(digits, _DIGITS, "s", error_is_null=True)
    # the 30th of February would become a day of March
    time = pc.if_else(pc.equal(pc.strftime(time, _DIGITS), digits), time, None)
    is_distant = pc.fill_null(pc.and_(pc.not_equal(part["sign"], ""), pc.not_equal(part["minutes"], "")), False)
    is_real = pc.and_(pc.less(part["hours"], "24"), pc.less(part["minutes"], "60"))
    time = pc.if_else(pc.and_(is_distant, pc.invert(pc.fill_null(is_real, False))), None, time)
    distance = [pc.if_else(is_distant, part[name], "0").cast(pa.int64()) for name in ("hours", "minutes")]
    seconds = pc.add(pc.multiply(distance[0], 3600), pc.multiply(distance[1], 60))
    seconds = pc.if_else(pc.equal(part["sign"], "-"), pc.negate(seconds), seconds)
    told = pc.strftime(pc.subtract(time, seconds.cast(pa.duration("s"))), _DIGITS)
    told = pc.if_else(pc.match_substring_regex(told, _OF_OUR_YEARS), told, None)
    if time_zone in (None, "UTC") or pc.all(is_distant).as_py():
        return told
    # a file in which some tell their distance and some do not is rare
    local = [
        _local_in_utc(one, time_zone)
        for one in pc.filter(pc.strftime(time, _DIGITS), pc.invert(is_distant)).to_pylist()
    ]
    return pc.replace_with_mask(told, pc.invert(is_distant), pa.array(local, pa.string()))


def _or_first(part: pa.Array, name: str) -> pa.Array:
    return pc.if_else(pc.equal(part, ""), _FIRST[name], part) if name in _FIRST else part


def _local_in_utc(digits: str | None, time_zone: str) -> str | None:
    if digits is None:
        return None
    try:
        return datetime.strptime(digits, _DIGITS).replace(tzinfo=ZoneInfo(time_zone)).astimezone(UTC).strftime(_DIGITS)
    except (ValueError, OverflowError):
        return None
