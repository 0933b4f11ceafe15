"""`poststelle evidence export|check`."""

from pathlib import Path

import click

from poststelle.cli import Context, pass_context
from poststelle.cli.printing import clean, count
from poststelle.errors import ExitStatus


@click.group(short_help="The papers that auditors ask for.")
def command() -> None:
    """Procedural documentation, deletion concept, record of processing and measures, written from live state.

    \b
    Example:
      poststelle evidence export papers-2026

    \b
    EXIT STATUS: as for each command below
    """


@command.command("export", short_help="Write the papers.")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), metavar="DIR")
@pass_context
def export_command(context: Context, folder: Path) -> None:
    """Write the papers into a new folder: German, Markdown and PDF, with a list of hashes and a signed manifest.

    They say what key book, configuration and log say now, and of each measure which test shows it. What only the
    company knows is marked as open. For holders of the right `records`; without --identity, as the service.

    \b
    Example:
      poststelle --identity identities/dpo.identity evidence export papers-2026

    \b
    EXIT STATUS: 0 written · 2 the folder is not empty · 3 not permitted
    """
    from poststelle.verbs.evidence import export
    from poststelle.wiring import open_person_or_service

    with open_person_or_service(context.environment()) as session:
        written = export(session, folder)
    if not written.is_configured_law:
        context.printer.note("config.yaml was changed and not signed; the papers say what is law, not what it wishes.")
    value = {"ok": True, "folder": str(written.folder), "files": list(written.files), "manifest": written.statement_id}
    context.printer.result(value, lambda: clean(f"{count(len(written.files), 'file', 'files')} → {written.folder}"))


@command.command("check", short_help="Do the papers still describe this office?")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path), metavar="DIR")
@pass_context
def check_command(context: Context, folder: Path) -> int:
    """Compare papers with live state: changed files, rights, people, classes, periods, settings, another version.

    Run it at night, or before an audit. For holders of the right `records`; without --identity, as the service.

    \b
    Example:
      poststelle evidence check papers-2026

    \b
    EXIT STATUS: 0 they do · 1 they do not, each line says where · 2 no papers of this vault · 3 not permitted
    """
    from poststelle.verbs.evidence import check
    from poststelle.wiring import open_person_or_service

    with open_person_or_service(context.environment()) as session:
        checked = check(session, folder)
    ok = not checked.problems
    value = {"ok": ok, "made_on": checked.made_on.isoformat(), "problems": list(checked.problems)}

    def as_text() -> str:
        if ok:
            return f"The papers of {checked.made_on} describe this office."
        return "\n".join(clean(problem) for problem in checked.problems)

    context.printer.result(value, as_text)
    return ExitStatus.DONE if ok else ExitStatus.PROBLEMS
