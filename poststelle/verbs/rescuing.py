"""`identity replace --kit`: an owner whose identity is lost gets a new one, signed by the recovery kit alone.

    identity file written aside -> entry in the log -> wraps of every key the roles need -> statement of the kit: from
    here on the new identity counts, the old one is worth nothing -> file in its place -> keys renewed, as the new owner

A crash before the statement leaves a file that opens nothing, and wraps that the next renewal deletes. After it the
command may be repeated: the kit replaces the new identity as it did the old one. So nothing can be lost in between,
not even the one-time code on a screen that was closed too soon.
"""

import contextlib
from pathlib import Path

from archive.keystore import insert_epoch_wrap
from archive.rekeying import successor_wraps, wraps_entry
from poststelle.access.audit import Entry
from poststelle.access.identities import Identity, RecoveryKit, read_identity, read_kit
from poststelle.access.keybook import OWNER, REPLACE_OWNER, KeyBook, Person, encode_public
from poststelle.durable import TEMP_SUFFIX
from poststelle.errors import ConfigurationError, NotPermitted
from poststelle.verbs.people import Issued, find_person, issue_identity, keys_pending, owners_of, taking_the_place
from poststelle.wiring import Environment, Session, open_with_kit

KIT_USED = "kit-used"
"""Kind of the log entry that is written before the kit signs; its author is the kit."""


def replace_owner(
    environment: Environment, user: str, kit_file: Path, *, identity_out: Path | None, no_passphrase: bool
) -> Issued:
    """New keys for an owner, by the recovery kit; everybody is told by their next command.

    Raises:
        ConfigurationError: no kit that can be read, or one of another vault; nobody is called so; a file is in the way.
        NotPermitted: another kit took this one's place, it is one that signs nothing, or the user is no owner.
    """
    kit, successor = read_kit(kit_file), Identity.generate(user)
    with open_with_kit(environment, kit, successor) as session:
        _owner(session.book, user, kit)
        file = (identity_out or session.config.identities / f"{user}.identity").absolute()
        fresh = file.with_name(f"{file.name}.new")
        _sweep(session, fresh)
        code = issue_identity(session, successor, fresh, no_passphrase=no_passphrase)
        with taking_the_place(session, successor, fresh, file):
            old = _owner(session.book, user, kit)
            _log_use(session, kit, old)
            _state(session, kit, old)
        session.note("identity-replaced", user=user, old=old.person_id, new=successor.person_id, kit=kit.kit_id)
        return Issued(user=user, roles=old.roles, file=file, one_time_code=code, still_pending=keys_pending(session))


def _owner(book: KeyBook, user: str, kit: RecoveryKit) -> Person:
    """Whom the kit is to replace; what the key book would refuse is said here in words that help."""
    if kit.kit_id != book.kit_id:
        raise NotPermitted(
            "Another recovery kit took this one's place: it signs nothing any more. Look for the newer one, and "
            "destroy this."
        )
    if kit.signing is None or book.kit_signing is None:
        raise NotPermitted(
            "This recovery kit was made before kits could sign: it opens every letter (recover.py), but replaces "
            "nobody. An owner who has their identity makes one that can: `poststelle kit renew`."
        )
    if kit.public_signing != book.kit_signing:
        raise NotPermitted("The signing keys of this recovery kit are not those that the key book names.")
    person = find_person(book, user)
    if OWNER not in person.roles:
        raise NotPermitted(
            f"The recovery kit replaces an owner, and nobody else. Owners: {', '.join(owners_of(book))}. For {user} an "
            "owner does it: `poststelle --identity FILE identity replace`."
        )
    return person


def _sweep(session: Session, fresh: Path) -> None:
    """Remove what an earlier run left that was killed: nobody needs it once this one is done."""
    for half in fresh.parent.glob(f"{fresh.name}.*{TEMP_SUFFIX}"):
        session.disk.unlink(half, missing_ok=True)
    with contextlib.suppress(ConfigurationError):
        left_over = read_identity(fresh)
        if (left_over.vault_id, left_over.user) == (session.book.vault_id, session.identity.user):
            session.disk.unlink(fresh)


def _log_use(session: Session, kit: RecoveryKit, old: Person) -> None:
    details = {"user": old.user, "person": old.person_id}
    entry = Entry(kind=KIT_USED, by=kit.kit_id, at=session.now(), details=details)
    session.state.remember(session.audit.append([entry]))


def _state(session: Session, kit: RecoveryKit, old: Person) -> None:
    new = session.identity.public
    wraps = list(successor_wraps(session.book, session.keys, kit, old, new))
    session.mirrored_keys.apply(
        [insert_epoch_wrap(epoch.scope_id, epoch.number, new.person_id, wrap) for epoch, wrap in wraps]
    )
    session.disk.reached("successor-wrapped")
    content = {
        "person": old.person_id,
        "keys": encode_public(new),
        "wraps": [wraps_entry(epoch, {new.person_id: wrap}) for epoch, wrap in wraps],
    }
    session.enact(REPLACE_OWNER, content, kit)
    session.disk.reached("successor-stated")
