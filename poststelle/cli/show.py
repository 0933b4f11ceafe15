"""`poststelle show`."""

from typing import TYPE_CHECKING, Any

import click

from poststelle.cli import Context, pass_context
from poststelle.cli.completing import complete_letter
from poststelle.cli.printing import clean, facts_json

if TYPE_CHECKING:
    from poststelle.verbs.finding import Shown


@click.command(short_help="Facts and text of one letter.")
@click.argument("letter", metavar="ID", shell_complete=complete_letter)
@click.option("--reason", help="Why you need a restricted letter; logged.")
@pass_context
def command(context: Context, letter: str, reason: str | None) -> None:
    """Show what a letter says: facts, reasons for its class, recognised text. ID is its id or number.

    \b
    Example:
      poststelle --identity identities/accounting.identity show FIN-2026-000001

    \b
    EXIT STATUS: 0 done · 2 a restricted letter, and no reason · 3 your role may not read letters ·
    4 no such letter (or not yours) · 5 damaged
    """
    from poststelle.verbs.finding import show
    from poststelle.wiring import open_person

    with open_person(context.environment()) as session:
        shown = show(session, letter, reason)
        label = session.book.office["classes"].get(shown.letter.classified.record_class, {}).get("label", "")
        users = {person_id: person.user for person_id, person in session.book.people.items()}
    context.printer.result({"document": _as_json(shown, label, users)}, lambda: _text(shown, label, users))


def _as_json(shown: "Shown", label: str, users: dict[str, str]) -> dict[str, Any]:
    classified = shown.letter.classified
    return {
        "id": shown.document_id,
        "accession": shown.accession,
        "class": classified.record_class,
        "label": label,
        "compartment": shown.compartment,
        "confidence": round(classified.confidence, 3),
        "status": "review" if classified.needs_review else "filed",
        "review_reasons": list(classified.review_reasons),
        "reasons": [{"text": r.text, "weight": round(r.weight, 3)} for r in classified.reasons],
        "received_on": shown.letter.received_on.isoformat(),
        "source": classified.document.file.source_name,
        "media_type": classified.document.media_type,
        "duplicate_of": shown.letter.duplicate_of,
        "facts": facts_json(classified.facts),
        "history": [
            {"at": c.at.isoformat(), "by": users.get(c.by, c.by), "name": c.name, "old": c.old, "new": c.new}
            for c in shown.letter.history
        ],
        "pages": [
            {
                "number": page.number,
                "origin": page.origin.value,
                "confidence": round(page.confidence, 3),
                "rotation_degrees": page.rotation_degrees,
                "notes": list(page.notes),
                "text": page.text,
            }
            for page in classified.document.pages
        ],
    }


def _text(shown: "Shown", label: str, users: dict[str, str]) -> str:
    classified = shown.letter.classified
    source = clean(classified.document.file.source_name)
    lines = [
        click.style(f"{shown.accession}  {label} ({classified.record_class})", bold=True),
        f"received {shown.letter.received_on}, source {source}, id {shown.document_id}",
        "",
        *(f"{fact.name:16}{clean(fact.value)}" for fact in classified.facts),
        *(
            clean(f"on {c.at:%Y-%m-%d} {users.get(c.by, c.by)} changed {c.name} from {c.old or 'nothing'} to {c.new}")
            for c in shown.letter.history
        ),
        "",
        *(f"because {clean(reason.text)}" for reason in classified.reasons),
        *(f"for review: {reason}" for reason in classified.review_reasons),
    ]
    for page in classified.document.pages:
        lines += ["", click.style(f"— page {page.number} ({page.origin.value}) —", dim=True), clean(page.text)]
    return "\n".join(lines)
