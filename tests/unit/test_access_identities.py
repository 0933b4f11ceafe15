"""Identity files: they open with their passphrase and as what they are, and cost what they must, not more."""

import base64
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from poststelle.access import identities
from poststelle.access.identities import (
    CODE_ALPHABET,
    Identity,
    RecoveryKit,
    new_one_time_code,
    read_identity,
    read_kit,
    seal_identity,
    write_identity,
)
from poststelle.durable import Disk
from poststelle.errors import ConfigurationError, WrongPassphrase

VAULT, GENESIS, PHRASE = "ab" * 16, "cd" * 32, "sieben blaue Kähne"


@pytest.fixture(scope="module")
def identity() -> Identity:
    return Identity.generate("hr")


@pytest.fixture
def written(tmp_path: Path, identity: Identity) -> Path:
    """An identity file that opens with PHRASE."""
    path = tmp_path / "folder" / "hr.identity"
    file = seal_identity(identity, vault_id=VAULT, genesis_hash=GENESIS, passphrase=PHRASE)
    write_identity(path, file, Disk())
    return path


def change(path: Path, **fields: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


def protection(path: Path, **fields: Any) -> dict[str, Any]:
    return {"protection": json.loads(path.read_text())["protection"] | fields}


def test_an_identity_comes_back_with_its_passphrase(written: Path, identity: Identity) -> None:
    """The control: the same keys, and readable only by their owner on this machine."""
    file = read_identity(written)

    assert (file.user, file.vault_id, file.genesis_hash) == ("hr", VAULT, GENESIS)
    assert file.open(lambda: PHRASE).secret() == identity.secret()
    assert written.stat().st_mode & 0o777 == 0o600
    assert identity.secret() not in written.read_bytes()
    assert base64.b64encode(identity.secret()[:48]) not in written.read_bytes()


def test_another_passphrase_opens_nothing(written: Path) -> None:
    """A guess, an empty answer or another spelling is refused the same way."""
    for guess in ("", PHRASE.upper(), PHRASE + " ", "sieben blaue Ka\u0308hne"):
        with pytest.raises(WrongPassphrase) as refused:
            read_identity(written).open(lambda guess=guess: guess)
        assert guess == "" or guess not in str(refused.value)


@pytest.mark.parametrize(
    "fields",
    [{"user": "owner"}, {"vault": "00" * 16}, {"genesis": "00" * 32}, {"person": "00" * 16}, {"more": 1}],
    ids=lambda fields: next(iter(fields)),
)
def test_a_changed_header_does_not_open(fields: dict[str, Any], written: Path) -> None:
    """The header says which key book to trust: whoever changes it must not be believed."""
    change(written, **fields)
    with pytest.raises(WrongPassphrase):
        read_identity(written).open(lambda: PHRASE)


@pytest.mark.parametrize(
    "cost",
    [
        {"memory_kib": 8 * 1024 - 1},
        {"memory_kib": 1024 * 1024 + 1},
        {"iterations": 0},
        {"iterations": 13},
        {"lanes": 0},
        {"lanes": 5},
        {"memory_kib": 10**12},
    ],
    ids=str,
)
def test_an_absurd_cost_is_refused_before_it_is_paid(
    cost: dict[str, int], written: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A forged file that asks for a terabyte would stop the machine; one that asks for nothing helps a thief."""
    change(written, **protection(written, **cost))
    monkeypatch.setattr(identities, "Argon2id", lambda **_: pytest.fail("the cost was paid"))

    with pytest.raises(ConfigurationError, match="cost"):
        read_identity(written).open(lambda: PHRASE)


@pytest.mark.parametrize("changed", [{"iterations": 2}, {"memory_kib": 32 * 1024}, {"one_time": True}], ids=str)
def test_a_changed_cost_or_flag_does_not_open(changed: dict[str, Any], written: Path) -> None:
    """The cost is bound to the file: nobody can make guessing cheaper afterwards."""
    change(written, **protection(written, **changed))
    with pytest.raises(WrongPassphrase):
        read_identity(written).open(lambda: PHRASE)


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", b"[]", b"not JSON", b'{"sealed":"!"}', b'{"sealed":"","format":"other","protection":{}}', b"\xff\xfe"],
    ids=repr,
)
def test_what_is_no_identity_file_is_refused_in_words(content: bytes, tmp_path: Path) -> None:
    """Somebody names the wrong file: they must read so, not a traceback."""
    path = tmp_path / "x.identity"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"x\.identity"):
        read_identity(path)
    with pytest.raises(ConfigurationError, match="no identity file"):
        read_identity(tmp_path / "missing")
    with pytest.raises(ConfigurationError):
        read_identity(tmp_path)


def test_an_identity_without_passphrase_asks_for_none(tmp_path: Path, identity: Identity) -> None:
    """Demos and services: the file alone is the key."""
    path = tmp_path / "x"
    write_identity(path, seal_identity(identity, vault_id=VAULT, genesis_hash=GENESIS, passphrase=None), Disk())
    opened = read_identity(path).open(lambda: pytest.fail("a passphrase was asked for"))
    assert opened.person_id == identity.person_id


def test_both_signatures_count(identity: Identity) -> None:
    """If one of the two algorithms falls, a signature made by breaking it must not be enough."""
    from poststelle.access.identities import Signature

    message, other = identity.sign(b"message"), identity.sign(b"other")
    public = identity.public

    assert public.verify(b"message", message)
    assert not public.verify(b"message", Signature(message.ed25519, other.ml_dsa_65))
    assert not public.verify(b"message", Signature(other.ed25519, message.ml_dsa_65))
    assert not public.verify(b"other", message)
    assert not Identity.generate("x").public.verify(b"message", message)


def test_one_time_codes_can_be_read_out_over_the_telephone() -> None:
    """No letter looks or sounds like a digit, and no code comes twice."""
    codes = {new_one_time_code() for _ in range(50)}
    assert len(codes) == 50
    assert all([len(group) for group in code.split("-")] == [4, 4, 4, 4] for code in codes)
    assert not set("".join(codes)) - set(CODE_ALPHABET) - {"-"}
    assert not set("il1o0") & set(CODE_ALPHABET)


KIT = RecoveryKit.generate(VAULT, GENESIS)
OLD_KIT = replace(KIT, signing=None)


@pytest.mark.parametrize("kit", [KIT, OLD_KIT], ids=["signing", "reading only"])
def test_the_kit_prints_what_recover_reads(kit: RecoveryKit) -> None:
    """The sheet of paper is the last way back: whatever recover.py lies in the vault, it must find the same secret."""
    text = kit.encode().decode()
    secret = "".join("".join(line.split()) for line in text.splitlines() if line.startswith("  "))

    assert base64.b32decode(secret + "=" * (-len(secret) % 8)) == kit.sealing.seeds
    assert all(len(line) <= 100 for line in text.splitlines())
    assert (f"check: {kit.check_code}" in text, len(kit.check_code)) == (True, 6)


@pytest.mark.parametrize("kit", [KIT, OLD_KIT], ids=["signing", "reading only"])
def test_a_kit_comes_back_as_it_was_printed(kit: RecoveryKit, tmp_path: Path) -> None:
    """Typed from paper in a bad hour: the keys that open and the keys that sign, and of an old kit no others."""
    path = tmp_path / "kit.txt"
    path.write_bytes(kit.encode())

    read = read_kit(path)

    assert (read.kit_id, read.sealing.seeds, read.check_code) == (kit.kit_id, kit.sealing.seeds, kit.check_code)
    assert (read.signing and read.signing.public) == (kit.signing and kit.signing.public)
    assert (OLD_KIT.check_code != KIT.check_code, OLD_KIT.kit_id) == (True, KIT.kit_id)


@pytest.mark.parametrize("line", ["secret", "ed25519", "ml-dsa-65", "check"])
def test_a_slip_on_the_keyboard_is_told(line: str, tmp_path: Path) -> None:
    """One wrong letter in a key that signs would only show on the day it is needed."""
    lines = KIT.encode().decode().splitlines()
    at = next(i for i, text in enumerate(lines) if text.startswith(f"{line}:")) + (line == "secret")
    old = lines[at][-1]
    # The last letter of a key has bits that decode to nothing; the one before has none.
    lines[at] = lines[at][:-2] + ("B" if lines[at][-2] != "B" else "C") + old
    path = tmp_path / "kit.txt"
    path.write_text("\n".join(lines))

    with pytest.raises(ConfigurationError, match="mistyped"):
        read_kit(path)


def test_a_signing_kit_without_a_key_is_none(tmp_path: Path) -> None:
    """Half a sheet must not pass for a kit of the first form."""
    path = tmp_path / "kit.txt"
    path.write_text("\n".join(line for line in KIT.encode().decode().splitlines() if "ml-dsa-65" not in line))

    with pytest.raises(ConfigurationError, match="not a recovery kit"):
        read_kit(path)


def test_identities_do_not_show_their_keys(identity: Identity) -> None:
    """A traceback in a journal must not print what opens the mail."""
    assert repr(identity) == "Identity('hr')"
    assert repr(identity.sealing) == "SealingPrivateKey(…)"
    assert repr(KIT.signing) == "SigningPrivateKey(…)"
