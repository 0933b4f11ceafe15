"""The number under which the sender knows the matter: invoice number, file number, reference."""

import re

from classifiers.labels import FoundLabel, Labels, value_places
from classifiers.layout import HEAD_TO, Letter
from classifiers.lines import Segment, token
from poststelle.german import find_amounts, find_dates, find_ibans
from poststelle.records import Fact

REFERENCES: dict[str, float] = {
    "Rechnungsnummer": 0.98, "Rechnungs Nr": 0.98, "Rechnungsnr": 0.98, "Rechnung Nr": 0.97,
    "Rechnung Nummer": 0.97, "Re Nr": 0.95, "ReNr": 0.95, "Belegnummer": 0.95, "Beleg Nr": 0.95, "Belegnr": 0.95,
    "Gutschriftsnummer": 0.97, "Gutschrift Nr": 0.97, "Angebotsnummer": 0.97, "Angebots Nr": 0.97,
    "Angebotsnr": 0.97, "Angebot Nr": 0.97, "Auftragsnummer": 0.9, "Auftrags Nr": 0.9, "Auftragsnr": 0.9,
    "Auftrag Nr": 0.9, "Auftragsbestätigung Nr": 0.97, "Lieferscheinnummer": 0.95, "Lieferschein Nr": 0.95,
    "Lieferscheinnr": 0.95, "Vertragsnummer": 0.93, "Vertrags Nr": 0.93, "Vertragsnr": 0.93, "Vertrag Nr": 0.93,
    "Vertrages Nr": 0.93, "Abonnements Nr": 0.9, "Aktenzeichen": 0.97, "Az": 0.93, "Geschäftszeichen": 0.97,
    "Gz": 0.9, "Geschäftsnummer": 0.97, "Unser Zeichen": 0.9, "Unsere Zeichen": 0.9, "Unsere Referenz": 0.92,
    "Referenz": 0.85, "Referenznummer": 0.92, "Vorgangsnummer": 0.95, "Vorgangs Nr": 0.95, "Vorgang": 0.75,
    "Vorgang Nr": 0.9, "Zeichen": 0.7, "Kassenzeichen": 0.93, "Steuernummer": 0.75, "Steuer Nr": 0.7,
    "St Nr": 0.65, "StNr": 0.65, "Versicherungsnummer": 0.93, "Versicherungsscheinnummer": 0.93,
    "Versicherungsschein Nr": 0.93, "Schadennummer": 0.95, "Schaden Nr": 0.95, "Mitgliedsnummer": 0.85,
    "Betriebsnummer": 0.7, "Policennummer": 0.93, "Dokumentnummer": 0.9, "Dokument Nr": 0.9,
    "Personalnummer": 0.85, "Personal Nr": 0.85, "Nummer": 0.5, "Versicherungsschein": 0.88, "Police": 0.85,
    "Policen Nr": 0.93, "Mahnung Nr": 0.93, "Kontonummer": 0.6, "Darlehensnummer": 0.9, "Kreditnummer": 0.9,
    "Depotnummer": 0.9, "Bescheid Nr": 0.9, "Bescheidnummer": 0.93, "Buchungszeichen": 0.9, "Reklamation Nr": 0.9,
    "Reklamationsnummer": 0.95, "Gutschrift": 0.7, "Angebot": 0.7, "Lieferschein": 0.75,
    "Auftragsbestätigung": 0.75, "Forderungsnummer": 0.93, "Mitgliedsnr": 0.85, "Mahnung zur Rechnung": 0.8,
    "Zahlungserinnerung zu Rechnung": 0.9, "Reference": 0.8, "Invoice No": 0.95, "Aktennummer": 0.95,
    "Akten Nr": 0.95, "Akte": 0.85, "Mandatsnummer": 0.9, "Mandats Nr": 0.9, "Mandant Nr": 0.7,
    "Mandantennummer": 0.7, "Unser Aktenzeichen": 0.97, "Registernummer": 0.85, "Registerzeichen": 0.95,
    "Faktura": 0.9, "Fakturanummer": 0.95, "Faktura Nr": 0.95, "Rg Nr": 0.95, "Rechn Nr": 0.95,
    "Abrechnungsnummer": 0.93, "Ordnungsbegriff": 0.85, "Bezug": 0.5, "Unser Bezug": 0.85, "Bestellnummer": 0.5,
    "Bestell Nr": 0.5, "Projektnummer": 0.5, "Beitragsnummer": 0.9, "Mitglieds Nr": 0.85, "Schadenummer": 0.95,
    "Policen Nummer": 0.93, "Policennr": 0.93, "Police Nr": 0.93, "Versicherungs Nr": 0.93, "Konto Nr": 0.6,
    "Kontonr": 0.6, "Konto": 0.4, "Ihr Konto": 0.4, "Lieferung Nr": 0.9, "Mahnungsnummer": 0.93,
    "Mahnungs Nr": 0.93, "Bescheid Nummer": 0.93, "Antragsnummer": 0.9, "Ticketnummer": 0.85, "Fallnummer": 0.9,
    "Fall Nr": 0.9, "Auszug Nr": 0.7, "Kontoauszug Nr": 0.6, "Personal Nummer": 0.85, "Geschäftszeichen GZ": 0.9,
    "Bearbeitungsnummer": 0.9, "Auftragsbestätigungsnummer": 0.97, "AB Nr": 0.95, "LS Nr": 0.95, "AN Nr": 0.9,
    "Dossier": 0.8, "Abonummer": 0.85, "Abo Nr": 0.85,
}  # fmt: skip
"""What stands before a reference, and how surely it is the sender's own for this letter."""

CUSTOMER_NUMBERS: dict[str, float] = {
    "Kundennummer": 0.97, "Kunden Nr": 0.97, "Kundennr": 0.97, "Kd Nr": 0.95, "KdNr": 0.95, "Customer No": 0.95,
}  # fmt: skip

FILE_NUMBERS: dict[str, float] = {
    "Aktenzeichen": 0.97, "Az": 0.93, "Unser Aktenzeichen": 0.97, "Geschäftszeichen": 0.97, "Gz": 0.9,
    "Geschäftsnummer": 0.95, "Aktennummer": 0.95, "Akten Nr": 0.95, "Akte": 0.85, "Registerzeichen": 0.9,
}  # fmt: skip
"""The number under which an authority, a court or a law firm keeps the matter; often the reference as well."""

IN_SUBJECT = 0.8
OF_ANOTHER = 0.6
"""A number behind "zu", "auf" or "Ihre" in the subject may be another paper's."""
BY_ITS_FORM = 0.82
"""A label that we do not know, but whose last part says that a number follows."""
SHORTEST_SURE = 3
"""A shorter number is rather a day, a page or a quantity."""
_NUMBERED = re.compile(r"(?:nummer|nr|nummern|vorgang|zeichen|referenz|kennung|registratur)$")
_OTHERS_NUMBERS = re.compile(
    r"kunden|kd|telefon|tel|fax|haus|post|bank|konto|blz|ust|steuer|st|bestell|artikel|art|serien|pos|lfd|seite|ihr"
    r"|register|hr|glaubiger|durchwahl|mobil|zimmer|kenn|pin|geburt|sozialversicherung|rentenversicherung|lieferant"
    r"|kreditor|debitor|charge|auftraggeber|projekt|kostenstelle"
)
_REFERS = re.compile(
    r"\b(?:zu|zur|zum|an|auf|ihre[rnms]?|wegen|über|mit|gegen|von|vom|der|des|den)\s+(?:\S+\s+){0,2}$", re.I
)
_CODE = re.compile(r"^\W{0,2}((?=[^\s]*\d)[A-Za-zÄÖÜäöü0-9][\w./\-–]*\w|\d)\W*$")
_COURT_NUMBER = re.compile(r"\W*(\d{1,4} [A-Za-z]{1,4} \d{1,6}/\d{2,4})(?!\d)")
_PIECE = re.compile(r"^[\w.]{1,12}$|^[/–-]$")
_SUBJECT_CODE = re.compile(r"(?<![\w,.])((?=[\w./-]*\d{2})[A-Z0-9ÄÖÜ][\w./-]{3,}\w)(?![\w,])")


class ReferenceReader:
    """Finds the reference of a letter and, with its own label, the customer number."""

    def __init__(self) -> None:
        self._references = Labels(REFERENCES)
        self._customer_numbers = Labels(CUSTOMER_NUMBERS)
        self._file_numbers = Labels(FILE_NUMBERS)

    @property
    def words(self) -> frozenset[str]:
        """The words whose misreadings matter here."""
        return self._references.words | self._customer_numbers.words

    def read(self, letter: Letter) -> tuple[Fact, ...]:
        """The reference, the customer number and the file number, as far as printed."""
        reference = _labelled(letter, self._references, "reference")
        if reference is None or reference.confidence < BY_ITS_FORM:
            reference = max(filter(None, (reference, _labelled_by_form(letter))), key=_confidence, default=None)
        in_subject = _in_subject(letter)
        if reference is None or (in_subject is not None and in_subject.confidence > reference.confidence):
            reference = in_subject or reference
        customer = _labelled(letter, self._customer_numbers, "customer_number")
        file_number = _labelled(letter, self._file_numbers, "file_number")
        return tuple(fact for fact in (reference, customer, file_number) if fact is not None)


def _labelled(letter: Letter, labels: Labels, name: str) -> Fact | None:
    best: Fact | None = None
    for page in letter.pages[:2]:
        # Body text speaks of other papers' numbers, too; the head and the subject name this letter's own.
        for segment in page.segments:
            where = 1.0 if page is letter.first and segment.top < 0.45 else 0.8
            for label in labels.find(segment):
                for place, offset, usual in value_places(page, label):
                    if (code := _code_at(place, offset)) is None:
                        continue
                    text, sure = code
                    certainty = label.certainty * usual * where * sure
                    if best is None or certainty > best.confidence:
                        best = Fact(name=name, value=text, confidence=round(certainty, 3), page=page.number)
                    break
    return best


def _confidence(fact: Fact) -> float:
    return fact.confidence


def _labelled_by_form(letter: Letter) -> Fact | None:
    """In the head of the letter: a short label such as "Vorgang" or "Pers.-Nr.", and a number under or behind it."""
    for segment in letter.first.segments:
        if segment.top > HEAD_TO + 0.12 or len(segment.words) > 6 or segment in letter.address:
            continue
        # As it was read: what we do not know must not be put right into what we know.
        tokens = [token(word.text) for word in segment.words]
        end = next((end for end, text in enumerate(tokens[:3], 1) if _NUMBERED.search(text)), 0)
        if not end or _OTHERS_NUMBERS.match("".join(tokens[:end])):
            continue
        label = FoundLabel(segment=segment, start=0, end=end, certainty=BY_ITS_FORM)
        for place, offset, usual in value_places(letter.first, label):
            if (code := _code_at(place, offset)) is None or len(code[0]) < SHORTEST_SURE:
                continue
            certainty = round(BY_ITS_FORM * usual * code[1], 3)
            return Fact(name="reference", value=code[0], confidence=certainty, page=letter.first.number)
    return None


def _code_at(segment: Segment, offset: int) -> tuple[str, float] | None:
    """The code that begins a stretch of text: its first word with a digit, and what a slash joins to it."""
    if (court := _COURT_NUMBER.match(segment.text, offset)) is not None:
        return court[1], segment.confidence_between(*court.span(1))
    words = segment.text[offset:].split()
    for index, word in enumerate(words[:3]):
        match = _CODE.match(word)
        if match is None:
            if word.rstrip(":.").isalpha() and len(word) > 4:
                return None
            continue
        code = match[1]
        for following in words[index + 1 : index + 6]:
            joined = following in {"/", "-", "–"} or code[-1] in "/-–" or following[0] in "/"
            if not joined or not (_PIECE.match(following) or following[0] == "/"):
                break
            code += following
        code = code.rstrip("./-–,;")
        if _is_something_else(code):
            return None
        start = segment.text.find(word, offset)
        length = 1.0 if len(code) >= SHORTEST_SURE else 0.4
        return code, length * segment.confidence_between(start, start + len(code))
    return None


def _is_something_else(code: str) -> bool:
    if re.fullmatch(r"[A-Z]{2}\d{2}|DE[\dSOIlB]{9}", code):
        return True  # the beginning of an account number, a VAT id
    return bool(find_dates(code) or find_ibans(code) or [a for a in find_amounts(code) if a[1] - a[0] == len(code)])


def _in_subject(letter: Letter) -> Fact | None:
    for segment in letter.subject:
        for match in _SUBJECT_CODE.finditer(segment.text):
            if _is_something_else(match[1]) or re.fullmatch(r"(?:19|20)\d\d", match[1]):
                continue
            usual = OF_ANOTHER if _REFERS.search(segment.text[: match.start()]) else IN_SUBJECT
            sure = usual * segment.confidence_between(*match.span())
            return Fact(name="reference", value=match[1], confidence=round(sure, 3), page=segment.page)
    return None
