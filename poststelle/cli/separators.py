"""`poststelle separators`."""

import sys
from pathlib import Path

import click

from poststelle.cli import Context, pass_context
from poststelle.cli.printing import clean, count
from poststelle.errors import ConfigurationError

MOST_SHEETS = 500


@click.command(short_help="Sheets to lay between letters, as PDF.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="File to write (separators.pdf); - for standard output."
)
@click.option("--count", "sheets", type=click.IntRange(1, MOST_SHEETS), default=1, show_default=True, help="How many.")
@pass_context
def command(context: Context, output: Path | None, sheets: int) -> None:
    """Make separator sheets to print (A4). Needs no office and no identity.

    Lay one before each letter and scan the whole stack at once: every letter is filed on its own, the sheets are left
    out and can be used again. An existing file is never replaced.

    \b
    Example:
      poststelle separators --count 20 -o separators.pdf

    \b
    EXIT STATUS: 0 done · 2 the file exists or cannot be written
    """
    from poststelle.verbs.separating import separators

    content = separators(sheets)
    if output is not None and str(output) == "-":
        sys.stdout.buffer.write(content)
        return
    target = output or Path("separators.pdf")
    try:
        with target.open("xb") as stream:
            stream.write(content)
    except FileExistsError as err:
        raise ConfigurationError(f"{target} exists and was not replaced. Name another file with -o.") from err
    except OSError as err:
        raise ConfigurationError(f"{target} cannot be written ({err.strerror}).") from err
    value = {"file": str(target), "sheets": sheets, "size_bytes": len(content)}
    context.printer.result(value, lambda: clean(f"{count(sheets, 'sheet', 'sheets')} → {target}"))
