from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from values.instants import (
    day_bounds,
    format_instant,
    hours,
    parse_date,
    parse_instant,
    parse_span,
    seconds_between,
)

ACCEPTED = "Must be a date and time such as 2024-01-15T14:30:00Z."
ACCEPTED_DATE = "Must be a date such as 2024-01-15."
ACCEPTED_SPAN = "Must be a date such as 2024-01-15, or a time: 2024-01-15T14:30:00Z."
YEARS = "Must be a time in the years 1970 to 2200."
UTC_ZONE = ZoneInfo("UTC")
BERLIN = ZoneInfo("Europe/Berlin")
MICROSECOND = timedelta(microseconds=1)

reproducible = settings(derandomize=True, deadline=None)
zones = st.sampled_from(
    [
        ZoneInfo(name)
        for name in (
            "UTC",
            "Europe/Berlin",
            "America/New_York",
            "America/St_Johns",
            "America/Sao_Paulo",
            "Africa/Casablanca",
            "Asia/Kathmandu",
            "Australia/Lord_Howe",
            "Pacific/Apia",
            "Pacific/Kiritimati",
        )
    ]
)
EARLIEST, LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2201, 1, 1, tzinfo=UTC)


def instants_between(first: datetime, last: datetime) -> st.SearchStrategy[datetime]:
    """Instants in UTC, both bounds included."""
    return st.timedeltas(timedelta(0), last - first).map(lambda passed: first + passed)


instants = instants_between(EARLIEST, LATEST - MICROSECOND)
# Far enough from the bounds for every zone and offset.
inner_instants = instants_between(EARLIEST + timedelta(days=2), LATEST - timedelta(days=2))
offsets = st.integers(-23 * 60 - 59, 23 * 60 + 59).map(
    lambda minutes: timezone(timedelta(minutes=minutes))
)
days = st.dates(date(1970, 1, 3), date(2200, 12, 29))


@reproducible
@given(instant=instants, zone=zones)
def test_what_we_write_is_read_back_whatever_the_zone(instant: datetime, zone: ZoneInfo) -> None:
    text = format_instant(instant)
    assert text.endswith("Z")
    assert parse_instant(text, zone) == instant


@reproducible
@given(instant=inner_instants, offset=offsets, zone=zones)
def test_an_offset_is_honoured_exactly(
    instant: datetime, offset: timezone, zone: ZoneInfo
) -> None:
    parsed = parse_instant(instant.astimezone(offset).isoformat(), zone)
    assert (parsed, parsed.tzinfo) == (instant, UTC)


@reproducible
@given(instant=inner_instants, zone=zones)
def test_a_wall_clock_time_means_its_first_instant(instant: datetime, zone: ZoneInfo) -> None:
    wall_clock = instant.astimezone(zone).replace(tzinfo=None)
    parsed = parse_instant(wall_clock.isoformat(), zone)
    assert parsed.astimezone(zone).replace(tzinfo=None) == wall_clock
    assert parsed == wall_clock.replace(tzinfo=zone, fold=0)
    assert parsed <= instant


def refusal_of(text: str, zone: ZoneInfo) -> str:
    """The sentence of a refusal; nothing if the text is read."""
    try:
        parse_span(text, zone)
    except ValueError as error:
        return str(error)
    return ""


NEARLY = r"\d{4}-[01]\d-[0-3]\d([Tt ][0-2]\d:[0-6]\d(:[0-6]\d(\.\d{0,9})?)?([Zz]|[+-]\d\d:\d\d)?)?"


@settings(derandomize=True, deadline=None, max_examples=1000)
@given(text=st.from_regex(NEARLY, fullmatch=True), zone=zones)
def test_whatever_looks_like_an_instant_is_read_or_refused_with_a_sentence(
    text: str, zone: ZoneInfo
) -> None:
    sentence = refusal_of(text, zone)
    assert sentence in (
        "",
        ACCEPTED_DATE,
        ACCEPTED_SPAN,
        YEARS,
        f"This time does not exist in {zone.key}: the clocks skip it.",
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("2024-01-15T14:30:00Z", "2024-01-15T14:30:00Z", id="as documented"),
        pytest.param("2024-01-15t14:30:00z", "2024-01-15T14:30:00Z", id="small letters"),
        pytest.param("2024-01-15 14:30:00Z", "2024-01-15T14:30:00Z", id="a space for the T"),
        pytest.param("2024-01-15T14:30Z", "2024-01-15T14:30:00Z", id="without seconds"),
        pytest.param("2024-01-15T14:30", "2024-01-15T13:30:00Z", id="an HTML form's"),
        pytest.param("2024-01-15T14:30:00", "2024-01-15T13:30:00Z", id="local winter time"),
        pytest.param("2024-07-15T14:30:00", "2024-07-15T12:30:00Z", id="local summer time"),
        pytest.param("2024-01-15T14:30:00+05:45", "2024-01-15T08:45:00Z", id="Nepal"),
        pytest.param("2024-01-15T14:30:00-00:00", "2024-01-15T14:30:00Z", id="unknown offset"),
        pytest.param("2024-01-15T00:30:00+14:00", "2024-01-14T10:30:00Z", id="largest in use"),
        pytest.param("2024-01-15T14:30:00+23:59", "2024-01-14T14:31:00Z", id="largest of all"),
        pytest.param("2024-01-15T14:30:00+0000", "2024-01-15T14:30:00Z", id="ISO 8601's zero"),
        pytest.param("2024-01-15T14:30:00-0330", "2024-01-15T18:00:00Z", id="without a colon"),
        pytest.param("2024-01-15T14:30+05", "2024-01-15T09:30:00Z", id="hours alone"),
        pytest.param("2024-01-15T14:30:00.5Z", "2024-01-15T14:30:00.500000Z", id="tenths"),
        pytest.param("2024-01-15T14:30:00.000Z", "2024-01-15T14:30:00Z", id="JavaScript's"),
        pytest.param(
            "2024-01-15T14:30:00.123456789Z", "2024-01-15T14:30:00.123456Z", id="nanoseconds"
        ),
        pytest.param("2024-02-29T00:00:00Z", "2024-02-29T00:00:00Z", id="leap day"),
        pytest.param("1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z", id="earliest"),
        pytest.param("1970-01-01T01:00:00", "1970-01-01T00:00:00Z", id="earliest, local"),
        pytest.param("2200-12-31T23:59:59Z", "2200-12-31T23:59:59Z", id="latest"),
        pytest.param("2201-01-01T00:30:00+01:00", "2200-12-31T23:30:00Z", id="latest, by offset"),
    ],
)
def test_an_instant_is_read(text: str, expected: str) -> None:
    assert format_instant(parse_instant(text, BERLIN)) == expected


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        pytest.param("", ACCEPTED, id="empty"),
        pytest.param("2024-01-15", ACCEPTED, id="a date"),
        pytest.param("14:30:00", ACCEPTED, id="a time"),
        pytest.param("1705329000", ACCEPTED, id="Unix seconds"),
        pytest.param("20240115T143000Z", ACCEPTED, id="ISO's basic format"),
        pytest.param("2024-W03-1T14:30:00Z", ACCEPTED, id="ISO week"),
        pytest.param("15.01.2024 14:30", ACCEPTED, id="German"),
        pytest.param("2024-01-15T14:30:00Z\n", ACCEPTED, id="newline at the end"),
        pytest.param(" 2024-01-15T14:30:00Z", ACCEPTED, id="space at the start"),
        pytest.param("2024-01-15T14Z", ACCEPTED, id="only hours"),
        pytest.param("2024-01-15T14:30:00.Z", ACCEPTED, id="point without digits"),
        pytest.param("2024-01-15T14:30:00,5Z", ACCEPTED, id="decimal comma"),
        pytest.param("2024-01-15T14:30:00+5", ACCEPTED, id="offset of a digit"),
        pytest.param("2024-01-15T14:30:00+053", ACCEPTED, id="offset of three digits"),
        pytest.param("2024-01-15T14:30:00+0560", ACCEPTED, id="sixty minutes of an offset"),
        pytest.param("2024-01-15T14:30:00+2500", ACCEPTED, id="too large, without a colon"),
        pytest.param("2024-01-15T14:30:00+05:30:15", ACCEPTED, id="offset with seconds"),
        pytest.param("2024-01-15T14:30:00 02:00", ACCEPTED, id="plus lost"),
        pytest.param("2024-01-15T14:30:00+24:00", ACCEPTED, id="offset of a day"),
        pytest.param("2024-01-15T14:30:00+05:60", ACCEPTED, id="60 minutes in an offset"),
        pytest.param("2024-01-15T14:30:00-05:99", ACCEPTED, id="99 minutes in an offset"),
        pytest.param("2024-01-15T14:30:00 Europe/Berlin", ACCEPTED, id="zone's name"),
        pytest.param("2024-01-15T24:00:00Z", ACCEPTED, id="hour 24"),
        pytest.param("2024-01-15T14:60:00Z", ACCEPTED, id="minute 60"),
        pytest.param("2016-12-31T23:59:60Z", ACCEPTED, id="leap second"),
        pytest.param("2023-02-29T00:00:00Z", ACCEPTED, id="no leap year"),
        pytest.param("2024-13-01T00:00:00Z", ACCEPTED, id="month 13"),
        pytest.param("2024-01-00T00:00:00Z", ACCEPTED, id="day 0"),
        pytest.param("\u0662024-01-15T14:30:00Z", ACCEPTED, id="Arabic digit"),
        pytest.param("0000-01-01T00:00:00Z", ACCEPTED, id="year 0"),
        pytest.param("0001-01-01T00:00:00+14:00", ACCEPTED, id="before Python's years"),
        pytest.param("9999-12-31T23:59:59-12:00", ACCEPTED, id="after Python's years"),
        pytest.param("0001-01-01T00:00:00", YEARS, id="local, before Python's years"),
        pytest.param("9999-12-31T23:59:59", YEARS, id="local, after Python's years"),
        pytest.param("1969-12-31T23:59:59Z", YEARS, id="too early"),
        pytest.param("1970-01-01T00:30:00+01:00", YEARS, id="too early by its offset"),
        pytest.param("1970-01-01T00:59:59", YEARS, id="too early by the zone"),
        pytest.param("2201-01-01T00:00:00Z", YEARS, id="too late"),
        pytest.param("2200-12-31T23:59:59-01:00", YEARS, id="too late by its offset"),
    ],
)
def test_what_cannot_be_meant_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(ValueError, match="Must be a") as refusal:
        parse_instant(text, BERLIN)
    assert str(refusal.value) == sentence


@pytest.mark.parametrize(
    ("zone", "text"),
    [
        pytest.param("America/New_York", "2024-03-10T02:00:00", id="first second of a gap"),
        pytest.param("America/New_York", "2024-03-10T02:59:59.999999", id="last of a gap"),
        pytest.param("Europe/Berlin", "2024-03-31T02:30:00", id="Berlin"),
        pytest.param("Australia/Lord_Howe", "2024-10-06T02:15:00", id="half an hour"),
        pytest.param("America/Sao_Paulo", "2018-11-04T00:30:00", id="a gap at midnight"),
        pytest.param("Pacific/Apia", "2011-12-30T00:00:00", id="first second of a missing day"),
        pytest.param("Pacific/Apia", "2011-12-30T23:59:59", id="last of a missing day"),
    ],
)
def test_a_wall_clock_time_that_the_clocks_skip_is_refused(zone: str, text: str) -> None:
    with pytest.raises(ValueError, match="clocks") as refusal:
        parse_instant(text, ZoneInfo(zone))
    assert str(refusal.value) == f"This time does not exist in {zone}: the clocks skip it."


@pytest.mark.parametrize(
    ("zone", "text", "expected"),
    [
        pytest.param(
            "America/New_York", "2024-03-10T01:59:59", "2024-03-10T06:59:59Z", id="before a gap"
        ),
        pytest.param(
            "America/New_York", "2024-03-10T03:00:00", "2024-03-10T07:00:00Z", id="after a gap"
        ),
        pytest.param(
            "America/New_York",
            "2024-11-03T01:30:00",
            "2024-11-03T05:30:00Z",
            id="twice: the first",
        ),
        pytest.param(
            "Australia/Lord_Howe",
            "2024-04-07T01:45:00",
            "2024-04-06T14:45:00Z",
            id="half an hour twice",
        ),
        pytest.param(
            "Australia/Lord_Howe", "2024-10-06T02:30:00", "2024-10-05T15:30:00Z", id="Lord Howe"
        ),
        pytest.param(
            "Pacific/Apia",
            "2011-12-29T23:59:59",
            "2011-12-30T09:59:59Z",
            id="before a missing day",
        ),
        pytest.param(
            "Pacific/Apia", "2011-12-31T00:00:00", "2011-12-30T10:00:00Z", id="after a missing day"
        ),
    ],
)
def test_a_wall_clock_time_near_a_change_is_exact(zone: str, text: str, expected: str) -> None:
    assert format_instant(parse_instant(text, ZoneInfo(zone))) == expected


def test_an_offset_says_which_of_two_equal_wall_clock_times_is_meant() -> None:
    new_york = ZoneInfo("America/New_York")
    assert format_instant(parse_instant("2024-11-03T01:30:00-05:00", new_york)) == (
        "2024-11-03T06:30:00Z"
    )


@pytest.mark.parametrize(
    ("zone", "day", "first", "last"),
    [
        pytest.param(
            "UTC", "2024-01-31", "2024-01-31T00:00:00Z", "2024-01-31T23:59:59Z", id="in UTC"
        ),
        pytest.param(
            "Europe/Berlin",
            "2024-01-31",
            "2024-01-30T23:00:00Z",
            "2024-01-31T22:59:59Z",
            id="local",
        ),
        pytest.param(
            "Europe/Berlin",
            "2024-03-31",
            "2024-03-30T23:00:00Z",
            "2024-03-31T21:59:59Z",
            id="23 hours",
        ),
        pytest.param(
            "Europe/Berlin",
            "2024-10-27",
            "2024-10-26T22:00:00Z",
            "2024-10-27T22:59:59Z",
            id="25 hours",
        ),
        pytest.param(
            "Australia/Lord_Howe",
            "2024-10-06",
            "2024-10-05T13:30:00Z",
            "2024-10-06T12:59:59Z",
            id="23 and a half",
        ),
        pytest.param(
            "America/Sao_Paulo",
            "2018-11-04",
            "2018-11-04T03:00:00Z",
            "2018-11-05T01:59:59Z",
            id="that starts at 1",
        ),
        pytest.param(
            "America/Havana",
            "2024-11-03",
            "2024-11-03T04:00:00Z",
            "2024-11-04T04:59:59Z",
            id="with midnight twice",
        ),
        pytest.param(
            "UTC", "1970-01-01", "1970-01-01T00:00:00Z", "1970-01-01T23:59:59Z", id="earliest"
        ),
        pytest.param(
            "UTC", "2200-12-31", "2200-12-31T00:00:00Z", "2200-12-31T23:59:59Z", id="latest"
        ),
    ],
)
def test_a_bare_date_is_the_whole_local_day(zone: str, day: str, first: str, last: str) -> None:
    span = parse_span(day, ZoneInfo(zone))
    assert (format_instant(span.first), format_instant(span.last)) == (first, last)
    assert span.end == span.last + timedelta(seconds=1)


@reproducible
@given(day=days, zone=zones)
def test_days_follow_each_other_without_gap_or_overlap(day: date, zone: ZoneInfo) -> None:
    first, end = day_bounds(day, zone)
    assert first.astimezone(zone).date() == day
    assert (first - MICROSECOND).astimezone(zone).date() < day
    assert day_bounds(day + timedelta(days=1), zone)[0] == end


def test_a_day_that_never_was_is_empty() -> None:
    first, end = day_bounds(date(2011, 12, 30), ZoneInfo("Pacific/Apia"))
    assert first == end == datetime(2011, 12, 30, 10, tzinfo=UTC)


def test_an_instant_as_a_span_is_that_instant() -> None:
    span = parse_span("2024-01-31T12:00:00+01:00", BERLIN)
    noon = datetime(2024, 1, 31, 11, tzinfo=UTC)
    assert (span.first, span.last, span.end) == (noon, noon, noon + MICROSECOND)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        pytest.param("yesterday", ACCEPTED_SPAN, id="a word"),
        pytest.param("2024-01", ACCEPTED_SPAN, id="a month"),
        pytest.param("2024-02-30", ACCEPTED_DATE, id="no such day"),
        pytest.param("1969-12-31", YEARS, id="too early"),
        pytest.param("2201-01-01", YEARS, id="too late"),
        pytest.param("9999-12-31", YEARS, id="Python's last day"),
        pytest.param("2201-01-01T00:00:00Z", YEARS, id="an instant too late"),
    ],
)
def test_a_bad_span_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(ValueError, match="Must be a") as refusal:
        parse_span(text, UTC_ZONE)
    assert str(refusal.value) == sentence


@reproducible
@given(day=st.dates(date(1970, 1, 1), date(2200, 12, 31)))
def test_every_date_of_our_years_is_read(day: date) -> None:
    assert parse_date(day.isoformat()) == day


@pytest.mark.parametrize(
    ("instant", "text"),
    [
        pytest.param(datetime(2024, 1, 15, 14, 30, tzinfo=UTC), "2024-01-15T14:30:00Z", id="UTC"),
        pytest.param(
            datetime(2024, 1, 15, 14, 30, 0, 1, UTC),
            "2024-01-15T14:30:00.000001Z",
            id="microsecond",
        ),
        pytest.param(
            datetime(2024, 1, 15, 14, 30, 0, 250_000, UTC),
            "2024-01-15T14:30:00.250000Z",
            id="quarter of a second",
        ),
        pytest.param(
            datetime(2024, 1, 15, 14, 30, tzinfo=BERLIN), "2024-01-15T13:30:00Z", id="zone"
        ),
    ],
)
def test_an_instant_leaves_as_utc(instant: datetime, text: str) -> None:
    assert format_instant(instant) == text


@pytest.mark.parametrize(
    ("seconds", "rounded"),
    [
        (0, 0.0),
        (17, 0.0),
        (18, 0.01),
        (53, 0.01),
        (54, 0.02),
        (90, 0.03),
        (3599, 1.0),
        (3600, 1.0),
        (5400, 1.5),
        (577_800, 160.5),
        (366 * 86_400, 8784.0),
    ],
)
def test_hours_are_rounded_half_up_to_two_decimals(seconds: int, rounded: float) -> None:
    assert hours(seconds) == rounded


@reproducible
@given(seconds=st.integers(0, 10**12))
def test_hours_are_as_near_as_two_decimals_can_be(seconds: int) -> None:
    shown = Decimal(str(hours(seconds)))
    assert shown == round(shown, 2)
    assert abs(shown * 3600 - seconds) <= 18


@reproducible
@given(start=instants, length=st.timedeltas(timedelta(0), timedelta(days=366)))
def test_seconds_are_whole_and_rounded_down(start: datetime, length: timedelta) -> None:
    seconds = seconds_between(start, start + length)
    assert timedelta(0) <= length - timedelta(seconds=seconds) < timedelta(seconds=1)


def test_a_day_starts_at_midnight_in_utc() -> None:
    day = date(2024, 1, 15)
    midnight = datetime.combine(day, time.min, UTC)
    assert day_bounds(day, UTC_ZONE) == (midnight, midnight + timedelta(days=1))
