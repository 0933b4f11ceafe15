"""`poststelle search`."""

import contextlib
import sys
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal
from unicodedata import combining, east_asian_width

import click

from poststelle.cli import Context, pass_context
from poststelle.cli.completing import complete_letter, complete_query
from poststelle.cli.days import DAY
from poststelle.cli.printing import clean, count
from poststelle.errors import ConfigurationError, QueryError

if TYPE_CHECKING:
    from poststelle.verbs.finding import Found
    from poststelle.wiring import Session
    from search.facets import Facets
    from search.finding import Hit

_SHOWN_BEFORE, _SHOWN_BEHIND = 60, 20
"""How much of a query is repeated around the place that a message means."""


@click.command(short_help="Find letters.")
@click.argument("query", nargs=-1, metavar="[QUERY]", shell_complete=complete_query)
@click.option("--class", "record_class", metavar="CLASS", help="Only this class, e.g. invoice or Rechnung.")
@click.option("--from", "from_date", type=DAY, help="Letters dated on or after this day.")
@click.option("--to", "to_date", type=DAY, help="Letters dated on or before this day.")
@click.option("--limit", type=click.IntRange(1, 1000), default=10, show_default=True, help="How many hits to show.")
@click.option("--sort", type=click.Choice(["relevance", "date"]), default="relevance", show_default=True)
@click.option("--like", metavar="ID", shell_complete=complete_letter, help="Instead of QUERY: letters like this one.")
@click.option("--facets", is_flag=True, help="Count the letters found by class, year and sender.")
@pass_context
def command(
    context: Context,
    query: tuple[str, ...],
    record_class: str | None,
    from_date: datetime | None,
    to_date: datetime | None,
    limit: int,
    sort: Literal["relevance", "date"],
    like: str | None,
    facets: bool,
) -> None:
    """Find letters by what they say, in the mail that your identity may see.

    All words must occur; "quotes" for phrases; AND OR NOT and parentheses; Rechn* *rechnung M?ller for parts of words;
    Rechnuug~ for similar ones; fields: sender: subject: class: date: amount: iban: reference: has:. Umlauts,
    inflection, and the spelling of numbers and dates do not matter. Compounds and misread words follow below if the
    exact ones do not fill the page. Without QUERY on a terminal, asks again and again until an empty line.

    \b
    Example:
      poststelle --identity identities/accounting.identity search Rechnung Druckerei
      poststelle search 'sender:Stadtwerke AND date:[2026-01 TO 2026-03]'
      poststelle search 'class:Rechnung amount:>100 date:"letzten Monat"'

    \b
    EXIT STATUS: 0 done, also with no hits · 2 the query cannot be done as written · 3 your role may not search ·
    4 --like: no such letter, or not yours
    """
    from poststelle.verbs.finding import search
    from poststelle.wiring import open_person

    def ask(session: "Session", text: str) -> None:
        found = search(
            session,
            text,
            record_class=record_class,
            from_date=from_date.date() if from_date else None,
            to_date=to_date.date() if to_date else None,
            limit=limit,
            sort=sort,
            today=session.now().astimezone().date(),
            like=like,
            with_facets=facets,
        )
        if found.outdated:
            context.printer.note("The index was made by an older version and may miss letters: run rebuild index.")
        if found.not_yet_findable:
            letters = count(found.not_yet_findable, "letter is", "letters are")
            context.printer.note(f"{letters} not in the index yet; search again to catch up further.")
        context.printer.result(_as_json(found), lambda: _text(found))

    if query and like:
        raise click.UsageError("Give either QUERY or --like, not both.")
    if not query and not like and not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise click.UsageError("Say what to look for, for example: poststelle search Rechnung")
    if from_date and to_date and to_date < from_date:
        raise click.UsageError("--to is a day before --from: nothing can lie between.")
    with open_person(context.environment()) as session:
        if query or like:
            text = " ".join(query)
            try:
                ask(session, text)
            except QueryError as err:
                raise ConfigurationError(pointed(text, err)) from err
            return
        context.printer.note("Search again and again; an empty line ends.")
        for text in _lines():
            try:
                ask(session, text)
            except QueryError as err:
                click.secho(pointed(text, err), fg="red", err=True)


def _lines() -> Iterator[str]:
    """What is typed, line by line, until an empty one or the end of the input (Ctrl-D)."""
    # Arrow keys and what was asked before; kept in memory, never in a file.
    with contextlib.suppress(ImportError):
        import readline  # noqa: F401
    with contextlib.suppress(EOFError):
        # Not click's prompt: it writes past the line editor, which then wipes the prompt out.
        while text := input("Search: ").strip():
            yield text


def pointed(query: str, err: QueryError) -> str:
    """The message with a mark under the place meant."""
    if err.position is None:
        return str(err)
    line, start = clean(query).replace("\n", " "), max(err.position - _SHOWN_BEFORE, 0)
    before, behind = line[start : err.position], line[err.position : err.position + _SHOWN_BEHIND]
    before = "…" * (start > 0) + before
    more = "…" * (err.position + _SHOWN_BEHIND < len(query))
    return f"{err}\n  {before}{behind}{more}\n  {' ' * _cells(before)}^"


def _cells(text: str) -> int:
    """How many columns of a terminal a text takes."""
    return sum(0 if combining(sign) else 1 + (east_asian_width(sign) in "WF") for sign in text)


def _as_json(found: "Found") -> dict[str, Any]:
    return {
        "total": found.result.total,
        "took_ms": round(found.took_ms, 1),
        "hits": [_hit(hit) for hit in found.result.hits],
        "suggestions": list(found.result.suggestions),
        "not_yet_findable": found.not_yet_findable,
        "exact": found.result.exact,
        "partly": found.result.partly,
        **({} if found.result.facets is None else {"facets": _facets(found.result.facets)}),
    }


def _facets(facets: "Facets") -> dict[str, Any]:
    return {
        "class": dict(facets.record_classes),
        "year": dict(facets.years),
        "sender": dict(facets.senders),
        "senders_of": facets.senders_of,
    }


def _hit(hit: "Hit") -> dict[str, Any]:
    return {
        "id": hit.document_id,
        "accession": hit.accession,
        "class": hit.record_class,
        "date": hit.dated_on.isoformat(),
        "sender": hit.sender,
        "title": hit.title,
        "score": round(hit.score, 4),
        "snippet": hit.snippet,
        "page": hit.page,
        "highlights": [list(span) for span in hit.highlights],
        "exact": hit.exact,
    }


def _text(found: "Found") -> str:
    hits = [_hit_text(hit) for hit in found.result.hits]
    total = found.result.total
    more = f", the best {len(hits)} shown" if total > len(hits) else ""
    near = total - found.result.exact
    nearly = f", {'all' if near == total else near} only nearly" if near and not found.result.partly else ""
    nothing = ["No letter has all of these words; the nearest have some of them:\n"] if found.result.partly else []
    lines = [*nothing, *hits, f"{count(total, 'letter', 'letters')} in {found.took_ms:.0f} ms{nearly}{more}."]
    if found.result.suggestions:
        lines.append(f"Did you mean: {', '.join(map(clean, found.result.suggestions))}?")
    if (facets := found.result.facets) is not None:
        for name, counts in (("Classes", facets.record_classes), ("Years", facets.years), ("Senders", facets.senders)):
            if counts:
                lines.append(f"{name}: " + ", ".join(f"{clean(value)} ({letters})" for value, letters in counts))
    return "\n".join(lines)


def _hit_text(hit: "Hit") -> str:
    head = f"{'' if hit.exact else '~ '}{hit.accession}  {hit.dated_on}  {hit.record_class}  {clean(hit.sender)}"
    page = f"p. {hit.page}: " if (hit.page or 1) > 1 else ""
    return f"{click.style(head, bold=True)}\n  {clean(hit.title)}\n  {page}{_marked(hit)}\n"


def _marked(hit: "Hit") -> str:
    """The snippet with its highlights in bold, where the output is a terminal."""
    pieces, end = [], 0
    for start, stop in hit.highlights:
        pieces += [clean(hit.snippet[end:start]), click.style(clean(hit.snippet[start:stop]), fg="green", bold=True)]
        end = stop
    return "".join([*pieces, clean(hit.snippet[end:])])
