"""`poststelle export`."""

import sys
from pathlib import Path

import click

from poststelle.cli import Context, pass_context, writing
from poststelle.cli.completing import complete_letter
from poststelle.cli.printing import clean, count
from poststelle.errors import ConfigurationError


@click.command(short_help="The original of a letter, or its searchable PDF.")
@click.argument("letter", metavar="ID", required=False, shell_complete=complete_letter)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="File to write; - for standard output.")
@click.option("--rendition", is_flag=True, help="The searchable PDF instead: the scan with its text behind it.")
@click.option("--reason", help="Why you need a restricted letter; logged.")
@click.option("--package", type=click.Path(path_type=Path), help="All that you may export, into this new folder.")
@click.option("--class", "classes", multiple=True, help="With --package: letters of this class only; repeatable.")
@click.option("--year", "years", multiple=True, type=int, help="With --package: received in this year; repeatable.")
@pass_context
def command(
    context: Context,
    letter: str | None,
    output: Path | None,
    rendition: bool,
    reason: str | None,
    package: Path | None,
    classes: tuple[str, ...],
    years: tuple[int, ...],
) -> None:
    """Write the original of a letter, byte for byte as it was received. ID is its id or number.

    Without -o, the file gets the letter's number as its name, in the current folder. An existing file is never
    replaced. With --rendition you get a PDF of the scan in which text can be searched and copied; a PDF that never was
    on paper is such a file already and is written as received. What you export is yours to protect.

    --package is what an auditor takes along: every original, an index as CSV and XML, and SHA256SUMS.

    \b
    Example:
      poststelle --identity identities/accounting.identity export FIN-2026-000001 -o invoice.pdf
      poststelle --identity identities/accounting.identity export FIN-2026-000001 --rendition
      poststelle --identity identities/accounting.identity export --package handover --class invoice --year 2026

    \b
    EXIT STATUS: 0 done · 2 the file exists · 3 your role may not export · 4 no such letter (or not yours),
    or no searchable PDF · 5 damaged
    """
    from poststelle.verbs.finding import export
    from poststelle.wiring import open_person

    if package is not None and letter is None:
        _package(context, package, classes, years)
        return
    if letter is None or package is not None or classes or years:
        raise click.UsageError("Name a letter, or --package DIR with --class and --year if you want to limit it.")
    if output is not None and str(output) != "-" and output.exists():
        raise ConfigurationError(f"{output} exists and was not replaced. Name another file with -o.")
    with open_person(context.environment()) as session:
        exported = export(session, letter, rendition, reason)
    if output is not None and str(output) == "-":
        sys.stdout.buffer.write(exported.content)
        return
    target = output or Path(exported.file_name)
    try:
        with target.open("xb") as stream:
            stream.write(exported.content)
    except FileExistsError as err:
        raise ConfigurationError(f"{target} exists and was not replaced. Name another file with -o.") from err
    except OSError as err:
        raise ConfigurationError(f"{target} cannot be written ({err.strerror}).") from err
    size = len(exported.content)
    value = {"id": exported.document_id, "accession": exported.accession, "file": str(target), "size_bytes": size}
    context.printer.result({"document": value}, lambda: clean(f"{exported.accession} → {target} ({size} bytes)"))


def _package(context: Context, folder: Path, classes: tuple[str, ...], years: tuple[int, ...]) -> None:
    from poststelle.verbs.packaging import package
    from poststelle.wiring import open_person

    progress = context.printer.progress("Writing")
    with open_person(context.environment()) as session, progress as update, writing(folder):
        packaged = package(session, folder, classes, years, lambda done, total: update(done, total, ""))
    value = {"folder": str(packaged.folder), "letters": packaged.letters, "size_bytes": packaged.size_bytes}
    text = f"{count(packaged.letters, 'letter', 'letters')} → {packaged.folder} ({packaged.size_bytes} bytes)"
    context.printer.result({"package": value}, lambda: clean(text))
