"""`poststelle upgrade`."""

import os

import click

from poststelle.cli import Context, pass_context
from poststelle.cli.printing import clean
from poststelle.errors import ExitStatus


@click.command(short_help="Bring a vault of an earlier version up to date.")
@pass_context
def command(context: Context) -> int:
    """Add what a vault of an earlier version lacks; no letter and no key is changed. Runs as the service.

    Stop `watch` before. A vault that is up to date is left alone, and a stop in between harms nothing: run it again. A
    vault of a newer version than this program is refused.

    \b
    Example:
      poststelle upgrade

    \b
    EXIT STATUS: 0 up to date now · 1 a disk failed; run it again · 2 no vault, a newer one, or it is in use
    """
    from poststelle.verbs.upgrading import upgrade

    done = upgrade(context.environment())
    value = {"ok": True, "problems": [], "vault": os.fspath(done.vault), "format": done.vault_format}
    value |= {"added": list(done.added)}

    def as_text() -> str:
        if not done.added:
            return clean(f"{done.vault} is up to date ({done.vault_format}).")
        return clean(
            f"{done.vault} is up to date now. Added: {', '.join(done.added)}.\n"
            "`poststelle config apply --dry-run` shows whether the shipped rights and periods have changed too."
        )

    context.printer.result(value, as_text)
    return ExitStatus.DONE
