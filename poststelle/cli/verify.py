"""`poststelle verify`."""

import click

from poststelle.cli import Context, pass_context
from poststelle.cli.printing import clean, count, table
from poststelle.errors import Damaged, ExitStatus


@click.command(short_help="Is everything there and unchanged?")
@click.option("--read-data", is_flag=True, help="Also open everything your identity may open.")
@pass_context
def command(context: Context, read_data: bool) -> int:
    """Check every sealed part, key, database, number and the audit log. Changes nothing.

    Runs as the service, which can check all of it without opening a letter. With --identity and --read-data, the
    letters of that person's compartments are opened and compared with what was received.

    \b
    Example:
      poststelle verify
      poststelle --identity identities/owner.identity verify --read-data

    \b
    EXIT STATUS: 0 all well · 1 something needs attention · 3 not permitted · 5 damaged or tampered
    """
    from poststelle.verbs.verifying import HARMLESS, verify
    from poststelle.wiring import open_person_or_service

    try:
        with (
            open_person_or_service(context.environment()) as session,
            context.printer.progress("Verifying") as update,
        ):
            verified = verify(session, with_data=read_data, progress=lambda done, total: update(done, total, ""))
    except Damaged as err:
        problem = {"code": err.code, "id": "vault", "message": str(err)}
        context.printer.result({"ok": False, "problems": [problem]}, lambda: clean(problem["message"]))
        return ExitStatus.DAMAGED
    problems = verified.problems

    def as_text() -> str:
        looked = f"{count(verified.letters, 'letter', 'letters')}, {verified.parts} parts, {verified.indexes} indexes"
        if not problems:
            return f"All well: {looked}."
        return (
            f"{table(['CODE', 'WHERE', 'WHAT'], [[p.code, p.id, p.message] for p in problems])}\n\nLooked at {looked}."
        )

    value = {
        "ok": not problems,
        "problems": [{"code": p.code, "id": p.id, "message": p.message} for p in problems],
        "letters": verified.letters,
        "parts": verified.parts,
    }
    context.printer.result(value, as_text)
    if any(p.code not in HARMLESS for p in problems):
        return ExitStatus.DAMAGED
    return ExitStatus.PROBLEMS if problems else ExitStatus.DONE
