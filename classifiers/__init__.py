"""Classifiers: text becomes facts.

`Classifier(settings).classify(document, received_on)` is all that other rooms need. Names are loaded when
they are asked for, so that a command that classifies nothing does not pay for them.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from classifiers.classifier import Classifier
    from classifiers.settings import ClassifierSettings, ClassRule, Phrase, Place, Signal, StructureWeight

__all__ = ["ClassRule", "Classifier", "ClassifierSettings", "Phrase", "Place", "Signal", "StructureWeight"]

__part_of__ = "poststelle"


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module("classifiers.classifier" if name == "Classifier" else "classifiers.settings"), name)
