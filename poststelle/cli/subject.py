"""`poststelle subject access|restrict|erase|confirm|extend|close|list`."""

from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from poststelle.cli import Context, pass_context, writing
from poststelle.cli.days import DAY
from poststelle.cli.printing import clean, count, table
from poststelle.cli.reasons import REASON

if TYPE_CHECKING:
    from poststelle.verbs.subject import Answer, Fate, Match
    from poststelle.verbs.subject_requests import Request

GROUPS = {
    "hand-out": "To be handed out",
    "restrict": "To be restricted, because it must be kept",
    "erase": "To be erased, nothing requires it any more",
    "restricted": "Restricted",
    "erased": "Erased",
    "check": "Not sure: look, then say --also NUMBER",
}


@click.group(short_help="Requests of data subjects: access, restriction, erasure.")
def command() -> None:
    """Answer people who ask what is held on them, or want it restricted or erased (Art. 15, 17, 18 GDPR).

    A request is registered, signed, and counted to its last day. Whom it is about is sealed to those who may know.

    \b
    Example:
      poststelle --identity identities/dpo.identity subject access "Hans Müller" --dob 1980-03-05 -o auskunft-mueller
      poststelle --identity identities/dpo.identity subject list

    \b
    EXIT STATUS: as for each command below
    """


def _about(wrapped: Callable[..., None]) -> Callable[..., None]:
    """The argument and options of commands that look for a person."""
    options = (
        click.argument("who", metavar="NAME|REQUEST"),
        click.option("--aka", multiple=True, metavar="NAME", help="Another name, e.g. the one at birth; repeatable."),
        click.option("--dob", type=DAY, help="Date of birth: tells people of one name apart."),
        click.option("--received-on", type=DAY, help="The day the request came; its month runs from there.  [today]"),
        click.option("--also", multiple=True, metavar="ID", help="This letter too: a person looked; repeatable."),
        click.option("--leave-out", multiple=True, metavar="ID", help="Not this letter; repeatable."),
    )
    for option in reversed(options):
        wrapped = option(wrapped)
    return wrapped


@command.command("access", short_help="What is held on a person?")
@_about
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="DIR", help="Write all of it to a new folder.")
@pass_context
def access_command(
    context: Context,
    who: str,
    aka: tuple[str, ...],
    dob: datetime | None,
    received_on: datetime | None,
    also: tuple[str, ...],
    leave_out: tuple[str, ...],
    output: Path | None,
) -> None:
    """Find every letter that names a person, in all compartments, and register the request.

    Names are found as written, inflected, abbreviated, with another order, and as recognition may have damaged them.
    With the id of a request instead of a name, it is looked for again, and no second request is registered.
    -o writes letters, facts, index, the places to blacken and a draft of the answer; it is yours to protect.

    \b
    Example:
      poststelle --identity identities/dpo.identity subject access "Erika Müller geb. Schmidt" --dob 1980-03-05
      poststelle --identity identities/dpo.identity subject access 3f9a12cc80d1 --also HR-2026-000003 -o auskunft

    \b
    EXIT STATUS: 0 done, also if nothing was found · 2 usage, or the folder exists · 3 not permitted · 4 no such
    request or letter
    """
    from poststelle.verbs.locating import desk
    from poststelle.verbs.subject import access, whom
    from poststelle.verbs.subject_package import hand_out, require_new

    if output is not None:
        require_new(output)
    with desk(context.environment()) as at_desk, context.printer.progress("Searching") as progress:
        answer = access(
            at_desk, whom(at_desk, who, aka, _day(dob)), received_on=_day(received_on), also=also,
            leave_out=leave_out, progress=progress,
        )  # fmt: skip
        handed = None
        if output is not None:
            with writing(output):
                handed = hand_out(at_desk, answer, output)
    value, text = _answer_json(answer), _answer_text(answer)
    if handed is not None:
        value["package"] = {
            "folder": str(handed.folder),
            "letters": handed.letters,
            "files": handed.files,
            "third_parties": handed.third_parties,
            "not_exported": list(handed.not_exported),
        }
        text += (
            f"\n\n{count(handed.letters, 'letter', 'letters')} → {handed.folder}. Before you hand it out: blacken what "
            f"third-parties.csv lists ({handed.third_parties}) and what you see besides, and complete answer.txt."
        )
        if handed.not_exported:
            text += f"\nYou may not take out: {', '.join(handed.not_exported)}. Somebody who may has to add them."
    context.printer.result(value, lambda: clean(text))
    _note_gaps(context, answer)


@command.command("restrict", short_help="Restrict all that names a person.")
@_about
@pass_context
def restrict_command(
    context: Context,
    who: str,
    aka: tuple[str, ...],
    dob: datetime | None,
    received_on: datetime | None,
    also: tuple[str, ...],
    leave_out: tuple[str, ...],
) -> None:
    """Restrict every letter that surely names a person, at their request (Art. 18 GDPR), at once.

    Nothing of it is destroyed until `restrict lift`. Letters that are not sure stay; say --also for them.

    \b
    Example:
      poststelle --identity identities/dpo.identity subject restrict "Hans Müller" --dob 1980-03-05
      poststelle --identity identities/dpo.identity subject restrict 3f9a12cc80d1

    \b
    EXIT STATUS: 0 done · 2 usage · 3 not permitted · 4 no such request or letter
    """
    from poststelle.verbs.locating import desk
    from poststelle.verbs.subject import restrict_all, whom

    with desk(context.environment()) as at_desk, context.printer.progress("Searching") as progress:
        answer = restrict_all(
            at_desk, whom(at_desk, who, aka, _day(dob)), received_on=_day(received_on), also=also,
            leave_out=leave_out, progress=progress,
        )  # fmt: skip
    context.printer.result(_answer_json(answer), lambda: clean(_answer_text(answer)))
    _note_gaps(context, answer)


@command.command("erase", short_help="Erase what names a person, or restrict it until that is allowed.")
@_about
@pass_context
def erase_command(
    context: Context,
    who: str,
    aka: tuple[str, ...],
    dob: datetime | None,
    received_on: datetime | None,
    also: tuple[str, ...],
    leave_out: tuple[str, ...],
) -> None:
    """Register a request for erasure (Art. 17 GDPR), and carry it out once a second person confirmed it.

    With a name: registers the request, shows what would happen to each letter, plans the destruction of what nothing
    requires any more, and changes no letter. Then somebody else who may release runs `subject confirm REQUEST`, which
    releases that plan; `purge run` destroys. With the id of the confirmed request: restricts what must still be kept.

    \b
    Example:
      poststelle --identity identities/dpo.identity subject erase "Hans Müller" --dob 1980-03-05
      poststelle --identity identities/records-manager.identity subject confirm 3f9a12cc80d1 --reason geprüft
      poststelle --identity identities/dpo.identity subject erase 3f9a12cc80d1

    \b
    EXIT STATUS: 0 done · 1 the clock cannot be trusted · 2 usage · 3 not permitted · 4 no such request or letter
    """
    from poststelle.verbs.locating import desk
    from poststelle.verbs.subject import erase, whom

    with desk(context.environment()) as at_desk, context.printer.progress("Searching") as progress:
        answer = erase(
            at_desk, whom(at_desk, who, aka, _day(dob)), received_on=_day(received_on), also=also,
            leave_out=leave_out, progress=progress,
        )  # fmt: skip
    request, text = answer.request, _answer_text(answer)
    if not answer.carried_out:
        text += (
            "\n\nNothing was changed. A second person who may release confirms it:\n"
            f"  poststelle --identity … subject confirm {request.request_id[:12]} --reason …\n"
            f"Then: poststelle --identity … subject erase {request.request_id[:12]}"
        )
    elif request.confirmed is not None and request.confirmed.plan_id is not None:
        text += (
            f"\n\nWhat is to be erased is in the plan {request.confirmed.plan_id[:12]}; `poststelle purge run` carries "
            "it out."
        )
    context.printer.result(_answer_json(answer), lambda: clean(text))
    _note_gaps(context, answer)


@command.command("confirm", short_help="Confirm an erasure, as a second person.")
@click.argument("request", metavar="REQUEST")
@click.option("--reason", type=REASON, required=True, help="Why; signed and sealed.")
@pass_context
def confirm_command(context: Context, request: str, reason: str) -> None:
    """Confirm a request for erasure that somebody else registered. For whoever may release; destroys nothing.

    Your signature also releases the plan of those letters whose period is over, which the request came with; see
    `purge list`. `purge run` carries it out, each letter decided anew; until then `purge withdraw` takes it back.

    \b
    Example:
      poststelle --identity identities/records-manager.identity subject confirm 3f9a12cc80d1 --reason geprüft

    \b
    EXIT STATUS: 0 confirmed · 2 confirmed before, closed, or no erasure · 3 not permitted, or it is your own request ·
    4 no such request · 5 the plan was tampered with
    """
    from poststelle.verbs.locating import desk
    from poststelle.verbs.subject_requests import confirm

    with desk(context.environment()) as at_desk:
        done = confirm(at_desk, request, reason)
    assert done.confirmed is not None
    text = f"Confirmed. Next: poststelle --identity … subject erase {done.request_id[:12]}"
    if done.confirmed.plan_id is not None:
        text += (
            f"\nWhat may be destroyed now is released (plan {done.confirmed.plan_id[:12]}): `poststelle purge run` "
            "carries it out, `poststelle purge withdraw` takes it back."
        )
    context.printer.result({"request": _request_json(done)}, lambda: text)


@command.command("extend", short_help="Take two more months, with the reason.")
@click.argument("request", metavar="REQUEST")
@click.option("--reason", type=REASON, required=True, help="Why; signed and sealed. The subject has to be told it.")
@pass_context
def extend_command(context: Context, request: str, reason: str) -> None:
    """Extend the month for the answer by two, once (Art. 12 (3) GDPR). Tell the subject within the first month.

    \b
    Example:
      poststelle --identity identities/dpo.identity subject extend 3f9a12cc80d1 --reason "viele Schreiben"

    \b
    EXIT STATUS: 0 extended · 2 extended before, too late, or closed · 3 not permitted · 4 no such request
    """
    from poststelle.verbs.locating import desk
    from poststelle.verbs.subject_requests import extend

    with desk(context.environment()) as at_desk:
        done = extend(at_desk, request, reason)
    text = f"The answer is due on {done.due_on} now. Tell the subject and why, within one month of {done.received_on}."
    context.printer.result({"request": _request_json(done)}, lambda: text)


@command.command("close", short_help="Say how a request ended.")
@click.argument("request", metavar="REQUEST")
@click.option(
    "--outcome", type=click.Choice(["answered", "refused", "withdrawn"]), default="answered", show_default=True
)
@click.option("--reason", type=REASON, required=True, help="What was done, or why not; signed and sealed.")
@pass_context
def close_command(context: Context, request: str, outcome: str, reason: str) -> None:
    """Close a request: it was answered, refused, or taken back.

    \b
    Example:
      poststelle --identity identities/dpo.identity subject close 3f9a12cc80d1 --reason "am 3.4. per Einschreiben"

    \b
    EXIT STATUS: 0 closed · 2 closed before · 3 not permitted · 4 no such request
    """
    from poststelle.verbs.locating import desk
    from poststelle.verbs.subject_requests import close

    with desk(context.environment()) as at_desk:
        done = close(at_desk, request, outcome, reason)
    context.printer.result({"request": _request_json(done)}, lambda: f"Closed: {done.outcome}.")


@command.command("list", short_help="Open requests, and by when.")
@click.option("--all", "closed", is_flag=True, help="Closed ones too.")
@pass_context
def list_command(context: Context, closed: bool) -> None:
    """List the open requests, the most urgent first. Whoever may release sees them without names.

    A request whose registrar may not register any more says "register again": its month still runs.

    \b
    Example:
      poststelle --identity identities/dpo.identity subject list

    \b
    EXIT STATUS: 0 done · 3 not permitted
    """
    from poststelle.verbs.locating import desk
    from poststelle.verbs.subject_requests import requests

    with desk(context.environment()) as at_desk:
        found = requests(at_desk, closed=closed)
        today = at_desk.person.now().astimezone().date()

    def as_text() -> str:
        rows = [
            [
                r.request_id[:12],
                r.kind,
                str(r.due_on),
                "" if r.outcome else _left(r.due_on, today),
                _state(r),
                str(len(r.letters)),
                "(sealed)" if r.subject is None else r.subject.name,
            ]
            for r in found
        ]
        return table(["REQUEST", "ASKS FOR", "DUE", "", "STATE", "LETTERS", "ABOUT"], rows) if rows else "None is open."

    value = {"requests": [_request_json(r) | {"days_left": (r.due_on - today).days} for r in found]}
    context.printer.result(value, as_text)


# Shapes -------------------------------------------------------------------------------------------------------


def _day(moment: datetime | None) -> date | None:
    return None if moment is None else moment.date()


def _left(due_on: date, today: date) -> str:
    days = (due_on - today).days
    return f"{-days} days late" if days < 0 else "today" if days == 0 else f"{count(days, 'day', 'days')} left"


def _state(request: "Request") -> str:
    if request.outcome is not None:
        return request.outcome
    if request.lapsed:
        return "register again"
    if request.kind == "erasure":
        return "confirmed" if request.confirmed else "to be confirmed"
    return "extended" if request.extended else "open"


def _request_json(request: "Request") -> dict[str, Any]:
    subject = request.subject
    return {
        "id": request.request_id,
        "asks_for": request.kind,
        "received_on": request.received_on.isoformat(),
        "due_on": request.due_on.isoformat(),
        "extended": request.extended,
        "state": _state(request),
        "made_by": request.made_by,
        "confirmed_by": None if request.confirmed is None else request.confirmed.by,
        "plan_id": None if request.confirmed is None else request.confirmed.plan_id,
        "letters": list(request.letters),
        "name": None if subject is None else subject.name,
        "aka": [] if subject is None else list(subject.also),
        "dob": None if subject is None or subject.born_on is None else subject.born_on.isoformat(),
    }


def _fate_json(fate: "Fate") -> dict[str, Any]:
    return {
        "status": fate.status,
        "until": None if fate.until is None else fate.until.isoformat(),
        "basis": fate.basis,
        "reason": fate.reason,
    }


def _answer_json(answer: "Answer") -> dict[str, Any]:
    gaps = answer.not_searched
    return {
        "request": _request_json(answer.request),
        "carried_out": answer.carried_out,
        "matches": [_match_json(match) for match in answer.matches],
        "searched": answer.letters,
        "not_searched": {
            "compartments": list(gaps.compartments),
            "without_text": gaps.without_text,
            "quarantined": gaps.quarantined,
            "missing": gaps.missing,
        },
    }


def _match_json(match: "Match") -> dict[str, Any]:
    return {
        "id": match.row.document_id,
        "accession": match.number,
        "compartment": match.row.compartment,
        "class": match.row.record_class,
        "date": match.entry.dated_on.isoformat(),
        "sender": match.entry.sender,
        "confidence": match.confidence,
        "sure": match.chosen,
        **_fate_json(match.fate),
        "if_erased": _fate_json(match.if_erased),
        "mentions": [
            {
                "page": m.page,
                "confidence": m.confidence,
                "how": m.how,
                "damaged": m.damaged,
                "date_of_birth": m.corroborated,
                "passage": m.passage,
            }
            for m in match.mentions
        ],
    }


def _answer_text(answer: "Answer") -> str:
    request = answer.request
    about = "" if request.subject is None else f" about {request.subject.name}"
    lines = [f"Request {request.request_id[:12]} ({request.kind}){about}, to be answered by {request.due_on}."]
    if answer.letters:
        lines.append(f"{count(answer.letters, 'letter', 'letters')} searched.")
    for status, title in GROUPS.items():
        group = [match for match in answer.matches if match.fate.status == status]
        if group:
            rows = [_row(match) for match in group]
            lines += ["", f"{title}: {len(group)}", table(["LETTER", "CLASS", "SURE", "UNTIL", "BECAUSE"], rows)]
    if not answer.matches:
        lines.append("No letter names this person.")
    return "\n".join(lines)


def _row(match: "Match") -> list[str]:
    found = match.mentions[0] if match.mentions else None
    because = match.fate.basis
    if match.fate.until is None and match.fate.reason:
        because += f"; {match.fate.reason}"
    if match.fate.status == "check" and found is not None:
        because = f"{found.how}: {found.passage}"
    elif match.fate.status == "hand-out":
        because = f"{because} (if erased: {match.if_erased.status})"
    return [
        match.number,
        match.row.record_class,
        f"{match.confidence:.0%}" if found else "",
        "" if match.fate.until is None else str(match.fate.until),
        because,
    ]


def _note_gaps(context: Context, answer: "Answer") -> None:
    gaps = answer.not_searched
    said = []
    if gaps.compartments:
        said.append(f"your role may not search {', '.join(gaps.compartments)}")
    if gaps.without_text:
        said.append(f"{count(gaps.without_text, 'letter has', 'letters have')} no text (sealed, or nothing was read)")
    if gaps.quarantined:
        said.append(f"{count(gaps.quarantined, 'file lies', 'files lie')} in quarantine")
    if gaps.missing:
        said.append(f"{count(gaps.missing, 'letter does', 'letters do')} not open (`poststelle verify` names them)")
    if said:
        context.printer.note(f"Not looked into: {'; '.join(said)}. The answer may be incomplete.")
