"""The second half's wordings; no sentence of them is one of the first half's."""

# ruff: noqa: E501 - prose reads better unbroken

from bench.letters.content import Wording

WORDINGS: dict[str, Wording] = {
    "invoice": Wording(
        subjects=("Ihre Rechnung Nr. {reference}", "Abschlagsrechnung {topic}", "Rechnungsstellung {period}"),
        openings=(
            "wir haben für Sie gearbeitet und rechnen heute ab. Leistungszeitraum war der {period}.",
            "laut Lieferschein {older} sind Ihnen am {earlier} folgende Artikel zugegangen, die wir hiermit fakturieren.",
            "anbei unsere Rechnung für {topic}, beauftragt von {person}:",
        ),
        middles=(
            "Zahlungsziel: {due}. Wir bitten um Überweisung von {amount} auf IBAN {iban} ({bank}).",
            "Überweisen Sie bitte {amount} bis längstens {due}; bei Zahlung binnen acht Tagen dürfen Sie {percent} % Skonto abziehen. Konto: {iban}.",
            "Den Endbetrag buchen wir nicht ab. Bitte weisen Sie {amount} bis {due} zugunsten {iban} an.",
        ),
        endings=(
            "Besten Dank für Ihr Vertrauen. Einwände zur Rechnung richten Sie bitte innerhalb einer Woche an {contact}.",
            "Steuernummer und Leistungsdatum finden Sie in der Fußzeile beziehungsweise auf dem Lieferschein.",
        ),
    ),
    "credit-note": Wording(
        subjects=("Stornogutschrift Nr. {reference}", "Rechnungskorrektur zu {older}"),
        openings=(
            "Ihre Rücksendung vom {earlier} ist bei uns angekommen. Wir erstatten Ihnen:",
            "auf die Berechnung {older} gewähren wir Ihnen nachträglich den folgenden Nachlass.",
        ),
        middles=(
            "Ihrem Kundenkonto haben wir heute {amount} gutgeschrieben.",
            "Die Erstattung in Höhe von {amount} geht Ihnen bis {due} auf dem Bankweg zu.",
        ),
        endings=(
            "Die fehlerhafte Rechnung ist damit storniert; eine Kopie heften Sie bitte zu den Akten.",
            "Es tut uns leid, dass die erste Lieferung nicht Ihren Erwartungen entsprach.",
        ),
    ),
    "reminder": Wording(
        subjects=("Freundliche Erinnerung an Rechnung {older}", "Letzte Mahnung vor gerichtlichem Mahnverfahren", "Mahnschreiben {reference}"),
        openings=(
            "beim Abgleich unserer Konten fiel uns auf, dass Ihre Zahlung noch aussteht:",
            "auf unsere erste Mahnung vom {earlier} haben Sie nicht reagiert. Die Forderung setzt sich so zusammen:",
            "nach unseren Büchern sind diese Rechnungen noch unbezahlt:",
        ),
        middles=(
            "Wir erwarten den Ausgleich von {amount} bis {due}, eingehend auf {iban}.",
            "Mahnkosten sind bereits enthalten. Zahlen Sie {amount} spätestens am {due} per Überweisung auf {iban}.",
        ),
        endings=(
            "Haben Sie schon gezahlt, so hat sich dieser Brief mit Ihrer Zahlung gekreuzt und Sie können ihn vergessen.",
            "Bleibt auch dieser Termin ungenutzt, beantragen wir ohne weitere Ankündigung einen Mahnbescheid.",
        ),
    ),
    "offer": Wording(
        subjects=("Kostenvoranschlag {topic}", "Angebot Nr. {reference} für Ihr Haus", "Preisangebot wie besprochen"),
        openings=(
            "am {earlier} fragten Sie bei uns an. Unser Vorschlag für Sie lautet:",
            "nach Besichtigung vor Ort mit {person} kalkulieren wir für {topic} wie folgt.",
            "schön, dass Sie an uns gedacht haben! Hier ist unser Preisangebot:",
        ),
        middles=(
            "Dieser Kostenvoranschlag ist bis {due} gültig. Mit der Ausführung könnten wir in {days} Wochen beginnen.",
            "Gültig bis {due}; danach behalten wir uns Änderungen wegen schwankender Rohstoffpreise vor.",
        ),
        endings=(
            "Sagt Ihnen unser Vorschlag zu, dann schicken Sie ihn einfach unterschrieben zurück.",
            "{contact} erläutert Ihnen die Einzelheiten gerne in einem persönlichen Gespräch.",
        ),
    ),
    "order-confirmation": Wording(
        subjects=("Ihr Auftrag Nr. {reference} ist eingegangen", "Bestellbestätigung"),
        openings=(
            "wir haben Ihre Order vom {earlier} erhalten und wie nachstehend eingeplant.",
            "danke für Ihr Vertrauen! Ihr Auftrag {older} wurde bei uns erfasst:",
        ),
        middles=(
            "Wir liefern in Kalenderwoche {week}, spätestens am {later}. Auftragssumme brutto: {amount}.",
            "Den Liefertag {later} haben wir fest mit unserer Disposition vereinbart.",
        ),
        endings=(
            "Stimmt etwas nicht, rufen Sie {contact} bitte umgehend an.",
            "Ohne Ihren Widerspruch gilt der Auftrag in dieser Form als erteilt.",
        ),
    ),
    "delivery-note": Wording(
        subjects=("Warenbegleitschein {reference}", "Lieferung vom {date}"),
        openings=(
            "zu Auftrag {older} verlassen heute diese Artikel unser Lager:",
            "unser Fahrer übergibt Ihnen mit diesem Begleitschein:",
        ),
        middles=(
            "Anzahl Kolli: {days}. Bitte halten Sie am Wareneingang bis {time} Uhr einen Stapler bereit.",
            "Im Rückstand befindliche Artikel folgen voraussichtlich am {later} mit der nächsten Tour.",
        ),
        endings=(
            "Empfang bestätigt (Stempel, Name in Druckbuchstaben):",
            "Spätere Beanstandungen wegen Bruch oder Fehlmenge können leider nicht anerkannt werden.",
        ),
    ),
    "contract": Wording(
        subjects=("Vereinbarung zur {topic}", "Mietvertrag Nr. {reference}", "Vertragsurkunde: {topic}"),
        openings=(
            "die Parteien, auf der einen Seite {sender}, auf der anderen Seite {recipient}, vereinbaren Folgendes:",
            "beiliegend finden Sie unsere Vertragsurkunde. Wir bitten um Gegenzeichnung durch Ihre Vertretungsberechtigten bis {due}.",
        ),
        middles=(
            "Vertragsbeginn ist der {later}, die Mindestlaufzeit sind 36 Monate. Gekündigt werden kann mit Frist von sechs Wochen zum Quartalsende.",
            "Als Entgelt schuldet der Kunde je Monat {amount}, zahlbar im Voraus.",
        ),
        endings=(
            "Mündliche Nebenabreden wurden nicht getroffen.",
            "Unterzeichnet in {town}, jede Seite hat ein Original bekommen.",
        ),
    ),
    "termination": Wording(
        subjects=("Mein Ausscheiden zum {later}", "Beendigung des Vertrags {reference}", "Kündigungsschreiben"),
        openings=(
            "nach reiflicher Überlegung beende ich meine Beschäftigung bei Ihnen und kündige zum {later}.",
            "das Vertragsverhältnis Nr. {reference} kündigen wir unter Einhaltung der Frist mit Wirkung zum {later}.",
        ),
        middles=(
            "Über eine kurze Bestätigung der Kündigung an meine Privatadresse wäre ich dankbar.",
            "Teilen Sie uns bitte bis {due} mit, zu welchem Tag Sie das Vertragsende vormerken.",
        ),
        endings=(
            "Ich danke für die schöne Zeit im Betrieb und bitte um ein wohlwollendes Zeugnis.",
            "Das SEPA-Mandat erlischt mit der letzten Abbuchung; überzahlte Beträge erstatten Sie bitte.",
        ),
    ),
    "application": Wording(
        subjects=("Initiativbewerbung", "Ihre Anzeige: Mitarbeiter Lager gesucht", "Bewerbung für das Berufspraktikum"),
        openings=(
            "Ihre Ausschreibung vom {earlier} hat mich sofort angesprochen, denn sie passt zu meinem Werdegang.",
            "zurzeit suche ich eine neue berufliche Aufgabe und stelle mich Ihnen mit diesen Zeilen vor.",
        ),
        middles=(
            "Gelernt habe ich im Handwerk, später kamen Erfahrungen in {topic} und {topic2} dazu. Ein Staplerschein ist vorhanden.",
            "Kollegen schätzen an mir Zuverlässigkeit und gute Laune. Schichtarbeit bin ich gewohnt.",
        ),
        endings=(
            "Gern überzeuge ich Sie bei einem Probetag. Verfügbar wäre ich ab {later}.",
            "Beim Verdienst stelle ich mir rund {amount} brutto vor. Meine Zeugniskopien sind beigefügt.",
        ),
    ),
    "sick-note": Wording(
        subjects=("Bescheinigung der Arbeitsunfähigkeit", "Ärztliche Bescheinigung für den Dienstgeber", "AU-Bescheinigung {person}"),
        openings=(
            "aufgrund der heutigen Untersuchung bestätige ich Arbeitsunfähigkeit wie angegeben:",
            "wegen Erkrankung kann die genannte Person ihre Tätigkeit derzeit nicht ausüben:",
        ),
        middles=(
            "Mit einer Genesung ist bis {later} zu rechnen. Eine Rehabilitation ist nicht veranlasst.",
            "Bis {later} sollte jede körperliche Belastung vermieden werden.",
        ),
        endings=(
            "Durchschlag für den Betrieb, ohne Angabe des Krankheitsbildes.",
            "Bitte geben Sie dieses Blatt im Personalwesen ab.",
        ),
    ),
    "payroll": Wording(
        subjects=("Verdienstabrechnung {period}", "Bezügemitteilung {person}", "Lohnzettel für {period}"),
        openings=(
            "die Verdienstabrechnung von {person} für {period} ergibt folgende Werte:",
            "so haben wir die Bezüge für {person} im {period} ermittelt:",
        ),
        middles=(
            "Ausgezahlt werden {amount}; die Überweisung auf {iban} ist für den {due} vorgemerkt.",
            "Bis {due} werden {amount} auf das hinterlegte Lohnkonto {iban} angewiesen.",
        ),
        endings=(
            "Resturlaub zum Monatsende: {days} Tage. Änderungen der Steuermerkmale melden Sie bitte sofort.",
            "Fragen zu Lohn und Abzügen beantwortet unsere Lohnabteilung am Vormittag.",
        ),
    ),
    "tax-office": Wording(
        subjects=("Körperschaftsteuer {year}: Bescheid", "Festsetzung von Vorauszahlungen", "Mahnung rückständiger Steuern {year}"),
        openings=(
            "Ihre Steuererklärung {year} wurde bearbeitet. Nach der Veranlagung ergibt sich:",
            "gemäß § 37 EStG und § 31 KStG sind die Vorauszahlungen neu zu bestimmen:",
        ),
        middles=(
            "Fälligkeit: {due}. Entrichten Sie {amount} unter Angabe der Steuernummer auf {iban}.",
            "Es verbleibt eine Nachzahlung von {amount}, fällig {due}, Kasse {iban}.",
        ),
        endings=(
            "Rechtsbehelf: Einspruch, einzulegen binnen eines Monats beim Finanzamt, auch elektronisch.",
            "Wird nicht rechtzeitig gezahlt, kann die Vollstreckung ohne nochmaligen Hinweis erfolgen.",
        ),
    ),
    "insurance": Wording(
        subjects=("Police {reference}: Beitragsanpassung", "Fuhrparkversicherung, Folgebeitrag", "Unser Schadenaktenzeichen {older}"),
        openings=(
            "Ihre Police wurde zum {earlier} geändert. Versichert ist nunmehr:",
            "der Folgebeitrag für Ihren Vertrag wird fällig. Die Einzelheiten:",
        ),
        middles=(
            "Zahlen Sie {amount} bitte bis {due} auf {iban}, damit die Deckung nicht ruht.",
            "Wie im Vorjahr belasten wir Ihr Konto am {due} mit {amount}.",
        ),
        endings=(
            "Denken Sie daran, Schäden binnen einer Woche anzuzeigen.",
            "Unser Außendienst überprüft gern, ob die Versicherungssumme noch ausreicht.",
        ),
    ),
    "bank": Wording(
        subjects=("Monatsauszug Konto {reference}", "Mitteilung zu Ihrer Kreditlinie", "Abrechnung {period}"),
        openings=(
            "Bewegungen und Salden Ihres Firmenkontos für {period}:",
            "die Abrechnung des Kontos schließt wie hier dargestellt:",
        ),
        middles=(
            "Auf der Linie berechnen wir derzeit {percent} % Zinsen p. a. Abgerechnet wurde {iban}.",
            "Widerspruch gegen den Rechnungsabschluss von {iban} ist uns innerhalb von sechs Wochen mitzuteilen.",
        ),
        endings=(
            "Wir sind Mitglied der Sicherungseinrichtung unseres Verbandes.",
            "Ein Gespräch mit Ihrem Firmenkundenbetreuer vereinbaren Sie am besten telefonisch.",
        ),
    ),
    "legal": Wording(
        subjects=("{sender} ./. {recipient}", "Unterlassungsaufforderung", "In Sachen {client_surname} wegen Forderung"),
        openings=(
            "ordnungsgemäße Bevollmächtigung versichernd, melden wir uns für {client}. Es geht um Folgendes:",
            "unser Mandant hat uns beauftragt, seine Ansprüche gegen Sie durchzusetzen. Beziffert werden sie so:",
        ),
        middles=(
            "Wir fordern Zahlung von {amount}, Eingang auf dem Treuhandkonto {iban} bis {due}.",
            "Ihrer Erklärung sehen wir bis {due} entgegen; diese Frist wird nicht verlängert.",
        ),
        endings=(
            "Unterbleibt die Zahlung, so reichen wir ohne weiteres Zuwarten Klage ein.",
            "Die Kosten unserer Einschaltung haben Sie als Verzugsschaden zu tragen.",
        ),
    ),
    "authority": Wording(
        subjects=("Kostenbescheid Nr. {reference}", "Nachforderung von Unterlagen", "Genehmigung {topic}"),
        openings=(
            "wir haben über Ihr Anliegen vom {earlier} entschieden. Folgende Kosten fallen an:",
            "bei der Begehung am {earlier} hat unser Mitarbeiter die {topic} aufgenommen. Dafür setzen wir fest:",
        ),
        middles=(
            "Die Kosten von {amount} zahlen Sie bitte bis {due} bei der Kreiskasse ein, {iban}.",
            "Ergänzen Sie Ihren Antrag bis {due}; andernfalls wird nach Aktenlage entschieden.",
        ),
        endings=(
            "Gegen diesen Verwaltungsakt steht Ihnen binnen Monatsfrist die Klage zum Verwaltungsgericht offen.",
            "Mehrfertigung erhält die zuständige Gemeinde.",
        ),
    ),
    "complaint": Wording(
        subjects=("Beanstandung Ihrer Leistung {reference}", "So geht es nicht", "Mangelhafte Ausführung {topic}"),
        openings=(
            "was am {earlier} bei uns ankam, entspricht nicht der Bestellung.",
            "ich wende mich an Sie, weil die {topic} auch nach dem zweiten Anlauf nicht in Ordnung ist.",
        ),
        middles=(
            "Die Ware ist beschädigt und teilweise unbrauchbar, was unser Lager protokolliert hat.",
            "Ich gebe Ihnen Gelegenheit zur Nachbesserung bis {due}.",
        ),
        endings=(
            "Ihre Hotline war für uns keine Hilfe; wir bitten um Rückruf durch die Leitung.",
            "Geschieht nichts, kürze ich die Rechnung entsprechend und schalte einen Sachverständigen ein.",
        ),
    ),
    "advertising": Wording(
        subjects=("Frühbucher sparen {percent} Prozent", "Jubiläumsaktion", "Exklusiv für Stammkunden"),
        openings=(
            "feiern Sie mit uns Jubiläum und profitieren Sie von Preisen wie vor zehn Jahren!",
            "Ihr Betrieb hat das Beste verdient, deshalb gibt es unsere Aktionswochen.",
        ),
        middles=(
            "Mit dem Vorteilscode erhalten Sie {percent} Prozent Nachlass, einlösbar bis {due}.",
            "Bestellen Sie jetzt den Katalog und gewinnen Sie mit etwas Glück ein Wochenende in den Bergen.",
        ),
        endings=(
            "Schnell sein lohnt sich, die Aktion endet bald!",
            "Der Zusendung solcher Post können Sie jederzeit widersprechen.",
        ),
    ),
    "other": Wording(
        subjects=("Gruß aus der Nachbarschaft", "Wir haben geöffnet", "Protokoll der Sitzung {topic}"),
        openings=(
            "mit diesen Zeilen geben wir bekannt, dass sich unsere Rufnummer geändert hat.",
            "zur Besprechung über {topic} am {later} sind Sie herzlich willkommen.",
        ),
        middles=(
            "Grüßen Sie bitte {person} von uns, wir denken gern an die Feier zurück.",
            "Beginn ist um {time} Uhr im Nebenzimmer des Gasthofs, ein Imbiss wird gereicht.",
        ),
        endings=(
            "Sagen Sie uns Bescheid, ob Sie kommen.",
            "Alles Gute wünscht die Vorstandschaft.",
        ),
    ),
}  # fmt: skip

EXTRAS: dict[str, tuple[str, ...]] = {
    "trade": (
        "Am {earlier} legte {person} bei uns fest, wie die {topic} laufen soll. Daran haben wir uns unter Vorgang {older} gehalten.",
        "Ab {later} fahren wir Ihre Region zweimal in der Woche an. Annahmeschluss für Bestellungen ist dann jeweils um {time} Uhr am Vortag.",
        "Sie finden uns auch im Netz: Dort lassen sich Lieferscheine, Prüfzeugnisse und die {topic2} rund um die Uhr abrufen.",
        "Leergut und Behälter gehören uns. Bitte stellen Sie alles bis {due} zur Abholung bereit und vermerken die Stückzahl.",
        "Preise und Rabatte richten sich nach der Preisliste vom {earlier}; ältere Listen haben ausgedient.",
        "Sobald die {topic} genehmigt ist, melden wir uns mit einem Ablaufplan. Derzeit rechnen wir mit dem {later}.",
    ),
    "office": (
        "Zur {topic} lagen uns Ihre Unterlagen vom {earlier} vor. Was noch nachzureichen ist, muss bis {due} unter {older} eingehen.",
        "Termine vergibt {contact}; ohne Termin bedienen wir nur dienstags bis {time} Uhr.",
        "Hinweise zum Schutz Ihrer Daten liegen in unseren Räumen aus und werden auf Anfrage zugesandt.",
        "Mit dem Schreiben vom {earlier} zur {topic2} hat dieser Vorgang nichts zu tun; jenes wird unter {older} geführt.",
        "Damit Ihre Antwort gleich richtig ankommt, zitieren Sie bitte Nummer und Tag dieses Schreibens.",
        "Für die {topic} gilt übergangsweise bis {later} das bisher Vereinbarte, anschließend wird neu beschieden.",
    ),
    "people": (
        "Besonders gern habe ich mich um {topic} gekümmert; seit {earlier} gehörte auch {topic2} zu meinen Aufgaben, was mir viel abverlangt und noch mehr gegeben hat.",
        "Anrufen können Sie mich am besten nach {time} Uhr, schreiben jederzeit an die Adresse im Kopf.",
        "Arbeitsmittel und Unterlagen rund um {topic} übergebe ich am {later} persönlich an {person}.",
        "Das Gespräch mit {person} am {earlier} war hilfreich, gerade was {topic2} angeht. Darauf möchte ich aufbauen.",
        "Falls noch ein Formular fehlt, schicken Sie es mir; ausgefüllt ist es bis {due} zurück.",
    ),
}  # fmt: skip

CLAUSES: tuple[tuple[str, str], ...] = (
    ("Ziffer 1 Leistung", "Geschuldet werden {topic} und {topic2} in der Betriebsstätte {town}. Die Anlage vom {earlier} beschreibt, was dazugehört."),
    ("Ziffer 2 Mitwirkung", "Der Kunde benennt eine Ansprechperson, gewährt Zutritt und meldet Störungen ohne Verzug. Wartezeiten gehen zu seinen Lasten."),
    ("Ziffer 3 Entgelt", "Das Entgelt versteht sich zuzüglich Fahrtkosten. Einmal im Jahr darf es an den Verbraucherpreisindex angeglichen werden."),
    ("Ziffer 4 Verantwortung", "Schäden ersetzt der Anbieter bis zur Höhe seiner Betriebshaftpflicht; für Personenschäden gilt das Gesetz ohne Einschränkung."),
    ("Ziffer 5 Geheimhaltung", "Was die Seiten voneinander erfahren, behalten sie für sich. Kopien werden nach Vertragsende vernichtet."),
    ("Ziffer 6 Sonstiges", "Ist eine Ziffer nichtig, berührt das die anderen nicht. Nebenabreden brauchen Textform, auch diese Abrede selbst."),
)  # fmt: skip

SMALL_PRINT: tuple[str, ...] = (
    "A. Anwendung. Wer bei uns bestellt, erkennt diese Bedingungen an. Fremde Einkaufsbedingungen werden auch dann nicht Vertragsinhalt, wenn wir schweigen.",
    "B. Angebote. Sie binden uns vierzehn Tage, sofern nichts anderes vermerkt ist. Muster und Abbildungen sind nur annähernd maßgebend.",
    "C. Termine. Kalenderwochen sind ungefähre Angaben. Streik, Frost oder Ausfall von Vorlieferanten entbinden uns für ihre Dauer.",
    "D. Transport. Wir versenden auf Risiko des Bestellers und versichern nur auf ausdrücklichen Wunsch und gegen Kostenersatz.",
    "E. Vorbehalt. Gelieferte Gegenstände gehören bis zum letzten Cent uns; bei Pfändung durch Dritte sind wir sofort zu verständigen.",
    "F. Gewährleistung. Sichtbare Fehler zeigt der Besteller binnen fünf Werktagen an, verborgene sofort nach Entdeckung. Wir entscheiden zwischen Tausch und Reparatur.",
    "G. Fälligkeit. Unsere Forderungen sind {days} Tage nach Ausstellung fällig; danach laufen Verzugszinsen von neun Punkten über dem Basiszins.",
    "H. Zurückhaltung. Abzüge wegen angeblicher Gegenansprüche sind nur zulässig, wenn ein Gericht sie bestätigt hat.",
    "I. Ort. Für Streitigkeiten sind die Gerichte in {town} zuständig. Das UN-Kaufrecht findet keine Anwendung.",
)  # fmt: skip
