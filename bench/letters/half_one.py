"""The first half: who writes, to whom, and in which house styles."""

from datetime import date

from bench.letters.content import Style
from bench.letters.words_one import CLAUSES, EXTRAS, SMALL_PRINT, WORDINGS

__all__ = [
    "BANKS", "CLAUSES", "CLOSINGS", "DEPARTMENTS", "EXTRAS", "FIRST_NAMES", "LABELS", "PRODUCTS", "RECIPIENTS",
    "SALUTATIONS", "SENDERS", "SMALL_PRINT", "STREETS", "STYLES", "SURNAMES", "TOPIC_HEADS", "TOPIC_STEMS", "TOWNS",
    "WORDINGS", "written_amount", "written_date",
]  # fmt: skip

TOWNS: tuple[tuple[str, str, str], ...] = (
    ("21335", "Lüneburg", "04131"), ("37073", "Göttingen", "0551"), ("48143", "Münster", "0251"),
    ("33602", "Bielefeld", "0521"), ("26122", "Oldenburg", "0441"), ("31134", "Hildesheim", "05121"),
    ("23552", "Lübeck", "0451"), ("34117", "Kassel", "0561"), ("59065", "Hamm", "02381"),
    ("38100", "Braunschweig", "0531"), ("32756", "Detmold", "05231"), ("24103", "Kiel", "0431"),
)  # fmt: skip
STREETS: tuple[str, ...] = (
    "Mühlenweg", "Am Kornspeicher", "Heinrich-Büssing-Straße", "Lange Reihe", "Gerberstraße", "Im Brückfeld",
    "Königsallee", "An der Ziegelei", "Postgasse", "Eichendorffstraße", "Großer Kamp", "Hafenstraße",
)  # fmt: skip
BANKS: tuple[str, ...] = ("Volksbank Heidekreis", "Sparkasse Weserland", "Kreditbank Nordmark", "Handelsbank Leinetal")
FIRST_NAMES: tuple[str, ...] = (
    "Anke", "Björn", "Claudia", "Detlef", "Elke", "Frank", "Gesa", "Holger", "Ines", "Jörg", "Katrin", "Lars",
    "Maren", "Nils", "Petra", "Rüdiger", "Silke", "Thorsten", "Ute", "Wiebke",
)  # fmt: skip
SURNAMES: tuple[str, ...] = (
    "Ahrens", "Brüggemann", "Cordes", "Dierksen", "Evers", "Fahrenholz", "Gödecke", "Harms", "Isermann", "Jürgens",
    "Kröger", "Lüders", "Meinecke", "Niehoff", "Oltmann", "Petersen", "Rohde", "Schünemann", "Tietjen", "Warnecke",
)  # fmt: skip
SENDERS: dict[str, tuple[str, ...]] = {
    "tools": ("Werkzeughandel Ruppert & Söhne GmbH", "Eisenhof Brandes KG", "Maschinenbedarf Oestreich GmbH"),
    "paper": ("Bürobedarf Kastanienhof GmbH", "Papierkontor Seehausen OHG", "Druckerei Flügge GmbH & Co. KG"),
    "systems": ("Systemhaus Hellweg GmbH", "Datenwerk Nordheide GmbH", "Netzbau Quensel KG"),
    "cleaning": ("Gebäudedienst Reinhold Voß GmbH", "Glasreinigung Siebenstern KG"),
    "energy": ("Stadtwerke Amtsberg GmbH", "Fernwärme Oberförde AG"),
    "freight": ("Spedition Hinrichs & Co. KG", "Kurierdienst Möwe GmbH"),
    "doctor": ("Dr. med. Hauke Feddersen, Facharzt für Allgemeinmedizin", "Gemeinschaftspraxis Dres. Liebig und Thoma"),
    "law-firm": ("Kanzlei Wohlers & Partner Rechtsanwälte mbB", "Rechtsanwältin Friederike Osterloh"),
    "insurer": ("Hanseatische Lloyd-Gilde Versicherung AG", "Heidekrankenkasse Nord", "Landschutz Versicherung VVaG"),
    "bank": ("Volksbank Heidekreis eG", "Kreditbank Nordmark AG"),
    "tax-office": ("Finanzamt Amtsberg", "Finanzamt Brunnfeld-Mitte", "Finanzamt Oberförde"),
    "authority": ("Stadt Amtsberg - Ordnungsamt", "Landkreis Brunnfeld - Bauaufsicht", "Gewerbeaufsicht Oberförde"),
    "payroll": ("Lohnbüro Tidemann Steuerberatung GmbH", "Abrechnungsstelle Weserland GbR"),
    "club": ("Turnverein Eintracht Amtsberg e. V.", "Kunstverein Alte Reederei e. V."),
}  # fmt: skip
RECIPIENTS: tuple[str, ...] = (
    "Möbelwerk Lindhorst GmbH", "Druckhaus Wesenberg KG", "Amthor Gerätebau GmbH", "Pflegedienste Nordlicht gGmbH",
)  # fmt: skip
PRODUCTS: dict[str, tuple[tuple[str, str, int, int], ...]] = {
    "tools": (
        ("Akku-Schlagbohrschrauber 18 V", "Stk.", 119, 289), ("Bohrersatz HSS 25-teilig", "Satz", 24, 68),
        ("Schleifscheiben Körnung 120", "Pkg.", 11, 29), ("Schutzbrille klar, beschlagfrei", "Stk.", 5, 14),
        ("Kreissägeblatt 254 x 30 mm", "Stk.", 39, 92), ("Holzleim D3, Eimer 5 kg", "Stk.", 21, 47),
    ),
    "paper": (
        ("Kopierpapier A4 80 g, holzfrei", "Karton", 19, 34), ("Aktenordner breit, grau", "Stk.", 2, 5),
        ("Versandtaschen C4 mit Fenster", "Pkg.", 12, 26), ("Tonerkassette schwarz XL", "Stk.", 58, 134),
        ("Lieferscheinblocks, zweifach", "Stk.", 4, 11), ("Etiketten 70 x 36 mm", "Pkg.", 9, 19),
    ),
    "systems": (
        ("Wartung Server, Pauschale", "Monat", 180, 420), ("Arbeitsplatzrechner Modell Delta", "Stk.", 690, 1240),
        ("Lizenz Warenwirtschaft je Platz", "Stk.", 45, 130), ("Netzwerkschrank 24 HE", "Stk.", 310, 720),
        ("Technikerstunde vor Ort", "Std.", 84, 118), ("Bandlaufwerk mit Reinigung", "Stk.", 210, 940),
    ),
    "cleaning": (
        ("Unterhaltsreinigung Büroflächen", "Monat", 420, 980), ("Glasreinigung Fassade Süd", "Einsatz", 240, 610),
        ("Grundreinigung Treppenhaus", "Einsatz", 130, 320), ("Handtuchrollen, weiß", "Karton", 28, 52),
    ),
    "energy": (
        ("Arbeitspreis Strom, Zähler 4471", "MWh", 180, 320), ("Grundpreis Netzanschluss", "Monat", 60, 190),
        ("Arbeitspreis Gas, Zähler 0938", "MWh", 70, 140), ("Messstellenbetrieb", "Monat", 12, 31),
    ),
    "freight": (
        ("Stückgut bis 500 kg, Zone 3", "Sendg.", 64, 148), ("Palettentausch Europalette", "Stk.", 9, 17),
        ("Expresszuschlag bis 10 Uhr", "Sendg.", 25, 55), ("Einlagerung je Stellplatz", "Woche", 4, 12),
    ),
}  # fmt: skip
STYLES: tuple[Style, ...] = (
    Style(name="hanse", form="B", head="left", info="block", footer="columns", table="lines", family="lato",
          size=10.0, accent=(26, 58, 110)),
    Style(name="kontor", form="A", head="centre", info="row", footer="centred", table="frames", family="caladea",
          size=11.0, accent=(90, 30, 30)),
    Style(name="werft", form="B", head="stripe", info="date", footer="columns", table="zebra", family="source",
          size=10.6, accent=(0, 96, 88)),
)  # fmt: skip
SALUTATIONS: tuple[str, ...] = (
    "Sehr geehrte Damen und Herren,",
    "Sehr geehrte Geschäftsleitung,",
    "Sehr geehrte Frau {surname},",
)
CLOSINGS: tuple[str, ...] = ("Mit freundlichen Grüßen", "Mit freundlichem Gruß")
DEPARTMENTS: dict[str, str] = {
    "finance": "Buchhaltung", "sales": "Einkauf", "hr": "Personalabteilung", "legal": "Geschäftsführung",
}  # fmt: skip
LABELS: dict[str, str] = {
    "invoice": "Rechnungsnummer", "credit-note": "Gutschriftsnummer", "reminder": "Mahnung Nr.",
    "offer": "Angebotsnummer", "order-confirmation": "Auftragsnummer", "delivery-note": "Lieferscheinnummer",
    "contract": "Vertragsnummer", "termination": "Vertragsnummer", "application": "Kennziffer",
    "sick-note": "Bescheinigung", "payroll": "Personalnummer", "tax-office": "Steuernummer",
    "insurance": "Versicherungsschein", "bank": "Kontonummer", "legal": "Unser Zeichen", "authority": "Aktenzeichen",
    "complaint": "Vorgang", "advertising": "Aktion", "other": "Zeichen",
    "date": "Datum", "customer": "Kundennummer", "contact": "Ansprechpartner", "phone": "Telefon",
    "position": "Pos.", "article": "Bezeichnung", "quantity": "Menge", "unit": "Einheit", "price": "Einzelpreis",
    "sum": "Gesamt", "net": "Summe netto", "vat": "zzgl. {rate} % Mehrwertsteuer", "gross": "Gesamtbetrag",
    "due": "Fällig am", "open": "Offener Betrag", "document": "Beleg", "fee": "Mahngebühr", "text": "Bezeichnung",
    "value": "Betrag", "payable": "Zu zahlen", "payout": "Auszahlungsbetrag", "balance": "Neuer Kontostand",
    "old-balance": "Alter Kontostand",
    "page": "Seite {number} von {total}", "enclosures": "Anlagen: {names}",
    "signed": "Unterschrift", "held": "Bankverbindung", "tax": "USt-IdNr.", "manager": "Geschäftsführung",
    "insured": "Versicherte Person", "since": "Arbeitsunfähig seit", "until": "Voraussichtlich bis",
    "seen": "Festgestellt am", "kind": "Art der Bescheinigung", "first": "Erstbescheinigung", "born": "Geburtsdatum",
    "employer": "Arbeitgeber", "tariff": "Tarif", "premium": "Jahresbeitrag", "begin": "Beginn",
    "claim": "Hauptforderung",
    "interest": "Zinsen", "costs": "Anwaltskosten", "total": "Gesamtforderung", "salary": "Grundgehalt",
    "bonus": "Zulage", "wage-tax": "Lohnsteuer", "social": "Sozialversicherung", "charge": "Verwaltungsgebühr",
    "tax-due": "Festgesetzte Umsatzsteuer", "prepaid": "Bereits geleistete Zahlungen", "booking": "Buchungstext",
    "enclosed-application": "Lebenslauf, Zeugnisse", "enclosed-legal": "Vollmacht",
    "terms": "Allgemeine Geschäftsbedingungen",
    "page-head": "{sender} - Schreiben vom {date}",
}  # fmt: skip
TOPIC_STEMS: tuple[str, ...] = (
    "Wartungs", "Liefer", "Prüf", "Montage", "Lager", "Fenster", "Heizungs", "Druckluft", "Verpackungs", "Holz",
    "Schulungs", "Miet", "Entsorgungs", "Kabel", "Fahrzeug", "Beleuchtungs", "Sicherheits", "Werkstatt", "Bestell",
    "Rahmen", "Gas", "Netz", "Reinigungs", "Transport", "Ersatzteil", "Messe", "Versand", "Wasser", "Brandschutz",
    "Kälte",
)  # fmt: skip
TOPIC_HEADS: tuple[str, ...] = (
    "vereinbarung", "protokoll", "planung", "anlage", "auftrag", "unterlagen", "kosten", "termin", "nachweis",
    "bericht", "umfang", "pauschale", "arbeiten", "zeichnung", "abnahme", "liste", "bestand", "angelegenheit",
    "prüfung", "dokumentation", "abstimmung", "anfrage", "erweiterung", "mängel",
)  # fmt: skip

_MONTHS = (
    "Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober", "November",
    "Dezember",
)  # fmt: skip


def written_date(when: date, manner: int) -> str:
    """As this half writes dates: "05.03.2026" or "5. März 2026"."""
    if manner % 2:
        return f"{when.day}. {_MONTHS[when.month - 1]} {when.year}"
    return f"{when:%d.%m.%Y}"


def written_amount(number: str) -> str:
    """As this half writes amounts."""
    return f"{number} €"
