"""Letters for tests, laid out as if typed: plain text becomes a recognised document."""

from datetime import UTC, datetime

from poststelle.records import PageOrigin, RecognisedDocument, RecognisedPage, ScannedFile


def typed(*pages: str, confidence: float = 1.0, origin: PageOrigin = PageOrigin.TEXT_LAYER) -> RecognisedDocument:
    """A document of these pages' text, without word boxes."""
    return RecognisedDocument(
        file=ScannedFile(
            document_id="0" * 32,
            source_name="scan.pdf",
            size_bytes=1,
            sha256="0" * 64,
            received_at=datetime(2026, 3, 17, 8, 0, tzinfo=UTC),
        ),
        media_type="application/pdf",
        pages=tuple(
            RecognisedPage(
                number=number, width_px=0, height_px=0, dpi=200, origin=origin, text=text, confidence=confidence
            )
            for number, text in enumerate(pages, start=1)
        ),
    )


HEAD = """Tischlerei Morgenstern GmbH


Tischlerei Morgenstern GmbH · Ahornweg 7 · 99084 Erfurt


Musterbetrieb GmbH
Lindenstraße 1
01067 Dresden
"""


def letter(body: str, *, head: str = HEAD, date: str = "Erfurt, den 15. März 2026") -> str:
    """A business letter: letterhead, return line, address, place and date, then the body."""
    return f"{head}\n{' ' * 50}{date}\n\n\n{body}\n\nMit freundlichen Grüßen\n\nKarla Morgenstern\n"


INVOICE = letter("""Rechnung Nr. RE-2026-0815


Sehr geehrte Damen und Herren,

für die Lieferung der Regale stellen wir Ihnen in Rechnung:

Pos.   Bezeichnung                  Menge   Einzelpreis    Gesamt
1      Regal Eiche                  2       400,00         800,00
2      Montage                      1       200,00         200,00

Summe netto                                                1.000,00 €
zzgl. 19 % MwSt.                                             190,00 €
Rechnungsbetrag                                            1.190,00 €

Bitte überweisen Sie den Betrag bis zum 14. April 2026 auf das Konto
IBAN DE89 3704 0044 0532 0130 00.
""")

REMINDER = letter("""2. Mahnung zur Rechnung RE-2026-0815


Sehr geehrte Damen und Herren,

leider konnten wir bis heute keinen Zahlungseingang feststellen. Bitte zahlen Sie den offenen
Betrag von 1.190,00 € zuzüglich 5,00 € Mahngebühr bis spätestens 02.04.2026.
""")

SICK_NOTE = letter(
    """Arbeitsunfähigkeitsbescheinigung


Name: Vogt, Hannes, geb. am 02.02.1980
arbeitsunfähig seit 14.03.2026, voraussichtlich bis 21.03.2026, festgestellt am 16.03.2026
Erstbescheinigung. Diagnose liegt der Krankenkasse vor.
""",
    head="""Hausarztpraxis Dr. med. Ilse Brandt


Dr. med. Ilse Brandt · Markt 3 · 99084 Erfurt


Musterbetrieb GmbH
Lindenstraße 1
01067 Dresden
""",
    date="Erfurt, den 16. März 2026",
)

RESIGNATION = letter(
    """Kündigung meines Arbeitsverhältnisses


Sehr geehrte Frau Weber,

hiermit kündige ich mein Arbeitsverhältnis fristgerecht zum 30. Juni 2026. Bitte senden Sie mir ein
qualifiziertes Arbeitszeugnis und rechnen Sie den Resturlaub ab.
""",
    head="""Hannes Vogt
Birkenweg 12
99084 Erfurt



Musterbetrieb GmbH
Lindenstraße 1
01067 Dresden
""",
)
