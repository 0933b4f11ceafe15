"""`poststelle unlock`."""

import os

import click

from poststelle.cli import Context, pass_context
from poststelle.cli.printing import count


@click.command(short_help="One passphrase, many searches.")
@click.option(
    "--for", "duration", default="8h", show_default=True, metavar="TIME", help="30m, 8h or 1h30m; at most 24h."
)
@click.option("--stop", is_flag=True, help="Lock again now.")
@pass_context
def command(context: Context, duration: str, stop: bool) -> None:
    """Give your passphrase once; commands with your identity do not ask again until the time is over.

    A small process of your own keeps your keys in memory, never on disk, and hands them only to programs of your user
    account on this machine. It ends at that time, with --stop, or when your identity file is changed or taken away.
    Letters that the index does not hold yet are added now. Needs an identity with a passphrase of your own.

    \b
    Example:
      poststelle --identity identities/accounting.identity unlock --for 8h
      poststelle --identity identities/accounting.identity unlock --stop

    \b
    EXIT STATUS: 0 done, also when nothing was unlocked before --stop · 1 the process did not start ·
    2 wrong passphrase, no passphrase needed, or TIME cannot be used
    """
    from poststelle.verbs.unlocking import catch_up_all, lock, parse_duration, unlock

    if stop:
        locked = lock(context.environment())
        told = f"Locked: {locked.user} is asked for the passphrase again."
        value: dict[str, object] = {"user": locked.user, "until": None, "socket": os.fspath(locked.socket)}
        context.printer.result(value, lambda: told if locked.was_unlocked else "Nothing was unlocked.")
        return
    with unlock(context.environment(), parse_duration(duration)) as (session, unlocked):
        assert unlocked.until is not None
        with context.printer.progress("Indexing") as update:
            caught_up = catch_up_all(session, lambda done, total: update(done, total, ""))
    if caught_up.missing:
        letters = count(caught_up.missing, "letter is", "letters are")
        context.printer.note(f"{letters} not in the index yet; searching adds more.")
    for compartment in caught_up.damaged:
        context.printer.note(f"The index of {compartment} is damaged: run `poststelle rebuild index {compartment}`.")
    value = {
        "user": unlocked.user,
        "until": unlocked.until.isoformat(),
        "socket": os.fspath(unlocked.socket),
        "not_yet_findable": caught_up.missing,
    }
    until = f"{unlocked.until.astimezone():%Y-%m-%d %H:%M}"
    context.printer.result(
        value, lambda: f"Unlocked for {unlocked.user} until {until}. Lock earlier with `poststelle unlock --stop`."
    )
