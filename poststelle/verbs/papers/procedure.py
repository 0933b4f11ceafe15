"""The procedural documentation that the GoBD ask for: general, for users, technical, for operation, and controls."""

from poststelle.verbs.papers.blocks import Block, Bullets, Heading, Paper, Paragraph, table
from poststelle.verbs.papers.live import Live

MODES = {
    "live": "live: der Dienst hält die Schlüssel der Suchverzeichnisse",
    "blind": "blind: der Dienst hält keinen Schlüssel, mit dem er Schreiben lesen könnte",
}
VERBS = {
    "find": "finden", "read": "lesen", "export": "herausgeben", "file": "ablegen", "reclassify": "umordnen",
    "hold": "sperren", "release": "freigeben", "grant": "Rechte vergeben",
}  # fmt: skip
RIGHTS = {
    "records": "Posteingangsbuch", "audit": "Protokoll lesen", "hold": "sperren", "release": "Aussonderung freigeben",
    "grant": "Rechte vergeben", "subject": "Anträge betroffener Personen",
}  # fmt: skip
STEPS = (
    ("Eingang", "Eine Datei im Eingangsordner wird genommen, wenn sie ganz ist.", "intake, watch",
     "tests/journeys/test_watch.py::test_a_half_written_scan_is_not_taken_until_it_is_whole"),
    ("Erkennung", "Der Text wird erkannt, das Bild bleibt, wie es kam.", "intake, watch",
     "tests/unit/test_intake_rendition.py::test_the_streams_of_a_scanned_pdf_stay_byte_for_byte"),
    ("Zuordnung", "Klasse und Fach werden mit Gründen bestimmt; Unsicheres wartet auf eine Person.", "review",
     "tests/journeys/test_decisions.py::test_a_doubtful_letter_waits_until_somebody_decides"),
    ("Ablage", "Versiegelt, nummeriert, zurückgelesen; erst dann geht die Quelle.", "intake, watch",
     "tests/faults/test_every_step.py::test_the_steps_are_those_of_the_documented_order"),
    ("Finden", "Gefunden wird nur, was die eigene Rolle lesen darf.", "search, show, export",
     "tests/journeys/test_isolation.py::test_one_department_and_the_other_see_disjoint_mail"),
    ("Berichtigung", "Personen berichtigen Angaben und Klasse; der alte Wert bleibt.", "facts set, reclassify",
     "tests/journeys/test_decisions.py::test_a_corrected_date_changes_the_due_day_and_keeps_the_old_value"),
    ("Aufbewahrung", "Fristen laufen ab dem Ereignis; Sperren halten an.", "retention explain, hold, event",
     "tests/journeys/test_decisions.py::test_an_event_starts_the_period_and_the_wrong_one_is_refused"),
    ("Aussonderung", "Plan, Freigabe zu zweit, Vernichtung, Nachweis.", "purge plan, release, run, prove",
     "tests/journeys/test_purge.py::test_a_voucher_is_planned_released_destroyed_and_proven"),
)  # fmt: skip
CONTROLS = (
    ("Unversehrtheit aller Teile, Schlüssel und Nummern", "verify", "verified"),
    ("Protokoll ganz, und wie außerhalb aufbewahrt", "audit verify --checkpoint", "audit-verified"),
    ("Prüfpunkt des Protokolls außerhalb", "audit checkpoint", "checkpoint"),
    ("Sicherung", "backup", "backup"),
    ("Sicherung lesbar", "backup --verify", "backup-verified"),
    ("Fristentabelle gegen gerechnete Tage", "retention selftest", ""),
    ("Maschine, Rechte, Uhr, Ordner", "doctor", ""),
    ("Unterlagen noch zutreffend", "evidence check", "evidence-checked"),
)


def procedural_documentation(live: Live) -> Paper:
    """The paper."""
    office, intake, paths = live.office, live.operation["intake"], live.operation["paths"]
    lane = live.operation["sealed_lane"]
    blocks: list[Block] = [
        Paragraph(
            f"{office['name']}. Verfahren: Eingang, Ablage, Aufbewahrung und Aussonderung von Papierpost in "
            f"elektronischer Form. Stand {live.day:%d.%m.%Y}, Programm Poststelle {live.version}, Tresor "
            f"{live.vault_id}{' (Übungstresor)' if live.practice else ''}. Erzeugt aus Konfiguration und Schlüsselbuch."
        ),
        Heading(text="1 Allgemeine Beschreibung"),
        Paragraph(
            "Ein Scanner legt Dateien in einen Eingangsordner. Das Programm erkennt den Text, bestimmt Klasse, Fach "
            "und Angaben, versiegelt das Schreiben, gibt ihm Nummern und macht es für die zuständigen Rollen "
            "auffindbar. Nach Ablauf der Frist wird es nach Freigabe vernichtet."
        ),
        Heading(text="1.1 Fächer", level=3),
        table(
            ("Fach", "Kennung", "Nummernkreis"),
            (50, 25, 25),
            [(place["label"], code, place["series"]) for code, place in office["compartments"].items()],
        ),
        Heading(text="1.2 Klassen von Schreiben", level=3),
        table(
            ("Klasse", "Kennung", "Fach", "Frist (Zeile)", "steuerlich erheblich"),
            (28, 22, 22, 14, 14),
            [
                (
                    rule["label"],
                    code,
                    live.label(rule["compartment"]),
                    rule["retention"],
                    "ja" if rule["tax_relevant"] else "nein",
                )
                for code, rule in office["classes"].items()
            ],
        ),
        Heading(text="1.3 Rollen, Rechte und Personen", level=3),
        table(
            ("Rolle", "Rechte in Fächern", "Weitere Rechte", "Personen"),
            (20, 46, 20, 18),
            [
                (
                    role["label"],
                    "; ".join(
                        f"{live.label(c)}: {', '.join(VERBS.get(v, v) for v in verbs)}"
                        for c, verbs in role["compartments"].items()
                    )
                    or "keine",
                    ", ".join(RIGHTS.get(right, right) for right in role["rights"]) or "keine",
                    ", ".join(live.users.get(code, ())) or "niemand",
                )
                for code, role in office["roles"].items()
                if code != "service"
            ],
        ),
        Paragraph(f"Trennung der Aufgaben: {_separation(live)}."),
        Heading(text="2 Anwenderdokumentation"),
        table(("Schritt", "Was geschieht", "Befehl", "Prüfung"), (14, 40, 20, 34), STEPS),
        Paragraph("Jeder Befehl erklärt sich: poststelle BEFEHL --help."),
        Heading(text="3 Technische Systemdokumentation"),
        table(
            ("Bestand", "Ort laut Konfiguration"),
            (40, 60),
            [
                ("Eingangsordner", str(paths["inbox"])),
                ("Tresor", str(paths["vault"])),
                ("Schlüsselspeicher", str(paths["key_store"])),
                ("Spiegel des Schlüsselspeichers", str(paths["mirror"])),
                ("Identitäten", str(paths["identities"])),
                ("Identität des Dienstes", str(paths["service"])),
                ("Arbeitsspeicher für Klartext", str(paths["work"])),
            ],
        ),
        Bullets(
            (
                f"Format des Tresors: {live.vault_format}; beschrieben in docs/archive-format.md des Programms.",
                f"Betriebsart {MODES[office['mode']]}.",
                f"Texterkennung: {intake['engine']}, Sprachen {', '.join(intake['languages'])}; eine Seite kostet "
                f"höchstens {intake['page_seconds']} Sekunden Rechenzeit.",
                f"Grenzen einer Datei: {intake['max_megabytes']} MB, {intake['max_pages']} Seiten; was darüber liegt, "
                "geht in Quarantäne.",
                "Geschützte Post: "
                + ("; ".join(f"{kind} → {role}" for kind, role in lane.items()) or "keine Regel")
                + ".",
            )
        ),
        Heading(text="4 Betriebsdokumentation"),
        Bullets(
            (
                f"Sicherungen halten alte Schlüssel {live.operation['backup']['keep_days']} Tage.",
                f"Das Protokoll hält Angaben {live.operation['audit']['keep_years']} volle Kalenderjahre.",
                "Rechte, Klassen, Fristen und Betriebsart gelten nach dem signierten Schlüsselbuch; eine Änderung der "
                "Konfiguration gilt erst, wenn sie signiert ist (config apply).",
            )
        ),
        Heading(text="5 Internes Kontrollsystem"),
        Paragraph("Kontrollen und die Einträge, die sie im Protokoll hinterlassen; wann zuletzt, steht in stand.md:"),
        table(
            ("Kontrolle", "Befehl", "Eintrag"),
            (48, 30, 22),
            [(what, command, kind or "–") for what, command, kind in CONTROLS],
        ),
        Paragraph("Welche Prüfung welche Eigenschaft zeigt: Maßnahmenliste (massnahmen)."),
        Heading(text="6 Von der Firma zu ergänzen"),
        Bullets(
            (
                "Wer die Post öffnet, scannt und die Scans mit dem Papier vergleicht; was mit dem Papier geschieht",
                "Geräte und Einstellungen des Scanners",
                "Wer wann Sicherungen anlegt und wo sie liegen",
                "Frühere Fassungen dieser Dokumentation und ab wann diese gilt",
            )
        ),
    ]
    return Paper(name="verfahrensdokumentation", title="Verfahrensdokumentation", blocks=tuple(blocks))


def _separation(live: Live) -> str:
    rules = live.office["separation"]
    parts = [f"{code} hält keinen Schlüssel" for code in rules["keyless"]]
    parts += [f"nicht in einer Hand: {' und '.join(pair)}" for pair in rules["apart"]]
    return "; ".join(parts) or "keine Regel"
