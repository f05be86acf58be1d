"""What a date format takes and what not, dates that read both ways round, and numbers that are bounds."""

from datetime import date, timedelta

import pytest

from orchestration.ingestion.contract import ContractError, load_hospitals
from tests.ingestion.test_formats_text import rejected, write_contract
from tests.ingestion.test_tables_as_they_come import notices

VITAL = """
version: "1"
feed: vital_status
file_pattern: vital/*.csv
format: delimited
key: [mrn]
fields:
  mrn: {column: mrn, required: true}
  vital_status: {constant: alive}
  last_contact_date: {column: lc, FORMAT, required: true}
"""


def vital_contract(warehouse, form: str) -> None:
    write_contract(warehouse, "vital", VITAL.replace("FORMAT", form))


def last_contacts(warehouse, *values: str) -> list[str | None]:
    """What becomes of these texts, in their order; None for a rejected one."""
    warehouse.land("vital/a.csv", "mrn,lc\n" + "".join(f"{900001 + n},{value}\n" for n, value in enumerate(values)))
    warehouse.load("vital_status")
    read = dict(warehouse.rows("SELECT mrn, last_contact_date FROM raw.vital_status"))
    return [read.get(str(900001 + n)) for n in range(len(values))]


# years


def test_a_year_of_four_digits_has_four_digits(warehouse):
    vital_contract(warehouse, 'formats: ["%d/%m/%Y"]')
    values = ["03/04/2009", "3/4/2009", "03/04/09", "03/04/009", "03/04/20091", "03/04/0009"]
    assert last_contacts(warehouse, *values) == ["2009-04-03", "2009-04-03", None, None, None, None]
    assert {reason for *_, reason in rejected(warehouse)} == {"not a date of the form %d/%m/%Y"}


def test_a_day_may_be_written_as_its_midnight_and_as_no_other_time(warehouse):
    vital_contract(warehouse, 'formats: ["%Y-%m-%d"]')
    values = [
        "2009-04-03 00:00:00",
        "2009-04-03 00:00:00.000",
        "2009-04-03T00:00:00",
        "2009-04-03 00:00:00.086",  # a spreadsheet's fraction of a day
        "2009-04-02 23:59:59.999997",
        "2009-04-03 12:00:00 AM",
        "2009-04-03 00:00:00+00:00",
        "2009-04-03 10:00:00",
        "2009-04-03 00:00:00.6",
        "2009-04-03 12:00:00 PM",
        "2009-04-02 23:59:59",
    ]
    assert last_contacts(warehouse, *values) == ["2009-04-03"] * 7 + [None] * 4


def test_numbers_side_by_side_have_their_full_width(warehouse):
    vital_contract(warehouse, 'formats: ["%Y%m%d"]')
    assert last_contacts(warehouse, "20090403", "2009113", "200943", "090403") == ["2009-04-03", None, None, None]
    # as a data frame writes the number
    assert last_contacts(warehouse, "20090405.0", "20090405.5") == ["2009-04-05", None]


def test_a_year_of_two_digits_is_in_the_hundred_years_that_the_contract_says(warehouse):
    vital_contract(warehouse, 'formats: ["%d.%m.%y", "%d.%m.%Y"], two_digit_years_from: 1920')
    values = ["03.04.09", "03.04.20", "03.04.19", "03.04.99", "29.02.00", "03.04.2009", "03.04.9", "29.02.19"]
    assert last_contacts(warehouse, *values) == [
        "2009-04-03", "1920-04-03", "2019-04-03", "1999-04-03", "2000-02-29", "2009-04-03", None, None,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("form", "reason"),
    [
        ('formats: ["%d/%m/%y"]', "reads years of two digits (%y): say with `two_digit_years_from`"),
        ('formats: ["%D/%m/%Y"]', "holds %D, which is no directive"),
        ('formats: ["%Y-%m-%e"]', "holds %e, which is no directive"),
        ('formats: ["%Y-%M-%d"]', "has no month (%m; %M is the minute)"),
        ('formats: ["%d/%m"]', "has no year"),
        ('formats: ["%Y-%m-%m"]', "has %m twice"),
        ('formats: ["YYYY-MM-DD"]', "has no year"),
    ],
)
def test_a_format_that_cannot_be_meant_is_refused_in_the_contract_with_its_line(warehouse, form, reason):
    vital_contract(warehouse, form)
    with pytest.raises(ContractError, match="last_contact_date") as refusal:
        load_hospitals(warehouse.contracts_folder)
    assert "vital.yml:10: " in str(refusal.value)
    assert reason in str(refusal.value)


# both ways round


def test_dates_that_all_read_both_ways_are_loaded_with_a_warning(warehouse):
    vital_contract(warehouse, 'formats: ["%d/%m/%Y"]')
    assert last_contacts(warehouse, "03/04/2009", "05/05/2009") == ["2009-04-03", "2009-05-05"]
    reason = "every date of last_contact_date reads both ways round; day and month are taken as %d/%m/%Y says"
    assert notices(warehouse) == [("warning", "last_contact_date", 2, None, reason)]


@pytest.mark.parametrize(
    ("form", "values"),
    [
        ('formats: ["%d/%m/%Y"]', ["03/04/2009", "13/04/2009"]),
        ('formats: ["%d/%m/%Y"]', ["05/05/2009"]),
        ('formats: ["%Y-%m-%d"]', ["2009-04-03"]),
        ('formats: ["%d %b %Y"]', ["03 Apr 2009"]),
    ],
    ids=["a sure one among them", "the same both ways", "year first", "month in words"],
)
def test_dates_that_read_one_way_need_no_warning(warehouse, form, values):
    vital_contract(warehouse, form)
    assert None not in last_contacts(warehouse, *values)
    assert notices(warehouse) == []


def test_a_column_that_was_sure_in_an_earlier_file_stays_sure(warehouse):
    vital_contract(warehouse, 'formats: ["%d/%m/%Y"]')
    warehouse.land("vital/2008.csv", "mrn,lc\n900009,13/04/2008\n")
    warehouse.load("vital_status")
    last_contacts(warehouse, "03/04/2009")
    assert notices(warehouse) == []


def test_a_value_that_the_contracts_own_formats_read_two_ways_is_not_taken(warehouse):
    vital_contract(warehouse, 'formats: ["%d/%m/%Y", "%m/%d/%Y"]')
    values = ["03/04/2009", "13/04/2009", "04/13/2009", "05/05/2009"]
    assert last_contacts(warehouse, *values) == [None, "2009-04-13", "2009-04-13", "2009-05-05"]
    assert [reason for *_, reason in rejected(warehouse)] == [
        "not a date of the form %d/%m/%Y or %m/%d/%Y, read one way only"
    ]


# bounds

REGISTRY = """
version: "1"
feed: registry
file_pattern: operations/*.csv
format: delimited
delimiter: ";"
decimal_sign: SIGN
key: [registry_record_id]
fields:
  registry_record_id: {column: id, required: true}
  mrn: {column: id, required: true}
  cea_ng_ml: {column: cea, unit: µg/L, minimum: 0}
  largest_metastasis_cm: {column: size, unit: mm, maximum: 30}
  metastasis_count: {column: n}
  margin_mm: {column: margin}
  age_at_operation_years: {column: age}
"""


@pytest.mark.parametrize("sign", ['"."', '","', "sniff"])
def test_a_value_below_or_above_a_limit_stays_what_it_is(warehouse, sign):
    write_contract(warehouse, "registry", REGISTRY.replace("SIGN", sign))
    point = "," if sign == '","' else "."
    warehouse.land(
        "operations/o.csv",
        "id;cea;size;n;margin;age\n"
        f"R1;<0{point}5;> 50;>=10;<1;61\n"
        f"R2;≤ 0{point}5;35;3;≥ 10;62\n"
        f"R3;about 0{point}5;<;>x;10+;>61\n",
    )
    (load,) = warehouse.load("registry")
    assert warehouse.rows(
        """SELECT cea_ng_ml, largest_metastasis_cm, metastasis_count, margin_mm, age_at_operation_years
           FROM raw.registry ORDER BY registry_record_id"""
    ) == [
        ("<0.5", ">5.0", ">=10", "<1.0", "61.0"),
        ("<=0.5", "3.5", "3", ">=10.0", "62.0"),
        (None, None, None, None, None),
    ]
    assert load.fields_rejected == 5
    assert [(kind, what, n) for kind, what, n, *_ in notices(warehouse)] == [
        ("bound", "cea_ng_ml", 2),
        ("bound", "largest_metastasis_cm", 1),
        ("bound", "margin_mm", 2),
        ("bound", "metastasis_count", 1),
    ]


def test_a_bound_beyond_the_contracts_own_limits_is_not_taken(warehouse):
    write_contract(warehouse, "registry", REGISTRY.replace("SIGN", '"."'))
    warehouse.land("operations/o.csv", "id;cea;size;n;margin;age\nR1;<-1;>400;;;\n")
    warehouse.load("registry")
    assert rejected(warehouse) == [
        (2, "cea_ng_ml", "<-1", "below the minimum of 0"),
        (2, "largest_metastasis_cm", ">400", "above the maximum of 30"),
    ]


def test_a_value_at_the_contracts_own_limit_is_taken(warehouse):
    write_contract(warehouse, "registry", REGISTRY.replace("SIGN", '"."'))
    warehouse.land("operations/o.csv", "id;cea;size;n;margin;age\nR1;0;300;;;\nR2;-0.1;300.1;;;\n")
    warehouse.load("registry")
    assert warehouse.rows("SELECT cea_ng_ml, largest_metastasis_cm FROM raw.registry ORDER BY registry_record_id") == [
        ("0.0", "30.0"),
        (None, None),
    ]
    assert [reason for *_, reason in rejected(warehouse)] == ["below the minimum of 0", "above the maximum of 30"]


def test_a_date_is_in_the_future_from_the_day_after_tomorrow_on(warehouse):
    """A hospital east of the server lives in tomorrow already."""
    vital_contract(warehouse, 'formats: ["%Y-%m-%d"]')
    days = [(date.today() + timedelta(days=ahead)).isoformat() for ahead in (0, 1, 3)]
    assert last_contacts(warehouse, *days) == [days[0], days[1], None]
    assert {reason for *_, reason in rejected(warehouse)} == {"in the future"}
