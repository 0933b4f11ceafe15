"""What people decide about a letter: a correction, a class, an event, a hold; and what stays and goes with it."""

import re
from datetime import date
from pathlib import Path

import pytest
from filed_letters import Sample, bytes_of, decrypted, file_letters, stored_wraps, together
from simulators import Office, Ran, environment_of, recover

from poststelle.access.keybook import content_scope, index_scope
from poststelle.wiring import open_service

MADE_UP = "0123456789abcdef0123456789abcdef"
INVOICES = (
    Sample(record_class="invoice", received_on=date(2026, 3, 17), word="Quarzsandfilter", dated=date(2062, 3, 15)),
    Sample(record_class="invoice", received_on=date(2026, 3, 18), word="Zwiebelturmuhr", dated=date(2026, 3, 16)),
    Sample(record_class="invoice", received_on=date(2026, 3, 19), word="Kupferkannenstiel"),
)
OTHERS = (
    Sample(record_class="application", received_on=date(2026, 1, 2), word="Moorbirkenhain"),
    Sample(record_class="contract", received_on=date(2026, 1, 3), word="Weidenkorbflechterei"),
    Sample(record_class="other", received_on=date(2026, 1, 4), word="Heidelbeerkraut", needs_review=True),
)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory, empty_office: Office) -> tuple[Office, dict[str, str]]:
    """An office with three vouchers, an application, a contract and a doubtful letter; ids by word."""
    office = empty_office.copy_to(tmp_path_factory.mktemp("kept") / "root")
    samples = (*INVOICES, *OTHERS)
    ids = file_letters(office, samples)
    return office, {sample.word: document for sample, document in zip(samples, ids, strict=True)}


@pytest.fixture
def desk(tmp_path: Path, kept: tuple[Office, dict[str, str]]) -> Office:
    """That office, of one's own."""
    return kept[0].copy_to(tmp_path / "root")


@pytest.fixture
def ids(kept: tuple[Office, dict[str, str]]) -> dict[str, str]:
    """Ids of its letters, by the word that each says."""
    return kept[1]


def statuses(answers: list[Ran]) -> list[int]:
    """Exit statuses, in order."""
    return [ran.status for ran in answers]


# Facts --------------------------------------------------------------------------------------------------------


def test_a_corrected_date_changes_the_due_day_and_keeps_the_old_value(desk: Office, ids: dict[str, str]) -> None:
    """A misread year would keep a voucher until 2071; whoever corrects it must be seen, and so must the old value."""
    number, words = "FIN-2026-000001", ("accounting", ("search", "Quarzsandfilter"))
    explain = ("records-manager", ("retention", "explain", number))
    before, corrected, after, shown, in_2026, in_2062, verified, found = together(
        desk,
        explain,
        ("accounting", ("facts", "set", number, "date", "2026-03-15")),
        explain,
        ("accounting", ("show", number)),
        ("accounting", ("search", "Quarzsandfilter", "--from", "2026-03-15", "--to", "2026-03-15")),
        ("accounting", ("search", "Quarzsandfilter", "--from", "2062-01-01")),
        (None, ("verify",)),
        words,
    )

    assert before.json["due_on"] == "2071-01-01", "the control: the misread year counted"
    assert corrected.json["documents"][0]["accession"] == number, "a correction moves nothing"
    assert (after.json["due_on"], after.json["started_on"]) == ("2035-01-01", "2026-03-17")
    document = shown.json["document"]
    assert document["facts"]["date"] == {"value": "2026-03-15", "confidence": 1.0, "page": None}
    assert [(c["by"], c["name"], c["old"], c["new"]) for c in document["history"]] == [
        ("accounting", "date", "2062-03-15", "2026-03-15")
    ]
    assert (in_2026.json["total"], in_2062.json["total"], found.json["total"]) == (1, 0, 1)
    assert (verified.status, verified.json["problems"]) == (0, [])


def test_a_correction_leaves_the_original_and_one_version_of_the_text(desk: Office, ids: dict[str, str]) -> None:
    """The received bytes stay as received; a second version that somebody forgot would outlive the letter."""
    document = ids["Quarzsandfilter"]
    old_text = next(file for file in desk.objects("text") if file.name.startswith(document))
    old_wraps = [wrap for *_, wrap in next(iter(stored_wraps(desk, document).values()))]
    assert old_text.name.endswith(".text.1"), "the control"

    together(
        desk,
        ("accounting", ("facts", "set", document, "amount", "1.234,56")),
        ("accounting", ("facts", "set", document, "amount", "1.234,57")),
    )

    assert [f.name for f in desk.objects("text") if f.name.startswith(document)] == [f"{document}.text.3"]
    for wraps in stored_wraps(desk, document).values():
        assert [(part_set, version) for part_set, _, version, _ in wraps] == [("content", 1), ("text", 3)]
    text_wrap = next(wrap for wrap in old_wraps if len(wrap) < 1180)
    assert not any(text_wrap[200:260] in content for content in bytes_of(desk).values())
    assert recover(desk, "original", document).out == INVOICES[0].content
    assert b"1234.57" in recover(desk, "text", document).out
    assert b"1234.56" in recover(desk, "text", document).out, "the history keeps what was said before"


@pytest.mark.parametrize(
    ("user", "letter", "fact", "value", "status", "said"),
    [
        ("accounting", "FIN-2026-000001", "date", "15.13.2026", 2, "not a date"),
        ("accounting", "FIN-2026-000001", "due_date", "2026-02-30", 2, "not a date"),
        ("accounting", "FIN-2026-000001", "amount", "viel", 2, "not an amount"),
        ("accounting", "FIN-2026-000001", "iban", "DE00 1234", 2, "not an IBAN"),
        ("accounting", "FIN-2026-000001", "sender", "  ", 2, "needs a value"),
        ("accounting", "FIN-2026-000001", "class", "offer", 2, "no fact"),
        ("accounting", MADE_UP, "date", "2026-03-15", 4, "no such letter"),
        ("sales", "FIN-2026-000001", "date", "2026-03-15", 4, "no such letter"),
        ("records-manager", "FIN-2026-000001", "date", "2026-03-15", 3, "does not include"),
        ("dpo", "FIN-2026-000001", "date", "2026-03-15", 3, "may read this letter, but not"),
        ("administrator", "FIN-2026-000001", "date", "2026-03-15", 3, "does not include"),
    ],
)
def test_what_cannot_be_corrected_is_said(
    kept: tuple[Office, dict[str, str]], user: str, letter: str, fact: str, value: str, status: int, said: str
) -> None:
    """A wrong value, or one by somebody else, would be believed later because a person set it."""
    (answer,) = together(kept[0], (user, ("facts", "set", letter, fact, value)))

    assert answer.status == status
    assert said in answer.err
    assert answer.out == b""


def test_dates_and_classes_may_be_said_in_german(desk: Office) -> None:
    """Whoever reads "Mahnung" on the screen types it, and writes the day as the letter does."""
    number = "FIN-2026-000001"
    dated, moved, listed, unknown, wrong = together(
        desk,
        ("accounting", ("facts", "set", number, "date", "5.3.2026")),
        ("accounting", ("reclassify", number, "mahnung")),
        ("records-manager", ("list", "--class", "Mahnung", "--from", "1.1.2026")),
        ("records-manager", ("list", "--class", "Mahnungen")),
        ("records-manager", ("list", "--from", "morgen")),
    )
    [document] = dated.json["documents"]
    assert moved.json["documents"] == [document | {"class": "reminder"}]
    assert [letter["id"] for letter in listed.json["documents"]] == [document["id"]]
    assert (unknown.status, unknown.out, wrong.status) == (2, b"", 2)
    assert "reminder (Mahnung)" in unknown.err and "15.3.2026" in wrong.err


# Events -------------------------------------------------------------------------------------------------------


def test_an_event_starts_the_period_and_the_wrong_one_is_refused(desk: Office) -> None:
    """Six months after a rejection an applicant's papers must go; the day comes from a person, not from the letter."""
    number = "HR-2026-000001"
    waiting, wrong, own, told, after = together(
        desk,
        ("hr", ("retention", "explain", number)),
        ("hr", ("event", "set", number, "contract-end", "2026-01-05")),
        ("accounting", ("event", "set", "FIN-2026-000001", "document-or-receipt", "1990-01-01")),
        ("hr", ("event", "set", number, "rejection", "2026-01-05")),
        ("records-manager", ("retention", "explain", number, "--on", "2026-07-06")),
    )

    assert (waiting.json["due_on"], waiting.json["waiting_for"]) == (None, "rejection")
    assert statuses([wrong, own, told]) == [2, 2, 0]
    assert "'rejection'" in wrong.err
    assert "known from the letter itself" in own.err
    assert (told.json["due_on"], after.json["due_on"]) == ("2026-07-06", "2026-07-06")
    assert after.json["blocked_by"] == []


def test_a_day_that_nobody_signed_does_not_count(desk: Office) -> None:
    """Whoever writes a row into the catalogue by hand could otherwise make an applicant's papers due."""
    (before,) = together(desk, ("hr", ("retention", "explain", "HR-2026-000001")))
    row = (before.json["id"], "rejection", "2020-01-05")
    with open_service(environment_of(desk)) as service, service.ledger.transaction():
        service.ledger._db.run("INSERT INTO events VALUES (?, ?, ?)", row)

    forged, told, after = together(
        desk,
        ("hr", ("retention", "explain", "HR-2026-000001")),
        ("hr", ("event", "set", "HR-2026-000001", "rejection", "2026-01-05")),
        ("hr", ("retention", "explain", "HR-2026-000001")),
    )

    assert (forged.json["due_on"], forged.json["waiting_for"]) == (None, "rejection")
    assert (told.status, after.json["due_on"]) == (0, "2026-07-06"), "the control: a signed one counts"


@pytest.mark.parametrize(
    ("user", "status"),
    [("hr", 0), ("records-manager", 0), ("owner", 0), ("mailroom", 3), ("auditor", 3), ("accounting", 4), ("sales", 4)],
)
def test_who_may_tell_an_event(desk: Office, user: str, status: int) -> None:
    """An event can make a letter due: the department may tell it, and who keeps the records, but no one else."""
    told, explained = together(
        desk,
        (user, ("event", "set", "HR-2026-000001", "rejection", "2026-01-05")),
        ("records-manager", ("retention", "explain", "HR-2026-000001")),
    )

    assert told.status == status
    assert explained.json["due_on"] == ("2026-07-06" if status == 0 else None)


# Another class ------------------------------------------------------------------------------------------------


def test_a_move_gives_a_new_number_and_leaves_no_gap(desk: Office, ids: dict[str, str]) -> None:
    """An auditor counts the series: a number may be explained, but never missing and never given twice."""
    document = ids["Zwiebelturmuhr"]
    moved, explained, back, again = together(
        desk,
        ("accounting", ("reclassify", "FIN-2026-000002", "offer")),
        ("records-manager", ("retention", "explain", "FIN-2026-000002")),
        ("sales", ("reclassify", "SAL-2026-000001", "invoice")),
        ("accounting", ("show", document)),
    )

    assert moved.json["documents"] == [{"id": document, "accession": None, "class": "offer", "compartment": "sales"}], (
        "accounting does not see the number in a series it does not see"
    )
    assert (explained.json["id"], explained.json["accession"]) == (document, "SAL-2026-000001"), "the old one leads on"
    assert explained.json["line"] == "COM-06"
    assert back.json["documents"][0]["accession"] is None
    assert again.json["document"]["accession"] == "FIN-2026-000004", "numbers 1 and 3 are others', 2 is taken for good"
    assert [(c["old"], c["new"]) for c in again.json["document"]["history"]] == [
        ("invoice", "offer"),
        ("offer", "invoice"),
    ]
    (new,) = file_letters(desk, [Sample(record_class="invoice", received_on=date(2026, 4, 1))])
    shown, book, verified = together(
        desk,
        ("accounting", ("show", new)),
        ("records-manager", ("list",)),
        (None, ("verify",)),
    )
    assert shown.json["document"]["accession"] == "FIN-2026-000005"
    assert [letter["receipt_number"] for letter in book.json["documents"]] == [1, 2, 3, 4, 5, 6, 7]
    assert (verified.status, verified.json["problems"]) == (0, [])


def test_a_moved_letter_is_its_new_readers_only(desk: Office, ids: dict[str, str], tmp_path: Path) -> None:
    """After the move the old department must not tell it from a letter that never was; the new one has all of it."""
    document, old, new = ids["Zwiebelturmuhr"], "FIN-2026-000002", "SAL-2026-000001"
    before, control, *_ = together(
        desk,
        ("accounting", ("show", document)),
        ("sales", ("search", "Zwiebelturmuhr")),
        ("accounting", ("reclassify", old, "offer")),
    )
    assert (before.status, control.json["total"]) == (0, 0), "the control"

    out = tmp_path / "brief.pdf"
    by_id, by_number, unknown, gone, found, exported, owner = together(
        desk,
        ("accounting", ("show", document)),
        ("accounting", ("show", old)),
        ("accounting", ("show", MADE_UP)),
        ("accounting", ("search", "Zwiebelturmuhr")),
        ("sales", ("search", "Zwiebelturmuhr")),
        ("sales", ("export", new, "-o", str(out))),
        ("owner", ("verify", "--read-data")),
    )

    assert statuses([by_id, by_number, unknown]) == [4, 4, 4]
    assert (by_id.out, by_id.err) == (by_number.out, by_number.err) == (unknown.out, unknown.err)
    assert (gone.json["total"], gone.json["hits"]) == (0, [])
    assert [hit["accession"] for hit in found.json["hits"]] == [new]
    assert exported.status == 0
    assert out.read_bytes() == INVOICES[1].content
    assert (owner.status, owner.json["problems"]) == (0, [])


def test_a_move_leaves_no_key_and_no_term_behind(desk: Office, ids: dict[str, str]) -> None:
    """Somebody of the old department kept a copy of their key: nothing may be left for it to open."""
    document, word = ids["Zwiebelturmuhr"], b"zwiebelturmuhr"
    old_wraps = [wrap for *_, wrap in next(iter(stored_wraps(desk, document).values()))]
    assert word in decrypted(desk)["finance.db"].lower(), "the control"
    assert all(any(wrap in content for content in bytes_of(desk).values()) for wrap in old_wraps), "the control"
    with open_service(environment_of(desk)) as session:
        to_sales = {session.book.current(scope("sales")).scope_id for scope in (content_scope, index_scope)}

    together(desk, ("accounting", ("reclassify", document, "offer")))

    pages = decrypted(desk)
    assert word not in pages["finance.db"].lower()
    assert document.encode() not in pages["finance.db"]
    assert word in pages["sales.db"].lower(), "the control: it is in the new index"
    for wraps in stored_wraps(desk, document).values():
        assert {scope for _, scope, _, _ in wraps} == to_sales
    for path, content in bytes_of(desk).items():
        for wrap in old_wraps:
            assert not any(wrap[at : at + 32] in content for at in range(0, len(wrap) - 32, 64)), path


@pytest.mark.parametrize(
    ("user", "record_class", "status", "said"),
    [
        ("accounting", "nonsense", 2, "no class"),
        ("hr", "offer", 4, "no such letter"),
        ("dpo", "offer", 3, "may read this letter, but not"),
        ("administrator", "offer", 3, "does not include"),
    ],
)
def test_what_cannot_be_reclassified(
    kept: tuple[Office, dict[str, str]], user: str, record_class: str, status: int, said: str
) -> None:
    """Who may decide what a letter is decides who reads it: that is for its own department."""
    (answer,) = together(kept[0], (user, ("reclassify", "FIN-2026-000003", record_class)))

    assert (answer.status, answer.out) == (status, b"")
    assert said in answer.err


def test_a_reader_without_the_right_may_not_move_a_letter(desk: Office) -> None:
    """Accounting reads the general post, but does not sort it: that would be a way to read on alone."""
    file_letters(desk, [Sample(record_class="other", received_on=date(2026, 4, 1), word="Rundschreiben")])

    read, refused = together(
        desk, ("accounting", ("show", "GEN-2026-000001")), ("accounting", ("reclassify", "GEN-2026-000001", "invoice"))
    )

    assert statuses([read, refused]) == [0, 3]


# Review and intake book ---------------------------------------------------------------------------------------


def test_a_doubtful_letter_waits_until_somebody_decides(desk: Office, ids: dict[str, str]) -> None:
    """What nobody was sure about lies with the mail room, is never due, and leaves the list with the decision."""
    document = ids["Heidelbeerkraut"]
    listed, others, explained, decided, empty, shown, due, found = together(
        desk,
        ("mailroom", ("review", "list")),
        ("accounting", ("review", "list")),
        ("mailroom", ("retention", "explain", "UNS-2026-000001", "--on", "2099-01-01")),
        ("mailroom", ("review", "decide", "UNS-2026-000001", "advertising")),
        ("mailroom", ("review", "list")),
        ("mailroom", ("show", document)),
        ("mailroom", ("retention", "explain", document, "--on", "2099-01-01")),
        ("mailroom", ("search", "Heidelbeerkraut")),
    )

    (waiting,) = listed.json["documents"]
    assert (waiting["id"], waiting["accession"], waiting["class"]) == (document, "UNS-2026-000001", "other")
    assert waiting["review_reasons"] == ["The class is not sure."]
    assert others.json["documents"] == []
    assert ["review" in sentence for sentence in explained.json["blocked_by"]] == [True], "however old, it stays"
    assert decided.json["documents"] == [
        {"id": document, "accession": "GEN-2026-000001", "class": "advertising", "compartment": "general"}
    ]
    assert empty.json["documents"] == []
    assert (shown.json["document"]["status"], shown.json["document"]["confidence"]) == ("filed", 1.0)
    assert due.json["blocked_by"] == [], "the control: decided, it is due"
    assert [hit["accession"] for hit in found.json["hits"]] == ["GEN-2026-000001"]


@pytest.mark.parametrize("user", ["administrator", "records-manager", "auditor"])
def test_who_may_not_decide_sees_no_list(kept: tuple[Office, dict[str, str]], user: str) -> None:
    """The list shows subjects: it is for those who decide."""
    assert statuses(together(kept[0], (user, ("review", "list")))) == [3]


def test_the_intake_book_counts_every_letter_and_tells_nothing_of_it(kept: tuple[Office, dict[str, str]]) -> None:
    """The book proves that nothing was lost; whoever reads it must not learn what anybody wrote."""
    office, ids = kept
    book, by_class, by_day, as_mailroom = together(
        office,
        ("records-manager", ("list",)),
        ("auditor", ("list", "--class", "invoice")),
        ("owner", ("list", "--from", "2026-01-03", "--to", "2026-03-17")),
        ("mailroom", ("list",)),
    )

    letters = book.json["documents"]
    assert [letter["receipt_number"] for letter in letters] == [1, 2, 3, 4, 5, 6]
    assert [letter["id"] for letter in letters] == list(ids.values())
    assert {letter["status"] for letter in letters} == {"filed", "review"}
    assert as_mailroom.out == book.out
    assert [letter["accession"][:3] for letter in by_class.json["documents"]] == ["FIN"] * 3
    assert [letter["received_on"] for letter in by_day.json["documents"]] == ["2026-03-17", "2026-01-03", "2026-01-04"]
    for word in ids:
        assert not re.search(word, book.text, re.IGNORECASE)


@pytest.mark.parametrize("user", ["accounting", "hr", "legal", "administrator"])
def test_the_intake_book_is_closed_to_departments(kept: tuple[Office, dict[str, str]], user: str) -> None:
    """Numbers and classes of others' letters are what a department must not see."""
    (answer,) = together(kept[0], (user, ("list",)))

    assert (answer.status, answer.out) == (3, b"")


# Holds --------------------------------------------------------------------------------------------------------


def test_a_hold_is_placed_seen_and_lifted(desk: Office) -> None:
    """A judge asks who stopped the destruction, when, and why; and who let it go on."""
    manager, number = "records-manager", "FIN-2026-000003"
    placed, listed, blocked = together(
        desk,
        (manager, ("hold", "place", number, "FIN-2026-000001", "--reason", "Klage 4 O 112/26")),
        ("owner", ("hold", "list")),
        ("accounting", ("retention", "explain", number, "--on", "2099-01-01")),
    )
    (hold,) = placed.json["holds"]
    short, lifted, again, empty, free = together(
        desk,
        (manager, ("hold", "lift", hold["hold"][:7], "--reason", "zu kurz")),
        ("owner", ("hold", "lift", hold["hold"][:8], "--reason", "Vergleich")),
        (manager, ("hold", "lift", hold["hold"], "--reason", "noch einmal")),
        (manager, ("hold", "list")),
        ("accounting", ("retention", "explain", number, "--on", "2099-01-01")),
    )

    assert listed.json["holds"] == [hold]
    assert (len(hold["documents"]), hold["reason"], hold["placed_by"]) == (2, "Klage 4 O 112/26", manager)
    assert hold["sound"] is True
    assert blocked.json["blocked_by"] == [f"a legal hold is in force ({hold['hold'][:12]})"]
    assert statuses([short, lifted, again]) == [4, 0, 4]
    assert (empty.json["holds"], free.json["blocked_by"]) == ([], [])


def test_a_hold_on_several_letters_holds_all_or_none(desk: Office) -> None:
    """A typing error in the third number must not leave the lawyer believing that three letters are safe."""
    manager = "records-manager"
    failed, listed, placed = together(
        desk,
        (manager, ("hold", "place", "FIN-2026-000001", "FIN-2026-000099", "--reason", "Klage")),
        (manager, ("hold", "list")),
        (manager, ("hold", "place", "FIN-2026-000001", "FIN-2026-000003", "--reason", "Klage")),
    )

    assert (failed.status, listed.json["holds"]) == (4, [])
    assert len(placed.json["holds"][0]["documents"]) == 2, "the control"


@pytest.mark.parametrize(
    ("user", "status"),
    [("records-manager", 0), ("owner", 0), ("legal", 4), ("accounting", 3), ("mailroom", 3), ("administrator", 3)],
)
def test_who_may_place_a_hold(desk: Office, user: str, status: int) -> None:
    """Legal holds what it can see; a department cannot keep its own letters for ever."""
    (answer,) = together(desk, (user, ("hold", "place", "FIN-2026-000001", "--reason", "Klage")))

    assert answer.status == status


# The log ------------------------------------------------------------------------------------------------------


def test_every_decision_is_in_the_log_without_its_words(desk: Office) -> None:
    """Who decided what must be provable in ten years; what the letter says must not stand beside it in the clear."""
    together(
        desk,
        ("accounting", ("facts", "set", "FIN-2026-000001", "sender", "Eulenspiegelei")),
        ("accounting", ("reclassify", "FIN-2026-000002", "offer")),
        ("hr", ("event", "set", "HR-2026-000001", "rejection", "2026-01-05")),
        ("mailroom", ("review", "decide", "UNS-2026-000001", "advertising")),
        ("records-manager", ("hold", "place", "FIN-2026-000003", "--reason", "Klapperstorchprozess")),
    )

    log = (desk.vault / "audit.jsonl").read_text()
    for kind in ("fact-set", "reclassified", "event-set", "review-decided", "hold-placed"):
        assert log.count(f'"kind":"{kind}"') == 1
    words = [b"eulenspiegelei", b"klapperstorchprozess", *(s.word.lower().encode() for s in (*INVOICES, *OTHERS))]
    for path, content in bytes_of(desk).items():
        assert not any(word in content.lower() for word in words), path
    assert b"eulenspiegelei" in decrypted(desk)["finance.db"].lower(), "the control: the word is findable"
