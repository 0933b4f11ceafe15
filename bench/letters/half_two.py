"""The second half: other senders, other companies, other house styles than the first."""

from datetime import date

from bench.letters.content import Style
from bench.letters.words_two import CLAUSES, EXTRAS, SMALL_PRINT, WORDINGS

__all__ = [
    "BANKS", "CLAUSES", "CLOSINGS", "DEPARTMENTS", "EXTRAS", "FIRST_NAMES", "LABELS", "PRODUCTS", "RECIPIENTS",
    "SALUTATIONS", "SENDERS", "SMALL_PRINT", "STREETS", "STYLES", "SURNAMES", "TOPIC_HEADS", "TOPIC_STEMS", "TOWNS",
    "WORDINGS", "written_amount", "written_date",
]  # fmt: skip

TOWNS: tuple[tuple[str, str, str], ...] = (
    ("93047", "Regensburg", "0941"), ("88212", "Ravensburg", "0751"), ("99423", "Weimar", "03643"),
    ("54290", "Trier", "0651"), ("72764", "Reutlingen", "07121"), ("96047", "Bamberg", "0951"),
    ("07743", "Jena", "03641"), ("78462", "Konstanz", "07531"), ("63739", "Aschaffenburg", "06021"),
    ("01662", "Meißen", "03521"), ("84028", "Landshut", "0871"), ("66482", "Zweibrücken", "06332"),
)  # fmt: skip
STREETS: tuple[str, ...] = (
    "Dorfgasse", "Am Weinberg", "Schillerring", "Obere Bachstraße", "Kirchplatz", "Zum Steinbruch", "Alleenstraße",
    "Bergwerksweg", "Innere Landshuter Straße", "Donaulände", "Rosenhalde", "Industriepark Süd",
)  # fmt: skip
BANKS: tuple[str, ...] = (
    "Raiffeisenbank Oberland",
    "Kreissparkasse Rebhügel",
    "Privatbank Ettal & Cie.",
    "Südwestbank Filstal",
)
FIRST_NAMES: tuple[str, ...] = (
    "Alois", "Benedikt", "Corinna", "Dominik", "Eva-Maria", "Franziska", "Gernot", "Heidrun", "Ignaz", "Judith",
    "Korbinian", "Leonhard", "Magdalena", "Nepomuk", "Ottilie", "Philipp", "Roswitha", "Sebastian", "Theresia", "Xaver",
)  # fmt: skip
SURNAMES: tuple[str, ...] = (
    "Achleitner", "Bärlocher", "Dannecker", "Eberl", "Fröhlich", "Gschwendtner", "Häberle", "Ilgner", "Käßbohrer",
    "Lechner", "Mößmer", "Nägele", "Obermaier", "Pfisterer", "Rößler", "Stadlbauer", "Trautwein", "Unterberger",
    "Vögele", "Zirngibl",
)  # fmt: skip
SENDERS: dict[str, tuple[str, ...]] = {
    "food": ("Mälzerei Drei Linden GmbH", "Hopfenhandel Gabelsberger OHG", "Feinkost Alpenrain GmbH & Co. KG"),
    "sanitary": ("Rohrwerk Schwabing-Nord GmbH", "Heizungsbau Kachelmaier e. K.", "Armaturen Filstal GmbH"),
    "media": ("Agentur Blauer Reigen UG (haftungsbeschränkt)", "Verlag am Stadtgraben GmbH", "Messebau Zuckschwert KG"),
    "vehicles": ("Nutzfahrzeuge Oberpfalz GmbH", "Reifen Zapf & Tochter OHG"),
    "laundry": ("Wäscherei Sonnenbad GmbH", "Mietberufskleidung Isarau KG"),
    "garden": ("Garten- und Landschaftsbau Immergrün GmbH", "Baumschule Ried & Enkel KG"),
    "doctor": ("Praxis Dr. Walburga Seitz, Innere Medizin", "Orthopädie am Domberg, Dr. Kilian Rauch"),
    "law-firm": ("Steinbeis Anwälte PartG mbB", "Rechtsanwalt und Notar Dr. Emmeram Haug"),
    "insurer": ("Bajuvaria Sachversicherung a. G.", "Gesundheitskasse Südtor", "Alpina Assekuranz AG"),
    "bank": ("Raiffeisenbank Oberland eG", "Privatbank Ettal & Cie. KG"),
    "tax-office": ("Finanzamt Rebhügel", "Finanzamt Tannegg II", "Finanzamt Filstal"),
    "authority": ("Markt Tannegg, Bürgerbüro", "Landratsamt Rebhügel, Umweltschutz",
    "Industrie- und Gewerbekammer Filstal"),
    "payroll": ("Steuerkanzlei Morgenroth, Lohnabteilung", "Personalservice Donaukreis GmbH"),
    "club": ("Blaskapelle Tannegg 1908 e. V.", "Förderkreis Heimatmuseum Filstal e. V."),
}  # fmt: skip
RECIPIENTS: tuple[str, ...] = (
    "Brauhaus Tannegg AG", "Sanitärtechnik Orlamünde GmbH", "Fliegner Logistik SE & Co. KG",
    "Werkstätten am Roten Tor eG",
)  # fmt: skip
PRODUCTS: dict[str, tuple[tuple[str, str, int, int], ...]] = {
    "food": (
        ("Pilsner Malz, Sackware 25 kg", "Sack", 17, 31), ("Aromahopfen Pellets", "kg", 14, 39),
        ("Flaschenkorken Naturkork", "Tsd.", 88, 160), ("Apfelsaft naturtrüb, Mehrweg", "Kiste", 9, 15),
        ("Bügelverschlüsse mit Gummi", "Tsd.", 74, 133),
    ),
    "sanitary": (
        ("Eckventil verchromt, halbzöllig", "Stück", 6, 16), ("Kupferrohr 22 mm, Ringware", "m", 8, 15),
        ("Umwälzpumpe Effizienzklasse A", "Stück", 240, 530), ("Wandheizkörper Typ 22", "Stück", 130, 340),
        ("Dichtungssortiment im Koffer", "Stück", 29, 66),
    ),
    "media": (
        ("Gestaltung Faltblatt, sechs Seiten", "pauschal", 380, 890),
        ("Anzeige viertelseitig, vierfarbig", "Schaltung", 210, 640),
        ("Messewand mit Beleuchtung", "Stück", 560, 1490), ("Lektorat je Normseite", "Seite", 5, 9),
        ("Fotografie Werkhalle, halber Tag", "pauschal", 310, 580),
    ),
    "vehicles": (
        ("Winterreifen 215/65 R16", "Stück", 84, 156), ("Ölwechsel mit Filter", "Vorgang", 110, 215),
        ("Hauptuntersuchung, Vorführung", "Vorgang", 98, 160), ("Bremsbeläge Vorderachse", "Satz", 64, 170),
    ),
    "laundry": (
        ("Arbeitsjacke, Miete und Pflege", "Stück", 3, 8), ("Fußmatte, Tausch vierzehntägig", "Tausch", 11, 24),
        ("Bettwäsche, Mangelware", "kg", 2, 5), ("Stoffhandtuchspender", "Stück", 14, 33),
    ),
    "garden": (
        ("Heckenschnitt einschließlich Abfuhr", "m", 6, 13), ("Winterdienst Parkplatz", "Monat", 190, 470),
        ("Rollrasen verlegen", "m²", 9, 19), ("Hainbuche, Stammumfang 14 cm", "Stück", 120, 260),
    ),
}  # fmt: skip
STYLES: tuple[Style, ...] = (
    Style(name="isar", form="B", head="right", info="row", footer="ruled", table="zebra", family="source",
          size=10.8, accent=(140, 20, 40)),
    Style(name="alb", form="A", head="band", info="block", footer="columns", table="lines", family="lato",
          size=9.8, accent=(40, 90, 50)),
    Style(name="amtlich", form="B", head="left", info="date", footer="centred", table="frames", family="caladea",
          size=10.6, accent=(40, 40, 40)),
)  # fmt: skip
SALUTATIONS: tuple[str, ...] = ("Guten Tag,", "Sehr geehrtes Team,", "Sehr geehrter Herr {surname},")
CLOSINGS: tuple[str, ...] = ("Mit besten Grüßen", "Freundliche Grüße")
DEPARTMENTS: dict[str, str] = {
    "finance": "Rechnungswesen", "sales": "Beschaffung", "hr": "Personalwesen", "legal": "z. Hd. der Vorstände",
}  # fmt: skip
LABELS: dict[str, str] = {
    "invoice": "Rechnung Nr.", "credit-note": "Gutschrift Nr.", "reminder": "Mahnvorgang", "offer": "Angebot Nr.",
    "order-confirmation": "Auftrag Nr.", "delivery-note": "Lieferschein Nr.", "contract": "Vertrags-Nr.",
    "termination": "Betrifft Vertrags-Nr.", "application": "Referenz", "sick-note": "Beleg-Nr.", "payroll": "Pers.-Nr.",
    "tax-office": "St.-Nr.", "insurance": "Police", "bank": "Konto-Nr.", "legal": "Aktennummer",
    "authority": "Geschäftszeichen",
    "complaint": "Reklamation Nr.", "advertising": "Vorteilsnummer", "other": "Unser Schreiben",
    "date": "Tag", "customer": "Kd.-Nr.", "contact": "Sachbearbeitung", "phone": "Durchwahl",
    "position": "Nr.", "article": "Leistung / Artikel", "quantity": "Anzahl", "unit": "ME", "price": "E-Preis",
    "sum": "Wert", "net": "Nettobetrag", "vat": "Umsatzsteuer {rate} %", "gross": "Endbetrag brutto",
    "due": "Zahlungsziel", "open": "Restforderung", "document": "Rechnung", "fee": "Mahnkosten", "text": "Position",
    "value": "Summe", "payable": "Zahlbetrag", "payout": "Überweisung", "balance": "Saldo neu",
    "old-balance": "Saldovortrag",
    "page": "Blatt {number}/{total}", "enclosures": "Beigefügt: {names}", "signed": "gez.", "held": "Konto",
    "tax": "USt-ID", "manager": "Leitung", "insured": "Name, Vorname", "since": "AU seit", "until": "AU bis einschl.",
    "seen": "Untersucht am", "kind": "Bescheinigung", "first": "Folgebescheinigung", "born": "geb. am",
    "employer": "Beschäftigt bei", "tariff": "Produkt", "premium": "Beitrag p. a.", "begin": "Gültig ab",
    "claim": "Offene Forderung", "interest": "Verzugszins", "costs": "Gebühren nach RVG", "total": "Summe Anspruch",
    "salary": "Tariflohn", "bonus": "Schichtzuschlag", "wage-tax": "LSt. / SolZ.", "social": "SV-Beiträge AN",
    "charge": "Gebühr nach Satzung", "tax-due": "Steuerschuld laut Veranlagung", "prepaid": "abzüglich Vorauszahlungen",
    "booking": "Vorgang",
    "enclosed-application": "Zeugniskopien und Werdegang", "enclosed-legal": "Vollmachtsurkunde",
    "terms": "Unsere Liefer- und Zahlungsbedingungen",
    "page-head": "{sender} / {date}",
}  # fmt: skip
TOPIC_STEMS: tuple[str, ...] = (
    "Gär", "Rohr", "Fuhrpark", "Kühl", "Bau", "Pflege", "Werbe", "Wäsche", "Garten", "Zapfanlagen", "Kessel", "Umzugs",
    "Inventur", "Dach", "Flaschen", "Zoll", "Kanal", "Aufzugs", "Bremsen", "Getreide", "Labor", "Schicht", "Kantinen",
    "Tor", "Abwasser", "Estrich", "Saison", "Palettenlager", "Leih", "Software",
)  # fmt: skip
TOPIC_HEADS: tuple[str, ...] = (
    "abrechnung", "besichtigung", "einweisung", "freigabe", "konzept", "sanierung", "stellung", "übergabe", "vorhaben",
    "verzeichnis", "zulassung", "technik", "störung", "umbau", "kalkulation", "begehung", "inspektion", "lizenz",
    "reparatur", "statistik", "kontrolle", "bewirtschaftung", "nachtrag", "messung",
)  # fmt: skip

_MONTHS = ("Jan.", "Feb.", "März", "April", "Mai", "Juni", "Juli", "Aug.", "Sept.", "Okt.", "Nov.", "Dez.")


def written_date(when: date, manner: int) -> str:
    """As this half writes dates: "5.3.2026" or "05. März 2026"."""
    if manner % 2:
        return f"{when.day:02d}. {_MONTHS[when.month - 1]} {when.year}"
    return f"{when.day}.{when.month}.{when.year}"


def written_amount(number: str) -> str:
    """As this half writes amounts."""
    return f"{number} EUR"
