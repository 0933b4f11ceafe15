"""From config.yaml to plain values: YAML with line numbers, validation, and errors a person can act on."""

from typing import Any, get_args

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError

from poststelle.config.schema import CompartmentCode, OfficeConfig, Right, Verb
from poststelle.errors import ConfigurationError

Location = tuple[int | str, ...]
_NARROWEST: CompartmentCode = "restricted"
"""Where letters lie that stay sealed."""
MAX_ERRORS = 8


def compile_config(text: str, name: str) -> dict[str, Any]:
    """The validated configuration as JSON values.

    Raises:
        ConfigurationError: with file, line, key and what was expected, for the first few mistakes at once.
    """
    try:
        tree = YAML(typ="rt", pure=True).load(text)
    except MarkedYAMLError as err:
        line = err.problem_mark.line + 1 if err.problem_mark else 1
        raise ConfigurationError(f"{name}, line {line}: this is not YAML: {err.problem}.") from err
    if not isinstance(tree, CommentedMap):
        raise ConfigurationError(f"{name}, line 1: expected sections such as `office:`, found something else.")
    try:
        office = OfficeConfig.model_validate(_plain(tree))
    except ValidationError as err:
        problems = [
            (_line(tree, error["loc"]), _key(error["loc"]), f"{error['msg']}{_found(error)}") for error in err.errors()
        ]
        raise ConfigurationError(_report(name, problems)) from err
    if problems := _contradictions(tree, office):
        raise ConfigurationError(_report(name, problems))
    return office.model_dump(mode="json")


def _contradictions(tree: CommentedMap, office: OfficeConfig) -> list[tuple[int, str, str]]:
    """What each section allows but the sections together do not."""
    found: list[tuple[Location, str]] = []
    for code in get_args(CompartmentCode):
        if code not in office.compartments:
            found.append((("compartments",), f"expected a line for the compartment {code}"))
    series = [compartment.series for compartment in office.compartments.values()]
    if len(set(series)) != len(series) or "Q" in series:
        found.append((("compartments",), "expected a different `series` for each compartment"))
    for code, rule in office.classes.items():
        if rule.retention not in office.retention:
            found.append((("classes", code, "retention"), f"expected a line of `retention:`, found {rule.retention!r}"))
        elif rule.tax_relevant and office.retention[rule.retention].release == "standing":
            found.append(
                (("classes", code, "retention"), "expected a line with release: signed for a tax-relevant class")
            )
    for code, line in office.retention.items():
        for name in line.extended_by:
            if name not in office.extensions:
                found.append((("retention", code, "extended_by"), f"expected a name of `extensions:`, found {name!r}"))
    known = {*office.roles, *get_args(Verb), *get_args(Right)}
    for section in ("keyless", "apart"):
        for number, names in enumerate(getattr(office.separation, section)):
            for name in [names] if section == "keyless" else names:
                if name not in (office.roles if section == "keyless" else known):
                    place: Location = ("separation", section, number)
                    found.append((place, f"expected a role, a verb or a right, found {name!r}"))
    for user, roles in office.users.items():
        for role in roles:
            if role not in office.roles:
                found.append((("users", user), f"expected roles of `roles:`, found {role!r}"))
    for code, holder in office.roles.items():
        # Whom a request is about is sealed to the audit key: without it the desk could not read what it registers.
        if "subject" in holder.rights and "audit" not in holder.rights:
            found.append((("roles", code, "rights"), "expected audit beside subject: requests are sealed to its key"))
    if office.classification.confidential[:1] != [_NARROWEST]:
        wanted = f"expected a list, narrowest first, that begins with {_NARROWEST}: letters that stay sealed lie there"
        found.append((("classification", "confidential"), wanted))
    for lane, role in office.sealed_lane.items():
        verbs = set(office.roles[role].compartments.get(_NARROWEST, ())) if role in office.roles else set()
        if not {"find", "export", "reclassify"} <= verbs:
            wanted = f"expected a role that may find, export and reclassify in `{_NARROWEST}`, found {role!r}"
            found.append((("sealed_lane", lane), wanted))
    if "owner" not in office.roles or "grant" not in office.roles["owner"].rights:
        found.append((("roles",), "expected a role `owner` with the right grant"))
    if sum("owner" in roles for roles in office.users.values()) < 1:
        found.append((("users",), "expected at least one user with the role owner"))
    if "service" in office.users or "service" in office.roles:
        found.append((("users",), "`service` is the name of intake's own identity; expected another name"))
    if "other" not in office.classes:
        found.append((("classes",), "expected a class `other` for letters that fit nowhere else"))
    return [(_line(tree, location), _key(location), message) for location, message in found]


def _report(name: str, problems: list[tuple[int, str, str]]) -> str:
    lines = [f"{name}, line {line}: {key}: {message}." for line, key, message in sorted(problems)]
    more = [f"… and {len(lines) - MAX_ERRORS} more."] if len(lines) > MAX_ERRORS else []
    return "\n".join(lines[:MAX_ERRORS] + more)


def _found(error: Any) -> str:
    value = error.get("input")
    return f", found {value!r}" if isinstance(value, (str, int, float, bool)) else ""


def _key(location: Location) -> str:
    return ".".join(str(step) for step in location if step != "[key]") or "the file"


def _line(tree: Any, location: Location) -> int:
    """1-based line of a key; of its nearest parent if the key itself is missing."""
    node, line = tree, 1
    for step in location:
        if isinstance(node, CommentedMap) and step in node:
            line = node.lc.key(step)[0] + 1
            node = node[step]
        elif isinstance(node, CommentedSeq) and isinstance(step, int) and step < len(node):
            line = node.lc.item(step)[0] + 1
            node = node[step]
        else:
            break
    return line


def _plain(node: Any) -> Any:
    if isinstance(node, CommentedMap):
        return {str(key): _plain(value) for key, value in node.items()}
    if isinstance(node, CommentedSeq):
        return [_plain(value) for value in node]
    return node
