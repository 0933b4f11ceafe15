"""`poststelle audit show|verify|checkpoint|expire`."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from poststelle.cli import Context, pass_context, writing
from poststelle.cli.days import DAY
from poststelle.cli.printing import clean, count, table, to_json
from poststelle.errors import ConfigurationError, Damaged, ExitStatus

if TYPE_CHECKING:
    from poststelle.access.audit import Head
    from poststelle.verbs.auditing import Shown


@click.group(short_help="The log: who did what, and that nobody changed it.")
def command() -> None:
    """The tamper-evident log: what it says, whether it is whole, and what is kept of it elsewhere.

    \b
    Example:
      poststelle audit verify
      poststelle --identity identities/auditor.identity audit show --user accounting --from 2026-01-01

    \b
    EXIT STATUS: as for each command below
    """


@command.command("show", short_help="Read the log.")
@click.option("--from", "from_day", type=DAY, metavar="DATE", help="Entries of this day and later.")
@click.option("--to", "to_day", type=DAY, metavar="DATE", help="Entries of this day and earlier.")
@click.option("--kind", "kinds", multiple=True, help="Entries of this kind, e.g. search; may be given again.")
@click.option("--user", help="Entries of this person.")
@click.option("--id", "letter", metavar="ID", help="Entries that name this letter, by id or number.")
@click.option("--limit", default=200, show_default=True, type=click.IntRange(1), help="The last so many of them.")
@pass_context
def show_command(
    context: Context,
    from_day: datetime | None,
    to_day: datetime | None,
    kinds: tuple[str, ...],
    user: str | None,
    letter: str | None,
    limit: int,
) -> None:
    """Read entries with their details: what was searched for, which letter was opened, who decided what and why.

    For roles with the right `audit`; that somebody read the log stands in the log too.

    \b
    Example:
      poststelle --identity identities/auditor.identity audit show --id FIN-2026-000017
      poststelle --identity identities/dpo.identity audit show --kind search --kind show --from 2026-03-01

    \b
    EXIT STATUS: 0 done, nothing found included · 3 not permitted · 4 no such letter · 5 the log does not hold
    """
    from poststelle.verbs.auditing import Wanted, show
    from poststelle.wiring import open_person

    wanted = Wanted(
        from_day=None if from_day is None else from_day.date(),
        to_day=None if to_day is None else to_day.date(),
        kinds=kinds,
        user=user,
        letter=letter,
    )
    with open_person(context.environment()) as session:
        excerpt = show(session, wanted, limit)
    value = {
        "ok": True,
        "entries": excerpt.entries,
        "head": _head(excerpt.head),
        "found": excerpt.found,
        "lines": [_line(shown) for shown in excerpt.lines],
    }

    def as_text() -> str:
        if not excerpt.lines:
            return "Nothing of that kind is in the log."
        rows = [
            [str(s.number), f"{s.at.astimezone():%Y-%m-%d %H:%M}", s.user, s.kind, _details(s)] for s in excerpt.lines
        ]
        more = "" if excerpt.found == len(excerpt.lines) else f"\n\nThe last {len(excerpt.lines)} of {excerpt.found}."
        return table(["NO", "WHEN", "WHO", "WHAT", "DETAILS"], rows) + more

    context.printer.result(value, as_text)


@command.command("verify", short_help="Is the log whole, and the one that was seen before?")
@click.option(
    "--checkpoint",
    "checkpoints",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    multiple=True,
    metavar="FILE",
    help="Compare with a checkpoint that was kept elsewhere, signed or typed from paper; may be given again.",
)
@pass_context
def verify_command(context: Context, checkpoints: tuple[Path, ...]) -> int:
    """Check every link, every signed checkpoint, and that nothing expired without a signature.

    A log that was put back as a whole, or that went another way from an earlier state, is sound in itself. It is found
    by what you or your computer saw before, by certificates of destruction that were signed meanwhile, and by
    checkpoints kept on paper or on another disk: `audit checkpoint`. Needs no right and, without --identity, no person.

    \b
    Example:
      poststelle audit verify
      poststelle audit verify --checkpoint stick/checkpoint.json

    \b
    EXIT STATUS: 0 all well · 2 a file is no checkpoint that can be read · 5 changed, rolled back or forked
    """
    from poststelle.access.statements import InvalidStatement
    from poststelle.verbs.auditing import verify
    from poststelle.wiring import open_person_or_service

    contents = [path.read_bytes() for path in checkpoints]
    with open_person_or_service(context.environment()) as session:
        try:
            verified = verify(session, contents)
        except InvalidStatement as err:
            message = f"A file that was given with --checkpoint is no checkpoint of this vault's log: {err.what}."
            raise ConfigurationError(message) from err
    chain, ok = verified.chain, not verified.problems
    value = {
        "ok": ok,
        "entries": len(chain.hashes),
        "head": _head(chain.head),
        "expired": chain.expired,
        "checkpoints": chain.checkpoints,
        "compared": verified.compared,
        "certificates": verified.certificates,
        "problems": [{"code": "L013", "id": "audit.jsonl", "message": message} for message in verified.problems],
    }

    def as_text() -> str:
        if not ok:
            return "\n".join(clean(message) for message in verified.problems)
        parts = [f"All well: {count(len(chain.hashes), 'entry', 'entries')}"]
        parts.append(f"{count(chain.checkpoints, 'signed checkpoint', 'signed checkpoints')} in the log")
        if verified.compared:
            parts.append(f"as {count(verified.compared, 'checkpoint', 'checkpoints')} from elsewhere said")
        if verified.certificates:
            parts.append(f"as {count(verified.certificates, 'paper', 'papers')} on destroyed letters say")
        if chain.expired:
            parts.append(f"the details of {chain.expired} have expired")
        return ", ".join(parts) + "."

    context.printer.result(value, as_text)
    return ExitStatus.DONE if ok else Damaged.exit_status


@command.command("checkpoint", short_help="Sign what the log is now, to be kept elsewhere.")
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="FILE", help="Write it, signed, to this file.")
@click.option("--print", "on_paper", is_flag=True, help="Print it in groups, with a QR code, to be put away on paper.")
@pass_context
def checkpoint_command(context: Context, output: Path | None, on_paper: bool) -> None:
    """Sign the number of entries and the hash of the last, in the log and for keeping elsewhere.

    Keep it where nobody who runs this machine can change it: on paper, on a stick, with your auditor. Whoever puts an
    older log back, or rewrites this one, is found by it. The service signs one a day in the log itself.

    \b
    Example:
      poststelle audit checkpoint -o stick/checkpoint.json
      poststelle --identity identities/auditor.identity audit checkpoint --print | lpr

    \b
    EXIT STATUS: 0 signed · 2 the file is there already · 5 the log does not hold, so nothing was signed
    """
    from poststelle.access.checkpoints import on_paper as paper
    from poststelle.verbs.auditing import make_checkpoint, qr_code
    from poststelle.wiring import open_person_or_service

    if output is not None and output.exists():
        raise ConfigurationError(f"{output} is there already; nothing was signed. Name a new file.")
    with open_person_or_service(context.environment()) as session:
        statement, made = make_checkpoint(session)
        vault_id = session.book.vault_id
        if output is not None:
            with writing(output):
                session.disk.write_new(output.absolute(), [statement.line, b"\n"])
    text = paper(made, vault_id)
    value = {
        "ok": True,
        "entries": made.entries,
        "head": {"n": made.entries - 1, "hash": made.head},
        "vault_id": vault_id,
        "made_at": statement.made_at.isoformat(),
        "file": None if output is None else str(output),
        "paper": text,
    }

    def as_text() -> str:
        said = text
        if on_paper:
            said += "\n\n" + qr_code(" ".join(text.split()))
        return said if output is None else f"{said}\n\nSigned, in {output}."

    context.printer.result(value, as_text)


@command.command("expire", short_help="Take out details that are older than the office keeps them.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_context
def expire_command(context: Context, yes: bool) -> None:
    """Take out what was searched for and opened before the calendar years that `audit: keep_years` names.

    That something was done, when and by whom stays, and so does every decision about a letter; the chain still holds.
    For roles with the right `audit`; signed, and an entry of its own. Older backups keep the details until their
    window ends.

    \b
    Example:
      poststelle --identity identities/dpo.identity audit expire

    \b
    EXIT STATUS: 0 done, nothing old enough included · 1 the clock cannot be trusted · 3 not permitted ·
    5 the log does not hold: nothing was taken out
    """
    from poststelle.verbs.auditing import expire, expiry_line
    from poststelle.verbs.locating import desk

    with desk(context.environment()) as at_desk:
        if not yes:
            line = f"{expiry_line(at_desk.person):%Y-%m-%d}"
            click.confirm(
                f"Take out the details of entries before {line}? They cannot be had back.", abort=True, err=True
            )
        gone = expire(at_desk)
    value = {"ok": True, "expired": gone.entries, "before": gone.before.isoformat()}
    said = f"The details of {count(gone.entries, 'entry', 'entries')} before {gone.before:%Y-%m-%d} are gone."
    context.printer.result(value, lambda: said)


def _head(head: "Head | None") -> dict[str, Any] | None:
    return None if head is None else {"n": head.number, "hash": head.hash}


def _line(shown: "Shown") -> dict[str, Any]:
    return {
        "n": shown.number,
        "at": shown.at.isoformat(),
        "kind": shown.kind,
        "by": shown.person_id,
        "user": shown.user,
        "details": shown.details,
        "expired": shown.expired,
    }


def _details(shown: "Shown") -> str:
    if shown.expired:
        return "(expired)"
    if shown.details is None:
        return "(sealed to a key that you do not hold)"
    return ", ".join(
        f"{name} {value if isinstance(value, str) else to_json(value, indent=None)}"
        for name, value in shown.details.items()
        if value is not None
    )
