"""Retention, whatever the line and the day: never early, and no knowledge shortens what it may only lengthen."""

from dataclasses import replace
from datetime import date, timedelta

from hypothesis import assume, example, given
from hypothesis import strategies as st

from archive.retention import RECEIPT, EarlierPeriod, Extension, Period, ScheduleLine, decide_retention

DAYS = st.dates(date(1950, 1, 1), date(2150, 12, 31))
ANY_DAY = st.dates()
PERIODS = st.one_of(
    st.builds(Period, years=st.integers(0, 100)),
    st.builds(Period, months=st.integers(0, 600)),
    st.builds(Period, days=st.integers(0, 4000)),
)
CUTOFFS = st.sampled_from(["year-end", "day"])


def due(line: ScheduleLine, started_on: date) -> date:
    """The day a letter may be destroyed whose period starts on a day."""
    due_on = decide_retention(line, {line.start_event: started_on}).due_on
    assert due_on is not None
    return due_on


@st.composite
def lines(draw: st.DrawFn, cutoffs: st.SearchStrategy[str] = CUTOFFS) -> ScheduleLine:
    """A line of a schedule, with up to three laws that were in force before."""
    earlier = draw(
        st.lists(st.builds(EarlierPeriod, until=DAYS, period=PERIODS), max_size=3, unique_by=lambda e: e.until)
    )
    return ScheduleLine(
        code="XX-01", label="Unterlagen", period=draw(PERIODS), start_event=RECEIPT, cutoff=draw(cutoffs),
        basis="§ 1 Probegesetz", tax_relevant=False, release="signed", earlier=tuple(earlier),
    )  # fmt: skip


@given(lines(), ANY_DAY)
def test_nothing_is_due_before_the_shortest_law_there_ever_was_has_passed(line: ScheduleLine, started_on: date) -> None:
    """Nothing early: whichever law counts, its whole period lies between the start and the due day."""
    shortest = min(
        due(plain, started_on)
        for period in (line.period, *(version.period for version in line.earlier))
        for plain in [_plain(line, period)]
    )

    assert due(line, started_on) >= shortest
    assert due(line, started_on) > started_on or started_on == date.max


@given(CUTOFFS, PERIODS, DAYS)
def test_the_last_day_of_the_period_is_kept(cutoff: str, period: Period, started_on: date) -> None:
    """A period of years ends with the last moment of its last day; only the day after is free."""
    line = ScheduleLine(
        code="XX-01", label="", period=period, start_event=RECEIPT, cutoff=cutoff, basis="", tax_relevant=False,
        release="signed",
    )  # fmt: skip
    start = date(started_on.year, 12, 31) if cutoff == "year-end" else started_on
    last = due(line, started_on) - timedelta(days=1)

    assert last >= start
    if period.years is not None:
        assert last.year - start.year == period.years
        assert (last.month, last.day) in ((start.month, start.day), (2, 28))
        assert cutoff == "day" or (last.month, last.day) == (12, 31)
    elif period.months is not None:
        assert (last.year - start.year) * 12 + last.month - start.month == period.months
        assert last.day == start.day or (last.day < start.day and (last + timedelta(days=1)).day == 1)
    else:
        assert (last - start).days == period.days


@given(lines(), ANY_DAY, ANY_DAY)
@example(
    ScheduleLine(
        code="FIN-08", label="", period=Period(years=8), start_event=RECEIPT, cutoff="year-end", basis="",
        tax_relevant=True, release="signed",
        earlier=(EarlierPeriod(until=date(2024, 12, 31), period=Period(years=10)),),
    ),
    date(2024, 12, 31),
    date(2025, 1, 1),
)  # fmt: skip
def test_a_later_event_never_shortens(line: ScheduleLine, one: date, other: date) -> None:
    """The later of date and receipt, a later end of a contract: what is told later may lengthen, never shorten."""
    assert due(line, min(one, other)) <= due(line, max(one, other))


@given(lines(), DAYS, DAYS)
def test_a_misread_date_only_lengthens(line: ScheduleLine, received_on: date, read: date) -> None:
    """Filing takes the later of the day of receipt and the day that was read: no misreading destroys early."""
    assert due(line, max(received_on, read)) >= due(line, received_on)


@given(lines(), DAYS)
def test_a_change_of_law_destroys_nothing_before_both_it_and_the_old_period_allow(
    line: ScheduleLine, started_on: date
) -> None:
    """Between two laws a letter is due when it was under the old one, or when the new one is in force and satisfied."""
    assume(len(line.earlier) == 1)
    (before,) = line.earlier
    old, new = due(_plain(line, before.period), started_on), due(_plain(line, line.period), started_on)
    in_force = before.until + timedelta(days=1)

    assert due(line, started_on) == (old if old <= in_force else max(new, in_force))


@given(lines(), DAYS)
def test_the_sentence_says_period_paragraph_and_day(line: ScheduleLine, started_on: date) -> None:
    """An explanation without one of the three cannot be checked by whoever hears it."""
    decision = decide_retention(line, {RECEIPT: started_on})

    for piece in (str(line.period), line.basis, str(started_on), str(decision.due_on)):
        assert piece in decision.reason


@given(lines(), DAYS)
def test_what_is_not_known_is_never_due(line: ScheduleLine, told: date) -> None:
    """Another event, however old, starts nothing."""
    decision = decide_retention(line, {"some-other-event": told})

    assert (decision.due_on, decision.waiting_for) == (None, RECEIPT)


def _plain(line: ScheduleLine, period: Period) -> ScheduleLine:
    """The same line if this period had always been the law."""
    return ScheduleLine(
        code=line.code, label="", period=period, start_event=line.start_event, cutoff=line.cutoff, basis="",
        tax_relevant=False, release="signed",
    )  # fmt: skip


@given(lines(), DAYS, DAYS, DAYS, st.one_of(st.none(), st.integers(1, 10)))
def test_what_was_open_keeps_at_least_until_it_lets_go(
    line: ScheduleLine, started_on: date, begun: date, ended: date, years: int | None
) -> None:
    """An audit only lengthens, to the day after its end or to the first of January after its years, and no further."""
    assume(begun <= ended)
    extended = replace(line, extended_by=(Extension(name="open", label="", basis="", years_after=years),))
    free_on = ended + timedelta(days=1) if years is None else date(ended.year + years + 1, 1, 1)

    due_on = decide_retention(extended, {RECEIPT: started_on, "open-begin": begun, "open-end": ended}).due_on

    assert due_on == max(due(line, started_on), free_on)
