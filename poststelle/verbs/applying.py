"""`config apply`: what config.yaml wishes becomes law, by a signature of somebody who holds the right to grant."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from poststelle.errors import ConfigurationError, KeysRenewed, NotPermitted
from poststelle.stages import Stage
from poststelle.verbs.locating import Desk
from poststelle.wiring import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One value that config.yaml and key book do not agree on."""

    place: str
    """Where it stands, e.g. "roles.hr.compartments.hr"."""
    law: Any
    """What counts now; None if there is nothing."""
    wish: Any
    """What config.yaml says; None if it was taken out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UserDifference:
    """Somebody of whom config.yaml and key book say different things: `user` and `role` change that, not `apply`."""

    user: str
    sentence: str
    commands: tuple[str, ...]
    """What would make the key book say what the file says; none for somebody whom only the key book names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """A comparison, and whether it was made law."""

    differences: tuple[Difference, ...]
    users: tuple[UserDifference, ...]
    applied: bool


def compare(session: Session) -> Applied:
    """What `apply` would change; changes nothing."""
    return Applied(differences=_differences(session), users=tuple(_users(session)), applied=False)


def apply(desk: Desk) -> Applied:
    """Make config.yaml law; keys follow at once as far as the signer holds them.

    Raises:
        NotPermitted: the signer may not grant, a right would be given that they do not hold, or the separation of
            duties would be broken.
        ConfigurationError: a class, line or number series that letters use would be gone.
    """
    session = desk.person
    found = compare(session)
    if not found.differences:
        return found
    if not session.book.holds_right(desk.person_id, "grant"):
        labels = [role.label for role in session.book.roles.values() if "grant" in role.rights]
        raise NotPermitted(f"Your role may not change the law of this office. Who may: {', '.join(labels)}.")
    _require_no_letter_lost(desk)
    with session.changing_law():
        if _differences(session) != found.differences:
            raise KeysRenewed  # what was shown is not what would be signed
        session.change_law("office", {"office": _wish(session)})
    session.note("config-applied", places=[difference.place for difference in found.differences])
    return Applied(differences=found.differences, users=found.users, applied=True)


def _wish(session: Session) -> dict[str, Any]:
    law: dict[str, Any] = json.loads(json.dumps(session.config.law()))
    return law


def _differences(session: Session) -> tuple[Difference, ...]:
    return tuple(_compare("", session.book.office, _wish(session)))


def _compare(place: str, law: Any, wish: Any) -> list[Difference]:
    if law == wish:
        return []
    if not (isinstance(law, dict) and isinstance(wish, dict)):
        return [Difference(place=place, law=law, wish=wish)]
    found = []
    for key in [*law, *(key for key in wish if key not in law)]:
        found += _compare(f"{place}.{key}" if place else str(key), law.get(key), wish.get(key))
    return found


def _users(session: Session) -> Iterator[UserDifference]:
    wished: dict[str, list[str]] = session.config.value["users"]
    members = {p.user: p.roles for p in session.book.people.values() if p.kind == "person" and not p.removed}
    for user in sorted({*wished, *members}):
        roles, held = wished.get(user), members.get(user)
        if held is None:
            options = "".join(f" --role {role}" for role in roles or ())
            commands: tuple[str, ...] = (f"poststelle user add {user}{options}",)
            yield UserDifference(user=user, sentence=f"{user} is not in the key book", commands=commands)
        elif roles is None:
            sentence = f"{user} ({', '.join(held) or 'without a role'}) is in the key book, but not in config.yaml"
            yield UserDifference(user=user, sentence=sentence, commands=())
        elif set(roles) != set(held):
            # What is missing is given first: the last owner cannot be taken away.
            commands = tuple(f"poststelle role grant {user} {role}" for role in roles if role not in held)
            commands += tuple(f"poststelle role revoke {user} {role}" for role in held if role not in roles)
            sentence = f"{user} has {', '.join(held) or 'no role'}, in config.yaml {', '.join(roles) or 'none'}"
            yield UserDifference(user=user, sentence=sentence, commands=commands)


def _require_no_letter_lost(desk: Desk) -> None:
    """Letters name their class and their retention line; both must stay as long as one does."""
    wish, law = _wish(desk.person), desk.person.book.office
    for code, compartment in law["compartments"].items():
        if wish["compartments"].get(code, {}).get("series") != compartment["series"]:
            raise ConfigurationError(
                f"The number series of {code} cannot change, for letters carry its numbers: leave it "
                f"{compartment['series']}."
            )
    for letter in desk.service.catalogue.letters():
        if letter.stage is Stage.DISPOSED:
            continue
        for section, name in (("classes", letter.record_class), ("retention", letter.retention)):
            if name not in wish[section]:
                raise ConfigurationError(
                    f"`{section}: {name}` cannot be taken out: letters are filed under it. Leave it, or reclassify "
                    "them first."
                )
