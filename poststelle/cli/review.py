"""`poststelle review`, `review list|decide`."""

import shlex
import sys
from typing import TYPE_CHECKING, Any

import click

from poststelle.cli import Context, pass_context
from poststelle.cli.printing import clean, facts_json, table
from poststelle.errors import ConfigurationError

if TYPE_CHECKING:
    from poststelle.verbs.deciding import Decided, Waiting


@click.group(short_help="Letters that nobody was sure about.", invoke_without_command=True)
@click.option("--with", "viewer", metavar="COMMAND", default="xdg-open", help="Program that the key o looks with.")
@click.pass_context
def command(ctx: click.Context, viewer: str) -> None:
    """Letters that nobody was sure about: a person says what they are, and the classifier learns from it.

    On a terminal, without a command, one letter after the other is shown with the proposal, its reasons and its first
    page, and one key decides: Enter the proposal, digits the next likely classes, / any other, s skips, o opens the
    letter, u takes the last decision back, q ends. Elsewhere, the same as `review list`.

    \b
    Example:
      poststelle --identity identities/mailroom.identity review
      poststelle --identity identities/mailroom.identity review list
      poststelle --identity identities/mailroom.identity review decide UNS-2026-000001 advertising

    \b
    EXIT STATUS: 0 done · 3 not permitted · else as for each command below
    """
    if ctx.invoked_subcommand is not None:
        return
    context = ctx.find_object(Context)
    assert context is not None
    if context.printer.as_json or not (sys.stdin.isatty() and sys.stdout.isatty()):
        ctx.invoke(list_command)
        return
    _walk(context, viewer)


def _walk(context: Context, viewer: str) -> None:
    from poststelle.cli.walking import Walk, summary
    from poststelle.verbs.locating import desk
    from poststelle.verbs.reviewing import proposals

    program = shlex.split(viewer)
    if not program:
        raise ConfigurationError("--with names no program. Expected a command such as `--with evince`.")
    with desk(context.environment()) as at_desk:
        letters = list(proposals(at_desk))
        if not letters:
            context.printer.result({}, lambda: "Nothing waits for a decision.")
            return
        walk = Walk(at_desk, letters, program)
        try:
            walk.run()
        finally:
            context.printer.result({}, lambda: summary(walk.decided, len(letters) - len(walk.decided)))


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


def print_decided(context: Context, decided: "Decided", sentence: str | None = None) -> None:
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
        return sentence or f"{decided.record_class}: filed {where}."

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
