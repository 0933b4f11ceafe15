"""Completion in the shell for queries and for numbers of letters; silent where a passphrase would be asked for."""

import os
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

from poststelle.cli.printing import clean

if TYPE_CHECKING:
    from poststelle.wiring import Environment


def complete_query(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The last word of a query: a word, or a field with its value."""
    from poststelle.verbs.completing import complete_query as complete

    # bash cuts words at colons: then the field and its colon are words of their own.
    before = [*(ctx.params.get(str(param.name)) or ())]
    if incomplete == ":":
        before, incomplete = [*before, ":"], ""
    field = f"{before[-2]}:" if len(before) > 1 and before[-1] == ":" else ""
    found = complete(_environment(ctx), field + incomplete)
    return [CompletionItem(clean(one.value.removeprefix(field))) for one in found]


def complete_letter(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The number of a letter."""
    from poststelle.verbs.completing import complete_letter as complete

    return [CompletionItem(one.value, help=clean(one.help)) for one in complete(_environment(ctx), incomplete)]


def _environment(ctx: click.Context) -> "Environment":
    """As for a command, but nobody is asked for anything and nothing is said."""
    from poststelle.cli import ask_passphrase
    from poststelle.errors import ConfigurationError
    from poststelle.wiring import Environment

    def from_file_only(user: str) -> str:
        if "POSTSTELLE_PASSPHRASE_FILE" not in os.environ:
            raise ConfigurationError("A shell that completes a word asks nobody.")
        return ask_passphrase(user)

    options = ctx.find_root().params
    return Environment.from_process(
        config_file=options.get("config"), identity_file=options.get("identity"), passphrase=from_file_only, disk=None
    )
