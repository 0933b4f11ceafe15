"""Intake: a dropped file becomes recognised text."""

__part_of__ = "poststelle"
