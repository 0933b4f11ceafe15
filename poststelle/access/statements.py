"""Signed statements: a person's release, hold, decision or discard, bound to the vault, its object and the log.

A statement is canonical JSON like a line of the key book: `{"body": {...}, "ed25519": "…", "ml_dsa_65": "…"}`.
`body` holds `vault`, `kind`, `at`, `by`, `log` (number and hash of the log entry seen last) and the kind's own
fields. Its id is the SHA-256 of the line. A statement counts only if both signatures hold, it was made for this
vault, and its author is in the key book now; which right the author needs is for the caller to ask.
"""

import base64
import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from poststelle.access.audit import Head
from poststelle.access.identities import Identity, Signature
from poststelle.access.keybook import KeyBook, canonical, statement_message
from poststelle.errors import Damaged


class InvalidStatement(Damaged):
    """A statement is unsigned, forged, made for another vault, or by somebody the key book does not know."""

    code = "S013"

    def __init__(self, what: str) -> None:
        self.what = what
        super().__init__(
            f"A statement in the catalogue does not hold: {what}. It was not followed. Find out who wrote it, then "
            "let the person concerned make it again."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """A statement that was made or checked."""

    statement_id: str
    """SHA-256 of the line, hex."""
    kind: str
    person_id: str
    made_at: datetime
    body: dict[str, Any]
    line: bytes


def make_statement(
    identity: Identity, vault_id: str, kind: str, content: dict[str, Any], *, at: datetime, head: Head | None
) -> Statement:
    """Sign a statement as this identity."""
    body: dict[str, Any] = {
        "vault": vault_id,
        "kind": kind,
        "at": at.isoformat(),
        "by": identity.person_id,
        "log": None if head is None else {"n": head.number, "hash": head.hash},
        **content,
    }
    return _statement(body, _line(body, identity.sign(statement_message(vault_id, body))))


def check_statement(line: bytes, book: KeyBook, kind: str, *, or_removed: bool = False) -> Statement:
    """Read a statement and check everything but the author's right.

    With `or_removed` the author may have left since: what somebody did while they were here stays done, but the
    caller must know from elsewhere (the log) that it was done then.

    Raises:
        InvalidStatement: see there.
    """
    try:
        envelope = json.loads(line)
        body = envelope["body"]
        signature = Signature(base64.b64decode(envelope["ed25519"]), base64.b64decode(envelope["ml_dsa_65"]))
        # Written anew and compared: nothing unsigned rides along, and one statement has one id.
        if _line(body, signature) != line or body["kind"] != kind:
            raise InvalidStatement(f"it is not a {kind} statement in canonical form")
        if body["vault"] != book.vault_id:
            raise InvalidStatement("it was made for another vault")
        author = book.people.get(body["by"]) if or_removed else book.person(body["by"])
        statement = _statement(body, line)
    except (ValueError, KeyError, TypeError) as err:
        raise InvalidStatement("it is unsigned or damaged") from err
    if author is None:
        raise InvalidStatement("its author is not in the key book")
    if not author.public.verify(statement_message(book.vault_id, body), signature):
        raise InvalidStatement("its signature does not hold")
    return statement


def _line(body: dict[str, Any], signature: Signature) -> bytes:
    return canonical({"body": body, "ed25519": _b64(signature.ed25519), "ml_dsa_65": _b64(signature.ml_dsa_65)})


def _statement(body: dict[str, Any], line: bytes) -> Statement:
    return Statement(
        statement_id=hashlib.sha256(line).hexdigest(),
        kind=body["kind"],
        person_id=body["by"],
        made_at=datetime.fromisoformat(body["at"]),
        body=body,
        line=line,
    )


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()
