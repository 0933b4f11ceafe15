"""The table or form that a class of letter carries, with sums that hold."""

from dataclasses import dataclass, field
from decimal import Decimal
from random import Random

from bench.letters.content import Block, Column, Fields, Half, Party, Table
from bench.letters.numbers import german_number, random_amount, vat_of

PRICED = ("invoice", "credit-note", "offer", "order-confirmation")
_REDUCED_TRADES = ("food", "energy")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """What the table adds up to; `net` and `vat` only where the table shows them."""

    gross: Decimal | None = None
    net: Decimal | None = None
    vat: Decimal | None = None
    blocks: tuple[Block, ...] = field(default=())


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What a table needs to know about its letter."""

    half: Half
    sender: Party
    recipient: Party
    facts: dict[str, str]
    items: int
    """How many item rows a table of goods has."""


def make_table(record_class: str, setting: Setting, random: Random) -> Sums:
    """The blocks of a class and their sums; classes without a table get none."""
    if record_class in PRICED:
        return _priced(setting, random)
    maker = {
        "delivery-note": _delivered, "reminder": _reminded, "sick-note": _certified, "payroll": _paid,
        "tax-office": _assessed, "insurance": _insured, "bank": _booked, "legal": _claimed, "authority": _charged,
    }.get(record_class)  # fmt: skip
    if maker is not None:
        return maker(setting, random)
    return Sums(gross=random_amount(random, 180, 3900))


def _amount(setting: Setting, value: Decimal) -> str:
    return setting.half.written_amount(german_number(value))


def _goods(setting: Setting, random: Random) -> list[tuple[str, str, int, Decimal]]:
    products = setting.half.PRODUCTS[setting.sender.kind]
    chosen = [random.choice(products) for _ in range(setting.items)]
    if setting.items <= len(products):
        chosen = random.sample(products, setting.items)
    return [(name, unit, random.choice((1, 1, 2, 3, 4, 5, 8, 10, 12, 20)), random_amount(random, low, high))
            for name, unit, low, high in chosen]  # fmt: skip


def _priced(setting: Setting, random: Random) -> Sums:
    labels = setting.half.LABELS
    rate = 7 if setting.sender.kind in _REDUCED_TRADES else 19
    rows, net = [], Decimal(0)
    for number, (name, unit, count, price) in enumerate(_goods(setting, random), start=1):
        net += count * price
        rows.append((str(number), name, str(count), unit, german_number(price), german_number(count * price)))
    vat = vat_of(net, rate)
    columns = (
        Column(title=labels["position"], share=0.07), Column(title=labels["article"], share=0.41),
        Column(title=labels["quantity"], share=0.11, right=True), Column(title=labels["unit"], share=0.13),
        Column(title=labels["price"], share=0.13, right=True), Column(title=labels["sum"], share=0.15, right=True),
    )  # fmt: skip
    totals = (
        (labels["net"], _amount(setting, net)),
        (labels["vat"].format(rate=rate), _amount(setting, vat)),
        (labels["gross"], _amount(setting, net + vat)),
    )
    return Sums(gross=net + vat, net=net, vat=vat, blocks=(Table(columns=columns, rows=tuple(rows), totals=totals),))


def _delivered(setting: Setting, random: Random) -> Sums:
    labels = setting.half.LABELS
    rows = tuple(
        (str(number), name, str(count), unit)
        for number, (name, unit, count, _) in enumerate(_goods(setting, random), start=1)
    )
    columns = (
        Column(title=labels["position"], share=0.1), Column(title=labels["article"], share=0.55),
        Column(title=labels["quantity"], share=0.15, right=True), Column(title=labels["unit"], share=0.2),
    )  # fmt: skip
    return Sums(blocks=(Table(columns=columns, rows=rows),))


def _reminded(setting: Setting, random: Random) -> Sums:
    labels, facts = setting.half.LABELS, setting.facts
    open_sum, fee = random_amount(random, 120, 5200), Decimal(random.choice((5, 8, 10, 25)))
    columns = (
        Column(title=labels["document"], share=0.34), Column(title=labels["date"], share=0.22),
        Column(title=labels["due"], share=0.22), Column(title=labels["open"], share=0.22, right=True),
    )  # fmt: skip
    rows = (
        (facts["older"], facts["earlier"], facts["overdue"], german_number(open_sum)),
        (labels["fee"], "", "", german_number(fee)),
    )
    totals = ((labels["payable"], _amount(setting, open_sum + fee)),)
    return Sums(gross=open_sum + fee, blocks=(Table(columns=columns, rows=rows, totals=totals),))


def _certified(setting: Setting, random: Random) -> Sums:
    labels, facts = setting.half.LABELS, setting.facts
    pairs = (
        (labels["insured"], facts["person"]), (labels["born"], facts["born"]),
        (labels["employer"], setting.recipient.name), (labels["kind"], labels["first"]),
        (labels["since"], facts["date"]), (labels["until"], facts["later"]), (labels["seen"], facts["date"]),
    )  # fmt: skip
    return Sums(blocks=(Fields(pairs=pairs),))


def _listed(setting: Setting, rows: list[tuple[str, Decimal]], total: str, title: str = "text") -> Table:
    labels = setting.half.LABELS
    columns = (
        Column(title=labels[title], share=0.7),
        Column(title=labels["value"], share=0.3, right=True),
    )
    return Table(
        columns=columns,
        rows=tuple((name, german_number(value)) for name, value in rows),
        totals=((labels[total], _amount(setting, sum((value for _, value in rows), Decimal(0)))),),
    )


def _paid(setting: Setting, random: Random) -> Sums:
    labels = setting.half.LABELS
    salary, bonus = random_amount(random, 2400, 5200), random_amount(random, 40, 380)
    tax, social = vat_of(salary + bonus, random.randint(11, 22)), vat_of(salary + bonus, 20)
    rows = [
        (labels["salary"], salary),
        (labels["bonus"], bonus),
        (labels["wage-tax"], -tax),
        (labels["social"], -social),
    ]
    return Sums(gross=salary + bonus - tax - social, blocks=(_listed(setting, rows, "payout"),))


def _assessed(setting: Setting, random: Random) -> Sums:
    labels = setting.half.LABELS
    tax, paid = random_amount(random, 6000, 48_000), random_amount(random, 900, 5800)
    rows = [(labels["tax-due"], tax), (labels["prepaid"], -paid)]
    return Sums(gross=tax - paid, blocks=(_listed(setting, rows, "payable"),))


def _insured(setting: Setting, random: Random) -> Sums:
    labels, facts = setting.half.LABELS, setting.facts
    premium = random_amount(random, 240, 4200)
    pairs = (
        (labels["insured"], setting.recipient.name), (labels["tariff"], f"{facts['topic']} Plus"),
        (labels["begin"], facts["earlier"]), (labels["premium"], _amount(setting, premium)),
    )  # fmt: skip
    return Sums(gross=premium, blocks=(Fields(pairs=pairs),))


def _booked(setting: Setting, random: Random) -> Sums:
    half = setting.half
    parties = [name for names in half.SENDERS.values() for name in names]
    rows = [
        (
            f"{random.choice(parties)}, {setting.facts['older']}",
            random.choice((1, -1)) * random_amount(random, 20, 4100),
        )
        for _ in range(max(4, setting.items))
    ]
    rows.insert(0, (half.LABELS["old-balance"], random_amount(random, 21_000, 90_000)))
    table = _listed(setting, rows, "balance", title="booking")
    return Sums(gross=sum((value for _, value in rows), Decimal(0)), blocks=(table,))


def _claimed(setting: Setting, random: Random) -> Sums:
    labels = setting.half.LABELS
    rows = [
        (labels["claim"], random_amount(random, 900, 14_000)), (labels["interest"], random_amount(random, 12, 240)),
        (labels["costs"], random_amount(random, 90, 980)),
    ]  # fmt: skip
    return Sums(gross=sum((value for _, value in rows), Decimal(0)), blocks=(_listed(setting, rows, "total"),))


def _charged(setting: Setting, random: Random) -> Sums:
    rows = [(setting.half.LABELS["charge"], random_amount(random, 25, 640))]
    return Sums(gross=rows[0][1], blocks=(_listed(setting, rows, "payable"),))
