"""Errors a person can act on: each says what happened, what is safe and what to do next.

Codes and exit numbers are stable; docs/ARCHITECTURE.md lists them. Two places catch these errors: the
pipeline turns an `UnreadableFile` into a quarantine value, the command line turns any `PoststelleError`
into a message and an exit status.
"""

from enum import IntEnum
from typing import ClassVar


class ExitStatus(IntEnum):
    """What a command's exit number means."""

    DONE = 0
    """Done; letters for review, duplicates and no hits included."""
    PROBLEMS = 1
    """Some items were quarantined or failed, or problems were found."""
    USAGE = 2
    """The command line or the configuration is wrong."""
    NOT_PERMITTED = 3
    """This verb is not permitted to you, whatever the object."""
    NOT_FOUND = 4
    """Not found, or not yours: the same bytes."""
    DAMAGED = 5
    """Something was damaged or tampered with."""
    INTERRUPTED = 130
    """Interrupted from the keyboard."""


class PoststelleError(Exception):
    """Base of every error that is meant for a person."""

    code: ClassVar[str] = "P000"
    exit_status: ClassVar[ExitStatus] = ExitStatus.PROBLEMS


class ConfigurationError(PoststelleError):
    """The configuration, the installation or the command line cannot be used as it is."""

    code = "C001"
    exit_status = ExitStatus.USAGE


class OutdatedVault(ConfigurationError):
    """The vault was made by an earlier version of the program and lacks what this one needs."""

    code = "C016"

    def __init__(self) -> None:
        super().__init__(
            "This vault was made by an earlier version of Poststelle. Nothing was changed. Stop `watch`, then run "
            "`poststelle upgrade` once; it adds what is missing and changes no letter."
        )


class WrongPassphrase(PoststelleError):
    """An identity file did not open with the passphrase given."""

    code = "K002"
    exit_status = ExitStatus.USAGE


class NotPermitted(PoststelleError):
    """The identity does not hold the right for this verb."""

    code = "K003"
    exit_status = ExitStatus.NOT_PERMITTED


class UnknownDocument(PoststelleError):
    """No such letter, or not one of yours: both read the same, on purpose."""

    code = "D004"
    exit_status = ExitStatus.NOT_FOUND

    def __init__(self) -> None:
        # The name that was asked for is not repeated: the answer is the same bytes for every id.
        super().__init__(
            "There is no such letter among those you can see. Check the number, or find it with `poststelle search`."
        )


class NotListed(UnknownDocument):
    """No such hold, plan or request; whoever may ask may see all there are."""

    def __init__(self, what: str, command: str) -> None:
        PoststelleError.__init__(self, f"There is no such {what}. `poststelle {command}` shows what there is.")


class NoRendition(PoststelleError):
    """The letter has no searchable PDF; only who may see the letter is told so."""

    code = "D005"
    exit_status = ExitStatus.NOT_FOUND

    def __init__(self) -> None:
        super().__init__(
            "No searchable PDF was made of this letter: its file is protected, damaged or unusual. Its original and "
            "its text are there; take the original out with `poststelle export` without --rendition."
        )


class Damaged(PoststelleError):
    """Something in the vault was changed, cut, swapped or lost after it was written."""

    code = "A013"
    exit_status = ExitStatus.DAMAGED


class StorageError(PoststelleError):
    """A disk or folder did not do what it must; nothing was removed because of it."""

    code = "S006"


class KeysRenewed(StorageError):
    """Rights or keys were changed by another command in the meantime."""

    code = "K014"

    def __init__(self) -> None:
        super().__init__(
            "Rights or keys of the vault were just changed by somebody else, so this was not carried out. Nothing is "
            "damaged or lost: run the command again."
        )


class UnreadableFile(PoststelleError):
    """A dropped file cannot be taken in; the pipeline files it in quarantine, whole, with this reason."""

    code = "I010"

    def __init__(self, reason_code: str, reason: str) -> None:
        super().__init__(reason)
        self.reason_code = reason_code
        self.reason = reason


class QueryError(PoststelleError):
    """A search cannot be done as written; `position` is the 0-based offset of the part meant."""

    code = "Q007"
    exit_status = ExitStatus.USAGE

    def __init__(self, message: str, position: int | None = None) -> None:
        super().__init__(message)
        self.position = position
