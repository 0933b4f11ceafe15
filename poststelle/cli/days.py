"""Days on the command line."""

from datetime import datetime
from typing import Any

import click


class _Day(click.DateTime):
    def __init__(self) -> None:
        super().__init__(["%Y-%m-%d", "%d.%m.%Y"])

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        return "DATE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        try:
            day: datetime = super().convert(value, param, ctx)
        except click.BadParameter:
            self.fail(f"{value!r} is not a day; expected for example 2026-03-15 or 15.3.2026.", param, ctx)
        return day


DAY = _Day()
"""A day, written 2026-03-15 or 15.3.2026."""
