"""The record of processing activities, Art. 30 (1) GDPR, as far as the program knows it."""

from poststelle.verbs.papers.blocks import Bullets, Heading, Paper, Paragraph, table
from poststelle.verbs.papers.live import Live, period, start


def record_of_processing(live: Live) -> Paper:
    """The paper."""
    readers = {
        code: [
            role["label"]
            for name, role in live.office["roles"].items()
            if name != "service" and "find" in role["compartments"].get(code, ())
        ]
        for code in live.office["compartments"]
    }
    exporters = [
        role["label"]
        for name, role in live.office["roles"].items()
        if name != "service" and any("export" in verbs for verbs in role["compartments"].values())
    ]
    classes = live.office["classes"]
    return Paper(
        name="verzeichnis-verarbeitung",
        title="Verzeichnis der Verarbeitungstätigkeiten: Eingehende Post",
        blocks=(
            Paragraph(
                f"Nach Art. 30 Abs. 1 der Datenschutz-Grundverordnung. Stand {live.day:%d.%m.%Y}, Programm "
                f"Poststelle {live.version}, Tresor "
                f"{live.vault_id}. Was das Programm nicht wissen kann, ist als offen bezeichnet."
            ),
            Heading(text="a) Verantwortlicher"),
            Bullets(
                (
                    str(live.office["name"]),
                    "Anschrift, Vertretung, gemeinsam Verantwortliche: offen, von der Firma einzutragen",
                    f"Rolle Datenschutz im Programm: {', '.join(live.users.get('dpo', ())) or 'niemand'}; "
                    "Kontaktdaten: offen",
                )
            ),
            Heading(text="b) Zwecke"),
            Bullets(
                (
                    "Entgegennahme, Zuordnung und Ablage eingehender Schreiben",
                    "Wiederfinden durch die zuständigen Stellen",
                    "Aufbewahrung nach Steuer- und Handelsrecht und Aussonderung nach Ablauf der Fristen",
                    "Erfüllung der Rechte betroffener Personen",
                )
            ),
            Heading(text="c) Betroffene Personen und Daten"),
            Paragraph(
                "Betroffen sind Absender, in Schreiben genannte Personen und die Personen, die mit dem Programm "
                "arbeiten (Kennung, Rollen, Protokoll)."
            ),
            table(
                ("Art der Schreiben", "Fach"),
                (50, 50),
                [(rule["label"], live.label(rule["compartment"])) for rule in classes.values()],
            ),
            Heading(text="d) Empfänger"),
            Paragraph("Innerhalb der Firma, nach Fächern:"),
            table(
                ("Fach", "Rollen, die darin finden und lesen"),
                (35, 65),
                [(live.label(code), ", ".join(roles) or "niemand") for code, roles in readers.items()],
            ),
            Paragraph(
                f"Herausgeben dürfen: {', '.join(exporters) or 'niemand'}. Jede Herausgabe steht im Protokoll. An wen "
                "sie außerhalb der Firma geht: offen, von der Firma einzutragen."
            ),
            Heading(text="e) Übermittlung in Drittländer"),
            Paragraph("Offen: von der Firma einzutragen."),
            Heading(text="f) Fristen für die Löschung"),
            table(
                ("Art der Schreiben", "Frist", "ab"),
                (36, 14, 50),
                [(live.class_label(code), period(line), start(line)) for line, used in live.lines for code in used],
            ),
            Paragraph("Im Einzelnen: Löschkonzept (loeschkonzept)."),
            Heading(text="g) Technische und organisatorische Maßnahmen"),
            Paragraph("Siehe Maßnahmenliste (massnahmen)."),
        ),
    )
