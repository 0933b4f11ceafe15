"""`poststelle report`."""

import click

from poststelle.cli import Context, pass_context
from poststelle.cli.printing import count, table


@click.command(short_help="Backlog, review share and due disposals, by class.")
@pass_context
def command(context: Context) -> None:
    """Say how much waits, since when, how many letters were unsure, and what is due, by class and never by person.

    From intake book and inbox alone. For holders of the right `records`; without --identity, as the service.

    \b
    Example:
      poststelle report
      poststelle --identity identities/records-manager.identity --json report

    \b
    EXIT STATUS: 0 done · 3 not permitted
    """
    from poststelle.verbs.reporting import WINDOW, report
    from poststelle.wiring import open_person_or_service

    with open_person_or_service(context.environment()) as session:
        found = report(session)
    share = found.review_share
    value = {
        "day": found.day.isoformat(),
        "backlog": found.backlog,
        "oldest": found.oldest and found.oldest.isoformat(),
        "oldest_days": None if found.oldest is None else (found.day - found.oldest).days,
        "waiting": found.waiting,
        "quarantined": found.quarantined,
        "review": found.review,
        "review_share": None if share is None else round(share, 3),
        "received": found.received,
        "received_days": WINDOW.days,
        "due": found.due,
        "classes": [
            {
                "class": c.record_class,
                "letters": c.letters,
                "review": c.review,
                "oldest_review": c.oldest_review and c.oldest_review.isoformat(),
                "due": c.due,
                "held": c.held,
            }
            for c in found.classes
        ],
    }

    def as_text() -> str:
        since = "" if found.oldest is None else f", the oldest since {found.oldest}"
        lines = [
            f"{count(found.backlog, 'item waits', 'items wait')}{since}: {found.waiting} in the inbox, "
            f"{found.quarantined} in quarantine, {found.review} for review.",
            "Nothing was received lately."
            if share is None
            else f"Of {found.received} letters of the last {WINDOW.days} days {share:.0%} wait for a decision.",
            f"{count(found.due, 'letter', 'letters')} may be disposed of today.",
        ]
        rows = [[c.record_class, *map(str, (c.letters, c.review, c.due, c.held))] for c in found.classes]
        return "\n".join(lines) + ("\n\n" + table(["CLASS", "LETTERS", "REVIEW", "DUE", "HELD"], rows) if rows else "")

    context.printer.result(value, as_text)
