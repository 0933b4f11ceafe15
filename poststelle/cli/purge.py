"""`poststelle purge plan|release|withdraw|list|run|confirm-date|prove`."""

import json
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from poststelle.cli import Context, pass_context, writing
from poststelle.cli.days import DAY
from poststelle.cli.printing import clean, count, table
from poststelle.cli.reasons import REASON
from poststelle.errors import ExitStatus

if TYPE_CHECKING:
    from poststelle.verbs.copying import Traces


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
@click.option("--as-of", type=DAY, help="For another day; a future one only in practice.")
@pass_context
def plan_command(context: Context, as_of: datetime | None) -> None:
    """Draw up and sign a plan of the letters that are due. Destroys nothing.

    \b
    Example:
      poststelle --identity identities/records-manager.identity purge plan

    \b
    EXIT STATUS: 0 done, also if nothing is due · 1 the clock cannot be trusted · 2 a future day · 3 not permitted
    """
    from poststelle.verbs.locating import desk
    from poststelle.verbs.planning import plan

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
        kept = "".join(f"\nkept: {k.document_id} because {k.reason}" for k in made.kept)
        following = (
            f"\n\nPlan {made.plan_id[:12]} as of {made.as_of}: {count(len(made.due), 'letter', 'letters')}. A second "
            f"person releases it:\n  poststelle --identity … purge release {made.plan_id[:12]} --reason …"
        )
        return clean(due + kept + (following if rows else ""))

    context.printer.result(value, as_text)


@command.command("release", short_help="Release a plan, as a second person.")
@click.argument("plan_id", metavar="PLAN")
@click.option("--only", multiple=True, metavar="ID", help="Only this letter of the plan; may be given again.")
@click.option("--reason", type=REASON, required=True, help="Why; signed.")
@pass_context
def release_command(context: Context, plan_id: str, only: tuple[str, ...], reason: str) -> None:
    """Release a plan with your signature. Whoever drew it up cannot.

    With --only the other letters stay planned: release them later, or `purge withdraw` the plan. Letters that changed
    since the plan was drawn up are refused; draw up a new one.

    \b
    Example:
      poststelle --identity identities/owner.identity purge release 3f9a12cc80d1 --reason "Jahresaussonderung 2026"

    \b
    EXIT STATUS: 0 released · 2 released before, withdrawn, or letters changed · 3 not permitted, or it is your own
    plan · 4 no such plan or letter · 5 the plan was tampered with
    """
    from poststelle.verbs.locating import desk
    from poststelle.verbs.planning import release

    with desk(context.environment()) as at_desk:
        released = release(at_desk, plan_id, only, reason)
    value = {
        "plan_id": released.plan_id,
        "due": list(released.documents),
        "left": list(released.left),
        "practice": released.practice,
    }
    text = f"Released: {count(len(released.documents), 'letter', 'letters')}. `poststelle purge run` carries it out."
    if released.left:
        text += f" {count(len(released.left), 'letter stays', 'letters stay')} planned: release or withdraw them."
    context.printer.result(value, lambda: text)


@command.command("withdraw", short_help="Take a plan back.")
@click.argument("plan_id", metavar="PLAN")
@click.option("--reason", type=REASON, required=True, help="Why; signed.")
@pass_context
def withdraw_command(context: Context, plan_id: str, reason: str) -> None:
    """Take a plan back, released or not: nothing more of it is carried out. For whoever may release.

    \b
    Example:
      poststelle --identity identities/owner.identity purge withdraw 3f9a12cc80d1 --reason "erst nach der Prüfung"

    \b
    EXIT STATUS: 0 withdrawn · 2 carried out or withdrawn before · 3 not permitted · 4 no such plan
    """
    from poststelle.verbs.locating import desk
    from poststelle.verbs.planning import withdraw

    with desk(context.environment()) as at_desk:
        withdrawn = withdraw(at_desk, plan_id, reason)
    value = {"plan_id": withdrawn.plan_id, "documents": list(withdrawn.documents), "practice": withdrawn.practice}
    text = f"Withdrawn: {count(len(withdrawn.documents), 'letter stays', 'letters stay')} until a new plan names them."
    context.printer.result(value, lambda: text)


@command.command("list", short_help="Plans that are not finished.")
@pass_context
def list_command(context: Context) -> None:
    """List the plans that are not finished: who drew them up, what was released, and what does not count and why.

    \b
    Example:
      poststelle --identity identities/records-manager.identity purge list

    \b
    EXIT STATUS: 0 done · 3 not permitted
    """
    from poststelle.verbs.locating import desk
    from poststelle.verbs.planning import open_plans

    with desk(context.environment()) as at_desk:
        plans = open_plans(at_desk)
    value = [
        {
            "plan_id": p.row.plan_id,
            "as_of": p.row.as_of.isoformat(),
            "made_at": p.row.made_at.isoformat(),
            "made_by": p.author,
            "released": list(p.released),
            "left": list(p.left),
            "void": p.void,
        }
        for p in plans
    ]

    def as_text() -> str:
        rows = [
            [p.row.plan_id[:12], str(p.row.as_of), p.author, str(len(p.released)), str(len(p.left)), p.void or ""]
            for p in plans
        ]
        header = ["PLAN", "AS OF", "BY", "RELEASED", "NOT RELEASED", "DOES NOT COUNT BECAUSE"]
        return table(header, rows) if rows else "No plan is open."

    context.printer.result({"plans": value}, as_text)


@command.command("confirm-date", short_help="Say that the machine's date is right.")
@click.argument("day", metavar="DATE", type=DAY)
@click.option("--reason", type=REASON, required=True, help="Why nothing was written for so long; signed.")
@pass_context
def confirm_date_command(context: Context, day: datetime, reason: str) -> None:
    """Say that today is DATE, where `purge` refuses to believe the clock: after a leap, or after it was set back.

    For whoever may release. DATE is what a calendar on the wall says; if the machine says another day, set its clock.

    \b
    Example:
      poststelle --identity identities/owner.identity purge confirm-date 2027-03-01 --reason "Betrieb ruhte im Winter"

    \b
    EXIT STATUS: 0 confirmed · 2 the machine says another day · 3 not permitted
    """
    from poststelle.verbs.clock import confirm_date
    from poststelle.verbs.locating import desk

    with desk(context.environment()) as at_desk:
        confirmed = confirm_date(at_desk, day.date(), reason)
    value = {"day": confirmed.day.isoformat(), "practice": confirmed.practice}
    context.printer.result(value, lambda: f"Confirmed: today is {confirmed.day}.")


@command.command("run", short_help="Carry released plans out.")
@pass_context
def run_command(context: Context) -> int:
    """Destroy what was released, deciding every letter anew on today's date. Runs as the service; safe to repeat.

    Lines of the schedule with `release: standing` and without tax relevance need no plan. What a reader keeps open is
    reported as pending: run again. A backup at work is waited for, ten minutes at most. A timer for every night is in
    contrib/.

    \b
    Example:
      poststelle purge run

    \b
    EXIT STATUS: 0 done · 1 something is pending, a plan does not count, the clock cannot be trusted, or keys are
    missing that a repair may have put aside · 2 another purge or backup did not end · 5 a plan or release is forged,
    or decisions are missing from the catalogue
    """
    from poststelle.verbs.disposing import run
    from poststelle.wiring import only_purge, open_service

    environment = context.environment()
    with open_service(environment) as session, only_purge(session, context.printer.say_waiting):
        done = run(session)
    value = {
        "disposed": list(done.disposed),
        "kept": [{"id": k.document_id, "reason": k.reason} for k in done.kept],
        "warnings": [{"plan_id": w.plan_id, "reason": w.reason} for w in done.warnings],
        "pending": list(done.pending),
        "unreached_backups": list(done.unreached),
        "certificates": [
            {"id": c.certificate_id, "file": str(c.path), "documents": list(c.documents)} for c in done.certificates
        ],
        "practice": done.practice,
    }

    def as_text() -> str:
        lines = [f"Destroyed: {count(len(done.disposed), 'letter', 'letters')}."]
        lines += [f"kept: {k.document_id} because {k.reason}" for k in done.kept]
        lines += [
            f"Plan {w.plan_id[:12]} was not followed: {w.reason} `poststelle purge withdraw` ends it."
            for w in done.warnings
        ]
        if done.unreached:
            lines.append(
                f"Pending: {count(len(done.pending), 'letter', 'letters')}. They are destroyed here, but these backups "
                f"were not told: {', '.join(done.unreached)}. Mount them and run again; one that is lost for good is "
                "struck off the list with `poststelle backup --forget`."
            )
        elif done.pending:
            lines.append(
                f"Pending: {count(len(done.pending), 'letter', 'letters')}. Their keys are deleted, but another "
                "program still reads the vault; run again."
            )
        lines += [f"Certificate: {c.path}" for c in done.certificates]
        return clean("\n".join(lines))

    context.printer.result(value, as_text)
    return ExitStatus.PROBLEMS if done.pending or done.warnings else ExitStatus.DONE


@command.command("prove", short_help="Show that a letter is gone.")
@click.argument("letter", metavar="ID")
@click.option(
    "--hand-out", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
    help="Write certificate, public key and a small program that checks them, for somebody without Poststelle.",
)  # fmt: skip
@pass_context
def prove_command(context: Context, letter: str, hand_out: Path | None) -> int:
    """Look for everything that must be gone of a destroyed letter, and show its certificate.

    \b
    Example:
      poststelle --identity identities/records-manager.identity purge prove FIN-2026-000001

    \b
    EXIT STATUS: 0 all gone · 2 it was not destroyed · 3 not permitted · 4 no such letter · 5 something was found
    """
    from poststelle.verbs.disposing import hand_out_certificate, prove
    from poststelle.verbs.locating import desk

    with desk(context.environment()) as at_desk:
        proof = prove(at_desk, letter)
        if hand_out is not None:
            with writing(hand_out):
                hand_out_certificate(at_desk, proof, hand_out)
    value: dict[str, Any] = {
        "id": proof.document_id,
        "accession": proof.number,
        "ok": proof.ok,
        "checks": [{"name": name, "ok": ok} for name, ok in proof.checks],
        "certificate": proof.certificate,
        "copies": [
            {
                "backup": c.target_id,
                "path": str(c.path),
                "reached": c.reached,
                "parts": c.objects,
                "listed": c.listed if c.reached else None,
                "keys_until": None if c.keys_until is None else c.keys_until.isoformat(),
                "keys_you_open": c.opened if c.reached else None,
            }
            for c in proof.copies
        ],
        "practice": proof.practice,
    }

    def as_text() -> str:
        marks = {True: click.style("ok  ", fg="green"), False: click.style("FOUND", fg="red", bold=True)}
        lines = [f"{marks[ok]}  {name}" for name, ok in proof.checks]
        certificate = clean(json.dumps(proof.certificate, indent=1, ensure_ascii=False))
        lines += [clean(_copy_text(c)) for c in proof.copies]
        return "\n".join([f"{proof.number} was destroyed.", *lines, "", certificate])

    context.printer.result(value, as_text)
    return ExitStatus.DONE if proof.ok else ExitStatus.DAMAGED


def _copy_text(copy: "Traces") -> str:
    if not copy.reached:
        return f"      the backup {copy.path} could not be reached; it can be read until {copy.keys_until} or longer"
    if copy.keys_until is None:
        return f"      the backup {copy.path} holds no key of it"
    yours = f", {copy.opened} of which your identity opens" if copy.opened else ""
    return (
        f"      the backup {copy.path} still holds keys of it{yours}, until {copy.keys_until}, when its generation is "
        "dropped by the backups that follow"
    )
