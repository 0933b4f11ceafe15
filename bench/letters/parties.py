"""Who writes to whom: invented companies, offices and people, each the same wherever it appears."""

from random import Random

from bench.letters.content import Half, Party
from bench.letters.numbers import make_iban, make_vat_id

TRADES_END = "doctor"
"""SENDERS lists the trades first; this is the first kind that is not one."""
_FOLD = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue"})
_FORMS = ("GmbH", "KG", "OHG", "AG", "SE", "&", "Co.", "e.", "K.", "V.", "eG", "mbB", "VVaG", "UG", "GbR", "PartG",
          "gGmbH", "(haftungsbeschränkt)", "a.", "G.")  # fmt: skip


def trades(half: Half) -> tuple[str, ...]:
    """The kinds of sender that sell something."""
    kinds = tuple(half.SENDERS)
    return kinds[: kinds.index(TRADES_END)]


def make_person_name(half: Half, random: Random) -> str:
    """First name and surname."""
    return f"{random.choice(half.FIRST_NAMES)} {random.choice(half.SURNAMES)}"


def make_party(half: Half, name: str, kind: str) -> Party:
    """The party of that name: its address, account and numbers follow from the name alone."""
    random = Random(f"party {name}")
    postcode, town, prefix = random.choice(half.TOWNS)
    domain = _domain(name)
    return Party(
        name=name,
        kind=kind,
        street=f"{random.choice(half.STREETS)} {random.randint(1, 148)}",
        postcode=f"{int(postcode) + random.randint(0, 6):05d}",
        town=town,
        phone=f"{prefix} {random.randint(20, 99)} {random.randint(100, 999)}-{random.randint(0, 99):02d}",
        web=f"www.{domain}.example",
        iban=make_iban(random),
        bank=random.choice(half.BANKS),
        vat_id=make_vat_id(random),
        register=f"Amtsgericht {town}, HR{random.choice('AB')} {random.randint(1200, 98_000)}",
        manager=make_person_name(half, random),
        contact=name.partition(", ")[0] if kind == "doctor" else make_person_name(half, random),
    )


def _domain(name: str) -> str:
    words = [word.strip(",.") for word in name.translate(_FOLD).split() if word not in _FORMS]
    domain = ""
    for word in filter(str.isalpha, words):
        if len(domain) + len(word) < 28:
            domain = f"{domain}-{word.lower()}".strip("-")
    return domain or "kontakt"
