"""Which languages can be read here, told without loading an engine: a missing one is said at the start."""

import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from intake.engine import missing_model, wheel_models

_ASK_SECONDS = 20.0


def installed_languages() -> frozenset[str] | None:
    """Languages whose model is here: those of the wheels, or else the system's; None if nobody can be asked."""
    folder = wheel_models()
    if folder is not None:
        return frozenset(path.stem for path in Path(folder).glob("*.traineddata"))
    program = shutil.which("tesseract")
    if program is None:
        return None
    try:
        listed = subprocess.run([program, "--list-langs"], capture_output=True, timeout=_ASK_SECONDS, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return frozenset(listed.stdout.decode(errors="replace").split("\n")[1:]) - {""}


def missing_languages(languages: Iterable[str]) -> tuple[str, ...]:
    """Those of the languages that cannot be read here, in order."""
    installed = installed_languages()
    return () if installed is None else tuple(sorted(set(languages) - installed))


def require_languages(languages: Iterable[str]) -> None:
    """Refuse to begin where a letter could not be read in its language.

    Raises:
        ConfigurationError: a model is missing; says which and how to get it.
    """
    if missing := missing_languages(languages):
        raise missing_model(missing)
