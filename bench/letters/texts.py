"""Letters as text only, by the thousand: for what needs many words and no paper."""

from bench.letters.compose import Order, compose
from bench.letters.content import Draft, Fields, Paragraph, Table


def sample_text(seed: int, words: int = 250, *, half: int = 1, record_class: str | None = None) -> str:
    """The text of a letter of at least so many words; the same seed gives the same letter."""
    extras = 3
    while True:
        text = draft_text(compose(Order(seed=seed, half=half, record_class=record_class, extras=extras)))
        missing = words - len(text.split())
        if missing <= 0:
            return text
        extras += missing // 18 + 1


def draft_text(draft: Draft) -> str:
    """A draft's words in reading order, a line for each paragraph, row or field."""
    sender, recipient = draft.sender, draft.recipient
    lines = [sender.name, f"{sender.street}, {sender.postcode} {sender.town}", "", recipient.name]
    lines += [draft.department] if draft.department else []
    lines += [recipient.street, f"{recipient.postcode} {recipient.town}", ""]
    lines += [f"{label}: {value}" for label, value in draft.info]
    lines += ["", draft.subject, "", draft.salutation]
    for block in draft.blocks:
        if isinstance(block, Paragraph):
            lines += ["", block.text]
        elif isinstance(block, Table):
            lines += ["", " ".join(column.title for column in block.columns)]
            lines += [" ".join(filter(None, row)) for row in block.rows]
            lines += [" ".join(total) for total in block.totals]
        elif isinstance(block, Fields):
            lines += ["", *(f"{label}: {value}" for label, value in block.pairs)]
        else:
            lines += ["", block.title, *block.paragraphs]
    lines += ["", draft.closing, draft.signatory]
    return "\n".join(lines)
