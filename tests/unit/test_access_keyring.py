"""The keyring: scope keys open for those whom the book names, and only if they are the keys the book names."""

from dataclasses import replace

import pytest

from poststelle.access.identities import Identity
from poststelle.access.keybook import Epoch, KeyBook
from poststelle.access.keyring import Keyring, NewEpoch, make_database_key, make_epoch
from poststelle.access.sealing import SealingPrivateKey
from poststelle.errors import Damaged, NotPermitted

VAULT, SCOPE, SCOPE_ID = "ab" * 16, "index:finance", "5" * 16
CLERK, COLLEAGUE = Identity.generate("clerk"), Identity.generate("colleague")


class Wraps:
    """A key store in memory."""

    def __init__(self, epochs: dict[tuple[str, int, str], bytes], databases: dict[str, tuple[int, bytes]]) -> None:
        self.epochs = epochs
        self.databases = databases

    def epoch_wrap(self, scope_id: str, epoch: int, recipient_id: str) -> bytes | None:
        return self.epochs.get((scope_id, epoch, recipient_id))

    def database_wrap(self, database: str) -> tuple[int, bytes] | None:
        return self.databases.get(database)


def book_of(*epochs: Epoch, database_wraps: dict[str, str] | None = None) -> KeyBook:
    return KeyBook(
        vault_id=VAULT, genesis_hash="", head="", statements=1, practice=False, office={}, roles={}, people={},
        kit_id="", kit=None, epochs={SCOPE: tuple(epochs)}, database_wraps=database_wraps or {},
    )  # fmt: skip


def new(number: int = 1) -> NewEpoch:
    return make_epoch(VAULT, SCOPE, SCOPE_ID, number, [(CLERK.person_id, CLERK.sealing.public)])


def stored(*epochs: NewEpoch) -> Wraps:
    return Wraps(
        {(SCOPE_ID, e.epoch.number, recipient): wrap for e in epochs for recipient, wrap in e.wraps.items()}, {}
    )


def test_a_recipient_opens_every_epoch_and_nobody_else_any() -> None:
    """Letters of last year stay readable after the keys changed; those who came later need a wrap of their own."""
    first, second = new(1), new(2)
    book, wraps = book_of(first.epoch, second.epoch), stored(first, second)
    ring = Keyring(CLERK, book, wraps)

    assert [ring.key(SCOPE, n).seeds for n in (1, 2)] == [first.private.seeds, second.private.seeds]
    assert ring.holds(SCOPE)
    for number in (0, 3):
        with pytest.raises(NotPermitted):
            ring.key(SCOPE, number)
    stranger = Keyring(COLLEAGUE, book, wraps)
    assert not stranger.holds(SCOPE)
    with pytest.raises(NotPermitted):
        stranger.key(SCOPE, 1)
    with pytest.raises(NotPermitted):
        ring.key("index:hr", 1)


def test_a_wrap_that_is_not_the_books_is_refused() -> None:
    """Somebody replaces a wrap in the key store by one they made: new letters would be sealed to a key they hold."""
    made, planted = new(), new()
    for wrap in (next(iter(planted.wraps.values())), b"x" * 1200, None):
        wraps = stored(made)
        if wrap is None:
            wraps.epochs.clear()
        else:
            wraps.epochs[SCOPE_ID, 1, CLERK.person_id] = wrap
        with pytest.raises(Damaged):
            Keyring(CLERK, book_of(made.epoch), wraps).key(SCOPE, 1)


def test_a_key_that_does_not_fit_its_public_key_is_refused() -> None:
    """The book names one public key and the wrap holds another: neither may be trusted."""
    made = new()
    book = book_of(replace(made.epoch, public=SealingPrivateKey.generate().public))
    with pytest.raises(Damaged):
        Keyring(CLERK, book, stored(made)).key(SCOPE, 1)


def test_a_wrap_of_another_recipient_is_refused_even_if_the_book_names_it() -> None:
    """Wraps are bound to whom they are for: a copied row is no grant."""
    made = make_epoch(VAULT, SCOPE, SCOPE_ID, 1, [(COLLEAGUE.person_id, CLERK.sealing.public)])
    wrap, digest = made.wraps[COLLEAGUE.person_id], made.epoch.wraps[COLLEAGUE.person_id]
    book = book_of(replace(made.epoch, wraps={CLERK.person_id: digest}))
    with pytest.raises(Damaged):
        Keyring(CLERK, book, Wraps({(SCOPE_ID, 1, CLERK.person_id): wrap}, {})).key(SCOPE, 1)


def test_a_database_key_opens_through_its_scope_and_for_its_database() -> None:
    """The key of one index must not open as the key of another, nor a planted one be used."""
    import hashlib

    made = new()
    key, wrap = make_database_key(VAULT, "index:finance", made.epoch)
    digest = hashlib.sha256(wrap).hexdigest()
    wraps = stored(made)
    wraps.databases = {"index:finance": (1, wrap), "index:hr": (1, wrap), "forged": (1, wrap[:-1] + b"x")}
    book = book_of(made.epoch, database_wraps={"index:finance": digest, "index:hr": digest, "forged": digest})
    ring = Keyring(CLERK, book, wraps)

    assert ring.database_key("index:finance", SCOPE) == key
    for name in ("index:hr", "forged", "missing"):
        with pytest.raises(Damaged):
            ring.database_key(name, SCOPE)
