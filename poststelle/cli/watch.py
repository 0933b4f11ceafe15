"""`poststelle watch`."""

import signal
import threading

import click

from poststelle.cli import Context, pass_context
from poststelle.errors import ExitStatus


@click.command(short_help="Take in what drops, until stopped.")
@pass_context
def command(context: Context) -> int:
    """Watch the inbox and take in each scan as soon as it is whole.

    A file is taken when its writer has closed it, it no longer changes and its structure is complete. An inbox that
    is not there (an unmounted share) is waited for; a note on standard error, and `status`, say so. SIGTERM or Ctrl-C
    stops: what is committed stays filed, what is not goes back into the inbox. Each line names a document by id,
    nothing else: safe for a journal.

    \b
    Example:
      poststelle watch
      poststelle --json watch | tee -a intake.jsonl

    \b
    EXIT STATUS: 0 stopped by SIGTERM or Ctrl-C · 1 a disk failed · 2 configuration, or another intake is running
    """
    from poststelle.verbs.taking_in import watch

    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: stop.set())
    with watch(context.environment(), stop, lambda progress: None, context.printer.note) as run:
        context.printer.note("Watching the inbox. Stop with Ctrl-C.")
        for document in run.outcomes:
            value = {"id": document.document_id, "status": document.status, "pages": document.pages}
            context.printer.line(value, lambda v=value: f"{v['id']} {v['status']} {v['pages']}")  # type: ignore[misc]
    return ExitStatus.DONE
