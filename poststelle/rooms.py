"""Our four rooms have names that others use too: a check that they are ours, before anything of them is imported."""

from importlib.util import find_spec
from pathlib import Path

from poststelle.errors import ConfigurationError

ROOMS = ("intake", "classifiers", "archive", "search")
MARK = b'__part_of__ = "poststelle"'


def require_own_rooms() -> None:
    """Refuse to run with a foreign package in place of one of our rooms. Reads their files and runs none of them.

    Raises:
        ConfigurationError: says which one and what to do.
    """
    for room in ROOMS:
        spec = find_spec(room)
        origin = None if spec is None else spec.origin
        if origin is None or not _is_ours(Path(origin)):
            raise ConfigurationError(
                f"Another package named {room!r} ({origin}) stands where Poststelle's own should be. Install "
                "Poststelle into an environment of its own, for example with `pipx install poststelle` or "
                "`python3 -m venv`."
            )


def _is_ours(file: Path) -> bool:
    try:
        return MARK in file.read_bytes()
    except OSError:
        return False
