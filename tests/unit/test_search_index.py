"""The index of a compartment: what goes in comes out, and what is removed is gone."""

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from search_letters import KEY, found, letter, nearly, open_index, search

from poststelle.access.database import Database, open_database
from poststelle.durable import Disk
from poststelle.errors import Damaged
from search import CompartmentIndex
from search.analysis import ANALYSER_VERSION
from search.erasure import still_spelled


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[tuple[Database, CompartmentIndex]]:
    database, index = open_index(tmp_path)
    with database:
        yield database, index


def test_a_letter_comes_back_as_it_went_in(opened: tuple[Database, CompartmentIndex]) -> None:
    """`show` reads from here: nothing may be lost or smoothed."""
    _, index = opened
    entry = letter(
        7,
        "Seite eins\nmit Müller\x07",
        "",
        "Seite drei \ud83d",
        title="Betreff \udcff",
        sender="Größe",
        dated_on=date(2025, 2, 3),
        facts={"amount": "12.00", "reference": "Ä 1"},
    )
    index.add(entry)

    assert index.get(entry.document_id) == entry
    assert index.get("0" * 32) is None


def test_position_and_sequences_follow_every_change(opened: tuple[Database, CompartmentIndex]) -> None:
    """A search looks here whether the index lags; a wrong answer hides new letters."""
    _, index = opened
    assert index.position() == (0, 0)

    index.add_many([letter(3, "a"), letter(9, "b"), letter(5, "c")])
    assert index.position() == (3, 9)

    index.add(letter(3, "a", sequence=12))
    index.remove(f"{9:032x}")
    index.remove("f" * 32)
    assert index.position() == (2, 12)
    assert index.sequences() == {f"{3:032x}": 12, f"{5:032x}": 5}


def test_adding_again_replaces(opened: tuple[Database, CompartmentIndex]) -> None:
    """A corrected fact must not leave the old one findable."""
    database, index = opened
    index.add(letter(1, "Ziegelstein", title="Alt"))
    index.add(letter(1, "Dachpfanne", title="Neu"))

    assert (found(index, "Ziegelstein"), found(index, "Dachpfanne")) == ([], [1])
    assert index.position()[0] == 1
    assert _integrity(database)


def test_several_letters_go_in_together_or_not_at_all(opened: tuple[Database, CompartmentIndex]) -> None:
    """A catch-up that is interrupted starts again from where the position says."""
    _, index = opened

    def entries() -> Iterator[object]:
        yield letter(1, "eins")
        raise InterruptedError

    with pytest.raises(InterruptedError):
        index.add_many(entries())  # type: ignore[arg-type]
    assert (index.position(), found(index, "eins")) == ((0, 0), [])


def test_a_removed_letter_is_on_no_page_of_the_index(opened: tuple[Database, CompartmentIndex]) -> None:
    """Whoever was promised erasure is betrayed by one page that still spells the name."""
    database, index = opened
    index.add_many(letter(number, _filler(number)) for number in range(1, 120))
    index.add(
        letter(
            500,
            "Der Xylokanarienwurz wird abgequuxverflost, Konto DE13 5001 0517 5407 3249 31.",
            title="Yttriumbetreffling",
            sender="Zwolfsenderich",
            facts={"reference": "QX-77-KANARI"},
        )
    )
    traces = [
        b"ylokanarienwurz",
        b"bgequuxverflost",
        b"triumbetreffling",
        b"wolfsenderich",
        b"500105175407324931",
        b"x77kanari",
    ]
    assert database.truncate_log()
    pages = b"\0".join(database.pages())
    assert [trace for trace in traces if trace not in pages] == [], "the control must find what is there"
    assert found(index, "Xylokanarienwurz") == [500]

    index.remove(f"{500:032x}")

    assert database.truncate_log()
    pages = b"\0".join(database.pages())
    assert [trace for trace in traces if trace in pages] == []
    assert found(index, "Xylokanarienwurz") == []
    assert search(index, "Xylokanarienwurx").suggestions == ()
    assert _integrity(database)


def test_page_separators_spell_only_living_terms(opened: tuple[Database, CompartmentIndex]) -> None:
    """The directory of the full-text pages keeps terms that the pages themselves have lost."""
    database, index = opened
    numbers = range(1, 200)
    index.add_many(letter(number, _filler(number)) for number in numbers)
    before = _dead_separators(database, index)
    removed = [number for number in numbers if number % 3]
    for number in removed:
        index.remove(f"{number:032x}")

    assert before == []
    assert _separators(database), "the index must be large enough to have separators"
    assert _dead_separators(database, index) == []
    assert _integrity(database)
    for number in numbers:
        assert found(index, f"kanarienvogelfutter{_name(number)}") == ([] if number in removed else [number])


def test_a_separator_that_no_living_term_can_replace_is_written_away(opened: tuple[Database, CompartmentIndex]) -> None:
    """Even where the page directory is not as expected, the name does not stay behind."""
    database, index = opened
    index.add_many(letter(number, _filler(number)) for number in range(1, 120))
    index.add(letter(500, "zzzykanarienwurz"))
    last = database.row("SELECT segid, term FROM terms_idx WHERE term <> '' ORDER BY segid, term DESC LIMIT 1")
    assert last is not None
    spelled = b"0zzzykanarienwurz"
    assert database.run("UPDATE terms_idx SET term = ? WHERE segid = ? AND term = ?", (spelled, *last)) == 1

    index.remove(f"{500:032x}")

    assert database.truncate_log()
    assert b"zzykanarien" not in b"".join(database.pages())
    assert found(index, f"kanarienvogelfutter{_name(7)}") == [7]
    assert _integrity(database)


def test_what_sqlite_left_where_it_moved_it_from_goes_without_reading_letters_anew(
    opened: tuple[Database, CompartmentIndex], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One id in ten thousand stays legible in the gap of a page: pages written anew are enough, and take seconds."""
    database, index = opened
    index.add_many(letter(number, _filler(number)) for number in range(1, 20))
    answers, done = iter([True, False]), list[str]()
    monkeypatch.setattr("search.index.still_spelled", lambda *asked: next(answers))
    monkeypatch.setattr(index, "renew", lambda: done.append("terms"))
    monkeypatch.setattr(database, "rewrite", lambda: done.append("pages"))

    assert index.purge([f"{7:032x}"]) is True
    assert done == ["pages"]


@pytest.mark.parametrize("left", ["a term", "its id", "the letter", "a word given back"])
def test_a_purge_that_left_something_does_not_pass(
    opened: tuple[Database, CompartmentIndex], monkeypatch: pytest.MonkeyPatch, left: str
) -> None:
    """The certificate says "gone": it must not be believed to be gone, but looked for."""
    database, index = opened
    index.add_many(letter(number, _filler(number)) for number in range(1, 120))
    index.add(letter(500, "Xylokanarienwurz", sender="Zwolfsenderich", facts={"reference": "QX-77-KANARI"}))
    looked: list[bool] = []
    monkeypatch.setattr("search.index.still_spelled", lambda *asked: looked.append(still_spelled(*asked)) or looked[-1])
    row = database.row("SELECT letter FROM contents JOIN letters USING(number) WHERE sequence = 500")
    assert row is not None

    if left == "a term":
        database.run("INSERT INTO meta(name, value) VALUES('left', 'xylokanarienwurz')")
    elif left == "its id":
        database.run("INSERT INTO meta(name, value) VALUES('left', ?)", (f"{500:032x}",))
    elif left == "the letter":
        database.run("INSERT INTO contents(number, letter, terms_check) VALUES(1000, ?, x'00')", row)
    else:
        database.run("CREATE TABLE given_back(text TEXT)")
        database.run("INSERT INTO given_back VALUES('rqx77kanari')")

    assert index.purge([f"{500:032x}"]) is False
    assert looked == [True] * 3, "the proof found it, and again after pages, then terms were written anew"

    # The control: without what was left, the same proof passes at once.
    database.run("DELETE FROM meta WHERE name = 'left'")
    database.run("DELETE FROM contents WHERE number = 1000")
    database.run("DROP TABLE IF EXISTS given_back")
    index.add(letter(500, "Xylokanarienwurz", sender="Zwolfsenderich", facts={"reference": "QX-77-KANARI"}))
    looked.clear()
    assert index.purge([f"{500:032x}"]) is True
    assert looked == [False]


def test_a_word_that_only_looks_like_one_left_does_not_keep_a_letter_from_being_gone(
    opened: tuple[Database, CompartmentIndex],
) -> None:
    """The living "Schreiben" and its skeleton stand side by side, and would spell "Schreibens" for ever."""
    _, index = opened
    index.add(letter(1, "Ihr Schreiben"))
    index.add(letter(2, "Gegenstand des Schreibens"))

    assert index.purge([f"{2:032x}"]) is True


def test_a_reader_in_the_way_does_not_end_the_search_for_what_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A purge that had to wait is repeated by a run that does not know the words any more."""
    monkeypatch.setattr("poststelle.access.database.BUSY_TIMEOUT_MS", 20)
    database, index = open_index(tmp_path)
    with database, open_database(database.path, Disk(), key=KEY) as reading:
        index.add_many(letter(number, _filler(number)) for number in range(1, 40))
        index.add(letter(500, "Xylokanarienwurz"))
        reader = CompartmentIndex(reading)
        with reader.snapshot():
            assert reader.position()[0] == 40
            database.run("INSERT INTO meta(name, value) VALUES('left', 'xylokanarienwurz')")
            assert index.purge([f"{500:032x}"]) is False
        database.run("DELETE FROM meta WHERE name = 'left'")
        database.run("INSERT INTO words(checksum, word) VALUES(0, 'xylokanarienwurz')")

        # A search comes in between and finds nothing to remove.
        assert reader.purge([f"{500:032x}"]) is True

        assert b"xylokanarienwurz" not in b"".join(database.pages())
        assert (index.position()[0], found(index, f"kanarienvogelfutter{_name(7)}")) == (39, [7])


def test_a_reader_in_the_way_delays_only_the_log_where_the_proof_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Readers are often in the way: each time, writing everything anew would take minutes."""
    monkeypatch.setattr("poststelle.access.database.BUSY_TIMEOUT_MS", 20)
    database, index = open_index(tmp_path)
    with database, open_database(database.path, Disk(), key=KEY) as reading:
        index.add_many(letter(number, _filler(number)) for number in range(1, 40))
        index.add(letter(500, "Xylokanarienwurz"))
        renewed: list[bool] = []
        monkeypatch.setattr(index, "renew", lambda: renewed.append(True))
        reader = CompartmentIndex(reading)
        with reader.snapshot():
            assert reader.position()[0] == 40
            assert index.purge([f"{500:032x}"]) is False

        assert index.purge([f"{500:032x}"]) is True
        assert not renewed
        assert b"xylokanarienwurz" not in b"".join(database.pages())


@pytest.mark.parametrize("how", ["purge", "remove"])
def test_a_proof_that_a_crash_prevented_is_made_up_for(
    opened: tuple[Database, CompartmentIndex], monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """Power may go between removal and proof; the next run must not take it for granted."""
    database, index = opened
    index.add_many(letter(number, _filler(number)) for number in range(1, 40))
    index.add(letter(500, "Xylokanarienwurz"))
    if how == "purge":
        with monkeypatch.context() as broken, pytest.raises(InterruptedError):
            broken.setattr(database, "truncate_log", _interrupted)
            index.purge([f"{500:032x}"])
    else:
        index.remove(f"{500:032x}")
    database.run("INSERT INTO words(checksum, word) VALUES(0, 'xylokanarienwurz')")

    assert index.purge([f"{500:032x}"]) is True

    assert b"xylokanarienwurz" not in b"".join(database.pages())
    renewed: list[bool] = []
    monkeypatch.setattr(index, "renew", lambda: renewed.append(True))
    assert index.purge([f"{500:032x}"]) is True
    assert not renewed, "once is enough"


def test_the_proof_reads_every_page_but_those_of_other_letters(opened: tuple[Database, CompartmentIndex]) -> None:
    """A page that the proof passes over might be the one with the name on it."""
    database, index = opened
    index.add_many(letter(number, _filler(number)) for number in range(1, 300))
    index.remove(f"{17:032x}")
    assert database.truncate_log()

    everything = b"".join(database.pages())
    pages = [everything[start : start + 4096] for start in range(0, len(everything), 4096)]
    near, others = (b"".join(parts) for parts in zip(*database.pages_of_removed("contents", [100]), strict=True))
    told = {
        number - 1
        for (number,) in database.rows("SELECT pageno FROM dbstat WHERE name = 'contents' AND pagetype = 'leaf'")
    }
    assert len(told) > 20, "there must be pages to pass over"
    assert others == b"".join(page for number, page in enumerate(pages) if number not in told)
    packed = database.value("SELECT letter FROM contents WHERE number = 100")
    far = database.value("SELECT letter FROM contents WHERE number = 290")
    assert packed[40:80] in near and far[40:80] not in near + others and far[40:80] in everything


def test_numbers_that_stand_in_ids_of_others_do_not_keep_a_letter_from_being_gone(
    opened: tuple[Database, CompartmentIndex],
) -> None:
    """Ids are full of digits: taking them for what was removed, every purge would rebuild the whole index in vain."""
    database, index = opened
    index.add_many([letter(number, "Wort") for number in range(0x2860, 0x2890)])
    index.add(letter(1, "Kundennummer 002861 und 12.345,67, contents of all letters", facts={"amount": "1.00"}))
    pages = b"".join(database.pages())
    assert b"002861" in pages

    assert index.purge([f"{1:032x}"]) is True


def test_one_of_two_copies_goes_and_the_other_stays(
    opened: tuple[Database, CompartmentIndex], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same paper often comes twice: what the second copy holds is no remainder of the first, and taking it for one,
    every such purge would write the whole index anew and still be called pending."""
    database, index = opened
    index.add_many(letter(number, _filler(number)) for number in range(1, 40))
    index.add_many(letter(number, "Xylokanarienwurz", sender="Zwolfsenderich") for number in (500, 501))
    renewed: list[bool] = []
    monkeypatch.setattr(index, "renew", lambda: renewed.append(True))

    assert index.purge([f"{501:032x}"]) is True
    assert not renewed
    assert found(index, "xylokanarienwurz") == [500]

    # The control: with the last copy, the content itself must be gone too.
    assert index.purge([f"{500:032x}"]) is True
    assert b"xylokanarienwurz" not in b"".join(database.pages())


def test_removing_the_last_letter_leaves_nothing(opened: tuple[Database, CompartmentIndex]) -> None:
    """An emptied compartment is empty."""
    database, index = opened
    index.add(letter(1, "Xylokanarienwurz"))
    index.remove(f"{1:032x}")

    assert database.truncate_log()
    assert b"kanarien" not in b"".join(database.pages())
    assert (index.position(), found(index, "NOT nichts")) == ((0, 0), [])


def test_terms_of_an_older_analyser_are_removed_too(opened: tuple[Database, CompartmentIndex]) -> None:
    """An update between adding and removing must not leave what only the old version would have handed back."""
    database, index = opened
    index.add(letter(1, "Bleibt"))
    index.add(letter(2, "Vergeht"))
    _pretend_an_older_analyser_added(database, "zurueckgelassenerrest")
    assert index.count("zurueckgelassenerrest") == 1

    index.remove(f"{2:032x}")

    assert database.truncate_log()
    assert b"urueckgelassenerrest" not in b"".join(database.pages())
    assert found(index, "bleibt") == [1]
    assert _integrity(database)


def test_the_analyser_is_recorded_and_an_older_one_is_noticed(opened: tuple[Database, CompartmentIndex]) -> None:
    """Terms of another version are not found; better to rebuild than to answer "nothing"."""
    database, index = opened
    assert (index.analyser_version, index.is_current()) == (ANALYSER_VERSION, True)

    database.run("UPDATE meta SET value = '0 stemmer 1 unicode 1' WHERE name = 'analyser'")
    older = CompartmentIndex(database)
    assert (older.analyser_version, older.is_current()) == (0, False)

    older.renew()
    assert (older.analyser_version, older.is_current()) == (ANALYSER_VERSION, True)
    assert CompartmentIndex(database).is_current()


def test_renewing_keeps_every_letter_findable(opened: tuple[Database, CompartmentIndex]) -> None:
    """After an update nothing may be missing."""
    database, index = opened
    index.add_many([letter(1, "Dachpfanne"), letter(2, "Ziegelstein", title="Angebot")])
    index.remove(f"{1:032x}")
    index.add(letter(3, "Dachrinne"))
    index.renew()

    assert (found(index, "Ziegelstein"), found(index, "Dach*"), found(index, "subject:Angebot")) == ([2], [3], [2])
    assert _integrity(database)


def test_another_database_is_no_index(tmp_path: Path) -> None:
    """A half-made or foreign file is named as such, not searched."""
    with (
        open_database(tmp_path / "x.db", Disk(), key=KEY, create=True) as database,
        pytest.raises(Damaged, match="rebuild index"),
    ):
        CompartmentIndex(database)


def test_an_index_of_another_format_is_refused(opened: tuple[Database, CompartmentIndex]) -> None:
    """A newer program's index must not be misread."""
    database, _ = opened
    database.run("UPDATE meta SET value = '1000' WHERE name = 'format'")

    with pytest.raises(Damaged):
        CompartmentIndex(database)


def test_an_index_of_the_format_before_is_searched_and_made_new(opened: tuple[Database, CompartmentIndex]) -> None:
    """After an update a clerk goes on searching; only what is near has to wait until the words are made anew."""
    database, index = opened
    index.add(letter(1, "Dachpfanne RE-2025-417"))
    with database.transaction():
        database.run("DROP TABLE words")
        database.run("DROP TABLE numbers")
        database.run("CREATE TABLE words(id INTEGER PRIMARY KEY, checksum INTEGER, word TEXT, skeleton TEXT)")
        database.run("INSERT INTO words(checksum, word, skeleton) VALUES(0, 'dachpfanne', 'dacbpiamo')")
        database.run("UPDATE meta SET value = '2' WHERE name = 'format'")

    older = CompartmentIndex(database)
    assert (older.is_current(), found(older, "Dachpfanne"), nearly(older, "Dachpfamne")) == (False, [1], [])
    older.renew()
    assert (older.is_current(), nearly(older, "Dachpfamne"), found(older, "RE2025*")) == (True, [1], [1])
    assert CompartmentIndex(database).is_current()


def test_an_index_with_its_columns_in_the_order_before_ranks_alike(tmp_path: Path) -> None:
    """Nobody has to make an index anew only because new ones are smaller."""
    letters = [
        letter(1, "Wegen der Kündigung schreiben wir Ihnen."),
        letter(2, "Wie besprochen.", title="Kündigung"),
        letter(3, "Wie besprochen.", sender="Kündigung und Partner"),
        letter(4, "Sie haben gekündigt, Kündigung um Kündigung."),
    ]
    scores = []
    for name in ("now", "before"):
        database, index = open_index(tmp_path / name)
        with database:
            if name == "before":
                ((sql,),) = database.rows("SELECT sql FROM sqlite_master WHERE name = 'terms'")
                database.run("DROP TABLE terms")
                database.run(sql.replace("body, title, sender,", "title, sender, body,"))
            index.add_many(letters)
            scores.append([(hit.document_id, hit.score) for hit in search(index, "Kündigung").hits])

    assert [int(document_id, 16) for document_id, _ in scores[0]] == [2, 3, 4, 1]
    assert scores[0] == scores[1]


def test_importing_search_loads_neither_whoosh_nor_the_stemmer() -> None:
    """Every command pays for what is imported at the start."""
    script = (
        "import sys, search; from datetime import date\n"
        "assert not {'whoosh', 'Stemmer', 'apsw', 'rapidfuzz'} & set(sys.modules), 'at import'\n"
        "search.parse_query('Rechnung \"zwei Worte\" Stadt*', date(2026, 1, 1))\n"
        "assert 'whoosh' not in sys.modules, 'for a plain query'\n"
        "search.parse_query('Rechnung OR Mahnung', date(2026, 1, 1))\n"
        "assert 'whoosh' in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=dict(os.environ))

    assert done.returncode == 0, done.stderr


def _interrupted() -> bool:
    raise InterruptedError


def _name(number: int) -> str:
    """A number in letters, so that it is part of the word."""
    return "".join("bdfghjklmn"[int(digit)] + "a" for digit in f"{number:03}")


def _filler(number: int) -> str:
    words = [f"kanarienvogelfutter{_name(number)}"]
    words += [f"wort{_name((number * 37 + offset * 11) % 997)}stamm" for offset in range(60)]
    return " ".join(words)


def _separators(database: Database) -> list[bytes]:
    return [separator[1:] for (separator,) in database.rows("SELECT term FROM terms_idx") if len(separator) > 1]


def _dead_separators(database: Database, index: CompartmentIndex) -> list[bytes]:
    living = [term.encode() for term, _ in index.vocabulary("")]
    return [separator for separator in _separators(database) if not any(term.startswith(separator) for term in living)]


def _pretend_an_older_analyser_added(database: Database, term: str) -> None:
    """The second letter's stored terms become another one's."""
    row = database.row("SELECT number FROM letters WHERE sequence = 2")
    assert row is not None
    with database.transaction():
        database.run("INSERT INTO terms(rowid, title, sender, body, keys) VALUES(?, '', '', ?, '')", (99, term))
        database.run("UPDATE contents SET terms_check = x'00' WHERE number = ?", row)


def _integrity(database: Database) -> bool:
    with database.transaction():
        database.run("INSERT INTO terms(terms) VALUES('integrity-check')")
    return database.problems() == []
