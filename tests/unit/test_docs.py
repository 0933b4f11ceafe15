"""What the docs say of the program is what the program does; docs that drift send people the wrong way."""

import importlib
import pkgutil
import re
import tomllib
from collections.abc import Iterable
from functools import cache
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType

import pytest

import archive
import intake
import poststelle
import search
from archive.verification import Verification
from poststelle.access.keyring import database_purpose, document_purpose, epoch_purpose
from poststelle.access.sealing import purpose
from poststelle.errors import ExitStatus, PoststelleError

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *sorted(DOCS.rglob("*.md")),
]


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@cache
def generator() -> ModuleType:
    """script/commands as a module."""
    loader = SourceFileLoader("script_commands", str(ROOT / "script" / "commands"))
    spec = spec_from_loader(loader.name, loader)
    assert spec is not None
    module = module_from_spec(spec)
    module.__package__ = "script"
    loader.exec_module(module)
    return module


# Commands ---------------------------------------------------------------------------------------------------


def test_the_command_reference_is_what_help_says() -> None:
    """A clerk who reads an option in the docs must find it in the program. Renew with script/commands."""
    assert read(DOCS / "commands.md") == generator().commands_page()


def test_the_reference_reaches_commands_below_commands() -> None:
    """The control of the test above and below: a walk that stops at the first level would pass both."""
    names = {" ".join(names) for names, _ in generator().all_commands()}

    assert {"poststelle", "poststelle intake", "poststelle quarantine retry"} <= names


@pytest.mark.parametrize("title", ["Example:", "EXIT STATUS"])
def test_every_command_has_an_example_and_its_exit_statuses(title: str) -> None:
    """Somebody at a terminal, or writing a script, has nothing but --help."""
    missing = [
        " ".join(names) for names, context in generator().all_commands() if title not in (context.command.help or "")
    ]

    assert not missing


def test_examples_name_commands_that_exist() -> None:
    """An example that cannot be typed is worse than none."""
    known = {names[1] for names, _ in generator().all_commands() if len(names) > 1}
    texts = [read(page) for page in PAGES if page.name not in ("CHANGELOG.md", "glossary.md")]

    used = {match for text in texts for match in commands_in(text)}

    assert {"intake", "search", "verify"} <= used
    assert used <= known


def commands_in(text: str) -> set[str]:
    """First words after `poststelle` and its options, in shell blocks and help texts."""
    option = r"(?:--(?:config|identity) \S+ |--json |--quiet )*"
    return set(re.findall(rf"^ *(?:\$ |export \S+; )?poststelle {option}([a-z]+)\b", text, re.MULTILINE))


# Links and files --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_internal_link_leads_somewhere(page: Path) -> None:
    """A newcomer follows links; a dead one ends the reading."""
    assert broken_links(page, read(page)) == []


def test_a_dead_link_would_be_noticed() -> None:
    """The control of the test above."""
    page = DOCS / "ARCHITECTURE.md"
    text = "[a](nowhere.md) [b](archive-format.md#no-such-title) [c](archive-format.md#rules) [d](https://example.org)"

    assert broken_links(page, text) == ["nowhere.md", "archive-format.md#no-such-title"]


def broken_links(page: Path, text: str) -> list[str]:
    found = []
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        target, _, title = link.partition("#")
        path = page if not target else page.parent / target
        if "://" in link or link.startswith("mailto:"):
            continue
        if not path.exists() or (title and title not in anchors(read(path))):
            found.append(link)
    return found


def anchors(text: str) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_docs_name_only_files_of_the_project_that_exist() -> None:
    """Who looks for the file of a step, or the test of a promise, must find it under the name given."""
    pattern = re.compile(r"`((?:intake|classifiers|archive|search|poststelle|bench|script|tests|docs)/[\w./-]*)`")
    named = {(page.name, name) for page in PAGES for name in pattern.findall(read(page))}

    assert ("ARCHITECTURE.md", "poststelle/wiring.py") in named
    assert [name for name in sorted(named) if not (ROOT / name[1]).exists()] == []


# Formats ----------------------------------------------------------------------------------------------------


def test_the_format_page_shows_the_tables_as_they_are() -> None:
    """Who writes a reader in ten years has only this page. Renew with script/commands."""
    page = read(DOCS / "archive-format.md")

    assert generator().with_schemas(page) == page


def test_the_bound_names_are_those_of_the_format_page() -> None:
    """One byte of difference, and no other program opens a single letter."""
    bound = [
        purpose("part v1", "VAULT", "DOCUMENT", "PART", "VERSION"),
        document_purpose("VAULT", "DOCUMENT", "PART_SET", "VERSION", "SCOPE_ID", "EPOCH"),  # type: ignore[arg-type]
        epoch_purpose("VAULT", "SCOPE_ID", "EPOCH", "RECIPIENT"),  # type: ignore[arg-type]
        database_purpose("VAULT", "DATABASE", "SCOPE", "EPOCH"),  # type: ignore[arg-type]
        purpose("audit v1", "VAULT"),
        purpose("statement v1", "VAULT"),
        purpose("identity v1", "HEADER"),
        purpose("derive v1", "LABEL"),
    ]
    shown = re.findall(r"`(poststelle \w+ v1␀[A-Z_␀]+)`", read(DOCS / "archive-format.md"))

    assert set(shown) == {info.decode().replace("\0", "␀") for info in bound} | {"poststelle statement v1␀VAULT␀"}


def test_every_code_of_verify_has_its_rule() -> None:
    """A records manager who reads a code in a report looks it up here."""
    sources = [
        Path(str(importlib.import_module(Verification.__module__).__file__)),
        ROOT / "poststelle/verbs/verifying.py",
    ]
    reported = {code for source in sources for code in re.findall(r'code="(A\d{3})"', read(source))}
    rules = re.findall(r"^\| M\d+ \| ([A-Z]\d{3})? ?\|", read(DOCS / "archive-format.md"), re.MULTILINE)

    assert {code for code in rules if code.startswith("A")} == reported
    assert "A013" in reported
    assert len(rules) == len(set(re.findall(r"^\| (M\d+) \|", read(DOCS / "archive-format.md"), re.MULTILINE)))


def test_rules_that_are_cited_exist() -> None:
    """A citation of a rule that was renumbered would prove something else."""
    page = read(DOCS / "archive-format.md")
    rules = set(re.findall(r"^\| (M\d+) \|", page, re.MULTILINE))
    cited = {rule for other in PAGES for rule in re.findall(r"\bM\d{1,2}\b", read(other))}

    assert "M13" in cited
    assert cited <= rules


# Errors, statuses, packages ---------------------------------------------------------------------------------


def test_every_error_is_listed_with_its_code_and_exit_status() -> None:
    """Scripts decide by these numbers."""
    listed = set(re.findall(r"^\| `(\w+)` \| ([A-Z]\d{3}) \| (\d+) \|", read(DOCS / "ARCHITECTURE.md"), re.MULTILINE))
    errors = {(error.__name__, error.code, str(int(error.exit_status))) for error in all_errors()}

    assert ("UnknownDocument", "D004", "4") in errors
    assert listed == errors


def all_errors() -> set[type[PoststelleError]]:
    for room in (poststelle, intake, archive, search):
        for module in pkgutil.walk_packages(room.__path__, f"{room.__name__}."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    return {PoststelleError} | set(below(PoststelleError))


def below(error: type[PoststelleError]) -> Iterable[type[PoststelleError]]:
    for inner in error.__subclasses__():
        yield inner
        yield from below(inner)


@pytest.mark.parametrize("page", [ROOT / "README.md", DOCS / "ARCHITECTURE.md"], ids=lambda page: page.name)
def test_every_exit_status_is_listed(page: Path) -> None:
    """A script that meets a number it cannot look up treats it as the wrong thing."""
    table = read(page).partition("status | meaning |")[2].partition("\n\n")[0]

    assert re.findall(r"^\| (\d+) \|", table, re.MULTILINE) == [str(int(status)) for status in ExitStatus]


def test_every_package_is_listed_with_its_reason_and_no_other() -> None:
    """Who has to approve what runs beside the keys reads this table."""
    project = tomllib.loads(read(ROOT / "pyproject.toml"))
    wanted = {
        "To build": project["build-system"]["requires"],
        "To run": project["project"]["dependencies"],
        **{f"(`{name}`)": packages for name, packages in project["project"]["optional-dependencies"].items()},
    }
    sections = dict(section.split("\n", 1) for section in read(DOCS / "dependencies.md").split("\n## ")[1:])

    assert len(sections) == len(wanted)
    for name, packages in wanted.items():
        title = next(title for title in sections if name in title)
        rows = re.findall(r"^\| ([\w.-]+) \| (.+) \|$", sections[title], re.MULTILINE)
        listed = {package: reason for package, reason in rows if package != "package"}
        assert set(listed) == {re.split(r"[<>=;\[ ]", package)[0] for package in packages}, title
        assert all(len(reason) > 10 for reason in listed.values())


def test_the_license_is_the_one_that_pyproject_names() -> None:
    """Who passes the program on has to know under which terms."""
    text = read(ROOT / "LICENSE")

    assert tomllib.loads(read(ROOT / "pyproject.toml"))["project"]["license"] == "Apache-2.0"
    assert "Apache License" in text and "Version 2.0, January 2004" in text and "END OF TERMS AND CONDITIONS" in text


def test_the_readme_calls_the_program_neither_compliant_nor_secure() -> None:
    """No program makes an archive lawful; who believes that it does stops looking."""
    claim = re.compile(
        r"\b(GoBD|DSGVO|GDPR)[- ]?(compliant|konform)|\bcompliant\b|\bsecure\b|\brevisionssicher", re.IGNORECASE
    )

    assert claim.search("A secure, GoBD-konform archive")
    assert claim.search(read(ROOT / "README.md")) is None
