"""What scripts rely on: every command explains itself, keeps its `--json` promise and its exit statuses."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import click
import pytest
from drawn_scans import encoded, slip
from filed_letters import Sample, file_letters
from simulators import Office
from terminal import Terminal

from poststelle.cli import poststelle
from poststelle.wiring import shipped_config

Path_ = tuple[str, ...]


def walk(command: click.Command, path: Path_ = ()) -> Iterator[tuple[Path_, click.Command]]:
    """Every command that click knows, groups included."""
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None, f"{name} is listed and cannot be loaded"
            yield from walk(inner, (*path, name))


COMMANDS = dict(walk(poststelle))
LEAVES = [path for path, command in COMMANDS.items() if not isinstance(command, click.Group)]


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_command_explains_itself(path: Path_) -> None:
    """A clerk has no manual at hand: the help says what it does, shows an example and names the exit statuses."""
    command = COMMANDS[path]
    # click keeps the help option it makes here: it must be the one that the program itself would make.
    names = poststelle.context_settings["help_option_names"]
    text = command.get_help(
        click.Context(command, info_name="poststelle", max_content_width=100, help_option_names=names)
    )

    assert "Example:" in text
    assert "EXIT STATUS" in text
    example = text.split("Example:")[1].split("EXIT STATUS")[0]
    assert "poststelle" in example
    if path:
        assert path[-1] in example or any(name in example for name in getattr(command, "commands", ()))
        assert command.short_help


# The promises -------------------------------------------------------------------------------------------------

DOCUMENT = {"id", "accession", "source", "status", "class", "compartment", "confidence", "pages", "reasons", "facts"}
HIT = {"id", "accession", "class", "date", "sender", "title", "score", "snippet"}
RESTRICTED = {"id", "accession", "compartment", "restrictions"}
EXPLAINED = {"due_on", "reason", "basis", "blocked_by"}
PROBLEMS = {"ok", "problems"}
LOG = {"ok", "entries", "head"}
DEADLINE = {"due_on", "name", "kind", "id", "accession", "class", "sender", "title", "confidence", "source"}
REPORT = {"backlog", "oldest", "review_share", "due", "classes"}


@dataclass(frozen=True, slots=True)
class Promise:
    """Keys of the answer, keys of each item below one of them, and how to get one: who runs what."""

    keys: set[str]
    arguments: tuple[str, ...] = ()
    user: str | None = None
    items: tuple[str, set[str]] | None = None
    statuses: tuple[int, ...] = (0,)


PROMISES: dict[Path_, Promise] = {
    ("intake",): Promise({"documents"}, ("{scan}",), "owner", ("documents", DOCUMENT)),
    ("quarantine", "list"): Promise({"documents"}, (), "mailroom", ("documents", {"id", "accession", "reason"})),
    ("quarantine", "show"): Promise({"documents"}, ("{quarantined}",), None, ("documents", {"id", "reason"})),
    ("quarantine", "retry"): Promise({"documents"}, ("{quarantined}",), "mailroom", ("documents", DOCUMENT), (1,)),
    ("quarantine", "discard"): Promise(
        {"documents"}, ("{quarantined}", "--reason", "r", "--yes"), "mailroom", ("documents", {"id", "status"})
    ),
    ("review", "list"): Promise({"documents"}, (), "owner", ("documents", {"id"})),
    ("review", "decide"): Promise({"documents"}, ("{unsure}", "advertising"), "owner", ("documents", {"id", "class"})),
    ("list",): Promise({"documents"}, (), "mailroom", ("documents", {"id"})),
    ("search",): Promise({"total", "took_ms", "hits", "suggestions"}, ("Überweisung",), "accounting", ("hits", HIT)),
    ("deadlines",): Promise({"deadlines"}, ("--from", "2000-01-01"), "accounting", ("deadlines", DEADLINE)),
    ("show",): Promise({"document"}, ("{letter}",), "accounting"),
    ("export",): Promise({"document"}, ("{letter}", "-o", "{new}"), "accounting"),
    ("separators",): Promise({"file", "sheets", "size_bytes"}, ("--count", "2", "-o", "{sheets}")),
    ("reclassify",): Promise({"documents"}, ("{letter}", "contract"), "owner"),
    ("facts", "set"): Promise({"documents"}, ("{letter}", "reference", "RE-1"), "owner"),
    ("retention", "explain"): Promise(EXPLAINED, ("{letter}",), "owner"),
    ("retention", "table"): Promise({"lines"}, (), "owner"),
    ("retention", "selftest"): Promise({"ok", "vectors", "tables"}),
    ("event", "set"): Promise(EXPLAINED, ("{letter}", "contract-end", "2026-06-30"), "owner"),
    ("hold", "place"): Promise({"holds"}, ("{letter}", "--reason", "Klage"), "owner"),
    ("hold", "list"): Promise({"holds"}, (), "owner", ("holds", {"documents"})),
    ("hold", "lift"): Promise({"holds"}, ("{hold}", "--reason", "vorbei"), "owner"),
    ("restrict", "place"): Promise(RESTRICTED, ("{letter}", "--ground", "art18", "--reason", "Antrag"), "owner"),
    ("restrict", "list"): Promise({"restrictions"}, (), "owner", ("restrictions", {"id", "ground", "reason"})),
    ("restrict", "lift"): Promise(RESTRICTED, ("{letter}", "--reason", "vorbei"), "owner"),
    ("purge", "plan"): Promise({"plan_id", "due"}, (), "records-manager"),
    ("purge", "list"): Promise({"plans"}, (), "records-manager", ("plans", {"plan_id", "released", "left", "void"})),
    ("purge", "run"): Promise({"disposed", "kept", "warnings", "pending", "certificates"}),
    ("classifier", "status"): Promise({"counts", "confirmed", "new_decisions", "stale", "damaged", "model"}),
    ("status",): Promise({"checks"}, (), None, ("checks", {"name", "ok", "detail"}), (0, 1)),
    ("verify",): Promise(PROBLEMS),
    ("report",): Promise(REPORT, (), "owner", ("classes", {"class", "letters", "review", "due"})),
    ("audit", "show"): Promise(LOG | {"lines"}, (), "auditor", ("lines", {"n", "at", "kind", "user", "details"})),
    ("audit", "verify"): Promise(LOG | {"expired", "problems"}),
    ("audit", "checkpoint"): Promise(LOG | {"vault_id", "paper"}),
    ("audit", "expire"): Promise({"ok", "expired", "before"}, ("--yes",), "dpo"),
    ("evidence", "export"): Promise({"ok", "folder", "files"}, ("{papers}",), "dpo"),
    ("evidence", "check"): Promise({"ok", "problems"}, ("{papers}",), "dpo"),
    ("rebuild", "index"): Promise(PROBLEMS, (), "owner"),
    ("rebuild", "keys"): Promise(PROBLEMS | {"plan", "replaces", "source"}),
    ("doctor",): Promise({"checks"}, (), None, ("checks", {"name", "ok", "detail"}), (0, 1)),
    ("subject", "access"): Promise({"matches"}, ("Karla Morgenstern",), "dpo"),
    ("subject", "list"): Promise({"requests"}, (), "dpo", ("requests", {"id", "days_left"})),
    ("backup",): Promise(PROBLEMS | {"backup", "generation", "readable_until"}, ("{copies}",)),
    ("user", "add"): Promise(
        {"user", "roles", "file", "pending"}, ("anna", "--role", "sales", "--no-passphrase"), "owner"
    ),
    ("user", "list"): Promise({"users"}, (), "owner", ("users", {"user", "roles", "deputy", "removed"})),
    ("role", "grant"): Promise({"user", "roles", "pending"}, ("anna", "accounting"), "owner"),
    ("role", "list"): Promise({"roles", "shares"}, (), "owner", ("roles", {"role", "rights", "holders", "deputies"})),
    ("role", "revoke"): Promise({"user", "roles", "pending"}, ("anna", "accounting"), "owner"),
    ("delegate", "list"): Promise({"delegations"}, (), "owner"),
    ("identity", "replace"): Promise({"user", "file"}, ("anna", "--no-passphrase"), "owner"),
    ("user", "remove"): Promise({"user", "pending"}, ("anna",), "owner"),
    ("config", "apply"): Promise({"applied", "differences", "users"}, ("--yes",), "owner"),
    ("kit", "check"): Promise({"kit_proof"}, ("{kit}",), "owner"),
    ("kit", "renew"): Promise({"recovery_kit", "kit_check", "kit_proof"}, ("--kit", "{new-kit}"), "owner"),
    ("identity", "passphrase"): Promise({"user", "file"}, ("--new-file", "{words}"), "sales"),
}
"""In the order in which one office can keep all of them; names in braces are filled in by the test."""
SHOWN_ELSEWHERE = {
    ("init",): "test_init_keeps_its_promise",
    ("watch",): "test_watch.py, one object a line",
}
"""Commands whose promise needs an office of its own."""


@pytest.fixture(scope="module")
def answers(
    tmp_path_factory: pytest.TempPathFactory, filled_office: Office, scans: dict[str, Path]
) -> dict[Path_, tuple[int, dict[str, object], str]]:
    """(exit status, answer, standard error) of each promised command, all in one office."""
    folder = tmp_path_factory.mktemp("promises")
    office = filled_office.copy_to(folder / "root")
    (folder / "words").write_text("vier ganz gewöhnliche Wörter\n")
    (folder / "zettel.png").write_bytes(encoded(slip("Bitte zurückrufen"), "PNG"))
    unsure = office.done("intake", folder / "zettel.png").json["documents"][0]
    assert unsure["status"] == "review", "the control: somebody must look at this"
    # One that is due, so that there is something to plan.
    file_letters(office, [Sample(record_class="offer", received_on=date(2015, 6, 30), word="Kupferkannenstiel")])
    names = {
        "{unsure}": unsure["id"],
        "{scan}": str(scans["per-mail-heidelbeer.pdf"]),
        "{letter}": office.done("search", "Quarzsandfilter", user="owner").json["hits"][0]["id"],
        "{new}": str(folder / "exported"),
        "{sheets}": str(folder / "sheets.pdf"),
        "{words}": str(folder / "words"),
        "{papers}": str(folder / "papers"),
        "{copies}": str(folder / "copies"),
        "{kit}": str(office.kit),
        "{new-kit}": str(folder / "kit.txt"),
    }
    got: dict[Path_, tuple[int, dict[str, object], str]] = {}
    for path, promise in PROMISES.items():
        if "{quarantined}" in promise.arguments:
            names["{quarantined}"] = office.done("quarantine", "list").json["documents"][0]["accession"]
        arguments = [names.get(argument, argument) for argument in promise.arguments]
        ran = office.run_many([office.command(*path, *arguments, user=promise.user)])[0]
        got[path] = (ran.status, ran.json if ran.out.strip() else {}, ran.err)
        if path == ("hold", "place"):
            names["{hold}"] = ran.json["holds"][0]["hold"]
    return got


@pytest.mark.parametrize("path", PROMISES, ids=" ".join)
def test_the_json_promise_is_kept(path: Path_, answers: dict[Path_, tuple[int, dict[str, object], str]]) -> None:
    """A company's script reads these keys; one that is renamed breaks it on a Monday morning."""
    promise, (status, answer, err) = PROMISES[path], answers[path]

    assert status in promise.statuses, err
    assert promise.keys <= answer.keys()
    if promise.items is not None:
        name, keys = promise.items
        items = answer[name]
        assert isinstance(items, list)
        assert items, "the control: there is something to look at"
        assert all(keys <= item.keys() for item in items)


def test_every_command_has_a_promise() -> None:
    """A new command must say here what its JSON promises, or scripts will rely on what was never meant."""
    promised = PROMISES.keys() | SHOWN_ELSEWHERE.keys() | TOLD_BY_THEIR_OWN_TESTS
    assert {" ".join(path) for path in set(LEAVES) - promised} == set()


TOLD_BY_THEIR_OWN_TESTS = {
    ("purge", "release"), ("purge", "withdraw"), ("purge", "confirm-date"),
    ("purge", "prove"), ("rebuild", "catalogue"), ("rebuild", "letters"), ("unlock",), ("open",),
    ("classifier", "evaluate"), ("classifier", "train"), ("restore",), ("delegate", "end"), ("upgrade",),
    ("subject", "restrict"), ("subject", "erase"), ("subject", "confirm"), ("subject", "extend"), ("subject", "close"),
}  # fmt: skip
"""Their promises need a story: two people and a letter that is due, a lost catalogue, a passphrase, a viewer."""


def test_facts_are_values_a_program_can_use(filled_office: Office) -> None:
    """Bookkeeping reads amounts and dates from here: ISO, a point, no blanks, and how sure we are."""
    letter = filled_office.done("search", "Heidelbeerkraut", user="accounting").json["hits"][0]["id"]
    facts = filled_office.done("show", letter, user="accounting").json["document"]["facts"]

    assert {"sender", "subject", "date", "amount", "iban"} <= facts.keys()
    assert all({"value", "confidence", "page"} <= fact.keys() for fact in facts.values())
    assert float(facts["amount"]["value"]) > 0
    assert facts["date"]["value"].startswith("2026-")
    assert facts["iban"]["value"].isalnum()


def test_init_keeps_its_promise(tmp_path: Path) -> None:
    """The first command of all: whoever automates it must find every identity, and the kit."""
    office = Office(tmp_path / "root")
    office.make("--no-passphrase", "--kit", str(tmp_path / "stick" / "kit.txt"), shipped=shipped_config())
    again = office.run("init", "--no-passphrase")

    assert (again.status, again.out) == (2, b"")
    assert "was not touched" in again.err
    assert (tmp_path / "stick" / "kit.txt").read_text().startswith("POSTSTELLE RECOVERY KIT")

    other = Office(tmp_path / "other")
    for folder in (other.folder, other.root / "home", other.temporary):
        folder.mkdir(parents=True)
    made = other.done("init", "--no-passphrase", "--practice").json
    assert {"vault_id", "identities", "recovery_kit"} <= made.keys()
    assert all({"user", "roles", "file"} <= identity.keys() for identity in made["identities"])
    assert all(Path(identity["file"]).is_file() for identity in made["identities"])
    assert other.config.read_bytes() == shipped_config().read_bytes(), "without a config.yaml the shipped one is copied"


@pytest.mark.parametrize("in_the_way", ["recovery-kit.txt", "vault/VAULT.json", "mirror/keys.db"])
def test_an_init_that_is_refused_leaves_no_office_behind(tmp_path: Path, in_the_way: str) -> None:
    """Whoever ran it in the wrong folder must not find a config.yaml there later that speaks of another office."""
    office = Office(tmp_path / "root")
    blocking = office.folder / in_the_way
    for folder in (office.folder, office.root / "home", office.temporary, blocking.parent):
        folder.mkdir(parents=True, exist_ok=True)
    blocking.write_text("of somebody else")

    refused = office.run("init", "--no-passphrase")

    assert (refused.status, refused.out) == (2, b"")
    assert [path for path in sorted(office.folder.rglob("*")) if path.is_file()] == [blocking]


@pytest.mark.parametrize(("no_color", "coloured"), [("1", False), ("", True)])
def test_nothing_is_coloured_where_no_color_says_so(full_office: Office, no_color: str, coloured: bool) -> None:
    """Who cannot read red on black says so once for all programs (https://no-color.org)."""
    for arguments, last in (
        (("doctor",), "key book and keys open"),
        (("show", "FIN-1900-000001"), "poststelle search"),
    ):
        screen = Terminal(full_office, "accounting", *arguments, NO_COLOR=no_color)
        assert ("\x1b[" in screen.until(last)) == coloured
        screen.ended()


# Exit statuses ------------------------------------------------------------------------------------------------


def test_a_wrong_configuration_is_told_with_file_line_and_key(full_office: Office) -> None:
    """The person who mistyped must find the place at once, and nothing may run on half a configuration."""
    lines = full_office.config.read_text().splitlines()
    number = next(i for i, line in enumerate(lines) if line.startswith("  max_pages:"))
    lines[number] = "  max_pages: viele"
    full_office.config.write_text("\n".join(lines) + "\n")

    ran = full_office.run("search", "Rechnung", user="accounting")

    assert (ran.status, ran.out) == (2, b"")
    for told in (str(full_office.config), f"line {number + 1}", "intake.max_pages", "viele", "integer"):
        assert told in ran.err


def test_a_wrong_passphrase_or_command_line_is_status_two(
    full_office: Office, tmp_path: Path, scans: dict[str, Path]
) -> None:
    """Two means: ask again or correct the command; nothing was done."""
    assert full_office.run("sarch", "x").status == 2
    assert "Did you mean 'search'" in full_office.run("sarch", "x").err
    assert full_office.run("search", user="accounting").status == 2
    assert full_office.run("search", "Rechnung").status == 2, "nobody was named"
    assert full_office.run("search", "--identity", "x", "y").status == 2
    unclear = full_office.run("search", "date:irgendwann", user="accounting")
    assert (unclear.status, unclear.out) == (2, b"")
    assert "^" in unclear.err, "the place in the query is marked"
    (tmp_path / "there").write_text("mine")
    letter = full_office.done("search", "Quarzsandfilter", user="owner").json["hits"][0]["id"]
    assert full_office.run("export", letter, "-o", tmp_path / "there", user="owner").status == 2
    assert (tmp_path / "there").read_text() == "mine"


def test_a_place_that_cannot_be_written_is_named(full_office: Office, tmp_path: Path) -> None:
    """A stick that was pulled out is a sentence, not a traceback."""
    (tmp_path / "file").write_text("in the way")
    place = tmp_path / "file" / "x"
    for user, arguments in (
        (None, ("audit", "checkpoint", "-o", place)),
        ("accounting", ("export", "--package", place)),
        ("dpo", ("subject", "access", "Ada Alt", "-o", place)),
        ("hr", ("identity", "passphrase", "--new-file", place)),
        ("owner", ("kit", "check", place)),
    ):
        ran = full_office.run(*arguments, user=user)
        assert (ran.status, ran.out) == (2, b""), arguments
        assert str(place.parent) in ran.err and "Traceback" not in ran.err


def test_the_statuses_from_zero_to_five(full_office: Office, scans: dict[str, Path]) -> None:
    """What a script branches on, each shown once: done, quarantined, usage, not permitted, not found, damaged."""
    assert full_office.run("search", "Überweisung", user="accounting").status == 0
    assert full_office.run("search", "gibtesnicht", user="accounting").status == 0, "no hits is no failure"
    full_office.drop(scans["notiz-weidenkorb.pdf"])
    assert full_office.run("intake").status == 1
    assert full_office.run("show").status == 2
    assert full_office.run("search", "Überweisung", user="administrator").status == 3
    assert full_office.run("show", "FIN-2026-999999", user="accounting").status == 4
    part = full_office.objects("original")[0]
    part.write_bytes(part.read_bytes() + b"\0")
    assert full_office.run("verify").status == 5


def test_a_number_may_be_typed_in_small_letters_and_be_any_length(full_office: Office) -> None:
    """Who reads a number out over the phone says no capitals; a cat on the keyboard gets an answer, no traceback."""
    small, huge = (
        full_office.run("show", name, user="accounting") for name in ("fin-2026-000001", "FIN-2026-" + "9" * 40)
    )
    assert (small.status, small.json["document"]["accession"]) == (0, "FIN-2026-000001")
    never = full_office.run("show", "FIN-2026-999999", user="accounting")
    assert (huge.status, huge.out, huge.err) == (4, never.out, never.err)


@pytest.mark.parametrize(
    ("user", "arguments"),
    [
        ("records-manager", ("hold", "place", "FIN-2026-000001")),
        ("dpo", ("restrict", "place", "FIN-2026-000001", "--ground", "art18")),
        ("owner", ("delegate", "--role", "hr", "--to", "sales", "--until", "2026-12-31")),
        ("owner", ("purge", "release", "0" * 12)),
        ("dpo", ("subject", "close", "0" * 12)),
    ],
)
def test_a_reason_says_something(full_office: Office, user: str, arguments: tuple[str, ...]) -> None:
    """In ten years nobody knows why a letter was held: a field that was filled with a blank is no answer."""
    blank = full_office.run(*arguments, "--reason", " ", user=user)

    assert (blank.status, blank.out) == (2, b"")
    assert "Say why" in blank.err


def test_results_and_messages_go_to_their_own_streams(full_office: Office) -> None:
    """`poststelle --json search x | jq` must never meet a note for people."""
    for arguments, user in ((["search", "x"], "accounting"), (["verify"], None), (["quarantine", "list"], None)):
        assert full_office.done(*arguments, user=user).json is not None
    failed = full_office.run("show", "nothing", user="accounting")
    assert (failed.out, failed.err.strip() != "") == (b"", True)
    quiet = full_office.run("--quiet", "verify")
    assert quiet.err == ""


def test_an_export_on_standard_output_is_the_letter_and_nothing_else(
    filled_office: Office, scans: dict[str, Path]
) -> None:
    """`export ID -o - | lpr` must print the letter, not a sentence about it."""
    letter = filled_office.done("search", "Quarzsandfilter", user="owner").json["hits"][0]["id"]

    assert filled_office.done("export", letter, "-o", "-", user="owner").out == (
        scans["rechnung-quarzsand.pdf"].read_bytes()
    )


def test_a_reader_that_hangs_up_is_no_error(filled_office: Office) -> None:
    """`poststelle show … | head` must not end in a complaint."""
    import subprocess

    from simulators import PROGRAM

    letter = filled_office.done("search", "Quarzsandfilter", user="owner").json["hits"][0]["id"]
    command = " ".join(
        [str(PROGRAM), *filled_office.command("show", letter, user="owner", as_json=False), "| head -c 1"]
    )
    ran = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], cwd=filled_office.folder, env=filled_office.environment(),
        capture_output=True, check=False, timeout=60,
    )  # fmt: skip
    assert (ran.returncode, ran.stderr) == (0, b"")
