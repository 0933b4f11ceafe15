"""What the office tells the classifier: classes, the evidence for each, and when a letter is sure enough."""

from dataclasses import dataclass
from typing import Literal

Place = Literal["anywhere", "subject", "head", "foot", "sender"]
"""Where a phrase counts: the whole letter, its subject line, its upper third, its footer, its sender's name."""

Signal = Literal[
    "has_iban", "has_amount", "has_total", "has_table", "has_due_date", "has_legal_remedy", "has_salutation",
    "from_person",
]  # fmt: skip
"""Something about the build of a letter that speaks for or against a class; see structure.py."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrase:
    """Words that speak for a class, or against it.

    Case, umlauts and punctuation do not matter. A `*` at the beginning or the end stands for any rest of a
    word: `*vertrag` also finds "Mietvertrag". With `regex`, the text is a regular expression that is tried on
    the recognised text as it stands, ignoring case.
    """

    text: str
    weight: float
    """In steps of log-odds: 1 is a hint, 3 is strong; negative speaks against the class."""
    where: Place = "anywhere"
    regex: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StructureWeight:
    """How much a signal of the letter's build speaks for (or, negative, against) a class."""

    signal: Signal
    weight: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassRule:
    """One record class: where its letters are filed, how long they are kept, and how they are recognised."""

    code: str
    label: str
    """The class's name for German readers."""
    compartment: str
    retention: str
    """Code of a line of the retention table."""
    phrases: tuple[Phrase, ...] = ()
    structure: tuple[StructureWeight, ...] = ()
    tax_relevant: bool = False
    prior: float = 0.0
    """Score before any evidence; above 0 only for the class of letters that fit nowhere else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassifierSettings:
    """Everything the classifier needs to know; it reads neither files nor clock."""

    rules: tuple[ClassRule, ...]
    accept_at: float = 0.75
    """A class at least this probable is filed without a person."""
    accept_in: tuple[tuple[str, float], ...] = ()
    """Where a compartment asks for more (or less) than `accept_at`: (compartment, probability)."""
    confidential: frozenset[str] = frozenset({"restricted", "management", "hr", "legal"})
    """Compartments that few people read."""
    narrowest_first: tuple[str, ...] = ("restricted", "management", "hr", "legal")
    """Order of the confidential compartments when several are possible."""
    confidential_floor: float = 0.05
    """A confidential class above this keeps a letter out of wider hands until a person has looked."""
    unsure_compartment: str = "unsorted"
    office_names: tuple[str, ...] = ()
    """Our own names: we are the recipient, never the sender."""
    page_confidence_floor: float = 0.8
    """Pages recognised with a lower mean confidence are looked at by a person."""
    archive_number_prefix: str = "ASN"
    """What the codes on our own archive number stickers begin with."""
    sealed_lane: tuple[tuple[str, str], ...] = ()
    """(lane, role): letters to works council, company doctor, … stay unread, for that role; see sealed_lane.py."""
    temperature: float = 0.55
    """Score difference that counts as one step of log-odds; `decision.probabilities` says how it was chosen."""
