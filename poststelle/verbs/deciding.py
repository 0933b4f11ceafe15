"""`review`, `reclassify`, `facts set` and `list`: what people decide about a letter, and the intake book."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date

from archive.catalogue import LetterRow
from archive.keystore import Registered
from archive.revising import stage_after
from archive.textpart import Change, LetterText
from poststelle.access.keybook import RECORDS, index_scope
from poststelle.errors import ConfigurationError, NotPermitted
from poststelle.german import compact, iban_is_valid, parse_amount
from poststelle.records import SEALED_FOR, Fact
from poststelle.stages import Stage
from poststelle.verbs.finding import class_code, require_recipient
from poststelle.verbs.locating import Desk
from poststelle.verbs.revising import alone, write_revision

SETTABLE = ("sender", "subject", "date", "reference", "customer_number", "amount", "currency", "due_date", "iban")


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A letter that waits for a person's decision."""

    document_id: str
    number: str
    letter: LetterText


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """A letter after a decision or correction, as far as the person may still see it."""

    document_id: str
    number: str
    record_class: str
    compartment: str
    visible: bool
    """Whether the person may read the compartment it lies in now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BookEntry:
    """A line of the intake book: no sender, no subject."""

    letter: LetterRow
    number: str


def waiting(desk: Desk) -> Iterator[Waiting]:
    """Letters nobody was sure about, in the compartments this person may reclassify; oldest first."""
    reading = desk.person.reading
    compartments = _reclassifiable(desk)
    desk.person.note("review-list")
    for compartment in compartments:
        for registered in reading.letters(compartment):
            if registered.stage is Stage.REVIEW:
                yield Waiting(
                    document_id=registered.document_id,
                    number=reading.accession(registered),
                    letter=reading.text(registered),
                )


def decide(desk: Desk, name: str, record_class: str, kind: str = "review-decided") -> Decided:
    """Say what a letter is: its class, and with it its readers and its period. Settles a review.

    Raises:
        UnknownDocument: no such letter, or not one of this person's.
        ConfigurationError: no such class.
        NotPermitted: the person may not reclassify in that compartment.
    """
    with alone(desk):
        return _decide(desk, name, record_class, kind)


def _decide(desk: Desk, name: str, record_class: str, kind: str) -> Decided:
    allowed = _reclassifiable(desk)
    registered, compartment = desk.person.reading.resolve(name)
    classes = desk.person.book.office["classes"]
    record_class = class_code(desk.person, record_class)
    if compartment not in allowed:
        raise NotPermitted("Your role may read this letter, but not decide what it is.")
    if registered.stage is Stage.RESTRICTED:
        raise ConfigurationError("This letter is restricted. `poststelle restrict lift` comes before another class.")
    text = desk.person.reading.text(registered)
    require_recipient(desk.person, text)
    target = classes[record_class]["compartment"]
    change = _change(desk, "class", text.classified.record_class, record_class)
    classified = replace(
        text.classified,
        record_class=record_class,
        compartment=target,
        confidence=1.0,
        needs_review=False,
        # Once its recipient has decided, a sealed letter is like any other; its words stay unread.
        facts=tuple(fact for fact in text.classified.facts if fact.name != SEALED_FOR),
        review_reasons=(),
    )
    revised = replace(text, classified=classified, history=(*text.history, change))
    return _revise(desk, registered, revised, kind, {"class": record_class}, decided=True)


def set_fact(desk: Desk, name: str, fact: str, value: str) -> Decided:
    """Correct what a letter says, as a new version; the original and the old value stay.

    Raises:
        ConfigurationError: no such fact, or a value that cannot be one.
    """
    with alone(desk):
        return _set_fact(desk, name, fact, value)


def _set_fact(desk: Desk, name: str, fact: str, value: str) -> Decided:
    allowed = _reclassifiable(desk)
    registered, compartment = desk.person.reading.resolve(name)
    if compartment not in allowed:
        raise NotPermitted("Your role may read this letter, but not correct its facts.")
    text = desk.person.reading.text(registered)
    require_recipient(desk.person, text)
    value = normal_value(fact, value)
    old = text.classified.fact(fact)
    facts = [f for f in text.classified.facts if f.name != fact]
    facts.append(Fact(name=fact, value=value, confidence=1.0))
    change = _change(desk, fact, old.value if old else None, value)
    revised = replace(text, classified=replace(text.classified, facts=tuple(facts)), history=(*text.history, change))
    return _revise(desk, registered, revised, "fact-set", {"fact": fact}, decided=False)


def intake_book(
    desk: Desk, *, record_class: str | None, from_date: date | None, to_date: date | None
) -> list[BookEntry]:
    """All letters by receipt number, for holders of the records key.

    Raises:
        NotPermitted: the person does not hold it.
        ConfigurationError: no such class.
    """
    if not desk.person.keyring.holds(RECORDS):
        raise NotPermitted("The intake book is kept by the mailroom and the records manager.")
    if record_class is not None:
        record_class = class_code(desk.person, record_class)
    desk.person.note("intake-book", record_class=record_class)
    return [
        BookEntry(letter=row, number=desk.number_of(row))
        for row in desk.person.catalogue.letters()
        if (record_class is None or row.record_class == record_class)
        and (from_date is None or row.received_on >= from_date)
        and (to_date is None or row.received_on <= to_date)
    ]


def normal_value(fact: str, value: str) -> str:
    """A fact as it is stored: dates ISO, amounts with a point, IBAN without blanks.

    Raises:
        ConfigurationError: no such fact, or not a value of its kind.
    """
    if fact not in SETTABLE:
        raise ConfigurationError(f"There is no fact {fact!r}. Facts: {', '.join(SETTABLE)}.")
    value = value.strip()
    if fact in ("date", "due_date"):
        try:
            return date.fromisoformat(_iso(value)).isoformat()
        except ValueError as err:
            raise ConfigurationError(f"{value!r} is not a date; expected for example 2026-03-15 or 15.3.2026.") from err
    if fact == "amount":
        amount = parse_amount(value)
        if amount is None:
            raise ConfigurationError(f"{value!r} is not an amount; expected for example 1.234,56 or 1234,56.")
        return amount
    if fact == "iban":
        if not iban_is_valid(compact(value)):
            raise ConfigurationError(f"{value!r} is not an IBAN: its check digits do not fit.")
        return compact(value)
    if not value:
        raise ConfigurationError(f"The fact {fact!r} needs a value.")
    return value


def _iso(value: str) -> str:
    """15.3.2026 as 2026-03-15; anything else as it is."""
    parts = value.split(".")
    return f"{parts[2]}-{parts[1]:0>2}-{parts[0]:0>2}" if len(parts) == 3 else value


def _reclassifiable(desk: Desk) -> tuple[str, ...]:
    allowed = desk.person.book.compartments_for(desk.person_id, "reclassify")
    if not allowed:
        raise NotPermitted("Your role does not include deciding what letters are. Ask the mailroom or the department.")
    return allowed


def _change(desk: Desk, name: str, old: str | None, new: str) -> Change:
    return Change(at=desk.person.now(), by=desk.person_id, name=name, old=old, new=new)


def _revise(
    desk: Desk, registered: Registered, text: LetterText, kind: str, content: dict[str, object], *, decided: bool
) -> Decided:
    """Sign, write the revision, and bring both indexes up to it as far as the keys at hand allow."""
    statement = desk.sign(kind, {"document": registered.document_id, **content})
    written = write_revision(desk, registered, text, statement, stage_after(decided, registered.stage))
    revised = written.revised
    return Decided(
        document_id=revised.document_id,
        number=written.number,
        record_class=revised.text.classified.record_class,
        compartment=revised.compartment,
        visible=desk.person.keyring.holds(index_scope(revised.compartment)),
    )
