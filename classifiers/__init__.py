"""Classifiers: text becomes facts."""

__part_of__ = "poststelle"
