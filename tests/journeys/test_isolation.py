"""What accounting gets of the mail room is the same, byte for byte, whether or not HR's letters exist."""

import itertools
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import CANARIES
from drawn_scans import encoded, letter
from simulators import Office

from bench.letters import Letter

UNIQUE = "Rabenkrähenfeder"
MADE_UP = "0123456789abcdef0123456789abcdef"
RUN_TIMES = re.compile(rb'"took_ms": [\d.]+|in \d+ ms|"free_bytes": \d+|[\d.]+ [GM]B free|DTSTAMP:\w+')
"""And other times of day, and what the disk has left."""
INVOICE = "rechnung-quarzsand.pdf"


def answers(office: Office, user: str, commands: list[list[str]]) -> list[tuple[int, bytes, str]]:
    """(exit status, standard output without running times, standard error) of each command, in text and in JSON."""
    both = [
        office.command(*command, user=user, as_json=as_json) for command, as_json in itertools.product(commands, (0, 1))
    ]
    return [(ran.status, RUN_TIMES.sub(b"", ran.out), ran.err) for ran in office.run_many(both)]


@pytest.fixture(scope="module")
def offices(
    tmp_path_factory: pytest.TempPathFactory, filled_office: Office, letters: dict[str, Letter]
) -> tuple[Office, Office, dict[str, str]]:
    """(without HR's new letter, with it, that letter): it repeats words of accounting's mail, and adds its own."""
    folder = tmp_path_factory.mktemp("isolation")
    before = filled_office.copy_to(folder / "before")
    after = filled_office.copy_to(folder / "after")
    invoice = letters[INVOICE]
    lines = [
        "Lohnbüro Kranichfeld GmbH",
        "",
        "Lohnabrechnung Mai 2026",
        f"Personalnummer 4711, Steuerklasse 1, {UNIQUE}",
        "Grundgehalt, Lohnsteuer, Auszahlungsbetrag",
        f"Überweisung am 28.05.2026, Kennwort {CANARIES[INVOICE]}",
        invoice.sender,
        invoice.subject,
        str(invoice.reference),
        f"{CANARIES['mahnung-zwiebelturm.tif']} Überweisung Überweisung",
    ]
    scan = folder / "gehalt.png"
    scan.write_bytes(encoded(letter(lines), "PNG"))
    after.drop(scan)
    document = after.done("intake", user="owner").json["documents"][0]
    assert document["compartment"] == "hr", document
    return before, after, document


def every_read_command(office: Office, document: dict[str, str], letters: dict[str, Letter]) -> list[list[str]]:
    """All ways to ask, with queries that hit, miss, nearly hit and filter, and names of own, foreign and no letters."""
    own = [hit["accession"] for hit in office.done("search", "Überweisung", user="accounting").json["hits"]]
    names = [document["id"], document["accession"], MADE_UP, "HR-2026-999999", "FIN-2026-999999", "Q-2026-000001", "x"]
    invoice = letters[INVOICE]
    queries = [
        "Überweisung", "ueberweisung", UNIQUE, UNIQUE.lower(), "Rabenkrähenfedre", "Rabenk*", "Raben*",
        "Moorbirkenhein", "Fahrenholz", "Lohnabrechnung", "Lohnabrechnugn", "Gehalt", "Rechnung AND Überweisung",
        "Rechnung OR Gehalt", "Rechnung NOT Überweisung", f'"{invoice.subject}"', f"reference:{invoice.reference}",
        f'sender:"{invoice.sender}"', "sender:Kranichfeld", "class:payroll", "class:invoice", "date:2026-05-28",
        "date:[2026-01 TO 2026-12]", "amount:>1", "4711", f"iban:{invoice.iban}", "(offen", "gibtesnicht",
        "Quarzsandfiltre", "Zwiebelturmuhr",
    ]  # fmt: skip
    return [
        *(["search", query] for query in queries),
        *(["search", "--sort", "date", query] for query in queries[:6]),
        *(["search", "--limit", "1", query] for query in queries[:3]),
        *(["search", "--class", name, "Überweisung"] for name in ("invoice", "payroll", "sick-note", "nonsense")),
        ["search", "--from", "2026-05-01", "Überweisung"],
        ["search", "--to", "2026-02-01", "Überweisung"],
        *(["search", "--facets", query] for query in queries[:8]),
        *(["search", "--like", name] for name in (*own, *names)),
        *(["search", query] for query in ("Überweisung Zimtstern", "Lohnabrechnung Zwieback", "*rechnung", "Gehalt~")),
        ["search", "--limit", "1000", "NOT gibtesnicht"],
        ["deadlines"],
        ["retention", "table"],
        *(["retention", "explain", name] for name in (*own, *names)),
        ["review", "list"],
        ["hold", "list"],
        *(["show", name] for name in (*own, *names)),
        *(["export", name, "-o", "-"] for name in (*own, *names)),
        *(
            ["search", query]
            for query in ("*nung Gehlat", "R?chnung Rabenkr*", "Rabenkrähe~ oder Gehalt", "[Gehalt", "?")
        ),
        ["search", "--facets", "--limit", "1", "--sort", "date", "--from", "2026-01-01", "--class", "invoice", "NOT x"],
        ["search", "--like", own[0], "--facets", "--class", "invoice", "--to", "2027-01-01"],
        ["deadlines", "--from", "2026-01-01"],
        ["deadlines", "--from", "2026-01-01", "--ics"],
        *(["show", "--reason", "r", name] for name in names),
        *(["export", name, "--rendition", "-o", "-"] for name in (*own, *names)),
        *(["open", "--with", "true", name] for name in (*own, *names)),
        *(["retention", "explain", "--on", "2050-01-01", name] for name in (*own, *names)),
        *(["purge", "prove", name] for name in names),
        *(["subject", "access", UNIQUE], ["subject", "list"], ["restrict", "list"], ["purge", "list"], ["report"]),
        *(["list"], ["audit", "show"], ["audit", "show", "--id", document["id"]], ["classifier", "status"]),
        *(["user", "list"], ["role", "list"], ["delegate", "list"], ["status"], ["rebuild", "index"]),
        ["quarantine", "list"],
        *(["quarantine", "show", name] for name in names),
        ["quarantine", "discard", document["id"], "--reason", "r", "--yes"],
        ["quarantine", "retry", document["id"]],
        ["verify"],
        ["verify", "--read-data"],
    ]


def every_change_of_a_foreign_letter(document: dict[str, str]) -> list[list[str]]:
    """What is refused must be refused alike, whether or not there is such a letter."""
    return [
        [*verb, name, *rest]
        for name in (document["id"], document["accession"], MADE_UP, "HR-2026-999999")
        for verb, rest in (
            (["review", "decide"], ["invoice"]),
            (["reclassify"], ["invoice"]),
            (["facts", "set"], ["sender", "Jemand"]),
            (["event", "set"], ["contract-end", "2026-01-01"]),
            (["hold", "place"], ["--reason", "r"]),
            (["restrict", "place"], ["--ground", "art18", "--reason", "r"]),
        )
    ]


def test_accounting_cannot_tell_whether_hrs_letter_exists(
    offices: tuple[Office, Office, dict[str, str]], letters: dict[str, Letter]
) -> None:
    """A colleague's dismissal must not show in a hit count, a score, a suggestion or an error of somebody else."""
    before, after, document = offices
    reading = every_read_command(before, document, letters)
    commands = [*reading, *every_change_of_a_foreign_letter(document)]

    without, with_it = answers(before, "accounting", commands), answers(after, "accounting", commands)

    told = [command for command, old, new in zip(_doubled(commands), without, with_it, strict=True) if old != new]
    assert told == []
    assert sum(status == 0 and b"FIN-2026" in out for status, out, _ in without) > 20, "the queries must find something"

    own = before.done("search", "Überweisung", user="accounting").json["hits"][0]["accession"]
    looked_at = [office.run("open", "--with", "cat", own, user="accounting").out for office in (before, after)]
    assert looked_at[0] == looked_at[1]
    assert b"%PDF" in looked_at[0]

    # The positive control: the same commands do tell somebody of HR.
    without, with_it = answers(before, "hr", reading), answers(after, "hr", reading)
    told = [command for command, old, new in zip(_doubled(reading), without, with_it, strict=True) if old != new]
    assert ["search", UNIQUE] in told
    assert ["search", "Überweisung"] in told
    assert ["show", document["id"]] in told
    assert ["export", document["accession"], "-o", "-"] in told


def test_what_the_shell_completes_does_not_tell_whether_hrs_letter_exists(
    offices: tuple[Office, Office, dict[str, str]],
) -> None:
    """Two letters and a press of Tab must not say more than a search does."""
    before, after, document = offices
    typed = ("Raben", "Lohn", "Rech", "sender:Loh", "subject:Lohn", "class:", "has:", "Rechnung Rab")
    letters = [(verb, start) for verb in ("show", "open", "search --like", "retention explain") for start in ("", "HR")]
    asked = [
        *(("search", word) for word in typed),
        *letters,
        ("export", "HR"),
        ("reclassify", "HR"),
        ("hold place", ""),
    ]

    def offered(office: Office, user: str) -> list[bytes]:
        return [completed(office, user, *each) for each in asked]

    without = offered(before, "accounting")
    assert without == offered(after, "accounting")
    assert any(b"Rechnung" in found for found in without), "there must be something to offer"
    assert completed(after, "accounting", "show", "FIN-2026-0").count(b"FIN-2026") > 0
    assert completed(after, "accounting", "show", "HR") == b""

    # The positive control: it is offered to somebody of HR.
    assert document["accession"].encode() not in completed(before, "hr", "show", "HR")
    assert document["accession"].encode() in completed(after, "hr", "show", "HR")
    assert completed(before, "hr", "search", "Raben") == b"" != completed(after, "hr", "search", "Raben")


def completed(office: Office, user: str, verb: str, typed: str) -> bytes:
    """What a shell would be given for `poststelle --identity USER VERB TYPED<Tab>`."""
    words = f"poststelle --identity {office.identity(user)} {verb} {typed}".rstrip()
    place = words.count(" ") + (typed == "")
    ran = office.run(
        env={"_POSTSTELLE_COMPLETE": "zsh_complete", "COMP_WORDS": words, "COMP_CWORD": str(place)}, as_json=False
    )
    assert ran.err == ""
    return ran.out.strip()


def _doubled(commands: list[list[str]]) -> Iterator[list[str]]:
    return (command for command in commands for _ in range(2))


def test_a_foreign_id_and_one_that_never_was_read_the_same(offices: tuple[Office, Office, dict[str, str]]) -> None:
    """Whoever guesses ids must not learn which of them are letters of somebody else's."""
    _, after, document = offices
    for verb in (["show"], ["export", "-o", "-"]):
        ran = [
            after.run(*verb, name, user="accounting")
            for name in (document["id"], document["accession"], MADE_UP, "HR-2026-000099", "nonsense")
        ]
        assert {(r.status, r.out, r.err) for r in ran} == {(4, b"", ran[0].err)}
        assert document["id"] not in ran[0].err

    assert after.run("show", document["id"], user="hr").status == 0, "the control: it is there"


def test_intake_tells_a_person_nothing_of_foreign_letters(office: Office, scans: dict[str, Path]) -> None:
    """A clerk who runs intake sees that a letter came, not whose it is or what it says."""
    office.drop(scans["per-mail-heidelbeer.pdf"])
    seen = office.done("intake", user="hr").json["documents"]

    telling = ("accession", "source", "class", "compartment", "confidence")
    assert [{name: d[name] for name in telling} for d in seen] == [dict.fromkeys(telling)]
    assert [(d["reasons"], d["facts"]) for d in seen] == [([], {})]

    office.drop(scans["per-mail-heidelbeer.pdf"])
    copy = office.done("intake", user="hr").json["documents"][0]
    assert copy["status"] == "filed", "that it came before is told only to those who may see the first"
    assert office.done("show", copy["id"], user="accounting").json["document"]["duplicate_of"] == seen[0]["id"]


def test_the_administrator_may_run_the_machine_and_read_nothing(
    offices: tuple[Office, Office, dict[str, str]], tmp_path: Path
) -> None:
    """Who looks after the server is no reader of the mail: every reading verb is refused, whatever the object."""
    _, after, document = offices
    own = after.done("search", CANARIES[INVOICE], user="owner").json["hits"][0]["id"]
    names = (own, document["id"], MADE_UP)
    commands = [
        ["search", "Überweisung"],
        ["search", "gibtesnicht"],
        *(["show", name] for name in names),
        *(["export", name, "-o", str(tmp_path / "stolen")] for name in names),
        ["quarantine", "list"],
        *(["quarantine", "show", name] for name in (*names, "Q-2026-000001")),
        *(["quarantine", "retry", name] for name in names),
        *(["quarantine", "discard", name, "--reason", "r", "--yes"] for name in names),
        ["verify"],
        ["verify", "--read-data"],
    ]
    ran = after.run_many([after.command(*command, user="administrator") for command in commands])

    assert {(r.arguments[3:], r.status, r.out) for r in ran} == {(tuple(c), 3, b"") for c in commands}
    assert not (tmp_path / "stolen").exists()
    by_verb = {r.arguments[3:4] + (() if r.arguments[3] != "quarantine" else r.arguments[4:5]) for r in ran}
    for verb in by_verb:
        assert len({r.err for r in ran if r.arguments[3 : 3 + len(verb)] == verb}) == 1, "the refusal names no object"


def test_one_department_and_the_other_see_disjoint_mail(filled_office: Office) -> None:
    """The plain version of all this, as a manager would check it."""
    per_user: dict[str, set[str]] = {}
    for user in ("accounting", "hr", "sales", "owner"):
        hits = filled_office.done("search", "Überweisung", user=user).json["hits"]
        per_user[user] = {hit["accession"].split("-")[0] for hit in hits}

    assert per_user == {"accounting": {"FIN"}, "hr": {"HR"}, "sales": set(), "owner": {"FIN", "HR"}}
