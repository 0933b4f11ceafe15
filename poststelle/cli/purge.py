"""`poststelle purge plan|release|run|prove`."""

import json
from datetime import datetime
from typing import Any

import click

from poststelle.cli import Context, pass_context
from poststelle.cli.printing import clean, count, table
from poststelle.errors import ExitStatus


@click.group(short_help="Destroy what is due, with a release and proof.")
def command() -> None:
    """Destroy what is due: one person plans, another releases, `run` carries out, `prove` shows that it is gone.

    \b
    Example:
      poststelle --identity identities/records-manager.identity purge plan
      poststelle --identity identities/owner.identity purge release 3f9a12cc --reason "Jahresaussonderung"
      poststelle purge run

    \b
    EXIT STATUS: as for each command below
    """


@command.command("plan", short_help="What may be destroyed?")
@click.option("--as-of", type=click.DateTime(["%Y-%m-%d"]), help="For another day; a future one only in practice.")
@pass_context
def plan_command(context: Context, as_of: datetime | None) -> None:
    """Draw up and sign a plan of the letters that are due. Destroys nothing.

    \b
    Example:
      poststelle --identity identities/records-manager.identity purge plan

    \b
    EXIT STATUS: 0 done, also if nothing is due · 1 the clock was set back · 2 a future day · 3 not permitted
    """
    from poststelle.verbs.disposing import plan
    from poststelle.verbs.locating import desk

    with desk(context.environment()) as at_desk:
        made = plan(at_desk, as_of.date() if as_of else None)
        numbers = {c.letter.document_id: at_desk.number_of(c.letter) for c in made.due}
    value = {
        "plan_id": made.plan_id,
        "as_of": made.as_of.isoformat(),
        "due": [c.letter.document_id for c in made.due],
        "letters": [
            {
                "id": c.letter.document_id,
                "accession": numbers[c.letter.document_id],
                "class": c.letter.record_class,
                "due_on": str(c.retention.due_on),
                "reason": c.retention.reason,
            }
            for c in made.due
        ],
        "kept": [{"id": k.document_id, "reason": k.reason} for k in made.kept],
        "practice": made.practice,
    }

    def as_text() -> str:
        rows = [
            [numbers[c.letter.document_id], c.letter.record_class, str(c.retention.due_on), c.retention.line.basis]
            for c in made.due
        ]
        due = table(["NUMBER", "CLASS", "DUE ON", "BASIS"], rows) if rows else "Nothing is due."
        kept = "".join(f"\nkept: {k.document_id[:12]} because {k.reason}" for k in made.kept)
        following = (
            f"\n\nPlan {made.plan_id[:12]} as of {made.as_of}: {count(len(made.due), 'letter', 'letters')}. A second "
            f"person releases it:\n  poststelle --identity … purge release {made.plan_id[:12]} --reason …"
        )
        return clean(due + kept + (following if rows else ""))

    context.printer.result(value, as_text)


@command.command("release", short_help="Release a plan, as a second person.")
@click.argument("plan_id", metavar="PLAN")
@click.option("--only", multiple=True, metavar="ID", help="Only this letter of the plan; may be given again.")
@click.option("--reason", required=True, help="Why; signed.")
@pass_context
def release_command(context: Context, plan_id: str, only: tuple[str, ...], reason: str) -> None:
    """Release a plan with your signature. Whoever drew it up cannot.

    \b
    Example:
      poststelle --identity identities/owner.identity purge release 3f9a12cc80d1 --reason "Jahresaussonderung 2026"

    \b
    EXIT STATUS: 0 released · 2 released before · 3 not permitted, or it is your own plan · 4 no such plan or letter ·
    5 the plan was tampered with
    """
    from poststelle.verbs.disposing import release
    from poststelle.verbs.locating import desk

    with desk(context.environment()) as at_desk:
        released = release(at_desk, plan_id, only, reason)
    value = {"plan_id": released.plan_id, "due": list(released.documents), "practice": released.practice}
    text = f"Released: {count(len(released.documents), 'letter', 'letters')}. `poststelle purge run` carries it out."
    context.printer.result(value, lambda: text)


@command.command("run", short_help="Carry released plans out.")
@pass_context
def run_command(context: Context) -> int:
    """Destroy what was released, deciding every letter anew on today's date. Runs as the service; safe to repeat.

    Lines of the schedule with `release: standing` and without tax relevance need no plan. What a reader keeps open is
    reported as pending: run again. A timer for every night is in contrib/.

    \b
    Example:
      poststelle purge run

    \b
    EXIT STATUS: 0 done · 1 something is pending, or the clock was set back · 5 a plan or release is not genuine
    """
    from poststelle.verbs.disposing import run
    from poststelle.wiring import only_purge, open_service

    environment = context.environment()
    with open_service(environment) as session, only_purge(session):
        done = run(session)
    value = {
        "disposed": list(done.disposed),
        "kept": [{"id": k.document_id, "reason": k.reason} for k in done.kept],
        "pending": list(done.pending),
        "certificates": [
            {"id": c.certificate_id, "file": str(c.path), "documents": list(c.documents)} for c in done.certificates
        ],
        "practice": done.practice,
    }

    def as_text() -> str:
        lines = [f"Destroyed: {count(len(done.disposed), 'letter', 'letters')}."]
        lines += [f"kept: {k.document_id[:12]} because {k.reason}" for k in done.kept]
        if done.pending:
            lines.append(
                f"Pending: {count(len(done.pending), 'letter', 'letters')}. Their keys are deleted, but another "
                "program still reads the vault; run again."
            )
        lines += [f"Certificate: {c.path}" for c in done.certificates]
        return clean("\n".join(lines))

    context.printer.result(value, as_text)
    return ExitStatus.PROBLEMS if done.pending else ExitStatus.DONE


@command.command("prove", short_help="Show that a letter is gone.")
@click.argument("letter", metavar="ID")
@pass_context
def prove_command(context: Context, letter: str) -> int:
    """Look for everything that must be gone of a destroyed letter, and show its certificate.

    \b
    Example:
      poststelle --identity identities/records-manager.identity purge prove FIN-2026-000001

    \b
    EXIT STATUS: 0 all gone · 2 it was not destroyed · 3 not permitted · 4 no such letter · 5 something was found
    """
    from poststelle.verbs.disposing import prove
    from poststelle.verbs.locating import desk

    with desk(context.environment()) as at_desk:
        proof = prove(at_desk, letter)
    value: dict[str, Any] = {
        "id": proof.document_id,
        "accession": proof.number,
        "ok": proof.ok,
        "checks": [{"name": name, "ok": ok} for name, ok in proof.checks],
        "certificate": proof.certificate,
        "practice": proof.practice,
    }

    def as_text() -> str:
        marks = {True: click.style("ok  ", fg="green"), False: click.style("FOUND", fg="red", bold=True)}
        lines = [f"{marks[ok]}  {name}" for name, ok in proof.checks]
        certificate = clean(json.dumps(proof.certificate, indent=1, ensure_ascii=False))
        return "\n".join([f"{proof.number} was destroyed.", *lines, "", certificate])

    context.printer.result(value, as_text)
    return ExitStatus.DONE if proof.ok else ExitStatus.DAMAGED
