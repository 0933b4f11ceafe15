"""Sub-folders of the inbox: a hint narrows who reads a letter, or says whose an unsure one is; it never widens."""

import unicodedata
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from classifiers.hints import Folder, Folders
from intake.engine import missing_model
from intake.languages import installed_languages, missing_languages, require_languages
from poststelle.errors import ConfigurationError
from poststelle.records import ClassifiedDocument, RecognisedDocument, ScannedFile

READERS = {
    "general": frozenset({"owner", "mailroom", "sales", "hr"}),
    "unsorted": frozenset({"owner", "mailroom"}),
    "sales": frozenset({"owner", "sales"}),
    "finance": frozenset({"owner", "accounting"}),
    "hr": frozenset({"owner", "hr"}),
    "management": frozenset({"owner", "management"}),
}
FOLDERS = Folders(
    {
        **{code: Folder(compartment=code) for code in READERS},
        "Büro/Bewerbungen": Folder(compartment="hr", languages=("deu", "eng")),
        "Büro": Folder(languages=("eng",)),
    },
    narrowest_first=("restricted", "management", "hr", "legal"),
    readers=READERS,
)


def letter(compartment: str, hint: str | None, *, unsure: bool = False) -> ClassifiedDocument:
    """A letter as the classifier leaves it, dropped into a sub-folder."""
    file = ScannedFile(
        document_id="0" * 32,
        source_name="a.pdf",
        size_bytes=1,
        sha256="",
        received_at=datetime(2026, 3, 2, tzinfo=UTC),
        hint=hint,
    )
    document = RecognisedDocument(file=file, media_type="application/pdf", pages=())
    return ClassifiedDocument(
        document=document, record_class="other", confidence=0.9, compartment=compartment, needs_review=unsure,
        reasons=(), facts=(), review_reasons=("The class is not sure.",) if unsure else (),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("home", "unsure", "hint", "goes_to", "for_review"),
    [
        ("unsorted", True, "sales", "sales", True),
        ("unsorted", True, "hr", "hr", True),
        ("unsorted", True, "general", "unsorted", True),
        ("hr", False, "sales", "hr", False),
        ("hr", True, "sales", "hr", True),
        ("hr", True, "general", "hr", True),
        ("hr", False, "management", "management", True),
        ("management", False, "hr", "management", True),
        ("finance", False, "hr", "hr", True),
        ("finance", False, "sales", "finance", False),
        ("finance", False, "finance", "finance", False),
        ("hr", False, "hr", "hr", False),
    ],
)
def test_a_folder_narrows_and_never_widens(home: str, unsure: bool, hint: str, goes_to: str, for_review: bool) -> None:
    """A pay slip dropped into sales' folder by mistake must not be read by sales; an unsure letter may go where the
    clerk put it, unless half the house reads there."""
    filed = FOLDERS.follow(letter(home, hint, unsure=unsure))

    assert (filed.compartment, filed.needs_review) == (goes_to, for_review)
    assert filed.needs_review == bool(filed.review_reasons)
    assert [reason.text for reason in filed.reasons] == [f'dropped into the folder "{hint}" ({hint})']


def test_letters_outside_known_folders_stay_as_they_are() -> None:
    """Scanners make folders by day or device: those say nothing."""
    for hint in (None, "2026-03", "hrx", "scanner 1/hr"):
        assert FOLDERS.follow(letter("unsorted", hint, unsure=True)) == letter("unsorted", hint, unsure=True)
    assert FOLDERS.follow(letter("unsorted", "hr/2026", unsure=True)).compartment == "hr", "the control"


def test_a_folder_is_known_however_its_umlauts_are_written() -> None:
    """A Mac writes "ü" as two characters, a Windows share as one; both mean the personnel office."""
    for form in ("NFC", "NFD"):
        name = unicodedata.normalize(form, "büro/BEWERBUNGEN/März")
        assert FOLDERS.find(name) == Folder(compartment="hr", languages=("deu", "eng"))
    assert FOLDERS.find("Büro/Post").languages == ("eng",), "the nearest folder on the way up"
    assert FOLDERS.find("Post").languages == ()


def test_a_second_look_changes_nothing() -> None:
    """A letter that is taken in again after a crash must be filed where it was going."""
    once = FOLDERS.follow(letter("unsorted", "sales", unsure=True))
    assert replace(FOLDERS.follow(replace(once, reasons=())), reasons=once.reasons) == once


def test_a_language_without_its_model_is_told_before_the_first_letter() -> None:
    """A forgotten model must not be found out at night, by the first French letter."""
    assert missing_languages(["deu", "eng"]) == ()
    assert installed_languages() is not None
    with pytest.raises(ConfigurationError) as refused:
        require_languages(["deu", "tlh"])
    assert str(refused.value) == str(missing_model(("tlh",)))
    assert "tlh.traineddata" in str(refused.value)
