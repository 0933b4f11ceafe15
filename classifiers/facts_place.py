"""Where on its page a fact stands: the box of the words that say it, for the person who checks."""

from collections.abc import Iterator
from dataclasses import replace

from classifiers.facts_date import dates_in
from classifiers.layout import Letter
from classifiers.lines import Flow
from poststelle.german import compact, find_amounts, find_ibans
from poststelle.records import Box, Fact

_DATES = ("date", "due_date", "deadline")
_AMOUNTS = ("amount", "net_amount", "tax_amount", "amount_due")


def with_places(facts: tuple[Fact, ...], letter: Letter) -> tuple[Fact, ...]:
    """The facts, each with the box of its words; those that were counted, or stand nowhere as such, have none."""
    flows = {page.number: page.flow for page in letter.pages}
    return tuple(
        replace(fact, box=box) if fact.page in flows and (box := _box(fact, flows[fact.page])) is not None else fact
        for fact in facts
    )


def _box(fact: Fact, flow: Flow) -> Box | None:
    span = next(_spans(fact, flow), None)
    if span is None:
        return None
    start, end = span
    touched = [w for w, at in zip(flow.words, flow.starts, strict=True) if at < end and at + len(w.text) > start]
    if not touched:
        return None
    # A value that is broken over two lines is shown where it begins.
    line = [word for word in touched if (word.block, word.line) == (touched[0].block, touched[0].line)]
    return (
        min(word.left for word in line),
        min(word.top for word in line),
        max(word.right for word in line),
        max(word.bottom for word in line),
    )


def _spans(fact: Fact, flow: Flow) -> Iterator[tuple[int, int]]:
    """The places that say so; in the sentence that sets a deadline rather than elsewhere."""
    if fact.name.startswith(_DATES):
        spans = [(start, end) for start, end, when, _ in dates_in(flow.text) if when.isoformat() == fact.value]
        if fact.source and (at := flow.text.find(fact.source)) >= 0:
            spans.sort(key=lambda span: not at <= span[0] < at + len(fact.source))
            if not spans:
                spans = [(at, at + len(fact.source))]
        yield from spans
    elif fact.name in _AMOUNTS:
        yield from ((start, end) for start, end, value in find_amounts(flow.text) if value.lstrip("-") == fact.value)
    elif fact.name == "iban":
        yield from ((start, end) for start, end, iban, _ in find_ibans(flow.text) if iban == fact.value)
    elif fact.name != "currency":
        yield from _spelt_out(fact.value, flow)


def _spelt_out(value: str, flow: Flow) -> Iterator[tuple[int, int]]:
    """The words whose letters and digits are the value's, whatever stands between them."""
    wanted = compact(value)
    if not wanted:
        return
    squeezed = [compact(word.text) for word in flow.words]
    joined, at = "".join(squeezed), -1
    while (at := joined.find(wanted, at + 1)) >= 0:
        first, position = 0, 0
        while first < len(squeezed) and position + len(squeezed[first]) <= at:
            position += len(squeezed[first])
            first += 1
        last = first
        while last < len(squeezed) and position + len(squeezed[last]) < at + len(wanted):
            position += len(squeezed[last])
            last += 1
        last = min(last, len(squeezed) - 1)
        yield flow.starts[first], flow.starts[last] + len(flow.words[last].text)
