"""Sealed parts and wraps: what was sealed comes back whole, for the right key and purpose, or not at all."""

from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poststelle.access.keyring import database_purpose, document_purpose, epoch_purpose
from poststelle.access.sealing import (
    PART_MAGIC,
    DoesNotOpen,
    SealingPrivateKey,
    SealingPublicKey,
    duplicate_mark,
    new_key,
    open_sealed,
    part_context,
    purpose,
    seal,
)
from poststelle.records import Part

CHUNK = 16 * 1024
VAULT, LETTER, OTHER = "ab" * 16, "01" * 16, "02" * 16
CONTEXT = part_context(VAULT, LETTER, Part.ORIGINAL, 1)

around_chunks = st.one_of(
    st.integers(0, 64),
    st.builds(lambda chunks, off: max(0, chunks * CHUNK + off), st.integers(1, 4), st.integers(-40, 40)),
)


def sealed(key: bytes, content: bytes, context: bytes = CONTEXT) -> bytes:
    return b"".join(seal(key, context, [content]))


def pieces(content: bytes, size: int) -> Iterator[bytes]:
    yield from (content[i : i + size] for i in range(0, len(content), size))


@given(size=around_chunks, write=st.integers(1, 3 * CHUNK), read=st.integers(1, 3 * CHUNK))
def test_what_is_sealed_comes_back(size: int, write: int, read: int) -> None:
    """A letter of any length, written and read in pieces of any size, is the same letter."""
    key, content = new_key(), bytes(i * 7 % 251 for i in range(size))
    write, read = max(write, size // 50), max(read, size // 50)

    whole = b"".join(seal(key, CONTEXT, pieces(content, write)))

    assert open_sealed(key, CONTEXT, pieces(whole, read)) == content
    assert whole.startswith(PART_MAGIC)


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "last byte cut": lambda s: s[:-1],
    "last chunk cut": lambda s: s[: len(PART_MAGIC) + CHUNK],
    "everything but the beginning cut": lambda s: s[:40],
    "emptied": lambda s: b"",
    "only the magic": lambda s: s[: len(PART_MAGIC)],
    "a byte more": lambda s: s + b"\0",
    "another part appended": lambda s: s + s,
    "without its magic": lambda s: s[len(PART_MAGIC) :],
    "another magic": lambda s: b"PSTPART2" + s[len(PART_MAGIC) :],
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_cut_or_longer_part_is_refused(damage: str) -> None:
    """Someone who cuts the last page off must not get a shorter letter accepted."""
    key, tried = new_key(), 0
    for size in (0, 100, CHUNK, 2 * CHUNK + 5):
        whole = sealed(key, b"x" * size)
        assert open_sealed(key, CONTEXT, [whole]) == b"x" * size
        changed = DAMAGES[damage](whole)
        if changed != whole:
            tried += 1
            with pytest.raises(DoesNotOpen):
                open_sealed(key, CONTEXT, [changed])
    assert tried >= 1, "the control: at least the long parts can be damaged so"


@given(size=around_chunks, where=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_a_flipped_bit_is_refused(size: int, where: float, bit: int) -> None:
    """One digit of an amount, changed on the disk, must never be shown."""
    key = new_key()
    changed = bytearray(sealed(key, b"7" * size))
    changed[int(where * len(changed))] ^= 1 << bit

    with pytest.raises(DoesNotOpen):
        open_sealed(key, CONTEXT, [bytes(changed)])


@pytest.mark.parametrize(
    "context",
    [
        part_context("cd" * 16, LETTER, Part.ORIGINAL, 1),
        part_context(VAULT, OTHER, Part.ORIGINAL, 1),
        part_context(VAULT, LETTER, Part.TEXT, 1),
        part_context(VAULT, LETTER, Part.ORIGINAL, 2),
        b"",
    ],
    ids=["another vault", "another letter", "another part", "another version", "no context"],
)
def test_a_part_opens_only_as_what_it_is(context: bytes) -> None:
    """A part that was moved to another letter's name must not be read as that letter."""
    key = new_key()
    with pytest.raises(DoesNotOpen):
        open_sealed(key, context, [sealed(key, b"content")])
    assert open_sealed(key, CONTEXT, [sealed(key, b"content")]) == b"content"


def test_swapped_chunks_are_refused() -> None:
    """Pages of one part in another order are another letter."""
    key = new_key()
    whole = sealed(key, b"a" * CHUNK + b"b" * CHUNK + b"c" * CHUNK)
    overhead = (len(whole) - len(PART_MAGIC) - 3 * CHUNK) // 3
    step, head = CHUNK + 16, len(whole) - 3 * (CHUNK + 16)
    assert overhead >= 16, "the control: three sealed chunks follow the head"
    first, second = whole[head : head + step], whole[head + step : head + 2 * step]
    swapped = whole[:head] + second + first + whole[head + 2 * step :]

    with pytest.raises(DoesNotOpen):
        open_sealed(key, CONTEXT, [swapped])


def test_another_key_opens_nothing() -> None:
    """Keys are per part: who has one letter's key has one letter."""
    with pytest.raises(DoesNotOpen):
        open_sealed(new_key(), CONTEXT, [sealed(new_key(), b"content")])


def test_the_same_content_is_sealed_differently_each_time() -> None:
    """Whoever compares files must not see that two people received the same letter."""
    key = new_key()
    assert sealed(key, b"content") != sealed(key, b"content")


PURPOSES = {
    "document": document_purpose(VAULT, LETTER, "content", 1, "s" * 16, 1),
    "another letter": document_purpose(VAULT, OTHER, "content", 1, "s" * 16, 1),
    "the text of it": document_purpose(VAULT, LETTER, "text", 1, "s" * 16, 1),
    "another version": document_purpose(VAULT, LETTER, "content", 2, "s" * 16, 1),
    "another scope": document_purpose(VAULT, LETTER, "content", 1, "t" * 16, 1),
    "another epoch": document_purpose(VAULT, LETTER, "content", 1, "s" * 16, 2),
    "another vault": document_purpose("cd" * 16, LETTER, "content", 1, "s" * 16, 1),
    "a scope key": epoch_purpose(VAULT, "s" * 16, 1, LETTER),
    "a database key": database_purpose(VAULT, "catalogue", "records", 1),
    "nothing": b"",
}


@pytest.mark.parametrize("name", [name for name in PURPOSES if name != "document"])
def test_a_wrap_opens_only_for_its_purpose(name: str) -> None:
    """A wrap copied to another letter, compartment or epoch must be worth nothing there."""
    holder = SealingPrivateKey.generate()
    wrap = holder.public.wrap(b"k" * 64, PURPOSES["document"])

    with pytest.raises(DoesNotOpen):
        holder.unwrap(wrap, PURPOSES[name])
    assert holder.unwrap(wrap, PURPOSES["document"]) == b"k" * 64


def test_purposes_never_coincide() -> None:
    """If two purposes had the same bytes, a wrap for one would open as the other."""
    assert len(set(PURPOSES.values())) == len(PURPOSES)


@given(st.lists(st.text(max_size=6), max_size=4), st.lists(st.text(max_size=6), max_size=4))
def test_names_in_a_purpose_cannot_run_together(one: list[str], other: list[str]) -> None:
    """("a", "bc") and ("ab", "c") are different letters; a name that could blur them is refused."""
    if any("\0" in name for name in one + other):
        with pytest.raises(ValueError, match="zero byte"):
            purpose("test v1", *one, *other)
        return
    assert (purpose("test v1", *one) == purpose("test v1", *other)) == (one == other)


@pytest.mark.parametrize("size", [0, 1, 1119, 1120, 1183, 1185])
def test_a_wrap_of_any_other_length_is_refused_and_not_a_crash(size: int) -> None:
    """A key store that somebody wrote into must lead to a clean refusal."""
    holder = SealingPrivateKey.generate()
    with pytest.raises(DoesNotOpen):
        holder.unwrap(b"\1" * size, b"")


def test_a_foreign_key_does_not_open_a_wrap() -> None:
    """HR's key does not open accounting's letters."""
    wrap = SealingPrivateKey.generate().public.wrap(b"secret", b"p")
    with pytest.raises(DoesNotOpen):
        SealingPrivateKey.generate().unwrap(wrap, b"p")


def test_keys_of_a_wrong_length_are_refused() -> None:
    """A truncated public key in the key book must not be sealed to."""
    with pytest.raises(ValueError, match="1216"):
        SealingPublicKey(b"x" * 1215)
    with pytest.raises(ValueError, match="96"):
        SealingPrivateKey(b"x" * 95)
    assert "\\x" not in repr(SealingPrivateKey.generate()), "a key never shows its bytes"


def test_duplicates_are_seen_in_one_compartment_only() -> None:
    """That HR and accounting got the same file must not be visible in their marks."""
    seed = new_key()
    mark = duplicate_mark(seed, "finance", [b"con", b"tent"])

    assert mark == duplicate_mark(seed, "finance", [b"content"])
    assert mark != duplicate_mark(seed, "hr", [b"content"])
    assert mark != duplicate_mark(new_key(), "finance", [b"content"])
    assert mark != duplicate_mark(seed, "finance", [b"content."])
