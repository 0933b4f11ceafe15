"""How alike two names are: to the eye, which recognition goes by, and to the ear, by which names are misspelt.

Two letters are weighed by how alike they look in print: "Schröcler" is nearer to "Schröder" than the other name
"Schröter" is. Pure.
"""

import re
import unicodedata
from functools import lru_cache

from poststelle.german import fold

SAME = 0.97
"""A name without its umlauts, or with others: dots are lost first."""
_SAME_INK, _SAME_INK_SHORT = 0.93, 0.82
_SOUNDS_ALIKE = 0.66
_PER_EDIT, _LEAST_LIKENESS = 2.1, 0.6
_DOTS, _LOOK_ALIKE, _THIN, _ANY = 0.2, 0.35, 0.6, 1.0
"""What it costs to lose the dots, to take a letter for one like it, to lose or gain a thin one, and all else."""
_ALIKE = (
    "ec eo co cg un nh hb hk lt tf rt uv vy gq g9 g6 s5 s8 sz z2 b6 b8 b3 o0 o6 o8 l7 t7 d0 do qo a4 nr mn rv fl "
    "öä öü üä ö6 ö8 ü0"
)
_LOOKS = frozenset(frozenset(_ALIKE[at : at + 2]) for at in range(0, len(_ALIKE), 3))
_NARROW = frozenset("iltjrf")
_RUNS = (("ii", "ü"), ("rn", "m"), ("vv", "w"), ("cl", "d"))
_SIGNS = str.maketrans({"i": "l", "1": "l", "|": "l", "!": "l", "0": "o", "5": "s", "j": "l"})


def likeness(name: str, read: str) -> float:
    """How sure it is that a word as read is this name: 1.0 the same, 0.0 another word; as `spelled` writes them."""
    if name == read:
        return 1.0
    if plain(name) == plain(read):
        return SAME
    if abs(len(name) - len(read)) > 2 or len(name) < 3 or len(read) < 2:
        return 0.0
    seen, meant = _skeleton(read), _skeleton(name)
    if seen == meant:
        return _SAME_INK if len(name) > 4 else _SAME_INK_SHORT
    if len(name) < 4:
        return 0.0
    score = 1 - _PER_EDIT * _distance(meant, seen, len(name) * (1 - _LEAST_LIKENESS) / _PER_EDIT) / len(name)
    if score < _SOUNDS_ALIKE and sound_alike(name, read):
        # Who wrote the letter may have heard the name, and never seen it.
        return _SOUNDS_ALIKE
    return round(score, 3) if score >= _LEAST_LIKENESS else 0.0


@lru_cache(maxsize=50_000)
def spelled(word: str) -> str:
    """In small letters, with umlauts and "ss"."""
    word = unicodedata.normalize("NFC", word).lower().replace("ß", "ss")
    return _DIGRAPH.sub(lambda match: _UMLAUTS[match[0]], word)


def plain(word: str) -> str:
    """A spelled word without its dots, as `fold` makes it."""
    without = word.translate(_NO_DOTS)
    return without if without.isascii() else fold(word)


_DIGRAPH = re.compile("ae|oe|(?<![aeq])ue")
_UMLAUTS = {"ae": "ä", "oe": "ö", "ue": "ü"}
_NO_DOTS = str.maketrans("äöü", "aou")


def _skeleton(word: str) -> str:
    """A word by its ink: what recognition takes for one another is written the same."""
    for run, one in _RUNS:
        word = word.replace(run, one)
    return word.translate(_SIGNS)


def _distance(meant: str, seen: str, most: float) -> float:
    """What it costs to turn one into the other; letters that look alike are cheap. Above `most`: infinite."""
    row = [0.0]
    for sign in seen:
        row.append(row[-1] + (_THIN if sign in _NARROW else _ANY))
    for i, a in enumerate(meant):
        new = [row[0] + (_THIN if a in _NARROW else _ANY)]
        for j, b in enumerate(seen):
            swap = _swap(a, b)
            lose = _THIN if a in _NARROW or (i and meant[i - 1] == a) else _ANY
            gain = _THIN if b in _NARROW or (j and seen[j - 1] == b) else _ANY
            new.append(min(row[j] + swap, row[j + 1] + lose, new[j] + gain))
        if min(new) > most:
            return float("inf")
        row = new
    return row[-1]


def sound_alike(name: str, other: str) -> bool:
    """Whether two spelled names are one to the ear."""
    return _sound(name) == _sound(other)


@lru_cache(maxsize=10_000)
def _sound(name: str) -> str:
    """A name as it is heard: Meier, Maier and Mayr, Schmidt and Schmitt, Hofmann and Hoffmann are one."""
    for written, heard in _HEARD:
        name = written.sub(heard, name)
    return name


_HEARD = tuple(
    (re.compile(written), heard)
    for written, heard in (
        ("a[iy]|e[iy]", "1"), ("äu|eu", "2"), ("ie", "i"), ("y", "i"), ("ä", "e"), ("dt|th|t|d", "t"),
        ("ck|c|g|q", "k"), ("ph|v|w|pf", "f"), ("tz|z|ß", "s"), ("b", "p"),
        ("(?<=[aeiouöü12])h", ""), (r"(?<=1)e(?=r)", ""),
        (r"(.)\1+", r"\1"),
    )
)  # fmt: skip


def _swap(one: str, other: str) -> float:
    if one == other:
        return 0.0
    if one.translate(_NO_DOTS) == other.translate(_NO_DOTS):
        return _DOTS
    return _LOOK_ALIKE if frozenset((one, other)) in _LOOKS else _ANY
