"""What the log says of operation on the day of the export: which kinds of entries there are, and when last."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from poststelle.access.checkpoints import Chain
from poststelle.verbs.papers.blocks import Heading, Paper, Paragraph, table
from poststelle.verbs.papers.live import Live
from poststelle.verbs.papers.measures import all_measures
from poststelle.verbs.papers.procedure import CONTROLS


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """What was counted in the log."""

    counts: Counter[str]
    last: dict[str, datetime]
    chain: Chain
    is_configured_law: bool
    """Whether config.yaml says what the key book says."""


def state_of_operation(live: Live, operation: Operation) -> Paper:
    """The paper; unlike the others it is true of one moment, and is not compared later."""
    chain = operation.chain
    kinds = [kind for _, _, kind in CONTROLS if kind]
    kinds += [kind for measure in all_measures() for kind in measure.kinds]
    kinds += sorted(operation.counts)
    head = "leer" if chain.head is None else f"Eintrag {chain.head.number}, Prüfsumme {chain.head.hash}"
    law = "ja" if operation.is_configured_law else "nein: Änderungen warten auf eine Signatur (config apply)"
    return Paper(
        name="stand",
        title="Stand des Betriebs",
        blocks=(
            Paragraph(
                f"{live.office['name']}. Am {live.day:%d.%m.%Y} aus dem Protokoll des Tresors {live.vault_id} gezählt. "
                "Dieses Papier gilt für den Augenblick der Erzeugung und wird später nicht verglichen."
            ),
            Heading(text="Protokoll"),
            table(
                ("Angabe", "Wert"),
                (30, 70),
                [
                    ("Einträge", str(len(chain.hashes))),
                    ("Letzter Eintrag", head),
                    ("Prüfpunkte im Protokoll", str(chain.checkpoints)),
                    ("Einträge, deren Angaben verfallen sind", str(chain.expired)),
                    ("Befund der Kette", "; ".join(chain.problems) or "ohne Befund"),
                    ("Konfiguration stimmt mit Schlüsselbuch überein", law),
                ],
            ),
            Heading(text="Einträge nach Art"),
            table(
                ("Art", "Anzahl", "zuletzt"),
                (40, 20, 40),
                [
                    (
                        kind,
                        str(operation.counts[kind]),
                        f"{operation.last[kind]:%d.%m.%Y %H:%M} UTC" if kind in operation.last else "bisher keiner",
                    )
                    for kind in dict.fromkeys(kinds)
                ],
            ),
        ),
    )
