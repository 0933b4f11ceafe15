"""What the papers are made of: the law of the key book, what config.yaml says of operation, people, version."""

import importlib.metadata
from dataclasses import dataclass
from datetime import date
from typing import Any

from archive.layout import FORMAT
from archive.retention import ScheduleLine
from poststelle.verbs.keeping import schedule
from poststelle.wiring import Session

NAMES_OF_UNITS = {"years": ("Jahr", "Jahre"), "months": ("Monat", "Monate"), "days": ("Tag", "Tage")}
START_EVENTS = {
    "document-or-receipt": "das spätere von Datum und Eingang des Schreibens",
    "receipt": "Eingang des Schreibens",
    "contract-end": "Ende des Vertrags",
    "rejection": "Zugang der Ablehnung",
    "leaving": "Ausscheiden der beschäftigten Person",
    "policy-expiry": "Ablauf der Versicherung",
    "case-end": "Ende des Falls oder Verfahrens",
    "invoice-received": "Eingang der Rechnung",
    "last-entry": "letzte Eintragung",
    "superseded": "Ablösung der Fassung",
    "asset-disposed": "Abgang des Wirtschaftsguts",
    "title-final": "Rechtskraft des Titels",
    "accident": "Schadensereignis",
    "warranty-end": "Ende der Gewährleistung",
    "property-sold": "Veräußerung des Grundstücks",
    "placed-on-market": "Inverkehrbringen",
    "project-end": "Ende des Vorhabens",
    "liquidation-end": "Ende der Abwicklung",
    "request-closed": "Abschluss des Antrags",
    "consent-last-used": "letzte Nutzung der Einwilligung",
    "relationship-end": "Ende der Geschäftsbeziehung",
    "procedure-end": "Ende des Verfahrens",
    "mandate-end": "Ende des Mandats",
    "treatment-end": "Ende der Behandlung",
    "death": "Tod der Person",
    "exposure-end": "Ende der Exposition",
    "social-audit-done": "Abschluss der Betriebsprüfung",
    "taken-out-of-use": "Ende der Nutzung der Anlage oder des Geräts",
    "permit-ended": "Ende der Genehmigung",
    "right-expired": "Erlöschen des Schutzrechts",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """Live state at a moment, as far as papers speak of it; equal state makes equal papers."""

    day: date
    version: str
    vault_id: str
    vault_format: str
    practice: bool
    office: dict[str, Any]
    """The law: the key book's office."""
    operation: dict[str, Any]
    """What config.yaml says of paths, intake, backup, log and recognition."""
    users: dict[str, tuple[str, ...]]
    """Users by role."""
    lines: tuple[tuple[ScheduleLine, tuple[str, ...]], ...]
    """Lines of the retention schedule, each with its classes."""

    def label(self, compartment: str) -> str:
        """A compartment as people call it."""
        return str(self.office["compartments"][compartment]["label"])

    def class_label(self, code: str) -> str:
        """A record class as people call it."""
        return str(self.office["classes"][code]["label"])


def live_state(session: Session, day: date) -> Live:
    """Look at the vault now; `day` is what the papers are dated."""
    book, config = session.book, session.config.value
    users: dict[str, list[str]] = {code: [] for code in book.roles if code != "service"}
    for person in book.people.values():
        if not person.removed and person.kind == "person":
            for role in person.roles:
                users.setdefault(role, []).append(person.user)
    return Live(
        day=day,
        version=importlib.metadata.version("poststelle"),
        vault_id=book.vault_id,
        vault_format=FORMAT,
        practice=book.practice,
        office=book.office,
        operation={name: config[name] for name in ("paths", "intake", "backup", "audit", "sealed_lane")},
        users={role: tuple(sorted(names)) for role, names in sorted(users.items())},
        lines=tuple((entry.line, tuple(entry.classes)) for entry in schedule(book)),
    )


def period(line: ScheduleLine) -> str:
    """How long, in German."""
    for unit, (one, many) in NAMES_OF_UNITS.items():
        number = getattr(line.period, unit)
        if number is not None:
            return f"{number} {one if number == 1 else many}"
    return ""


def start(line: ScheduleLine) -> str:
    """What the period starts with, in German; the event's own name where it has none."""
    event = START_EVENTS.get(line.start_event, line.start_event)
    return f"Ende des Kalenderjahres: {event}" if line.cutoff == "year-end" else f"Tag: {event}"
