"""The first half's wordings: what each class of letter says, and more to say where a letter should be longer."""

# ruff: noqa: E501 - prose reads better unbroken

from bench.letters.content import Wording

WORDINGS: dict[str, Wording] = {
    "invoice": Wording(
        subjects=("Rechnung {reference}", "Rechnung über Lieferungen im {period}", "Rechnung zu Ihrem Auftrag {older}"),
        openings=(
            "vielen Dank für Ihren Auftrag vom {earlier}. Für die gelieferten Waren und erbrachten Leistungen erlauben wir uns, wie folgt zu berechnen:",
            "für unsere Lieferungen und Leistungen im {period} stellen wir Ihnen die nachstehenden Positionen in Rechnung:",
            "gemäß Ihrer Bestellung {older} haben wir am {earlier} geliefert. Wir berechnen Ihnen dafür:",
        ),
        middles=(
            "Bitte überweisen Sie den Gesamtbetrag von {amount} ohne Abzug bis zum {due} auf unser Konto {iban} bei der {bank}.",
            "Der Rechnungsbetrag ist zahlbar bis {due} rein netto. Unsere Bankverbindung für die Überweisung: {iban}.",
            "Zahlbar innerhalb von {days} Tagen, spätestens am {due}, auf das Konto {iban}. Geben Sie als Verwendungszweck bitte {reference} an.",
        ),
        endings=(
            "Das Lieferdatum entspricht dem Leistungsdatum. Wir danken Ihnen für die gute Zusammenarbeit.",
            "Die Ware bleibt bis zur vollständigen Bezahlung unser Eigentum. Bestellt wurde durch Ihr Haus, {person}.",
        ),
    ),
    "credit-note": Wording(
        subjects=("Gutschrift {reference}", "Gutschrift zu unserer Rechnung {older}"),
        openings=(
            "zu unserer Rechnung {older} vom {earlier} erteilen wir Ihnen wegen der zurückgesandten Ware folgende Gutschrift:",
            "wie telefonisch mit {person} besprochen schreiben wir Ihnen die folgenden Positionen gut:",
        ),
        middles=(
            "Den Betrag von {amount} verrechnen wir mit Ihrer nächsten Rechnung. Eine Auszahlung erfolgt nur auf Wunsch.",
            "Die Gutschrift über {amount} überweisen wir in den nächsten Tagen auf Ihr uns bekanntes Konto.",
        ),
        endings=(
            "Für die entstandenen Umstände bitten wir um Entschuldigung.",
            "Bitte korrigieren Sie den Vorsteuerabzug entsprechend dieser Rechnungskorrektur.",
        ),
    ),
    "reminder": Wording(
        subjects=("Zahlungserinnerung", "Mahnung zu Rechnung {older}", "2. Mahnung"),
        openings=(
            "sicher ist es Ihrer Aufmerksamkeit entgangen, dass die folgende Rechnung noch nicht beglichen wurde:",
            "trotz unserer Zahlungserinnerung vom {earlier} konnten wir bis heute keinen Zahlungseingang feststellen. Offen sind:",
            "unsere Buchhaltung weist die nachstehenden Posten als überfällig aus:",
        ),
        middles=(
            "Wir bitten Sie, den offenen Betrag von {amount} bis spätestens {due} auf das Konto {iban} zu überweisen.",
            "Bitte begleichen Sie {amount} einschließlich Mahngebühr bis zum {due}. Unsere Bankverbindung: {iban}.",
        ),
        endings=(
            "Sollten Sie die Überweisung inzwischen veranlasst haben, betrachten Sie dieses Schreiben als gegenstandslos.",
            "Nach fruchtlosem Ablauf der Frist müssten wir Verzugszinsen berechnen und die Forderung einem Inkassobüro übergeben.",
        ),
    ),
    "offer": Wording(
        subjects=("Angebot {reference}", "Unser Angebot zu Ihrer Anfrage vom {earlier}", "Angebot {topic}"),
        openings=(
            "vielen Dank für Ihre Anfrage vom {earlier}. Gern unterbreiten wir Ihnen das folgende freibleibende Angebot:",
            "wir freuen uns über Ihr Interesse an unseren Erzeugnissen und bieten Ihnen an:",
            "bezugnehmend auf das Gespräch mit {person} erhalten Sie unser Angebot für die {topic}:",
        ),
        middles=(
            "An dieses Angebot halten wir uns bis zum {due} gebunden. Die Lieferzeit beträgt etwa {days} Werktage nach Auftragseingang.",
            "Die Preise gelten frei Haus, Bindefrist bis {due}. Bei Auftragserteilung bis dahin gewähren wir {percent} % Skonto.",
        ),
        endings=(
            "Über Ihren Auftrag würden wir uns sehr freuen. Für Rückfragen steht Ihnen {contact} gern zur Verfügung.",
            "Möchten Sie bestellen, so genügt uns eine kurze Nachricht mit der Angebotsnummer.",
        ),
    ),
    "order-confirmation": Wording(
        subjects=("Auftragsbestätigung {reference}", "Bestätigung Ihres Auftrags vom {earlier}"),
        openings=(
            "wir danken Ihnen für Ihre Bestellung vom {earlier} und bestätigen diese wie folgt:",
            "hiermit nehmen wir Ihren Auftrag {older} zu den vereinbarten Bedingungen an:",
        ),
        middles=(
            "Die Auslieferung ist für den {later} vorgesehen. Eine Rechnung erhalten Sie mit getrennter Post.",
            "Voraussichtlicher Liefertermin: {later}, Anlieferung Rampe 2. Der Auftragswert beträgt {amount}.",
        ),
        endings=(
            "Bitte prüfen Sie diese Auftragsbestätigung und melden Sie Abweichungen binnen drei Tagen.",
            "Änderungen des Auftrags sind bis fünf Werktage vor dem Liefertermin möglich.",
        ),
    ),
    "delivery-note": Wording(
        subjects=("Lieferschein {reference}", "Lieferschein zu Auftrag {older}"),
        openings=(
            "wir liefern Ihnen heute auf Grundlage Ihrer Bestellung vom {earlier}:",
            "mit dieser Sendung erhalten Sie zu Ihrem Auftrag {older} die folgenden Waren:",
        ),
        middles=(
            "Versandart: eigener Fuhrpark, {days} Packstücke, Gesamtgewicht siehe Frachtbrief. Tauschpaletten bitte zurückgeben.",
            "Restmengen liefern wir am {later} nach. Abladestelle: Wareneingang, Tor 3, Annahme bis {time} Uhr.",
        ),
        endings=(
            "Ware vollständig und unbeschädigt erhalten: Datum, Unterschrift des Empfängers.",
            "Bitte prüfen Sie die Sendung bei Annahme und vermerken Sie Transportschäden auf diesem Lieferschein.",
        ),
    ),
    "contract": Wording(
        subjects=("Vertrag über {topic}", "Rahmenvertrag {reference}", "Dienstleistungsvertrag {topic}"),
        openings=(
            "zwischen {sender}, nachfolgend Auftragnehmer genannt, und {recipient}, nachfolgend Auftraggeber genannt, wird der folgende Vertrag geschlossen:",
            "wie vereinbart übersenden wir Ihnen den Vertrag in zwei Ausfertigungen. Bitte senden Sie uns ein unterschriebenes Exemplar bis zum {due} zurück.",
        ),
        middles=(
            "Der Vertrag beginnt am {later} und läuft zunächst zwei Jahre. Er verlängert sich um jeweils ein Jahr, wenn er nicht drei Monate vor Ablauf gekündigt wird.",
            "Für die Leistungen nach diesem Vertrag wird eine monatliche Vergütung von {amount} einschließlich Umsatzsteuer vereinbart.",
        ),
        endings=(
            "Änderungen und Ergänzungen dieses Vertrages bedürfen der Schriftform. Gerichtsstand ist {town}.",
            "Beide Parteien haben je eine Ausfertigung dieses Vertrages erhalten.",
        ),
    ),
    "termination": Wording(
        subjects=("Kündigung meines Arbeitsverhältnisses", "Kündigung des Vertrages {reference}", "Ordentliche Kündigung"),
        openings=(
            "hiermit kündige ich mein Arbeitsverhältnis mit Ihrem Unternehmen ordentlich und fristgerecht zum {later}.",
            "hiermit kündigen wir den mit Ihnen geschlossenen Vertrag {reference} vom {earlier} fristgemäß zum {later}, hilfsweise zum nächstmöglichen Zeitpunkt.",
        ),
        middles=(
            "Bitte bestätigen Sie mir den Eingang dieser Kündigung und das Datum der Beendigung schriftlich.",
            "Wir bitten um eine schriftliche Kündigungsbestätigung sowie um die Schlussabrechnung bis zum {due}.",
        ),
        endings=(
            "Um ein qualifiziertes Arbeitszeugnis und die Übersendung der Arbeitspapiere wird gebeten. Resturlaub soll noch genommen werden.",
            "Eine erteilte Einzugsermächtigung widerrufen wir mit Wirkung zum Vertragsende.",
        ),
    ),
    "application": Wording(
        subjects=("Bewerbung als Tischlerin", "Bewerbung um die Stelle als Sachbearbeiter Einkauf", "Bewerbung um einen Ausbildungsplatz"),
        openings=(
            "mit großem Interesse habe ich Ihre Stellenanzeige vom {earlier} gelesen und bewerbe mich um die ausgeschriebene Stelle.",
            "über einen Bekannten habe ich erfahren, dass Sie Verstärkung suchen. Deshalb bewerbe ich mich bei Ihnen.",
        ),
        middles=(
            "Nach meiner Ausbildung habe ich mehrere Jahre in einem mittelständischen Betrieb gearbeitet. Dort war ich für die {topic} und die {topic2} zuständig.",
            "Zu meinen Stärken zählen Sorgfalt, Teamgeist und handwerkliches Geschick. Kenntnisse der üblichen Büroprogramme bringe ich mit.",
        ),
        endings=(
            "Über eine Einladung zu einem Vorstellungsgespräch freue ich mich. Beginnen könnte ich zum {later}.",
            "Meine Gehaltsvorstellung liegt bei {amount} brutto im Monat. Lebenslauf und Zeugnisse füge ich bei.",
        ),
    ),
    "sick-note": Wording(
        subjects=("Arbeitsunfähigkeitsbescheinigung", "Ärztliches Attest", "Krankmeldung {person}"),
        openings=(
            "hiermit wird bescheinigt, dass die unten genannte Person aus gesundheitlichen Gründen arbeitsunfähig ist:",
            "die nachstehend genannte Patientin, der nachstehend genannte Patient, befindet sich in unserer ärztlichen Behandlung:",
        ),
        middles=(
            "Die Arbeitsunfähigkeit besteht voraussichtlich bis einschließlich {later}. Ein Arbeitsunfall liegt nicht vor.",
            "Aus ärztlicher Sicht ist bis zum {later} Bettruhe einzuhalten; eine Wiedervorstellung ist vereinbart.",
        ),
        endings=(
            "Ausfertigung zur Vorlage beim Arbeitgeber. Die Diagnose wird nur der Krankenkasse mitgeteilt.",
            "Diese Bescheinigung dient der Vorlage bei der Personalabteilung.",
        ),
    ),
    "payroll": Wording(
        subjects=("Entgeltabrechnung {period}", "Lohnabrechnung {period} für {person}", "Gehaltsabrechnung {period}"),
        openings=(
            "anbei erhalten Sie die Abrechnung der Brutto-Netto-Bezüge für {person}, Abrechnungsmonat {period}:",
            "für den Monat {period} haben wir das Arbeitsentgelt von {person} wie folgt abgerechnet:",
        ),
        middles=(
            "Die Überweisung des Auszahlungsbetrags von {amount} erfolgt zum {due} auf das Konto {iban}.",
            "Das Nettoentgelt von {amount} wird am {due} auf das Gehaltskonto {iban} überwiesen.",
        ),
        endings=(
            "Die Angaben zu Steuerklasse und Krankenkasse wurden unverändert übernommen. Urlaubsanspruch: {days} Tage.",
            "Bitte bewahren Sie diese Entgeltabrechnung auf; sie dient als Nachweis gegenüber der Rentenversicherung.",
        ),
    ),
    "tax-office": Wording(
        subjects=("Bescheid für {year} über Umsatzsteuer", "Steuerbescheid {year}", "Erinnerung an die Umsatzsteuer-Voranmeldung"),
        openings=(
            "für das Jahr {year} wird die Umsatzsteuer auf Grund Ihrer Erklärung vom {earlier} wie folgt festgesetzt:",
            "der Bescheid ergeht nach § 164 Abs. 1 AO unter dem Vorbehalt der Nachprüfung. Festsetzung und Abrechnung:",
        ),
        middles=(
            "Bitte zahlen Sie spätestens am {due} den Betrag von {amount} auf das Konto der Finanzkasse, IBAN {iban}.",
            "Der noch zu entrichtende Steuerbetrag von {amount} ist fällig am {due}. Konto der Finanzkasse: {iban}.",
        ),
        endings=(
            "Gegen diesen Bescheid ist der Einspruch gegeben. Die Frist beträgt einen Monat nach Bekanntgabe.",
            "Bei verspäteter Zahlung entstehen Säumniszuschläge. Ein Einspruch schiebt die Zahlung nicht auf.",
        ),
    ),
    "insurance": Wording(
        subjects=("Ihr Versicherungsschein {reference}", "Beitragsrechnung zur Betriebshaftpflichtversicherung", "Schadenmeldung vom {earlier}"),
        openings=(
            "zu Ihrer Versicherung übersenden wir Ihnen den Nachtrag mit den seit {earlier} geltenden Angaben:",
            "für das neue Versicherungsjahr haben wir den Beitrag Ihrer Betriebsversicherung neu berechnet:",
        ),
        middles=(
            "Den Beitrag von {amount} ziehen wir am {due} mittels Lastschrift ein. Der Versicherungsschutz besteht unverändert fort.",
            "Bitte zahlen Sie den Jahresbeitrag von {amount} bis {due} auf unser Konto {iban}.",
        ),
        endings=(
            "Melden Sie uns bitte jede Änderung des versicherten Risikos, damit Ihr Schutz lückenlos bleibt.",
            "Im Schadenfall erreichen Sie uns rund um die Uhr unter der oben genannten Rufnummer.",
        ),
    ),
    "bank": Wording(
        subjects=("Kontoauszug {period}", "Änderung unserer Konditionen", "Ihr Geschäftskonto {reference}"),
        openings=(
            "nachstehend erhalten Sie die Umsätze Ihres Geschäftskontos im {period}:",
            "wir informieren Sie über die Buchungen auf dem oben genannten Konto:",
        ),
        middles=(
            "Der Sollzinssatz für eingeräumte Überziehungen beträgt {percent} % jährlich. Ihr Konto: IBAN {iban}.",
            "Bitte prüfen Sie den Auszug zum Konto {iban}. Einwendungen gegen den Saldo sind binnen sechs Wochen zu erheben.",
        ),
        endings=(
            "Guthaben sind als Einlagen nach dem Einlagensicherungsgesetz entschädigungsfähig.",
            "Ihre Beraterin in der Filiale {town} hilft Ihnen gern weiter.",
        ),
    ),
    "legal": Wording(
        subjects=("Forderungsangelegenheit gegen {recipient}", "Anspruchsschreiben in Sachen {topic}", "Mandat {client_surname}: Fristsetzung"),
        openings=(
            "wir zeigen an, dass uns {client} mit der Wahrnehmung der rechtlichen Interessen beauftragt hat. Eine Vollmacht fügen wir bei.",
            "in vorbezeichneter Angelegenheit vertreten wir die rechtlichen Interessen unserer Mandantschaft. Zum Sachverhalt:",
        ),
        middles=(
            "Namens und in Vollmacht fordern wir Sie auf, {amount} bis zum {due} auf unser Anderkonto {iban} zu zahlen.",
            "Zur Vermeidung eines gerichtlichen Verfahrens setzen wir Ihnen eine Frist bis zum {due}.",
        ),
        endings=(
            "Nach fruchtlosem Fristablauf werden wir unserer Mandantschaft empfehlen, Klage vor dem Landgericht zu erheben.",
            "Wir weisen darauf hin, dass Sie nach § 286 BGB in Verzug sind und den Verzugsschaden zu ersetzen haben.",
        ),
    ),
    "authority": Wording(
        subjects=("Gebührenbescheid {reference}", "Anhörung nach § 28 VwVfG", "Ihr Antrag auf Erlaubnis zur Sondernutzung"),
        openings=(
            "auf Ihren Antrag vom {earlier} ergeht der folgende Bescheid. Die Amtshandlung ist gebührenpflichtig:",
            "bei einer Überprüfung am {earlier} wurde in Ihrem Betrieb die {topic} beanstandet. Für die Prüfung wird festgesetzt:",
        ),
        middles=(
            "Die Gebühr von {amount} ist bis zum {due} unter Angabe des Aktenzeichens auf das Konto der Kasse {iban} zu entrichten.",
            "Sie erhalten Gelegenheit, sich bis zum {due} schriftlich oder zur Niederschrift zu äußern.",
        ),
        endings=(
            "Rechtsbehelfsbelehrung: Gegen diesen Bescheid kann innerhalb eines Monats Widerspruch erhoben werden.",
            "Dieses Schreiben wurde maschinell erstellt und ist ohne Unterschrift gültig.",
        ),
    ),
    "complaint": Wording(
        subjects=("Reklamation zu Lieferung {reference}", "Mängelrüge", "Beschwerde über die {topic}"),
        openings=(
            "leider müssen wir Ihre Lieferung vom {earlier} beanstanden. Beim Auspacken stellten wir erhebliche Mängel fest.",
            "mit der Ausführung der {topic} bin ich nicht einverstanden und reklamiere sie hiermit.",
        ),
        middles=(
            "Mehrere Teile sind verkratzt, zwei fehlen ganz. Fotos der Schäden liegen diesem Schreiben bei.",
            "Bitte beseitigen Sie die Mängel bis zum {due} oder liefern Sie kostenlos Ersatz.",
        ),
        endings=(
            "Andernfalls behalten wir uns vor, den Kaufpreis zu mindern oder vom Kauf zurückzutreten.",
            "Ich erwarte Ihre Stellungnahme und bin enttäuscht über die bisherige Bearbeitung meiner Beschwerde.",
        ),
    ),
    "advertising": Wording(
        subjects=("Nur bis {due}: {percent} % Rabatt auf alles", "Einladung zu unserer Hausmesse", "Ihr Vorteil im Frühjahr"),
        openings=(
            "kennen Sie schon unsere neuen Angebote? Jetzt sparen Sie bei jeder Bestellung bares Geld.",
            "wir laden Sie herzlich zu unserer Hausmesse ein und haben für Sie ein besonderes Schnäppchen vorbereitet.",
        ),
        middles=(
            "Sichern Sie sich bis {due} {percent} % Preisnachlass auf das gesamte Sortiment. Der Gutschein liegt bei.",
            "Lernen Sie unsere Neuheiten unverbindlich kennen, kostenlose Musterproben warten auf Sie.",
        ),
        endings=(
            "Greifen Sie zu, solange der Vorrat reicht! Unser Newsletter hält Sie auf dem Laufenden.",
            "Wenn Sie keine Werbung mehr wünschen, genügt eine kurze Nachricht.",
        ),
    ),
    "other": Wording(
        subjects=("Einladung zum Sommerfest", "Terminverschiebung {topic}", "Unsere neue Anschrift"),
        openings=(
            "wir möchten Ihnen mitteilen, dass unser Verein umgezogen ist. Die neue Anschrift finden Sie oben.",
            "das Treffen zur {topic} müssen wir leider auf den {later} verschieben.",
        ),
        middles=(
            "Bitte geben Sie diese Nachricht auch an {person} weiter und ändern Sie Ihre Unterlagen.",
            "Wir treffen uns um {time} Uhr im Gemeindehaus; für Kaffee und Kuchen ist gesorgt.",
        ),
        endings=(
            "Über eine kurze Rückmeldung würden wir uns freuen.",
            "Auf ein baldiges Wiedersehen freut sich der gesamte Vorstand.",
        ),
    ),
}  # fmt: skip

EXTRAS: dict[str, tuple[str, ...]] = {
    "trade": (
        "Die {topic} zum Vorgang {older} wurde am {earlier} mit {person} abgestimmt. Das Ergebnis haben wir in unseren Unterlagen vermerkt und bei der Ausführung berücksichtigt.",
        "Bitte beachten Sie, dass wir ab dem {later} neue Anlieferzeiten haben: montags bis donnerstags bis {time} Uhr, freitags bis zwölf Uhr. Außerhalb dieser Zeiten ist die Rampe nicht besetzt.",
        "Für die nächste Bestellung gilt der Rahmen {older} weiter. Sollte sich der Bedarf an Zubehör ändern, wenden Sie sich an {contact}; wir passen die Mengen kurzfristig an.",
        "Verpackungen nehmen wir nach den gesetzlichen Vorschriften unentgeltlich zurück. Die Abholung der {topic2} melden Sie bitte bis {due} an.",
        "Für alle Geschäfte gelten ausschließlich unsere Allgemeinen Geschäftsbedingungen in der Fassung vom {earlier}, die wir Ihnen auf Wunsch gern zusenden.",
        "Die zugesagte {topic} liegt unserer Technik vor. Nach heutigem Stand wird sie bis zum {later} abgeschlossen; über Verzögerungen unterrichten wir Sie rechtzeitig.",
    ),
    "office": (
        "Ihre Angaben zur {topic} vom {earlier} haben wir geprüft. Unterlagen, die noch fehlen, reichen Sie bitte unter dem Zeichen {older} bis zum {due} nach.",
        "Zuständig für Sie ist {contact}. Sie erreichen uns montags bis mittwochs von acht bis {time} Uhr und nach Vereinbarung.",
        "Wir verarbeiten Ihre personenbezogenen Daten nach der Datenschutz-Grundverordnung. Auskunft über die gespeicherten Daten erhalten Sie auf Antrag.",
        "Der Vorgang {older} wurde mit dem vorliegenden zusammengeführt. Frühere Schreiben zur {topic2}, zuletzt vom {earlier}, sind damit erledigt.",
        "Bitte nennen Sie bei allen Rückfragen das angegebene Zeichen. Schreiben ohne Zeichen können wir nur mit Verzögerung zuordnen.",
        "Soweit die {topic} betroffen ist, bleibt die bisherige Regelung bis zum {later} bestehen. Danach entscheiden wir auf Grund der dann vorliegenden Nachweise neu.",
    ),
    "people": (
        "In den letzten Jahren lag der Schwerpunkt auf der {topic}. Daneben kam seit dem {earlier} die Verantwortung für die {topic2} hinzu, die allen Beteiligten viel Freude gemacht hat.",
        "Für Rückfragen bin ich werktags bis {time} Uhr telefonisch zu erreichen. Unterlagen senden Sie bitte an die oben genannte Anschrift.",
        "Den Schlüssel, den Ausweis und die Unterlagen zur {topic} werden am {later} bei {person} abgegeben. Eine Übergabe ist bereits vereinbart.",
        "Wie mit {person} am {earlier} besprochen, soll die Vertretung in der {topic2} rechtzeitig geregelt werden, damit keine Lücke entsteht.",
        "Eine Kopie dieses Schreibens liegt meinen Unterlagen bei. Sollten Sie weitere Nachweise benötigen, reiche ich sie bis {due} gern nach.",
    ),
}  # fmt: skip

CLAUSES: tuple[tuple[str, str], ...] = (
    ("§ 1 Gegenstand", "Der Auftragnehmer übernimmt für den Auftraggeber die {topic} sowie die {topic2} am Standort {town}. Umfang und Güte richten sich nach der Leistungsbeschreibung vom {earlier}."),
    ("§ 2 Pflichten", "Der Auftragnehmer setzt nur geschultes Personal ein und führt über jede Leistung Buch. Der Auftraggeber sorgt für Zugang, Strom und Wasser an den vereinbarten Tagen."),
    ("§ 3 Vergütung", "Die Vergütung ist monatlich im Voraus bis zum dritten Werktag zu zahlen. Preisanpassungen sind mit einer Frist von drei Monaten schriftlich anzukündigen."),
    ("§ 4 Haftung", "Für Vorsatz und grobe Fahrlässigkeit haften die Parteien unbeschränkt. Im Übrigen ist die Haftung auf den vorhersehbaren Schaden begrenzt."),
    ("§ 5 Verschwiegenheit", "Beide Parteien bewahren über Geschäftsgeheimnisse Stillschweigen, auch nach dem Ende dieses Vertrages. Überlassene Pläne sind zurückzugeben."),
    ("§ 6 Schlussbestimmungen", "Sollte eine Bestimmung unwirksam sein, so bleiben die übrigen wirksam. An ihre Stelle tritt, was dem wirtschaftlichen Zweck am nächsten kommt."),
)  # fmt: skip

SMALL_PRINT: tuple[str, ...] = (
    "1. Geltung. Unsere Lieferungen und Leistungen erfolgen ausschließlich zu diesen Bedingungen. Abweichende Bedingungen des Käufers gelten nur, wenn wir ihnen schriftlich zugestimmt haben.",
    "2. Preise. Alle Preise verstehen sich ab Lager zuzüglich der am Tag der Lieferung geltenden Umsatzsteuer. Verpackung und Fracht werden gesondert berechnet.",
    "3. Lieferfristen. Liefertermine sind nur verbindlich, wenn sie schriftlich als Fixtermin bestätigt wurden. Höhere Gewalt verlängert die Frist um die Dauer der Störung.",
    "4. Gefahrübergang. Die Gefahr geht mit der Übergabe an den Frachtführer auf den Käufer über, auch wenn wir die Fracht bezahlen.",
    "5. Eigentumsvorbehalt. Bis zur vollständigen Bezahlung aller Forderungen bleibt die Ware unser Eigentum. Der Käufer darf sie im gewöhnlichen Geschäftsgang weiterveräußern.",
    "6. Mängel. Offensichtliche Mängel sind unverzüglich, spätestens binnen acht Tagen schriftlich zu rügen. Bei berechtigter Rüge liefern wir Ersatz oder bessern nach.",
    "7. Zahlung. Rechnungen sind innerhalb von {days} Tagen ohne Abzug zu begleichen. Bei Verzug berechnen wir Zinsen in gesetzlicher Höhe.",
    "8. Aufrechnung. Der Käufer kann nur mit unbestrittenen oder rechtskräftig festgestellten Forderungen aufrechnen.",
    "9. Gerichtsstand. Erfüllungsort und Gerichtsstand ist {town}, soweit das Gesetz dies zulässt. Es gilt deutsches Recht.",
)  # fmt: skip
