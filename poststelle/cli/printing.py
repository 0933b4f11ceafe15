"""Printing: JSON for machines or text for people on standard output, progress and notes on standard error."""

import json
import os
import sys
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import click

from poststelle.records import Fact

PRACTICE = "\nThis is a vault for practice."


def colour_default() -> bool | None:
    """False where NO_COLOR is set and not empty (https://no-color.org), else None: colours on a terminal only."""
    return False if os.environ.get("NO_COLOR") else None


class Printer:
    """How this run prints. Colours and live progress only on a terminal."""

    def __init__(self, *, as_json: bool, quiet: bool) -> None:
        self.as_json = as_json
        self.quiet = quiet
        self._practice = False

    def say_practice(self) -> None:
        """From now on every output says that the vault is for practice."""
        self._practice = True

    def result(self, value: Any, as_text: Callable[[], str]) -> None:
        """The command's result: one JSON document, or text."""
        click.echo(to_json(self._marked(value)) if self.as_json else as_text() + (PRACTICE if self._practice else ""))

    def line(self, value: Any, as_text: Callable[[], str]) -> None:
        """One line of a stream, at once."""
        click.echo(to_json(self._marked(value), indent=None) if self.as_json else as_text())
        sys.stdout.flush()

    def _marked(self, value: Any) -> Any:
        return value | {"practice": True} if self._practice and isinstance(value, dict) else value

    def note(self, text: str) -> None:
        """Something worth knowing that is not the result."""
        if not self.quiet:
            click.secho(text, fg="yellow", err=True)

    def say_waiting(self) -> None:
        """Another backup or purge has to end first."""
        self.note("A backup or purge of this vault is at work; waiting until it is done …")

    @contextmanager
    def progress(self, description: str) -> "Iterator[Callable[[int, int | None, str], None]]":
        """A live bar on a terminal; yields `update(done, total, what)`."""
        if self.quiet or not sys.stderr.isatty():
            yield lambda done, total, what: None
            return
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        columns = (
            SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
            TextColumn("{task.fields[what]}"),
        )  # fmt: skip
        with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task(description, total=None, what="")

            def update(done: int, total: int | None, what: str) -> None:
                bar.update(task, completed=done, total=total, what=clean(what))

            yield update


def to_json(value: Any, indent: int | None = 1) -> str:
    """JSON with readable umlauts; undecodable bytes of file names as replacement characters."""
    text = json.dumps(value, ensure_ascii=False, indent=indent, default=_iso_or_text)
    return text.encode("utf-8", "replace").decode("utf-8")


def _iso_or_text(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def clean(text: str) -> str:
    """Text from letters and file names without anything that could steer a terminal."""
    text = text.encode("utf-8", "replace").decode("utf-8")
    return "".join(
        c if c == "\n" or unicodedata.category(c) not in ("Cc", "Cf", "Co", "Cs") else "\ufffd" for c in text
    )


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns as wide as their content; the last one is not padded."""
    cells = [[clean(cell).replace("\n", " ") for cell in row] for row in [header, *rows]]
    widths = [max(len(row[i]) for row in cells) for i in range(len(header))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]
    if sys.stdout.isatty():
        lines[0] = click.style(lines[0], bold=True)
    return "\n".join(lines)


def facts_json(facts: Sequence[Fact]) -> dict[str, Any]:
    """The documented shape of facts."""
    return {
        f.name: {"value": f.value, "confidence": round(f.confidence, 3), "page": f.page}
        | ({"source": f.source} if f.source else {})
        | ({"box": list(f.box)} if f.box else {})
        | ({"kind": f.kind} if f.kind else {})
        for f in facts
    }


def count(number: int, one: str, many: str) -> str:
    """ "1 letter", "2 letters"."""
    return f"{number} {one if number == 1 else many}"
