"""config.yaml: a mistake is told with file, line, key and what was expected, and never half applied."""

import json
import re
from pathlib import Path

import pytest

from poststelle.config import load
from poststelle.config.compiler import compile_config
from poststelle.errors import ConfigurationError
from poststelle.wiring import shipped_config


@pytest.fixture(scope="module")
def shipped() -> str:
    """The shipped file without its lists of evidence: the same sections, read in a tenth of the time."""
    lines = shipped_config().read_text(encoding="utf-8").splitlines(keepends=True)
    evidence = re.compile(r" +(- \{?(text|signal): |phrases:|structure:)| {8}(weight|where|regex):")
    return "".join(line for line in lines if not evidence.match(line))


def line_of(text: str, beginning: str) -> int:
    """1-based line that begins so."""
    return next(i for i, line in enumerate(text.splitlines(), 1) if line.startswith(beginning))


MISTAKES = {
    "a number that is none": ("  max_pages: 2000", "  max_pages: viele", "max_pages", "integer"),
    "a number out of range": ("  max_megapixels: 120", "  max_megapixels: 5", "max_megapixels", "greater"),
    "a misspelt key": ("  languages: [deu]", "  langages: [deu]", "langages", "not permitted"),
    "a mode nobody knows": ("  mode: live", "  mode: dead", "intake.mode", "'live' or 'blind'"),
    "a series in small letters": ("series: FIN}", "series: fin}", "compartments.finance.series", "pattern"),
    "a series twice": ("series: SAL}", "series: FIN}", "compartments", "different `series`"),
    "a user with a role that is not": ("  sales: [sales]", "  sales: [seller]", "users.sales", "found 'seller'"),
    "nobody who owns": ("  owner: [owner]", "  owner: [sales]", "users", "owner"),
    "an unknown verb": (
        "      unsorted: [find, read, export]\n", "      unsorted: [find, steal]\n", "unsorted", "'find'",
    ),
    "a subject desk that cannot read its requests": (
        "rights: [records, audit, subject]\n", "rights: [records, subject]\n", "roles.dpo.rights", "audit beside",
    ),
    "sealed letters in wider hands": (
        "\nclassification:\n", "\nclassification:\n  confidential: [hr, restricted]\n", "classification.confidential",
        "begins with restricted",
    ),
    "sealed letters nowhere": (
        "\nclassification:\n", "\nclassification:\n  confidential: []\n", "classification.confidential",
        "begins with restricted",
    ),
    "an extension that goes on for no year": ("    years_after: 1", "    years_after: 0", "years_after", "greater"),
    "a newer format": ("format: 1", "format: 2", "format", "1"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_told_with_its_place(mistake: str, shipped: str) -> None:
    """Whoever edits the file at seven in the evening must find the line at once."""
    old, new, key, expected = MISTAKES[mistake]
    assert old in shipped, "the control: the shipped file still says so"
    text = shipped.replace(old, new, 1)

    with pytest.raises(ConfigurationError) as refused:
        compile_config(text, "office/config.yaml")

    message = str(refused.value)
    assert message.startswith("office/config.yaml, line ")
    assert key in message
    assert expected in message


def test_the_line_is_the_right_one(shipped: str) -> None:
    """A wrong line number is worse than none."""
    text = shipped.replace("  max_pages: 2000", "  max_pages: viele")
    with pytest.raises(ConfigurationError, match=rf"line {line_of(text, '  max_pages')}: intake\.max_pages"):
        compile_config(text, "c")


def test_several_mistakes_are_told_at_once(shipped: str) -> None:
    """Nobody wants to run the program eight times to find eight typing errors."""
    text = shipped.replace("max_pages: 2000", "max_pages: x").replace("page_seconds: 60", "page_seconds: y")
    with pytest.raises(ConfigurationError) as refused:
        compile_config(text, "c")
    assert len(str(refused.value).splitlines()) == 2


@pytest.mark.parametrize("text", ["", "- a\n- b\n", "office: [", "just words", "\t", "a: &x 1\nb: *y\n"], ids=repr)
def test_what_is_no_configuration_is_refused_in_words(text: str) -> None:
    """An empty or broken file must lead to a sentence with a line, not to a traceback."""
    with pytest.raises(ConfigurationError, match=r"^c, line \d+: "):
        compile_config(text, "c")


def test_the_shipped_office_is_valid_and_complete() -> None:
    """The file every customer begins with."""
    value = compile_config(shipped_config().read_text(encoding="utf-8"), "c")

    assert {"owner", "administrator", "accounting", "hr", "dpo", "auditor"} <= value["roles"].keys()
    assert value["roles"]["administrator"]["compartments"] == {}
    assert value["roles"]["administrator"]["rights"] == []
    assert all(rule["retention"] in value["retention"] for rule in value["classes"].values())
    assert "other" in value["classes"]


def test_what_an_extension_does_not_say_is_not_in_the_law() -> None:
    """A key book of before would else differ from an unchanged config.yaml: an office would sign for nothing."""
    retention = load(shipped_config(), None).law()["retention"]
    said = {name: set(e) for line in retention.values() for e in line["extended_by"] for name in [e["name"]]}

    assert said["audit"] == said["claim"] == {"name", "label", "basis"}
    assert said["social-audit"] == {"name", "label", "basis", "years_after"}


def test_the_compiled_copy_is_used_for_the_same_bytes_only(tmp_path: Path, shipped: str) -> None:
    """A search must not pay for YAML, nor work with yesterday's rules."""
    path, cache = tmp_path / "config.yaml", tmp_path / "cache"
    path.write_text(shipped, encoding="utf-8")
    first = load(path, cache)
    copies = list(cache.iterdir())
    assert len(copies) == 1

    planted = json.loads(copies[0].read_text())
    planted["value"]["office"]["name"] = "from the copy"
    copies[0].write_text(json.dumps(planted))
    assert load(path, cache).value["office"]["name"] == "from the copy", "the control: the copy is what is read"

    path.write_text(shipped.replace("Musterbetrieb GmbH", "Andere GmbH"), encoding="utf-8")
    assert load(path, cache).value["office"]["name"] == "Andere GmbH"
    path.write_text(shipped, encoding="utf-8")
    for broken in ("", "[]", '{"format":"poststelle compiled config 1"}'):
        copies[0].write_text(broken)
        assert load(path, cache) == first


def test_a_missing_file_is_told_by_name(tmp_path: Path) -> None:
    """A mistyped --config must name what was not found."""
    with pytest.raises(ConfigurationError, match=r"office\.yaml"):
        load(tmp_path / "office.yaml", None)
