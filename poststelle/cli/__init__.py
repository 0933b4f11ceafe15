"""The command line: one file per command, no logic; every command calls one function of `poststelle.verbs`."""

import contextlib
import errno
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from poststelle.cli.printing import Printer, colour_default
from poststelle.durable import Disk
from poststelle.errors import ConfigurationError, ExitStatus, PoststelleError
from poststelle.rooms import require_own_rooms

DISK_FAILURES = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS}
"""What a disk may do to anybody; every other OSError is a programmer's mistake and stays a traceback."""
VERSION_TEXT = "%(prog)s %(version)s"
SECTIONS = {
    "Take in": ("init", "intake", "watch", "separators", "quarantine", "review", "list"),
    "Find": ("search", "show", "open", "export", "deadlines"),
    "Keep and destroy": ("reclassify", "facts", "retention", "event", "hold", "restrict", "subject", "purge"),
    "Look after": (
        "status",
        "report",
        "classifier",
        "verify",
        "rebuild",
        "backup",
        "restore",
        "upgrade",
        "doctor",
        "unlock",
        "identity",
    ),
    "People and rights": ("user", "role", "delegate", "config", "audit", "evidence", "kit"),
}


class Commands(click.Group):
    """Commands in the order of a letter's life, each imported when it is needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All commands, by section."""
        return [name for names in SECTIONS.values() for name in names]

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Import one command's module; it defines `command`."""
        if name not in self.list_commands(ctx):
            return None
        from importlib import import_module

        command: click.Command = import_module(f"poststelle.cli.{name}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, with the nearest command named when there is none."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as err:
            import difflib

            near = difflib.get_close_matches(args[0], self.list_commands(ctx), 1)
            raise click.UsageError(f"{err.message}{f' Did you mean {near[0]!r}?' if near else ''}", ctx) from err

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Sections instead of one list."""
        for section, names in SECTIONS.items():
            with formatter.section(section):
                rows = [
                    (name, command.get_short_help_str(80)) for name in names if (command := self.get_command(ctx, name))
                ]
                formatter.write_dl(rows)


class Context:
    """What every command gets: how to print, and how to reach the office."""

    def __init__(self, *, printer: Printer, config: Path | None, identity: Path | None, disk: Disk | None) -> None:
        self.printer = printer
        self._config = config
        self._identity = identity
        self._disk = disk

    @property
    def identity_file(self) -> Path | None:
        """The identity file that was named, or None."""
        return self._identity

    def environment(self) -> Any:
        """The environment of this process (imported late: `--help` needs none of it)."""
        from poststelle.wiring import Environment

        return Environment.from_process(
            config_file=self._config,
            identity_file=self._identity,
            passphrase=ask_passphrase,
            disk=self._disk,
            on_practice=self.printer.say_practice,
            on_notice=lambda text: self.printer.note(f"{text}."),
        )


pass_context = click.make_pass_decorator(Context)


def ask_passphrase(user: str, what: str = "Passphrase") -> str:
    """From the file that POSTSTELLE_PASSPHRASE_FILE names, else from the person at the terminal."""
    if (name := os.environ.get("POSTSTELLE_PASSPHRASE_FILE")) is not None:
        return passphrase_in(Path(name), "POSTSTELLE_PASSPHRASE_FILE")
    if not sys.stdin.isatty():
        raise ConfigurationError(
            f"The identity of {user!r} needs its passphrase, and nobody can be asked here. Put it into a file that "
            "only you can read and name that file in POSTSTELLE_PASSPHRASE_FILE."
        )
    answer: str = click.prompt(f"{what} of {user}", hide_input=True, err=True)
    return answer


@contextlib.contextmanager
def writing(target: Path) -> Iterator[None]:
    """Say of a file or folder that somebody named that it cannot be written; a disk that fails is told as such."""
    try:
        yield
    except OSError as err:
        if err.errno in DISK_FAILURES:
            raise
        raise ConfigurationError(f"{target} cannot be written ({err.strerror}).") from err


def passphrase_in(file: Path, named_by: str) -> str:
    """The passphrase in a file, without the end of its line."""
    try:
        return file.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as err:
        raise ConfigurationError(f"{named_by} names {file}, which cannot be read.") from err


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100, "auto_envvar_prefix": None},
    epilog="Every command explains itself: poststelle COMMAND --help. Shell completion: see README.md.",
)
@click.option(
    "--config", type=click.Path(path_type=Path), envvar="POSTSTELLE_CONFIG", help="config.yaml of the office."
)
@click.option(
    "--identity", type=click.Path(path_type=Path), envvar="POSTSTELLE_IDENTITY", help="Your identity file: who you are."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON for machines on standard output.")
@click.option("--quiet", is_flag=True, help="No progress and no notes on standard error.")
@click.version_option(package_name="poststelle", message=VERSION_TEXT)
@click.pass_context
def poststelle(ctx: click.Context, config: Path | None, identity: Path | None, as_json: bool, quiet: bool) -> None:
    """The mail room of a company: scans drop in, letters are found, by those who may.

    \b
    Example:
      poststelle init --no-passphrase
      poststelle intake
      poststelle --identity identities/accounting.identity search Rechnung

    \b
    EXIT STATUS: 0 done · 1 some items quarantined, failed or problems found ·
    2 usage or configuration · 3 not permitted to you · 4 not found · 5 damaged · 130 interrupted
    """
    require_own_rooms()
    ctx.color = colour_default()
    disk = ctx.obj if isinstance(ctx.obj, Disk) else None
    ctx.obj = Context(printer=Printer(as_json=as_json, quiet=quiet), config=config, identity=identity, disk=disk)


def main(arguments: list[str] | None = None, disk: Disk | None = None) -> None:
    """Run one command and exit with its status. `disk` is for drills that break the write seam."""
    sys.exit(run(arguments, disk))


def run(arguments: list[str] | None = None, disk: Disk | None = None) -> int:
    """Run one command; returns the exit status. The one place where errors become messages."""
    # A terminal that hangs up is like Ctrl-C: stop cleanly instead of dying between two steps.
    with contextlib.suppress(ValueError):
        signal.signal(signal.SIGHUP, _interrupt)
    try:
        result = poststelle.main(args=arguments, prog_name="poststelle", standalone_mode=False, obj=disk)
        return int(result) if isinstance(result, int) else ExitStatus.DONE
    except PoststelleError as err:
        return _fail(str(err), err.exit_status)
    except click.exceptions.Exit as err:
        return err.exit_code
    except click.ClickException as err:
        err.show()
        return ExitStatus.USAGE
    except (KeyboardInterrupt, click.Abort):
        return _fail("Interrupted. Nothing was lost.", ExitStatus.INTERRUPTED)
    except BrokenPipeError:
        # Whoever read our output has seen enough; do not complain when Python closes the stream.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitStatus.DONE
    except OSError as err:
        if err.errno not in DISK_FAILURES:
            raise
        return _fail(
            f"A disk failed: {err.strerror}. Nothing was lost: what is not filed yet lies in the inbox. Make room or "
            "check the disk, then start again; `poststelle doctor` shows the free space.",
            ExitStatus.PROBLEMS,
        )


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt


def _fail(message: str, status: ExitStatus) -> int:
    click.secho(message, fg="red", err=True, color=colour_default())
    return status
