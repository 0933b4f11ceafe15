"""The configuration as plain values, loaded from a compiled copy so that a search does not pay for YAML.

`load` hashes config.yaml and looks for the compiled form (JSON) of exactly those bytes in the cache folder;
only if there is none does it import the compiler (YAML with line numbers, validation). The cache holds
nothing that config.yaml does not.
"""

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from poststelle.access.keybook import COMPARTMENTS
from poststelle.errors import ConfigurationError

COMPILED_FORMAT = "poststelle compiled config"


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """A valid configuration; `value` is the compiled form, see schema.py for its keys."""

    path: Path
    sha256: str
    value: dict[str, Any]

    def file(self, name: str) -> Path:
        """A path of the `paths:` section, absolute."""
        return (self.path.parent / str(self.value["paths"][name])).absolute()

    @property
    def inbox(self) -> Path:
        return self.file("inbox")

    @property
    def service_identity(self) -> Path:
        return self.file("service")

    @property
    def identities(self) -> Path:
        return self.file("identities")

    def law(self) -> dict[str, Any]:
        """What the key book holds of this configuration: who may see what, and how long it is kept."""
        classes = self.value["classes"]
        return {
            "name": self.value["office"]["name"],
            "mode": self.value["intake"]["mode"],
            "compartments": self.value["compartments"],
            "separation": self.value["separation"],
            "roles": self.value["roles"] | {"service": service_role(self.value["intake"]["mode"])},
            "classes": {
                code: {name: rule[name] for name in ("label", "compartment", "retention", "tax_relevant")}
                for code, rule in classes.items()
            },
            "retention": {code: self._line(line) for code, line in self.value["retention"].items()},
        }

    def _line(self, line: dict[str, Any]) -> dict[str, Any]:
        """A line of the schedule that stands by itself: what extends it is written out."""
        # What is not said is left out: a table of an earlier version that did not know it stays the same law.
        extensions = {
            name: {key: value for key, value in extension.items() if value is not None}
            for name, extension in self.value["extensions"].items()
        }
        return line | {"extended_by": [{"name": name, **extensions[name]} for name in line["extended_by"]]}


def service_role(mode: str) -> dict[str, Any]:
    """What intake's own identity may: the records key, and in live mode the index keys."""
    verbs = ["find", "file"] if mode == "live" else ["file"]
    return {"label": "service", "compartments": dict.fromkeys(COMPARTMENTS, verbs), "rights": ["records"]}


def load(path: Path, cache: Path | None) -> Config:
    """Read a configuration; `cache` is a folder for compiled copies, None to do without.

    Raises:
        ConfigurationError: unreadable or invalid; the message names file, line, key and what was expected.
    """
    try:
        content = path.read_bytes()
    except OSError as err:
        raise ConfigurationError(f"The configuration {path} cannot be read ({err.strerror}).") from err
    digest = hashlib.sha256(content).hexdigest()
    # A copy counts for these bytes as this program reads them: an earlier one may have allowed what is refused now.
    rules = b"".join((Path(__file__).parent / name).read_bytes() for name in ("schema.py", "compiler.py"))
    copy = None if cache is None else cache / f"config-{hashlib.sha256(content + rules).hexdigest()[:32]}.json"
    value = None if copy is None else _read_copy(copy, digest)
    if value is None:
        from poststelle.config.compiler import compile_config

        value = compile_config(content.decode("utf-8", errors="replace"), str(path))
        if copy is not None:
            _write_copy(copy, digest, value)
    return Config(path=path.absolute(), sha256=digest, value=value)


def _read_copy(copy: Path, digest: str) -> dict[str, Any] | None:
    try:
        content = json.loads(copy.read_bytes())
    except (OSError, ValueError):
        return None
    if not isinstance(content, dict) or content.get("format") != COMPILED_FORMAT or content.get("sha256") != digest:
        return None
    value: dict[str, Any] = content["value"]
    return value


def _write_copy(copy: Path, digest: str, value: dict[str, Any]) -> None:
    """Best effort: without a cache everything works, only slower."""
    content = json.dumps({"format": COMPILED_FORMAT, "sha256": digest, "value": value})
    temp = copy.with_suffix(f".{os.getpid()}.tmp")
    try:
        copy.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        temp.write_text(content, encoding="utf-8")
        temp.replace(copy)
    except OSError:
        return
