"""Instants of messages and resources as the clock at the hospital showed them, as SQL."""

OFFSET = r"(Z|[+-]\d{2}:?\d{2})$"


def on_the_hospitals_clock(time: str, written: str, time_zone: str) -> str:
    """SQL: the timestamp `time`, read from the text `written` without its offset, on the clock of the time zone.

    A time without an offset, and a day without a time, are the hospital's own already.
    """
    offset = f"regexp_extract({written}, '{OFFSET}')"
    digits = f"replace(right({offset}, length({offset}) - 1), ':', '')"
    minutes = (
        f"CASE WHEN {offset} = 'Z' THEN 0 ELSE (CASE left({offset}, 1) WHEN '-' THEN -1 ELSE 1 END)"
        f" * (left({digits}, 2)::INTEGER * 60 + right({digits}, 2)::INTEGER) END"
    )
    has_time = f"length(regexp_replace(regexp_replace({written}, '{OFFSET}', ''), '[^0-9]', '', 'g')) >= 10"
    return (
        f"CASE WHEN regexp_matches({written}, '{OFFSET}') AND {has_time}"
        f" THEN timezone('{time_zone}', timezone('UTC', {time} - to_minutes({minutes}))) ELSE {time} END"
    )
