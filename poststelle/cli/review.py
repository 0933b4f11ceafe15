"""`poststelle review list|decide`."""

from typing import TYPE_CHECKING, Any

import click

from poststelle.cli import Context, pass_context
from poststelle.cli.printing import clean, facts_json, table

if TYPE_CHECKING:
    from poststelle.verbs.deciding import Decided, Waiting


@click.group(short_help="Letters that nobody was sure about.")
def command() -> None:
    """Letters that nobody was sure about: a person says what they are.

    \b
    Example:
      poststelle --identity identities/mailroom.identity review list
      poststelle --identity identities/mailroom.identity review decide UNS-2026-000001 advertising

    \b
    EXIT STATUS: as for each command below
    """


@command.command("list", short_help="What waits for a decision.")
@pass_context
def list_command(context: Context) -> None:
    """List letters that wait for a decision in your compartments, with the proposal and the doubt.

    \b
    Example:
      poststelle --identity identities/mailroom.identity review list

    \b
    EXIT STATUS: 0 done, also if nothing waits · 3 not permitted
    """
    from poststelle.verbs.deciding import waiting
    from poststelle.verbs.locating import desk

    with desk(context.environment()) as at_desk:
        found = list(waiting(at_desk))

    def as_text() -> str:
        rows = [[w.number, w.letter.classified.record_class, _subject(w), _doubt(w)] for w in found]
        return table(["NUMBER", "PROPOSAL", "SUBJECT", "DOUBT"], rows) if rows else "Nothing waits for a decision."

    context.printer.result({"documents": [_as_json(w) for w in found]}, as_text)


@command.command("decide", short_help="Say what a letter is.")
@click.argument("letter", metavar="ID")
@click.argument("record_class", metavar="CLASS")
@pass_context
def decide_command(context: Context, letter: str, record_class: str) -> None:
    """Say what a letter is. It moves to the compartment of its class, under a new number, and waits no longer.

    \b
    Example:
      poststelle --identity identities/mailroom.identity review decide UNS-2026-000001 advertising

    \b
    EXIT STATUS: 0 decided · 2 no such class · 3 not permitted · 4 no such letter (or not yours)
    """
    from poststelle.verbs.deciding import decide
    from poststelle.verbs.locating import desk

    with desk(context.environment()) as at_desk:
        decided = decide(at_desk, letter, record_class)
    print_decided(context, decided)


def print_decided(context: Context, decided: "Decided") -> None:
    """What a letter is after a decision; its number in a compartment that the person does not see stays hidden."""
    number = decided.number if decided.visible else None
    value = {
        "id": decided.document_id,
        "accession": number,
        "class": decided.record_class,
        "compartment": decided.compartment,
    }

    def as_text() -> str:
        where = f"as {number}" if number else "to its department; you no longer see it"
        return f"{decided.record_class}: filed {where}."

    context.printer.result({"documents": [value]}, as_text)


def _as_json(waiting: "Waiting") -> dict[str, Any]:
    classified = waiting.letter.classified
    return {
        "id": waiting.document_id,
        "accession": waiting.number,
        "class": classified.record_class,
        "confidence": round(classified.confidence, 3),
        "received_on": waiting.letter.received_on.isoformat(),
        "reasons": [reason.text for reason in classified.reasons],
        "review_reasons": list(classified.review_reasons),
        "facts": facts_json(classified.facts),
    }


def _subject(waiting: "Waiting") -> str:
    subject = waiting.letter.classified.fact("subject")
    return clean(subject.value) if subject else "-"


def _doubt(waiting: "Waiting") -> str:
    reasons = waiting.letter.classified.review_reasons
    return reasons[0] if reasons else "-"
