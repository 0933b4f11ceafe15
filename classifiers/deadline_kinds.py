"""What a day is for: to pay, to object, to end a contract, to answer, or to appear.

The words nearest to the day decide, not the letter: an invoice may say how long one can object to it. A threat behind
"otherwise" ("sonst kündigen wir") tells nothing of the day before it.
"""

import re

PAYMENT, OBJECTION, TERMINATION, REPLY, APPOINTMENT, OTHER = KINDS = (
    "payment", "objection", "termination", "reply", "appointment", "other",
)  # fmt: skip
_CUES: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(pattern, re.IGNORECASE))
    for kind, pattern in (
        (
            OBJECTION,
            r"widerspruch|widersprech|einspruch|\bklage|anfecht|rechtsbehelf|rechtsmittel|berufung|beschwerde|widerruf"
            r"|einwend|\berinnerung (?:ein|erh)",
        ),
        (
            TERMINATION,
            r"kündig|\bende[nt]?\b|beend|läuft[^.]{0,40}\baus\b|auslaufen|befristet|aufgelöst|aufhebung"
            r"|verlängert sich",
        ),
        (
            APPOINTMENT,
            r"\btermin\b|findet[^.]{0,60}statt|einladung|\bladen\b|ladung\b|\buhr\b|besprechung|verhandlung|vorladung"
            r"|vorstellungsgespräch|erscheinen|versammlung",
        ),
        (
            PAYMENT,
            r"(?<!an)(?<!stück)(?<!kenn)zahl(?:en|bar|ung|t\b)|überw[ei]|begleich|ausgleich|ausgegl|entricht|fällig"
            r"|lastschrift|einzug|eingezogen|einzieh|abbuch|abgebucht|belastet|belasten|erstatt|gutgeschrieben|auszahl"
            r"|\bbetrag|\brechnung(?!sabschl)|€|\beuro?\b|skonto|auf unserem konto",
        ),
        (
            REPLY,
            r"antwort|rückmeld|\bmelden|gelegenheit|erklärung|entgegen|\breiche[nt]?\b|\bschick|mitteil|mitzuteil"
            r"|teilen sie|äußer|stellungnahme|stellung (?:zu )?nehmen|einreich|vorleg|vorzuleg|vorlage|zusend"
            r"|zurücksend|zu senden|senden sie|\bnachweis|nachreich|auskunft|anmeld|abgeben|abzugeben|abgabe|unterschr"
            r"|bestätig|ergänz|nachbesser|beseitig|eine frist\b|gültig|bindefrist"
            r"|preise gelten|bindend|gebunden|annehm|annahme",
        ),
    )
)
_OTHERWISE = re.compile(
    r"\b(?:sonst|andernfalls|ansonsten|anderenfalls|widrigenfalls|nach (?:fruchtlosem )?ablauf)\b", re.I
)
_ANSWERED = re.compile(r"\b(?:unser|ihr|mein|sein)\w{0,2}\s+(?:widerspr|einspr|klage|beschwerde|berufung)\w*", re.I)
"""Somebody's objection that was made already."""
_FAR = 500
"""In letters: what stands behind "otherwise" counts as further away than anything before it."""


def kind_of(sentence: str, start: int, end: int) -> str:
    """What the day at `start` to `end` of a sentence is for; "other" if no word of it tells."""
    if _ANSWERED.search(sentence):
        sentence = _ANSWERED.sub(lambda match: " " * len(match.group()), sentence)
    found = [
        (_distance(sentence, (start, end), cue.span()), order, kind)
        for order, (kind, pattern) in enumerate(_CUES)
        for cue in pattern.finditer(sentence)
        # A label or a verb; not the letters of the day itself ("zum Ende des Monats").
        if cue.end() <= start or cue.start() >= end
    ]
    kind = min(found)[2] if found else OTHER
    # "Widerspruch ist uns bis … mitzuteilen" is an objection; "Antworten Sie auf unseren Widerspruch" is none.
    return OBJECTION if kind == REPLY and any(k == OBJECTION and far < _FAR for far, _, k in found) else kind


def _distance(sentence: str, day: tuple[int, int], cue: tuple[int, int]) -> int:
    first, last = sorted((day, cue))
    between = sentence[first[1] : last[0]]
    return len(between) + (_FAR if _OTHERWISE.search(between) or ";" in between else 0)
