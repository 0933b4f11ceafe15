"""`poststelle status`."""

import click

from poststelle.cli import Context, pass_context
from poststelle.cli.printing import clean
from poststelle.errors import ExitStatus


@click.command(short_help="What goes on in the office now.")
@pass_context
def command(context: Context) -> int:
    """Look at the watcher, the queue, quarantine, review, the disk, the indexes and the keys. Changes nothing.

    Runs as the service. With --identity, it tells what that person may know: a department sees its own indexes and
    letters for review, the mailroom also queue and quarantine, an owner or auditor also when the vault was verified
    and backed up. `poststelle doctor` looks at the machine, `poststelle verify` at every letter.

    \b
    Example:
      poststelle status
      poststelle --identity identities/owner.identity --json status

    \b
    EXIT STATUS: 0 all well · 1 something needs a person; each line says what helps
    """
    from poststelle.verbs.status import checks, look
    from poststelle.wiring import open_person_or_service

    with open_person_or_service(context.environment()) as session:
        status = look(session)
        now = session.now()
    lines = list(checks(status, now))

    def as_text() -> str:
        marks = {True: click.style("ok  ", fg="green"), False: click.style("LOOK", fg="red", bold=True)}
        return "\n".join(f"{marks[c.ok]}  {c.name:20}{clean(c.detail)}" for c in lines)

    store, mirror = status.generations or (None, None)
    value = {
        "office": status.office,
        "practice": status.practice,
        "watching": status.watching,
        "inbox": status.inbox_there and status.notice is None,
        "waiting": status.waiting,
        "claimed": status.claimed,
        "quarantined": status.quarantined,
        "review": status.review,
        "disposing": status.disposing,
        "released_plans": status.released,
        "free_bytes": status.free_bytes,
        "indexes": [{"compartment": i.compartment, "lag": i.lag, "usable": i.damage is None} for i in status.indexes],
        "outbox": status.outbox,
        "key_store": None if store is None else {"generation": store, "mirror": mirror},
        "last": None if status.last is None else {k: at and at.isoformat() for k, at in status.last.items()},
        "checks": [{"name": c.name, "ok": c.ok, "detail": c.detail} for c in lines],
    }
    context.printer.result(value, as_text)
    return ExitStatus.DONE if all(c.ok for c in lines) else ExitStatus.PROBLEMS
