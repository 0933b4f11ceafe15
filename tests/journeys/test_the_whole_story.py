"""A scan dropped is a letter found, by the right person only, and readable without us: the product's main promise."""

import hashlib
import json
import shutil
from pathlib import Path

from conftest import CANARIES, UNREADABLE, UNREADABLE_CONTENT
from simulators import Office, recover

from poststelle.access.identities import RecoveryKit

QUERY = "Überweisung"
INVOICE, PAYROLL = "rechnung-quarzsand.pdf", "lohn-moorbirke.jpg"


def found(office: Office, user: str, query: str) -> dict[str, str]:
    """Accession by id of what a person finds."""
    hits = office.done("search", query, user=user).json["hits"]
    return {hit["id"]: hit["accession"] for hit in hits}


def test_a_dropped_scan_is_found_shown_exported_verified_and_recovered(
    office: Office, scans: dict[str, Path], tmp_path: Path
) -> None:
    """Everything a customer buys, once from end to end with real recognition: a break anywhere loses them a letter."""
    office.drop(scans[INVOICE], scans[PAYROLL])

    documents = {d["source"]: d for d in office.done("intake", user="owner").json["documents"]}
    assert office.waiting() == []
    invoice, payroll = documents[INVOICE], documents[PAYROLL]
    assert (invoice["class"], invoice["compartment"], invoice["status"]) == ("invoice", "finance", "filed")
    assert (payroll["class"], payroll["compartment"], payroll["status"]) == ("payroll", "hr", "filed")

    # The same query, different answers.
    assert found(office, "accounting", QUERY) == {invoice["id"]: invoice["accession"]}
    assert found(office, "hr", QUERY) == {payroll["id"]: payroll["accession"]}
    assert found(office, "owner", QUERY).keys() == {invoice["id"], payroll["id"]}
    assert found(office, "accounting", CANARIES[INVOICE]).keys() == {invoice["id"]}

    shown = office.done("show", invoice["accession"], user="accounting").json["document"]
    assert CANARIES[INVOICE] in shown["pages"][0]["text"]
    assert (shown["source"], shown["pages"][0]["origin"]) == (INVOICE, "ocr")

    office.done("export", invoice["id"], "-o", tmp_path / "invoice.pdf", user="accounting")
    assert (tmp_path / "invoice.pdf").read_bytes() == scans[INVOICE].read_bytes()

    assert office.done("verify").json["ok"]
    assert office.done("verify", "--read-data", user="owner").json["ok"]

    recovered = recover(office, "original", payroll["id"], "-o", tmp_path / "recovered.jpg")
    assert recovered.status == 0, recovered.err
    assert (tmp_path / "recovered.jpg").read_bytes() == scans[PAYROLL].read_bytes()


def test_the_kit_and_a_copy_of_the_vault_are_enough(filled_office: Office, scans: dict[str, Path]) -> None:
    """In ten years there may be no Poststelle: a Python, the kit and the vault must do."""
    listed = [line.split("\t") for line in recover(filled_office, "list").text.splitlines()]
    assert {name for _, _, name in listed} == set(scans)

    for document, _, name in listed:
        assert recover(filled_office, "original", document).out == scans[name].read_bytes()
        text = json.loads(recover(filled_office, "text", document).out)
        assert text["file"]["sha256"] == hashlib.sha256(scans[name].read_bytes()).hexdigest()
        if name != UNREADABLE:
            assert CANARIES[name] in text["pages"][0]["text"]


def test_the_mirror_alone_brings_the_keys_back(full_office: Office, scans: dict[str, Path]) -> None:
    """The disk with the key store died: the other copy must open every letter, or all of them are lost."""
    (full_office.vault / "keys" / "keys.db").unlink()
    document = recover(full_office, "--keys", full_office.mirror / "keys.db", "list").text.splitlines()[0].split("\t")

    assert recover(full_office, "original", document[0]).status != 0, "the control: without keys nothing opens"
    answer = recover(full_office, "--keys", full_office.mirror / "keys.db", "original", document[0])

    assert answer.out == scans[document[2]].read_bytes()


def test_a_foreign_kit_opens_nothing(filled_office: Office, tmp_path: Path) -> None:
    """Whoever forges a sheet of paper with our vault's name on it must not read our letters with it."""
    fields = dict(line.split(": ") for line in filled_office.kit.read_text().splitlines() if ": " in line)
    forged = RecoveryKit.generate(fields["vault"], fields["genesis"])
    stranger = Office(tmp_path)
    stranger.folder.mkdir()
    stranger.kit.write_bytes(forged.encode())

    ran = recover(stranger, "--vault", filled_office.vault, "list", program=filled_office.vault / "recover.py")

    assert (ran.status != 0, ran.out) == (True, b"")
    assert recover(filled_office, "list").status == 0


def test_intake_takes_copies_of_files_and_leaves_them(office: Office, scans: dict[str, Path], tmp_path: Path) -> None:
    """Somebody takes in a folder of old scans: theirs stay where they are, unless they said --move."""
    folder = tmp_path / "old scans"
    folder.mkdir()
    shutil.copy(scans["per-mail-heidelbeer.pdf"], folder)
    file = folder / "per-mail-heidelbeer.pdf"

    first = office.done("intake", "--received-on", "2025-03-14", folder, user="owner").json["documents"][0]
    assert file.exists()
    assert first["accession"] == "FIN-2025-000001"

    second = office.done("intake", "--move", file, user="owner").json["documents"][0]
    assert not file.exists()
    assert second["status"] == "duplicate"


def test_the_same_content_again_is_a_whole_letter_that_points_to_the_first(
    full_office: Office, scans: dict[str, Path], tmp_path: Path
) -> None:
    """A second copy of a court letter carries its own date stamp: it must be filed, not silently dropped."""
    again = tmp_path / "noch-einmal.pdf"
    shutil.copy(scans[INVOICE], again)
    full_office.drop(again)
    before = found(full_office, "accounting", CANARIES[INVOICE])

    copy = full_office.done("intake", user="accounting").json["documents"][0]

    assert copy["status"] == "duplicate"
    after = found(full_office, "accounting", CANARIES[INVOICE])
    assert after.keys() - before.keys() == {copy["id"]}
    shown = full_office.done("show", copy["id"], user="accounting").json["document"]
    assert [shown["duplicate_of"]] == list(before)
    exported = full_office.done("export", copy["id"], "-o", tmp_path / "copy.pdf", user="accounting")
    assert exported.json["document"]["accession"] not in before.values()
    assert (tmp_path / "copy.pdf").read_bytes() == scans[INVOICE].read_bytes()


def test_an_unreadable_file_is_kept_whole_with_a_reason(full_office: Office) -> None:
    """The clerk must learn what to do, and the sender's bytes must still be there when they know."""
    listed = full_office.done("quarantine", "list", user="mailroom").json["documents"]
    assert [item["source"] for item in listed] == [UNREADABLE]
    assert listed[0]["reason_code"] == "unsupported-type"
    assert "PDF" in listed[0]["reason"]
    assert listed[0]["size_bytes"] == len(UNREADABLE_CONTENT)

    number = listed[0]["accession"]
    shown = full_office.done("quarantine", "show", number, user="mailroom", as_json=False)
    assert UNREADABLE in shown.text
    assert listed[0]["reason"] in shown.text

    retried = full_office.run("quarantine", "retry", number, user="mailroom")
    assert retried.status == 1, "nothing was changed, so it cannot be read this time either"
    assert [d["status"] for d in retried.json["documents"]] == ["quarantined"]
    listed = full_office.done("quarantine", "list", user="mailroom").json["documents"]
    assert [item["accession"][-7:] for item in listed] == ["-000002"]
    assert full_office.done("verify").json["ok"]


def test_a_raised_limit_lets_a_quarantined_scan_in(office: Office, scans: dict[str, Path]) -> None:
    """The way out of quarantine: what stood in the way is changed, and the letter is filed and found."""
    text = office.config.read_text()
    assert "max_megapixels: 120" in text
    big = office.inbox.parent / "gross.png"
    _blank_page_with_words(big, scans["angebot-kupferkanne.png"])
    office.config.write_text(text.replace("max_megapixels: 120", "max_megapixels: 10"))
    office.drop(big)
    number = office.run("intake", user="mailroom").json["documents"][0]["accession"]
    assert office.done("quarantine", "list").json["documents"][0]["reason_code"] == "too-many-pixels"

    office.config.write_text(text)
    retried = office.done("quarantine", "retry", number, user="mailroom").json["documents"]

    assert [d["status"] for d in retried] in (["filed"], ["review"])
    assert office.done("quarantine", "list").json["documents"] == []
    assert office.run("quarantine", "show", number, user="mailroom").status == 4
    assert office.done("verify").json["ok"]


def _blank_page_with_words(target: Path, scan: Path) -> None:
    """The scan on a much larger sheet: more than ten million pixels, and as quick to read."""
    from PIL import Image

    with Image.open(scan) as page:
        sheet = Image.new("L", (2700, 4000), 255)
        sheet.paste(page.convert("L"), (100, 100))
    sheet.save(target, dpi=(200, 200))


def test_discarding_destroys_the_file_and_keeps_the_number(full_office: Office) -> None:
    """An empty scan is thrown away for good, and nobody can later wonder where its number went."""
    number = full_office.done("quarantine", "list").json["documents"][0]["accession"]
    document = full_office.done("quarantine", "list").json["documents"][0]["id"]
    assert recover(full_office, "original", document).out == UNREADABLE_CONTENT

    ran = full_office.done("quarantine", "discard", number, number, "--reason", "leer", "--yes", user="mailroom")

    assert ran.json["documents"] == [{"id": document, "status": "discarded"}]
    assert full_office.done("quarantine", "list").json["documents"] == []
    assert full_office.run("quarantine", "show", number, user="mailroom").status == 4
    assert recover(full_office, "original", document).status != 0
    assert list(full_office.vault.rglob(f"{document}*")) == []
    assert full_office.done("verify").json["ok"]


def test_discarding_is_not_done_unasked(full_office: Office) -> None:
    """A slip of the finger must not destroy mail: without --yes and without a person to ask, nothing happens."""
    number = full_office.done("quarantine", "list").json["documents"][0]["accession"]

    ran = full_office.run("quarantine", "discard", number, "--reason", "leer", user="mailroom")

    assert ran.status != 0
    assert len(full_office.done("quarantine", "list").json["documents"]) == 1
