"""`poststelle review` on a terminal: one letter after the other, one key each.

A decision is carried out when the next one is made, or at the end: until then `u` takes it back, and nothing was
moved, signed or logged that would have to be undone. A terminal that hangs up in between leaves that letter waiting.
"""

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from poststelle.cli.pictures import as_graphics, as_half_blocks, has_graphics
from poststelle.cli.printing import clean, colour_default, count
from poststelle.errors import ConfigurationError, NotPermitted, UnknownDocument

if TYPE_CHECKING:
    from poststelle.verbs.deciding import Decided
    from poststelle.verbs.locating import Desk
    from poststelle.verbs.reviewing import Likely, Proposal

DESKTOP = "xdg-open"
SHOWN_FACTS = ("sender", "subject", "date", "reference", "amount", "due_date", "iban")
SHOWN_LINES = 12
GRAPHICS_PX = (1200, 1700)
ACCEPT, SKIP, OPEN, UNDO, QUIT, PICK, PICTURE = "\r\n", "s", "o", "u", "q", "/", "p"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pending:
    position: int
    proposal: "Proposal"
    chosen: "Likely"


class Walk:
    """One person's way through the letters that wait."""

    def __init__(self, desk: "Desk", letters: Sequence["Proposal"], viewer: Sequence[str]) -> None:
        self._desk = desk
        self._letters = letters
        self._viewer = viewer
        self._pending: _Pending | None = None
        self.decided: list[Decided] = []

    def run(self) -> None:
        """Until the last letter, or q."""
        position = 0
        while position < len(self._letters):
            step = self._one(position)
            if step is None:
                break
            position = max(0, position + step)
        else:
            if self._pending is not None and self._ask("That was the last. [Enter] carry out  [u] undo") == UNDO:
                self._pending = None
                click.echo("Taken back; it waits on.")
        self._carry_out()

    def _one(self, position: int) -> int | None:
        """Show one letter and do what the keys say; how far to go on from here, None to end."""
        proposal = self._letters[position]
        self._show(proposal, position)
        while True:
            key = self._ask(self._keys(proposal))
            if key and key in ACCEPT:
                return self._choose(position, proposal.likely[0])
            if key.isdigit() and 1 <= int(key) < len(proposal.likely):
                return self._choose(position, proposal.likely[int(key)])
            if key == PICK and (picked := self._pick()) is not None:
                return self._choose(position, picked)
            if key == SKIP:
                return 1
            if key == UNDO:
                if self._pending is None:
                    click.echo("There is nothing to undo: what was carried out can be changed with reclassify.")
                    continue
                back, self._pending = self._pending.position, None
                click.echo("Taken back.")
                return back - position
            if key == OPEN:
                self._open(proposal)
            elif key == PICTURE:
                self._picture(proposal)
            elif key == QUIT:
                return None

    def _choose(self, position: int, chosen: "Likely") -> int:
        proposal = self._letters[position]
        self._carry_out()
        self._pending = _Pending(position=position, proposal=proposal, chosen=chosen)
        click.echo(f"{proposal.waiting.number}: {chosen.label}. [u] takes it back.")
        return 1

    def _carry_out(self) -> None:
        from poststelle.verbs.deciding import decide

        pending, self._pending = self._pending, None
        if pending is None:
            return
        name = pending.proposal.waiting.document_id
        try:
            self.decided.append(decide(self._desk, name, pending.chosen.code))
        except (UnknownDocument, NotPermitted, ConfigurationError) as err:
            click.secho(f"{pending.proposal.waiting.number}: {err}", fg="red")

    # What is shown ------------------------------------------------------------------------------------------

    def _show(self, proposal: "Proposal", position: int) -> None:
        item, classified = proposal.waiting, proposal.waiting.letter.classified
        best = proposal.likely[0]
        click.secho(f"\n── {position + 1} of {len(self._letters)} · {item.number}", bold=True)
        if not proposal.sealed:
            self._picture(proposal)
        sure = f" ({best.chance:.0%})" if best.chance else ""
        click.echo(f"Proposal: {click.style(clean(best.label), bold=True)}{sure}")
        for reason in classified.review_reasons:
            click.secho(f"  ? {clean(reason)}", fg="yellow")
        for because in classified.reasons:
            click.echo(f"  · {clean(because.text)}")
        for name in SHOWN_FACTS:
            if (fact := classified.fact(name)) is not None:
                doubt = "" if fact.confidence >= 0.9 else f"  ({fact.confidence:.0%} sure)"
                click.echo(f"  {name}: {clean(fact.value)}{doubt}")

    def _keys(self, proposal: "Proposal") -> str:
        best, *others = proposal.likely
        keys = [f"[Enter] {best.label}"]
        keys += [f"[{number}] {other.label} {other.chance:.0%}" for number, other in enumerate(others, start=1)]
        keys += ["[/] another", "[s] skip", "[o] open", "[u] undo", "[q] quit"]
        return clean("  ".join(keys))

    def _picture(self, proposal: "Proposal") -> None:
        """The first page, or the first lines where the terminal or the person's rights do not allow it."""
        from poststelle.verbs.reviewing import picture_of

        size = shutil.get_terminal_size()
        rows = max(10, size.lines - 14)
        graphics = has_graphics(os.environ)
        width, height = GRAPHICS_PX if graphics else (min(size.columns, 2 * rows), 2 * rows)
        picture = None
        if graphics or colour_default() is None:  # half blocks are nothing but colours
            picture = picture_of(self._desk, proposal.waiting.document_id, width_px=width, height_px=height)
        if picture is None:
            text = [line for line in proposal.waiting.letter.classified.document.text.splitlines() if line.strip()]
            for line in text[:SHOWN_LINES]:
                click.echo(f"  │ {clean(line)[: size.columns - 6]}")
            return
        click.echo(as_graphics(picture, rows) if graphics else as_half_blocks(picture))

    def _open(self, proposal: "Proposal") -> None:
        from poststelle.verbs.finding import pages_of, view

        try:
            pages = pages_of(self._desk.person, proposal.waiting.document_id)
            view(self._desk.person.config, pages, list(self._viewer), self._wait)
        except (UnknownDocument, NotPermitted, ConfigurationError) as err:
            click.secho(str(err), fg="red")

    def _wait(self) -> None:
        if self._viewer[0] == DESKTOP:
            click.pause("Press a key when you have closed the viewer; the file goes then. ")

    def _pick(self) -> "Likely | None":
        """A class by typing a part of its name; None if the person thinks better of it."""
        from poststelle.verbs.reviewing import Likely, matching_classes

        while True:
            typed: str = click.prompt("Class (part of its name, empty to go back)", default="", show_default=False)
            if not typed.strip():
                return None
            found = matching_classes(self._desk, typed)
            if len(found) == 1:
                return Likely(code=found[0][0], label=found[0][1], chance=0.0)
            names = ", ".join(f"{label} ({code})" for code, label in found)
            click.echo(clean(f"Which one? {names}" if found else "There is no such class."))

    def _ask(self, text: str) -> str:
        click.echo(text)
        try:
            return click.getchar()
        except EOFError:
            return QUIT


def summary(decided: Sequence["Decided"], left: int) -> str:
    """What was done, at the end."""
    return f"Decided: {count(len(decided), 'letter', 'letters')}. Still waiting: {left}."
