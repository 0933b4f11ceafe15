"""`poststelle backup`."""

from pathlib import Path

import click

from poststelle.cli import Context, pass_context
from poststelle.cli.printing import clean, count, table
from poststelle.cli.reasons import REASON
from poststelle.errors import ExitStatus


@click.command(short_help="Copy the vault; a purge reaches the copies.")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), metavar="[DIR]", required=False)
@click.option("--verify", "only_verify", is_flag=True, help="Make no backup: read the whole one in DIR back.")
@click.option("--reread", is_flag=True, help="Read every part in DIR through, and copy anew what is not as it was.")
@click.option("--list", "only_list", is_flag=True, help="Show the backups that this vault knows of.")
@click.option("--forget", metavar="BACKUP", help="Strike a backup off the list that is lost for good (needs --reason).")
@click.option("--reason", type=REASON, help="Why it is struck off; signed.")
@pass_context
def command(
    context: Context,
    folder: Path | None,
    only_verify: bool,
    reread: bool,
    only_list: bool,
    forget: str | None,
    reason: str | None,
) -> int:
    """Back the vault up into DIR: on another disk, or any store that is mounted. Runs as the service.

    What is there is not copied again; what was written is read back; a stop in between harms nothing and the next run
    goes on. Mail comes in and people search meanwhile. Each run makes a generation; its keys are kept for
    `backup: keep_days`, then dropped, so that a destroyed letter cannot be read from the backup any more. Files that
    still lie in the inbox are not part of it. The service's identity goes with it, sealed to owners and recovery kit.

    \b
    Example:
      poststelle backup /media/nas/poststelle
      poststelle backup /media/nas/poststelle --verify
      poststelle --identity identities/owner.identity backup --forget 3f9a12cc80d1 --reason "Platte defekt"

    \b
    EXIT STATUS: 0 done · 1 the disk failed, or --verify found something · 2 not a folder for this vault's backups, or
    another backup or purge did not end · 3 not permitted · 5 the vault is damaged; nothing that was backed up is lost
    """
    chosen = sum((only_verify, only_list, forget is not None))
    if chosen > 1 or (folder is None) != (only_list or forget is not None):
        raise click.UsageError("Name the folder of the backup, or one of --list and --forget without a folder.")
    if only_list:
        return _list(context)
    if forget is not None:
        if not reason:
            raise click.UsageError("Say with --reason why the backup is struck off.")
        return _forget(context, forget, reason)
    assert folder is not None
    return _verify(context, folder) if only_verify else _backup(context, folder, reread)


def _backup(context: Context, folder: Path, reread: bool) -> int:
    from poststelle.verbs.copying import backup
    from poststelle.wiring import open_service

    with (
        open_service(context.environment()) as session,
        context.printer.progress("Backing up") as update,
    ):
        made = backup(session, folder, reread=reread, progress=update, waiting=context.printer.say_waiting)
    value = {
        "ok": True,
        "problems": [],
        "backup": made.target_id,
        "generation": made.generation,
        "letters": made.letters,
        "parts": made.parts,
        "new_parts": made.new_parts,
        "new_bytes": made.new_bytes,
        "readable_until": made.readable_until.isoformat(),
        "dropped": list(made.dropped),
        "damaged": list(made.damaged),
    }

    def as_text() -> str:
        lines = [
            f"Backed up: {count(made.letters, 'letter', 'letters')} in generation {made.generation} of {folder}, "
            f"{count(made.new_parts, 'part', 'parts')} new ({made.new_bytes / 1e6:.1f} MB), all read back.",
            f"Its keys are kept until {made.readable_until}.",
        ]
        if made.dropped:
            lines.append(f"Dropped: {count(len(made.dropped), 'older generation', 'older generations')}.")
        if made.damaged:
            lines.append(f"Generations that were damaged and are gone now: {', '.join(map(str, made.damaged))}.")
        return clean("\n".join(lines))

    context.printer.result(value, as_text)
    return ExitStatus.DONE


def _verify(context: Context, folder: Path) -> int:
    from poststelle.verbs.copying import verify
    from poststelle.wiring import open_service

    with (
        open_service(context.environment()) as session,
        context.printer.progress("Reading back") as update,
    ):
        problems = verify(session, folder, progress=update)
    value = {
        "ok": not problems,
        "problems": [{"code": p.code, "id": p.id, "message": p.message} for p in problems],
    }
    whole = "Everything in it reads back as it was written."
    context.printer.result(
        value,
        lambda: table(["CODE", "WHERE", "WHAT"], [[p.code, p.id, p.message] for p in problems]) if problems else whole,
    )
    return ExitStatus.PROBLEMS if problems else ExitStatus.DONE


def _list(context: Context) -> int:
    from poststelle.verbs.copying import targets
    from poststelle.wiring import open_person_or_service

    with open_person_or_service(context.environment()) as session:
        found = targets(session)
    value = {
        "backups": [
            {
                "id": t.target_id,
                "path": str(t.path),
                "generation": t.generation,
                "made_at": t.made_at.isoformat(),
                "readable_until": t.readable_until.isoformat(),
                "reached": t.reached,
            }
            for t in found
        ]
    }
    rows = [
        [
            t.target_id[:12],
            str(t.path),
            str(t.generation),
            f"{t.made_at.astimezone():%Y-%m-%d %H:%M}",
            str(t.readable_until),
            "yes" if t.reached else "no",
        ]
        for t in found
    ]
    header = ["BACKUP", "FOLDER", "GENERATION", "MADE", "KEYS UNTIL", "REACHED"]
    context.printer.result(value, lambda: table(header, rows) if rows else "There is no backup of this vault yet.")
    return ExitStatus.DONE


def _forget(context: Context, name: str, reason: str) -> int:
    from poststelle.verbs.copying import forget
    from poststelle.verbs.locating import desk

    with desk(context.environment()) as at_desk:
        row = forget(at_desk, name, reason)
    value = {"forgotten": row.target_id, "path": str(row.path), "readable_until": row.readable_until.isoformat()}
    text = (
        f"Struck off: the backup {row.path}. Whoever finds it can read what was destroyed since, if they hold an "
        "identity or the recovery kit: nobody drops its keys any more."
    )
    context.printer.result(value, lambda: clean(text))
    return ExitStatus.DONE
