"""Intake: a dropped file becomes recognised text.

What other rooms may use. Names are loaded when they are first asked for: a worker process imports this
room too, and must start small.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from intake.folder import Claim as Claim
    from intake.folder import Inbox as Inbox
    from intake.folder import SourceChanged as SourceChanged
    from intake.languages import missing_languages as missing_languages
    from intake.languages import require_languages as require_languages
    from intake.pool import CutOut as CutOut
    from intake.pool import NotCut as NotCut
    from intake.pool import Recognition as Recognition
    from intake.pool import RecognitionPool as RecognitionPool
    from intake.reasons import unreadable as unreadable
    from intake.settings import IntakeSettings as IntakeSettings
    from intake.snapshot import Snapshot as Snapshot
    from intake.stacks import StackPlan as StackPlan
    from intake.stacks import letter_barcodes as letter_barcodes
    from intake.stacks import letter_pages as letter_pages
    from intake.stacks import plan_stack as plan_stack
    from intake.watching import Notice as Notice
    from intake.wholeness import Wholeness as Wholeness
    from intake.wholeness import WholenessState as WholenessState
    from intake.wholeness import is_whole as is_whole

__part_of__ = "poststelle"

_HOMES = {
    "Claim": "folder",
    "CutOut": "pool",
    "Inbox": "folder",
    "IntakeSettings": "settings",
    "NotCut": "pool",
    "Notice": "watching",
    "Recognition": "pool",
    "RecognitionPool": "pool",
    "Snapshot": "snapshot",
    "SourceChanged": "folder",
    "StackPlan": "stacks",
    "Wholeness": "wholeness",
    "WholenessState": "wholeness",
    "is_whole": "wholeness",
    "letter_barcodes": "stacks",
    "letter_pages": "stacks",
    "missing_languages": "languages",
    "plan_stack": "stacks",
    "require_languages": "languages",
    "unreadable": "reasons",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'intake' has no attribute {name!r}")
    return getattr(import_module(f"intake.{_HOMES[name]}"), name)
