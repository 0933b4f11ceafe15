"""What somebody may have kept of a vault while they were allowed to, and what it is still worth."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from simulators import Office, environment_of

from poststelle.access.database import open_database
from poststelle.access.keyring import database_purpose, document_purpose
from poststelle.access.sealing import DoesNotOpen, SealingPrivateKey
from poststelle.durable import Disk
from poststelle.errors import Damaged
from poststelle.wiring import Environment, Session, open_person, open_service


@dataclass(frozen=True)
class Hoard:
    """Every secret that somebody could get out of the vault while they were allowed to."""

    keys: dict[tuple[str, int], SealingPrivateKey]
    databases: dict[str, bytes]

    @classmethod
    def of(cls, office: Office, user: str | None) -> "Hoard":
        """What this person (None: the service) holds now."""
        with opened(environment_of(office, user=user)) as session:
            ring, book = session.keyring, session.book
            held = [e for row in book.epochs.values() for e in row if ring.person_id in e.wraps]
            names = {f"index:{c}" for c in book.office["compartments"] if ring.holds(f"index:{c}")}
            return cls(
                {(e.scope, e.number): ring.key(e.scope, e.number) for e in held},
                {name: ring.database_key(name, name) for name in names},
            )

    def opens(self, office: Office, document_id: str) -> bool:
        """Whether any of it opens any key of a letter, as the vault lies there now."""
        with open_service(environment_of(office), as_it_is=True) as session:
            for wrap in session.keys.wraps_of(document_id):
                info = document_purpose(
                    session.book.vault_id, document_id, wrap.part_set, wrap.version, wrap.scope_id, wrap.epoch
                )
                for key in self.keys.values():
                    with contextlib.suppress(DoesNotOpen):
                        return bool(key.unwrap(wrap.wrap, info))
        return False

    def opens_index(self, office: Office, compartment: str) -> bool:
        """Whether any of it opens an index: a key that was kept, or the key that lies in the key store now."""
        name, path = f"index:{compartment}", office.vault / "index" / f"{compartment}.db"
        candidates = list(self.databases.values())
        with open_service(environment_of(office), as_it_is=True) as session:
            found = session.keys.database_wrap(name)
            assert found is not None
            for key in self.keys.values():
                with contextlib.suppress(DoesNotOpen):
                    candidates.append(
                        key.unwrap(found[1], database_purpose(session.book.vault_id, name, name, found[0]))
                    )
        for candidate in candidates:
            with contextlib.suppress(Damaged):
                open_database(path, Disk(), key=candidate).close()
                return True
        return False


@contextlib.contextmanager
def opened(environment: Environment) -> Iterator[Session]:
    """As the person that the environment names, else as the service."""
    with open_service(environment) if environment.identity_file is None else open_person(environment) as session:
        yield session
