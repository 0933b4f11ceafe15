"""What a letter says: from a seed to a draft with sender, facts, wording and tables; no shape yet."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from random import Random

from bench.letters import half_one, half_two
from bench.letters.content import Block, Draft, Half, Paragraph, Party, SmallPrint
from bench.letters.numbers import german_number, make_iban, spaced_iban
from bench.letters.parties import make_party, make_person_name, trades
from bench.letters.tables import PRICED, Setting, Sums, make_table
from bench.letters.values import RECORD_CLASSES


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is asked of a letter; the same order always gives the same draft."""

    seed: int
    half: int = 1
    record_class: str | None = None
    year: int | None = None
    canary: str | None = None
    recipient: str | None = None
    """Name of the company that gets it; None chooses one of the half's."""
    employee: str | None = None
    """Name of the person in the company whom the letter names; None chooses one."""
    extras: int = 0
    """How many further paragraphs."""
    items: int = 0
    """How many further rows of goods."""
    clauses: int = 6
    """How many clauses a contract has."""
    small_print: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    sender: str
    department: str
    extras: str


_PLANS = {
    "invoice": _Plan(sender="trade", department="finance", extras="trade"),
    "credit-note": _Plan(sender="trade", department="finance", extras="trade"),
    "reminder": _Plan(sender="trade", department="finance", extras="trade"),
    "offer": _Plan(sender="trade", department="sales", extras="trade"),
    "order-confirmation": _Plan(sender="trade", department="sales", extras="trade"),
    "delivery-note": _Plan(sender="trade", department="sales", extras="trade"),
    "contract": _Plan(sender="trade", department="legal", extras="trade"),
    "termination": _Plan(sender="person", department="hr", extras="people"),
    "application": _Plan(sender="person", department="hr", extras="people"),
    "sick-note": _Plan(sender="doctor", department="hr", extras="office"),
    "payroll": _Plan(sender="payroll", department="hr", extras="office"),
    "tax-office": _Plan(sender="tax-office", department="finance", extras="office"),
    "insurance": _Plan(sender="insurer", department="finance", extras="office"),
    "bank": _Plan(sender="bank", department="finance", extras="office"),
    "legal": _Plan(sender="law-firm", department="legal", extras="office"),
    "authority": _Plan(sender="authority", department="legal", extras="office"),
    "complaint": _Plan(sender="trade", department="sales", extras="trade"),
    "advertising": _Plan(sender="trade", department="sales", extras="trade"),
    "other": _Plan(sender="club", department="legal", extras="people"),
}
_WITHOUT_REFERENCE = ("application", "advertising", "other", "sick-note")
_MONTHS = ("Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober", "November",
           "Dezember")  # fmt: skip


def half_of(number: int) -> Half:
    """The words of half 1 or 2."""
    halves: dict[int, Half] = {1: half_one, 2: half_two}
    return halves[number]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Occasion:
    """Who writes what to whom, and when: settled before a word is written."""

    half: Half
    order: Order
    record_class: str
    private: bool
    """Whether a person writes on their own behalf where companies write too."""
    sender: Party
    recipient: Party
    written_on: date
    days: int
    """Until something is due."""
    manner: int
    """Which of the half's ways to write dates."""
    iban: str

    def written(self, days_later: int) -> str:
        """The day so many days after the letter's, as this letter writes dates."""
        return self.half.written_date(self.written_on + timedelta(days=days_later), self.manner)


def compose(order: Order) -> Draft:
    """Write the letter that was ordered.

    Raises:
        ValueError: no such class or half.
    """
    if order.half not in (1, 2) or order.record_class not in (None, *RECORD_CLASSES):
        raise ValueError(f"no letters of class {order.record_class!r} in half {order.half!r}")
    record_class = order.record_class or Random(f"class {order.half} {order.seed}").choice(RECORD_CLASSES)
    random = Random(f"letter {order.half} {order.seed} {record_class}")
    occasion = _settle(order, record_class, random)
    half, sender = occasion.half, occasion.sender
    facts = _facts(occasion, random)
    setting = Setting(
        half=half, sender=sender, recipient=occasion.recipient, facts=facts, items=random.randint(2, 4) + order.items
    )
    sums = make_table(record_class, setting, random)
    facts["amount"] = half.written_amount(german_number(sums.gross)) if sums.gross is not None else ""
    subject, opening, middle, ending = (text.format_map(facts) for text in _choose_words(occasion, random))
    return Draft(
        record_class=record_class,
        sender=sender,
        recipient=occasion.recipient,
        department=half.DEPARTMENTS[_PLANS[record_class].department] if random.random() < 0.7 else None,
        info=_info(half, record_class, sender, facts),
        dated=facts["date"],
        subject=subject,
        salutation=random.choice(half.SALUTATIONS).format_map(facts),
        blocks=_body(occasion, facts, (opening, middle, ending), sums, random),
        closing=random.choice(half.CLOSINGS),
        signatory=sender.name if sender.is_person else sender.contact,
        date=occasion.written_on,
        reference=None if record_class in _WITHOUT_REFERENCE else facts["reference"],
        amount=_plain(sums.gross),
        net=_plain(sums.net),
        vat=_plain(sums.vat),
        iban=occasion.iban,
        due_date=occasion.written_on + timedelta(days=occasion.days),
        enclosures=half.LABELS.get(f"enclosed-{record_class}"),
    )


def _settle(order: Order, record_class: str, random: Random) -> _Occasion:
    half = half_of(order.half)
    private = record_class in ("termination", "complaint") and random.random() < 0.5
    sender = _choose_sender(half, record_class, private, random)
    return _Occasion(
        half=half,
        order=order,
        record_class=record_class,
        private=private,
        sender=sender,
        recipient=make_party(half, order.recipient or random.choice(half.RECIPIENTS), "company"),
        written_on=_choose_date(order.year, random),
        days=random.choice((10, 14, 14, 21, 30)),
        manner=random.randint(0, 1),
        # Wages go to an employee's account, and a bank writes about its customer's.
        iban=make_iban(random) if record_class in ("payroll", "bank") else sender.iban,
    )


def _body(
    occasion: _Occasion, facts: dict[str, str], said: tuple[str, str, str], sums: Sums, random: Random
) -> tuple[Block, ...]:
    """Opening, table, clauses, the point of the letter, what else there is to say, ending, terms."""
    half, order = occasion.half, occasion.order
    opening, middle, ending = said
    body: list[Block] = [Paragraph(text=opening), *sums.blocks]
    if occasion.record_class == "contract":
        for heading, text in half.CLAUSES[: order.clauses]:
            clause = text.format_map(_fresh(occasion, facts, random))
            body += [Paragraph(text=heading, heading=True), Paragraph(text=clause)]
    body += [Paragraph(text=middle), *_extras(occasion, facts)]
    if order.canary:
        body.append(Paragraph(text=f"Ihr Kennwort für Rückfragen: {order.canary}."))
    body.append(Paragraph(text=ending))
    if order.small_print:
        paragraphs = tuple(text.format_map(facts) for text in half.SMALL_PRINT)
        body.append(SmallPrint(title=half.LABELS["terms"], paragraphs=paragraphs))
    return tuple(body)


def _choose_sender(half: Half, record_class: str, private: bool, random: Random) -> Party:
    kind = _PLANS[record_class].sender
    if record_class == "termination" and not private:
        kind = "trade"
    if kind == "person" or (private and record_class == "complaint"):
        return make_party(half, make_person_name(half, random), "person")
    if kind == "trade":
        kind = random.choice(trades(half))
    return make_party(half, random.choice(half.SENDERS[kind]), kind)


def _choose_date(year: int | None, random: Random) -> date:
    """A day of the given year's first half, so that a letter of this year is not from the future."""
    if year is not None:
        return date(year, 1, 7) + timedelta(days=random.randint(0, 165))
    return date(2021, 1, 7) + timedelta(days=random.randint(0, 1800))


def _facts(occasion: _Occasion, random: Random) -> dict[str, str]:
    """What fills the blanks of the wordings."""
    half, order, sender, written_on = occasion.half, occasion.order, occasion.sender, occasion.written_on
    person = order.employee or make_person_name(half, random)
    client = make_person_name(half, random)
    older = "invoice" if occasion.record_class in ("reminder", "credit-note", "bank") else "offer"
    return {
        "reference": _reference(order.half, occasion.record_class, written_on, random),
        "older": _reference(order.half, older, written_on, random),
        "person": person,
        "surname": person.split()[-1],
        "client": client,
        "client_surname": client.split()[-1],
        "born": half.written_date(date(1962, 1, 1) + timedelta(days=random.randint(0, 15_000)), 0),
        "contact": sender.contact,
        "sender": sender.name,
        "recipient": occasion.recipient.name,
        "town": sender.town,
        "bank": sender.bank,
        "topic": _topic(half, random),
        "topic2": _topic(half, random),
        "percent": str(random.choice((2, 3, 5, 8, 12, 15))),
        "customer": str(random.randint(10_000, 99_999)),
        "time": str(random.choice((14, 15, 16, 17))),
        "date": occasion.written(0),
        "due": occasion.written(occasion.days),
        "earlier": occasion.written(-random.randint(4, 30)),
        "overdue": occasion.written(-3),
        "later": occasion.written(random.randint(6, 90)),
        "days": str(occasion.days),
        "iban": spaced_iban(occasion.iban),
        "period": f"{_MONTHS[written_on.month - 2]} {written_on.year - (written_on.month == 1)}",
        "year": str(written_on.year - 1),
        "week": str(random.randint(10, 40)),
    }


def _topic(half: Half, random: Random) -> str:
    return random.choice(half.TOPIC_STEMS) + random.choice(half.TOPIC_HEADS)


def _reference(half: int, record_class: str, written_on: date, random: Random) -> str:
    number, year = random.randint(1000, 99_999), written_on.year % 100
    if record_class == "tax-office":
        return f"{random.randint(10, 99)}/{random.randint(100, 999)}/{number:05d}"
    if record_class in ("legal", "authority"):
        return f"{number:05d}/{year}-{random.choice('ABKMW')}"
    if half == 1:
        prefix = {"invoice": "RE", "credit-note": "GS", "offer": "AN", "order-confirmation": "AB",
                  "delivery-note": "LS", "reminder": "MA"}.get(record_class, "V")  # fmt: skip
        return f"{prefix}-20{year}-{number:05d}"
    return f"{year}{random.randint(100, 999)}.{number}"


def _choose_words(occasion: _Occasion, random: Random) -> tuple[str, str, str, str]:
    """Subject, opening, middle and ending; where "I" and "we" would mix, a letter keeps one voice throughout."""
    words = occasion.half.WORDINGS[occasion.record_class]
    # Of a termination the employee's wording stands first, of a complaint the company's.
    voice = {"termination": int(not occasion.private), "complaint": int(occasion.private)}.get(occasion.record_class)
    if voice is not None:
        subject = random.choice((words.subjects[voice], words.subjects[2]))
        return subject, words.openings[voice], words.middles[voice], words.endings[voice]
    return (
        random.choice(words.subjects),
        random.choice(words.openings),
        random.choice(words.middles),
        random.choice(words.endings),
    )


def _fresh(occasion: _Occasion, facts: dict[str, str], random: Random) -> dict[str, str]:
    """The letter's facts with new dates, names and topics, so that a long letter does not repeat itself."""
    half = occasion.half
    return facts | {
        "earlier": occasion.written(-random.randint(4, 200)),
        "later": occasion.written(random.randint(6, 200)),
        "older": _reference(occasion.order.half, "offer", occasion.written_on, random),
        "person": make_person_name(half, random) if random.random() < 0.5 else facts["person"],
        "topic": _topic(half, random),
        "topic2": _topic(half, random),
        "time": str(random.choice((13, 14, 15, 16))),
    }


def _extras(occasion: _Occasion, facts: dict[str, str]) -> list[Paragraph]:
    """`order.extras` paragraphs; asking for more keeps the first ones as they were."""
    order, record_class = occasion.order, occasion.record_class
    kind = _PLANS[record_class].extras
    if record_class in ("termination", "complaint"):
        kind = "people" if occasion.private else "trade"
    pool = occasion.half.EXTRAS[kind]
    random = Random(f"extras {order.half} {order.seed} {record_class}")
    paragraphs: list[Paragraph] = []
    turn: list[str] = []
    for _ in range(order.extras):
        turn = turn or random.sample(pool, len(pool))
        paragraphs.append(Paragraph(text=turn.pop().format_map(_fresh(occasion, facts, random))))
    return paragraphs


def _info(half: Half, record_class: str, sender: Party, facts: dict[str, str]) -> tuple[tuple[str, str], ...]:
    labels = half.LABELS
    if sender.is_person:
        return ((labels["date"], facts["date"]),)
    pairs = [] if record_class in _WITHOUT_REFERENCE else [(labels[record_class], facts["reference"])]
    if record_class in (*PRICED, "delivery-note", "reminder"):
        pairs.append((labels["customer"], facts["customer"]))
    pairs += [(labels["contact"], sender.contact), (labels["phone"], sender.phone), (labels["date"], facts["date"])]
    return tuple(pairs)


def _plain(value: Decimal | None) -> str | None:
    return None if value is None else f"{value:.2f}"
