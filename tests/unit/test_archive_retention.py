"""Retention: the days that the law names, each pinned, and the sentence that is read out."""

from dataclasses import replace
from datetime import date

import pytest

from archive.catalogue import LetterRow
from archive.disposition import Considered, consider, schedule_of
from archive.retention import (
    DOCUMENT,
    RECEIPT,
    EarlierPeriod,
    Extension,
    Period,
    RetentionDecision,
    ScheduleLine,
    decide_retention,
)
from poststelle.config import load
from poststelle.stages import Stage
from poststelle.wiring import shipped_config


@pytest.fixture(scope="module")
def schedule() -> dict[str, ScheduleLine]:
    """The retention table as it is shipped."""
    return schedule_of(load(shipped_config(), None).law())


def day(text: str) -> date:
    """A day as it is written in the claims below."""
    return date.fromisoformat(text)


def decided(line: ScheduleLine, **events: str) -> RetentionDecision:
    """The decision when these events are known; dashes are written as underscores."""
    return decide_retention(line, {event.replace("_", "-"): day(text) for event, text in events.items()})


def line(period: Period, *, cutoff: str = "day", earlier: tuple[EarlierPeriod, ...] = ()) -> ScheduleLine:
    """A line of a schedule that starts with the receipt."""
    return ScheduleLine(
        code="XX-01", label="Unterlagen", period=period, start_event=RECEIPT, cutoff=cutoff, basis="§ 1 Probegesetz",
        tax_relevant=False, release="signed", earlier=earlier,
    )  # fmt: skip


def letter(*, received_on: str, dated: str | None = None, retention: str = "FIN-08", **more: object) -> LetterRow:
    """A catalogue row as filing writes it: `event_on` is the later of receipt and the date read."""
    received = day(received_on)
    values: dict[str, object] = {
        "document_id": "a" * 32, "receipt": 1, "compartment": "finance", "year": received.year, "number": 1,
        "record_class": "invoice", "retention": retention, "stage": Stage.FILED, "received_on": received,
        "filed_at": None, "event_on": max(received, day(dated)) if dated else received, "text_version": 1,
        "mark": b"", "duplicate_of": None, "pages": 1,
    }  # fmt: skip
    return LetterRow(**(values | more))  # type: ignore[arg-type]


def considered(schedule: dict[str, ScheduleLine], row: LetterRow, on: str, **more: object) -> Considered:
    """What stands against destroying the letter on a day."""
    return consider(row, schedule, more.get("events", {}), more.get("holds", ()), day(on))  # type: ignore[arg-type]


# The pinned days ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "received_on", "dated", "due_on"),
    [
        ("FIN-08", "2014-06-30", "2014-06-25", "2025-01-01"),  # ten years were law until they had passed
        ("FIN-08", "2015-06-30", "2015-06-25", "2025-01-01"),  # due with the new law, not a day before it
        ("FIN-08", "2016-06-30", "2016-06-25", "2025-01-01"),  # eight years, the first that the new law alone decides
        ("FIN-08", "2013-06-30", "2013-06-25", "2024-01-01"),  # due under the old law, which no later one takes back
        ("FIN-08", "2017-06-30", "2017-06-25", "2026-01-01"),
        ("FIN-08", "2018-06-30", "2018-06-25", "2027-01-01"),
        ("FIN-08", "2026-03-17", "2026-03-15", "2035-01-01"),
        ("COM-06", "2020-12-31", "2020-12-31", "2027-01-01"),
        ("COM-06", "2021-01-02", "2020-12-31", "2028-01-01"),
        ("BOOK-10", "2026-01-01", None, "2037-01-01"),
        ("TAX-10", "2016-12-31", "2016-12-30", "2027-01-01"),
        ("HR-PAY", "2026-03-17", "2026-03-15", "2033-01-01"),
        ("ADV-00", "2024-01-30", None, "2024-03-01"),
        ("ADV-00", "2023-01-30", None, "2023-03-02"),
    ],
)
def test_the_pinned_days(
    schedule: dict[str, ScheduleLine], code: str, received_on: str, dated: str | None, due_on: str
) -> None:
    """A company that destroys a day early owes the tax office an estimate; a day late, a person an answer."""
    row = letter(received_on=received_on, dated=dated, retention=code)

    on_the_day = considered(schedule, row, due_on)
    the_day_before = considered(schedule, row, str(date.fromordinal(day(due_on).toordinal() - 1)))

    assert on_the_day.retention.due_on == day(due_on)
    assert on_the_day.blocked_by == ()
    assert the_day_before.blocked_by == (f"it is not due before {due_on}",)


@pytest.mark.parametrize(
    ("code", "events", "due_on"),
    [
        ("CON-06", {"contract_end": "2026-06-30"}, "2033-01-01"),
        ("HR-FILE", {"leaving": "2026-06-30"}, "2030-01-01"),
        ("HR-FILE", {"leaving": "2026-12-31"}, "2030-01-01"),
        ("HR-FILE", {"leaving": "2027-01-01"}, "2031-01-01"),
        ("HR-APP", {"rejection": "2024-02-29"}, "2024-08-30"),
        ("HR-APP", {"rejection": "2023-08-29"}, "2024-03-01"),
        ("HR-APP", {"rejection": "2023-08-31"}, "2024-03-01"),
        ("HR-APP", {"rejection": "2024-08-31"}, "2025-03-01"),
        ("HR-APP", {"rejection": "2026-06-30"}, "2026-12-31"),
    ],
)
def test_what_starts_with_an_event(
    schedule: dict[str, ScheduleLine], code: str, events: dict[str, str], due_on: str
) -> None:
    """A rejected applicant has six months to sue and then a right to be forgotten: both to the day."""
    assert decided(schedule[code], **events).due_on == day(due_on)


@pytest.mark.parametrize(
    ("period", "start", "due_on"),
    [
        (Period(days=30), "2024-01-30", "2024-03-01"),
        (Period(days=30), "2024-02-29", "2024-03-31"),
        (Period(days=0), "2024-02-29", "2024-03-01"),
        (Period(months=6), "2024-02-29", "2024-08-30"),
        (Period(months=6), "2024-08-31", "2025-03-01"),
        (Period(months=12), "2024-02-29", "2025-03-01"),
        (Period(years=1), "2024-02-29", "2025-03-01"),
        (Period(years=4), "2024-02-29", "2028-03-01"),
        (Period(months=1), "2026-12-31", "2027-02-01"),
    ],
)
def test_leap_days_and_short_months(period: Period, start: str, due_on: str) -> None:
    """The 29th of February comes every four years, and a program that forgets it destroys a day early."""
    assert decided(line(period), receipt=start).due_on == day(due_on)


# Events that nobody has told ----------------------------------------------------------------------------------


def test_an_unknown_event_keeps_the_letter_and_names_itself(schedule: dict[str, ScheduleLine]) -> None:
    """A contract whose end nobody entered must be asked for, not destroyed by its date or kept in silence."""
    contract = letter(received_on="1990-01-02", retention="CON-06")

    kept = considered(schedule, contract, "2099-12-31")

    assert (kept.retention.due_on, kept.retention.waiting_for) == (None, "contract-end")
    assert kept.blocked_by == ("it waits for an event: contract-end",)
    assert "event set ID contract-end" in kept.retention.reason
    told = considered(schedule, contract, "2099-12-31", events={"contract-end": day("1995-06-30")})
    assert (told.blocked_by, told.retention.waiting_for) == ((), None), "the control: once told, it is due"


def test_the_wrong_event_does_not_start_a_period(schedule: dict[str, ScheduleLine]) -> None:
    """A rejection says nothing about the end of a contract."""
    assert decided(schedule["CON-06"], rejection="2000-01-01", leaving="2000-01-01").due_on is None


# Laws that changed --------------------------------------------------------------------------------------------


def test_a_shorter_law_does_not_reach_back_before_it_was_law() -> None:
    """Before the change nobody was allowed to destroy: a due day in the past would call yesterday's offence legal."""
    changed = line(Period(years=2), earlier=(EarlierPeriod(until=day("2024-12-31"), period=Period(years=10)),))

    assert decided(changed, receipt="2020-05-01").due_on == day("2025-01-01")
    assert decided(changed, receipt="2010-05-01").due_on == day("2020-05-02"), "it was due under the old law"
    assert decided(changed, receipt="2024-05-01").due_on == day("2026-05-02"), "the new law alone decides"
    assert decided(line(Period(years=2)), receipt="2020-05-01").due_on == day("2022-05-02"), "the control"


def test_a_longer_law_takes_nothing_back_that_was_due() -> None:
    """What might have been destroyed yesterday is not kept six years more because a law changed today."""
    changed = line(Period(years=10), earlier=(EarlierPeriod(until=day("2024-12-31"), period=Period(years=6)),))

    assert decided(changed, receipt="2018-05-01").due_on == day("2024-05-02"), "due while the old law was in force"
    assert decided(changed, receipt="2019-05-01").due_on == day("2029-05-02"), "still running: the new period"


def test_every_earlier_law_counts_in_its_own_time() -> None:
    """Two changes within one period: the order in which somebody wrote them down must not matter."""
    versions = (
        EarlierPeriod(until=day("2019-12-31"), period=Period(years=20)),
        EarlierPeriod(until=day("2009-12-31"), period=Period(years=2)),
    )
    for earlier in (versions, versions[::-1]):
        changed = line(Period(years=5), earlier=earlier)

        assert decided(changed, receipt="2005-06-01").due_on == day("2007-06-02"), "the first law"
        assert decided(changed, receipt="2008-06-01").due_on == day("2020-01-01"), "with the end of the second"
        assert decided(changed, receipt="2016-06-01").due_on == day("2021-06-02"), "the law of today"


# Misread years ------------------------------------------------------------------------------------------------


def test_a_misread_year_never_shortens(schedule: dict[str, ScheduleLine]) -> None:
    """Recognition reads 2006 for 2026: the voucher must not be destroyed twenty years too early."""
    assert considered(
        schedule, letter(received_on="2026-03-17", dated="2006-03-15"), "2026-03-18"
    ).retention.due_on == (day("2035-01-01"))
    misread = considered(schedule, letter(received_on="2026-03-17", dated="2062-03-15"), "2026-03-18")
    assert misread.retention.due_on == day("2071-01-01"), "a later year lengthens, until a person corrects it"


@pytest.mark.parametrize("year", [9989, 9990, 9991, 9992, 9999])
def test_a_year_at_the_end_of_the_calendar_stops_no_purge(schedule: dict[str, ScheduleLine], year: int) -> None:
    """One letter with a misread year must not end every purge of the office with a traceback."""
    far = considered(schedule, letter(received_on="2026-03-17", dated=f"{year}-12-31"), "2026-03-18")

    assert far.retention.due_on is not None
    assert far.retention.due_on >= date(9998, 1, 1)
    assert far.blocked_by == (f"it is not due before {far.retention.due_on}",)


# What goes on keeping after it ended --------------------------------------------------------------------------

SOCIAL = Extension(name="social", label="An audit", basis="§ 2 Probegesetz", years_after=1)


@pytest.mark.parametrize(
    ("ended", "due_on"),
    [
        ("2026-12-31", "2028-01-01"),
        ("2027-01-01", "2029-01-01"),
        ("2024-02-29", "2027-01-01"),  # free with 2026, but the period itself ends with 2026 too
        ("2026-02-28", "2028-01-01"),
    ],
)
def test_an_audit_may_keep_a_whole_year_longer_than_it_lasts(ended: str, due_on: str) -> None:
    """Whoever tells the day the auditor left must not thereby free what the law keeps until the next year ends."""
    pay = replace(line(Period(years=6), cutoff="year-end"), extended_by=(SOCIAL,))

    kept = decided(pay, receipt="2020-05-05", social_begin="2023-05-02", social_end=ended)
    still_open = decided(pay, receipt="2020-05-05", social_begin="2023-05-02")

    assert kept.due_on == day(due_on)
    assert (still_open.due_on, still_open.waiting_for) == (None, "social-end")
    longer = f"An audit until {ended} and 1 year from the end of that year kept it from ending (§ 2 Probegesetz)."
    assert (longer in kept.reason) == (due_on != "2027-01-01")


def test_a_key_book_of_before_frees_with_the_day_as_it_was_signed() -> None:
    """A law that was signed before the program knew such years says what it said then, until `config apply`."""
    value = {"name": "social", "label": "An audit", "basis": "§ 2 Probegesetz"}
    before = ScheduleLine.decode(
        "XX-01",
        {
            "label": "Unterlagen", "years": 6, "start_event": RECEIPT, "cutoff": "year-end", "basis": "",
            "tax_relevant": False, "release": "signed", "extended_by": [value],
        },
    )  # fmt: skip

    told = decided(before, receipt="2015-05-05", social_begin="2021-05-02", social_end="2023-02-01")

    assert told.due_on == day("2023-02-02")


# What stands against it ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"stage": Stage.REVIEW}, "review"),
        ({"stage": Stage.DISPOSING}, "has begun"),
        ({"stage": Stage.DISPOSED}, "disposed of already"),
    ],
)
def test_a_stage_stands_against_it(schedule: dict[str, ScheduleLine], more: dict[str, Stage], sentence: str) -> None:
    """A letter that nobody is sure about might be one that is kept ten years."""
    blocked = considered(schedule, letter(received_on="2014-01-02", **more), "2026-01-01").blocked_by

    assert len(blocked) == 1
    assert sentence in blocked[0]
    assert considered(schedule, letter(received_on="2014-01-02"), "2026-01-01").blocked_by == (), "the control"


def test_every_hold_is_named(schedule: dict[str, ScheduleLine]) -> None:
    """Lifting one of two holds must not look like lifting both."""
    row = letter(received_on="2014-01-02")

    blocked = considered(schedule, row, "2026-01-01", holds=("1" * 64, "2" * 64)).blocked_by

    assert blocked == ("a legal hold is in force (111111111111)", "a legal hold is in force (222222222222)")


@pytest.mark.parametrize(
    ("changed", "events"),
    [
        ({"record_class": "offer"}, {}),
        ({"retention": "COM-06"}, {}),
        ({"compartment": "sales"}, {}),
        ({"text_version": 2}, {}),
        ({"event_on": date(2014, 1, 3)}, {}),
        ({"document_id": "b" * 32}, {}),
    ],
)
def test_the_fingerprint_changes_with_whatever_the_decision_rests_on(
    schedule: dict[str, ScheduleLine], changed: dict[str, object], events: dict[str, date]
) -> None:
    """A second person releases what they read; a letter that became another one since must be planned again."""
    planned = considered(schedule, letter(received_on="2014-01-02"), "2026-01-01").fingerprint
    again = considered(schedule, letter(received_on="2014-01-02"), "2026-05-05").fingerprint
    since = considered(schedule, letter(received_on="2014-01-02", **changed), "2026-01-01").fingerprint

    assert planned == again, "the control: another day alone changes nothing"
    assert since != planned


# The sentence -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", ["FIN-08", "COM-06", "HR-PAY", "ADV-00"])
def test_the_sentence_can_be_read_out(schedule: dict[str, ScheduleLine], code: str) -> None:
    """On the telephone a clerk reads one sentence: how long, since when, by which paragraph, until which day."""
    retention = considered(schedule, letter(received_on="2020-05-04", retention=code), "2026-01-01").retention

    for piece in (
        retention.line.label, str(retention.line.period), retention.line.basis, "2020-05-04", str(retention.due_on)
    ):  # fmt: skip
        assert piece in retention.reason


def test_the_sentence_tells_of_an_earlier_law(schedule: dict[str, ScheduleLine]) -> None:
    """Whoever counts eight years from 2014 arrives at 2023 and asks why the letter was still there in 2024."""
    assert (
        "10 years until 2024-12-31"
        in considered(schedule, letter(received_on="2014-05-04"), "2026-01-01").retention.reason
    )
    assert "until" not in considered(schedule, letter(received_on="2018-05-04"), "2026-01-01").retention.reason


def test_a_period_reads_as_people_say_it() -> None:
    """ "1 years" makes a clerk doubt the rest of the sentence."""
    said = [
        str(period) for period in (Period(years=1), Period(years=8), Period(months=1), Period(days=1), Period(days=30))
    ]

    assert said == ["1 year", "8 years", "1 month", "1 day", "30 days"]


def test_tax_relevant_lines_wait_for_a_second_person(schedule: dict[str, ScheduleLine]) -> None:
    """An open audit extends the period and no computer knows it: what the tax office may ask for is never automatic."""
    assert [code for code, entry in schedule.items() if entry.tax_relevant and entry.release != "signed"] == []
    assert [code for code, entry in schedule.items() if entry.release == "standing"] == ["ADV-00"], "the control"


def test_the_start_of_letters_and_vouchers_is_the_later_of_date_and_receipt(schedule: dict[str, ScheduleLine]) -> None:
    """The lines that start with the letter itself must not start with a day that only one side knows."""
    assert {entry.start_event for code, entry in schedule.items() if code in ("FIN-08", "COM-06", "HR-PAY")} == {
        DOCUMENT
    }
