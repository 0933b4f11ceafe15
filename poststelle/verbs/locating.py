"""Which letter is meant, for people of a department and for those who hold the records key."""

import contextlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from archive.catalogue import LetterRow
from archive.filing import accession
from poststelle.access.keybook import RECORDS
from poststelle.access.statements import Statement, make_statement
from poststelle.errors import NotPermitted, UnknownDocument
from poststelle.wiring import Environment, Session, open_person, open_service

_ACCESSION = re.compile(r"([A-Z]+)-(\d{4})-(\d{6,15})")
"""At most as many digits as a database can count."""


@dataclass(frozen=True, slots=True)
class Desk:
    """A person at work: their own session, and the service's, which keeps the catalogue for all."""

    person: Session
    service: Session

    @property
    def person_id(self) -> str:
        """Who it is."""
        return self.person.identity.person_id

    def locate(self, name: str) -> LetterRow:
        """The catalogue row of a letter by id or number.

        Whoever holds the records key may name any letter, a disposed one too; everybody else only those of
        their compartments.

        Raises:
            UnknownDocument: no such letter, or not one of this person's.
        """
        if not self.person.keyring.holds(RECORDS):
            registered, _ = self.person.reading.resolve(name)
            row = self.service.catalogue.letter(registered.document_id)
        elif match := _ACCESSION.fullmatch(name.upper()):
            prefixes = {v["series"]: c for c, v in self.person.book.office["compartments"].items()}
            compartment = prefixes.get(match[1], "")
            row = self.service.catalogue.by_number(compartment, int(match[2]), int(match[3]))
        else:
            row = self.service.catalogue.letter(name)
        if row is None:
            raise UnknownDocument
        return row

    def require_right(self, right: str, what: str) -> None:
        """Refuse a person whose roles do not hold a right.

        Raises:
            NotPermitted: says who may.
        """
        if not self.person.book.holds_right(self.person_id, right):
            roles = [r.label for r in self.person.book.roles.values() if right in r.rights]
            raise NotPermitted(f"Your role may not {what}. Who may: {', '.join(roles) or 'nobody'}.")

    def sign(self, kind: str, content: Mapping[str, object]) -> Statement:
        """A statement of this person, bound to the log entry they saw last.

        Raises:
            BrokenLog: the log does not contain that any more; nothing is signed.
        """
        self.person.audit  # noqa: B018  (asked before anything is written, not when it is to be logged)
        return make_statement(
            self.person.identity,
            self.person.book.vault_id,
            kind,
            dict(content),
            at=self.person.now(),
            head=self.person.state.head(),
        )

    def number_of(self, row: LetterRow) -> str:
        """The letter's number as people read it."""
        return accession(self.person.book, row.compartment, row.year, row.number)


@contextlib.contextmanager
def desk(environment: Environment) -> Iterator[Desk]:
    """Open the vault as the person named and, for what only the service may write, as the service."""
    with open_person(environment) as person, open_service(environment) as service:
        yield Desk(person, service)
