"""The deletion concept, in the form of DIN 66398: kinds of data, classes of deletion, starts, periods, rules."""

from archive.retention import Extension, ScheduleLine
from poststelle.verbs.papers.blocks import Block, Bullets, Heading, Paper, Paragraph, table
from poststelle.verbs.papers.live import Live, period, start


def deletion_concept(live: Live) -> Paper:
    """The paper."""
    used = [(line, classes) for line, classes in live.lines if classes]
    groups: dict[tuple[str, str], list[ScheduleLine]] = {}
    for line, _ in used:
        groups.setdefault((start(line), period(line)), []).append(line)
    names = {key: f"L{number}" for number, key in enumerate(sorted(groups), 1)}
    backup, audit = live.operation["backup"]["keep_days"], live.operation["audit"]["keep_years"]
    blocks: list[Block] = [
        Paragraph(
            f"{live.office['name']}. Stand {live.day:%d.%m.%Y}, Programm Poststelle {live.version}, Tresor "
            f"{live.vault_id}. Grundlage ist die signierte Fristentabelle des Tresors; sie gilt, nicht dieses Papier."
        ),
        Heading(text="1 Datenarten"),
        Paragraph("Jede Klasse von Schreiben ist eine Datenart und folgt einer Zeile der Fristentabelle."),
        table(
            ("Datenart", "Fach", "Zeile", "Löschklasse", "Regelfrist"),
            (28, 24, 12, 12, 14),
            [
                (
                    live.class_label(code),
                    live.label(live.office["classes"][code]["compartment"]),
                    line.code,
                    names[start(line), period(line)],
                    period(line),
                )
                for line, classes in used
                for code in classes
            ],
        ),
        Heading(text="2 Löschklassen und Startzeitpunkte"),
        Paragraph("Eine Löschklasse ist ein Startzeitpunkt zusammen mit einer Regelfrist."),
        table(
            ("Klasse", "Startzeitpunkt", "Regelfrist", "Zeilen"),
            (10, 50, 16, 24),
            [(names[key], *key, ", ".join(line.code for line in groups[key])) for key in sorted(groups)],
        ),
        Heading(text="3 Fristen und ihre Grundlagen"),
        table(
            ("Zeile", "Bezeichnung", "Frist", "Grundlage", "Hemmung", "Freigabe"),
            (11, 26, 10, 34, 22, 15),
            [
                (
                    line.code,
                    line.label,
                    period(line),
                    line.basis + "".join(f"; bis {e.until:%d.%m.%Y}: {_years(e.period.years)}" for e in line.earlier),
                    "; ".join(_extension(extension) for extension in line.extended_by) or "–",
                    "zweite Person" if line.release == "signed" else "Dauerfreigabe",
                )
                for line, _ in used
            ],
        ),
        Heading(text="4 Umsetzungsregeln"),
        Bullets(
            (
                "Ein Plan nennt die fälligen Schreiben; eine zweite Person gibt ihn frei; die Ausführung prüft jedes "
                "Schreiben am Tag selbst noch einmal.",
                "Sperren, offene Prüfungen und Einschränkungen nach Art. 18 der Datenschutz-Grundverordnung halten an.",
                "Zeilen mit Dauerfreigabe werden ohne Person ausgeführt; steuerlich erhebliche haben nie eine.",
                "Vernichtet werden Schlüssel, Teile, Text, Einträge des Index und Beitrag zum gelernten Modell; es "
                "bleiben Nummern, Tage und ein signierter Nachweis ohne Inhalt.",
                f"Sicherungen halten alte Schlüssel {backup} Tage, dann endet die Lesbarkeit auch dort; eine "
                "Rücksicherung wendet die Löschliste an.",
            )
        ),
        Heading(text="5 Weitere Datenbestände"),
        table(
            ("Bestand", "Frist oder Ende", "Umsetzung"),
            (26, 34, 40),
            [
                ("Dateien in Quarantäne", "bis eine Person sie einliest oder verwirft", "quarantine retry, discard"),
                (
                    "Angaben im Protokoll",
                    f"{audit} volle Kalenderjahre; Art, Zeit und Person bleiben",
                    "audit expire durch eine Rolle mit dem Recht audit",
                ),
                ("Entscheidungen im Protokoll", "so lange wie der Tresor", "aus ihnen wird ein Verzeichnis neu gebaut"),
                ("Sicherungen", f"{backup} Tage nach der nächsten Sicherung", "backup lässt ältere fallen"),
                ("Suchindex", "mit dem Schreiben", "purge run, mit Nachweis"),
                ("Gelerntes Modell", "mit den Schreiben, aus denen es stammt", "purge run"),
                ("Arbeitskopien", "Ende des Vorgangs", "nur im Arbeitsspeicher"),
            ],
        ),
        Heading(text="6 Was vor der Nutzung zu prüfen ist"),
        Bullets(
            tuple(f"{line.code}: {line.sign_off}" for line, _ in used if line.sign_off)
            or ("Keine Zeile, die benutzt wird, trägt einen Vermerk.",)
        ),
    ]
    return Paper(name="loeschkonzept", title="Löschkonzept", blocks=tuple(blocks))


def _years(years: int | None) -> str:
    return f"{years} Jahre" if years is not None else "andere Frist"


def _extension(extension: Extension) -> str:
    if extension.years_after is None:
        return extension.label
    years = "Kalenderjahr" if extension.years_after == 1 else "Kalenderjahre"
    return f"{extension.label}, danach {extension.years_after} {years}"
