"""Reasons on the command line: what is signed and kept for years must say something."""

from typing import Any

import click


class _Reason(click.ParamType[str]):
    name = "text"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        reason = str(value).strip()
        if not reason:
            self.fail("Say why, in a few words: it is kept for those who have to understand it later.", param, ctx)
        return reason


REASON = _Reason()
"""Some words; blanks alone are none."""
