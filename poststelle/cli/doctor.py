"""`poststelle doctor`."""

import click

from poststelle.cli import Context, pass_context
from poststelle.cli.printing import clean
from poststelle.errors import ExitStatus


@click.command(short_help="What this machine lacks, and how to get it.")
@pass_context
def command(context: Context) -> int:
    """Look at the installation, the machine, the configuration and the vault. Changes nothing.

    \b
    Example:
      poststelle doctor

    \b
    EXIT STATUS: 0 all well · 1 something is missing; each line says what helps
    """
    from poststelle.verbs.checking import examine

    checks = examine(context.environment())

    def as_text() -> str:
        marks = {True: click.style("ok  ", fg="green"), False: click.style("LOOK", fg="red", bold=True)}
        return "\n".join(f"{marks[c.ok]}  {c.name:20}{clean(c.detail)}" for c in checks)

    value = {"checks": [{"name": c.name, "ok": c.ok, "detail": c.detail} for c in checks]}
    context.printer.result(value, as_text)
    return ExitStatus.DONE if all(c.ok for c in checks) else ExitStatus.PROBLEMS
