"""Classifiers: text becomes facts.

`Classifier(settings).classify(document, received_on)` is all that other rooms need.
"""

from classifiers.classifier import Classifier
from classifiers.settings import ClassifierSettings, ClassRule, Phrase, Place, Signal, StructureWeight

__all__ = ["ClassRule", "Classifier", "ClassifierSettings", "Phrase", "Place", "Signal", "StructureWeight"]

__part_of__ = "poststelle"
