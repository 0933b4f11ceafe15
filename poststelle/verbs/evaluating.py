"""`classifier evaluate`: how well letters are understood whose class is known. Nothing reaches the vault."""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from classifiers.judging import Judged, Report, judge
from classifiers.learned import LearnedModel, Proof
from intake import Recognition, RecognitionPool, Snapshot
from poststelle.config import Config
from poststelle.errors import ConfigurationError, UnreadableFile
from poststelle.german import fold
from poststelle.pipeline import local_day
from poststelle.records import RecognisedDocument, ScannedFile
from poststelle.verbs.learning import current_model, would_leak
from poststelle.wiring import (
    Environment,
    classifier,
    find_config,
    harden_process,
    intake_settings,
    layout_of,
    open_service,
    work_folder,
)

if TYPE_CHECKING:
    from classifiers.classifier import Classifier

TRUTH_KEYS = ("class", "record_class")
AHEAD = 4
"""Letters in recognition at a time, per worker."""

Progress = Callable[[int, int | None, str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A file and what it is."""

    path: Path
    name: str
    """Below the folder."""
    truth: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """What came out."""

    report: Report
    untold: tuple[str, ...]
    """Files of which nobody says what they are, or something that is no class here."""
    unreadable: tuple[str, ...]
    with_model: bool
    """Whether a learned model took part."""
    proof: Proof | None
    """Of the model that was trained for this, with `trained`."""
    cpu_ms: float
    """Of this process for each letter, recognition aside."""


def evaluate(
    environment: Environment, folder: Path, *, trained: int, called: Mapping[str, str], on_progress: Progress
) -> Evaluation:
    """Recognise and class every file below a folder as intake would, and compare with the truth.

    With `trained`, so many letters of each class, from one half of the files, are taken for confirmed first, and only
    the other half is judged. Otherwise the office's own model takes part, if there is one that counts.

    Raises:
        ConfigurationError: no file with a known class, or nothing can be learned from so few.
    """
    config = find_config(environment)
    harden_process()
    with work_folder(config) as work:
        pool = RecognitionPool(intake_settings(config), work)
        try:
            office, model = _law(environment, config)
            cases, untold = find_cases(folder, office["classes"], called)
            if not cases:
                raise ConfigurationError(
                    f"No file in {folder} says what it is. Put the files into sub-folders named by class, or beside "
                    'each a JSON file of the same name with {"class": "invoice"}.'
                )
            read = dict(_recognised(cases, config, pool, work, on_progress))
        finally:
            pool.abort()
    known = [case for case in cases if case.name in read]
    began = time.process_time()
    proof = None
    if trained:
        taught, known = halves(known, trained)
        model = _teach(taught, read, config, office, trained)
        proof = model.proof
    ours = classifier(config, office, model)
    report = judge([_judged(case, read[case.name], ours, config, office["classes"]) for case in known])
    return Evaluation(
        report=report,
        untold=tuple(untold),
        unreadable=tuple(case.name for case in cases if case.name not in read),
        with_model=model is not None and model.proof.proven,
        proof=proof,
        cpu_ms=1000 * (time.process_time() - began) / max(1, len(known)),
    )


def find_cases(
    folder: Path, classes: Mapping[str, Mapping[str, object]], called: Mapping[str, str]
) -> tuple[list[Case], list[str]]:
    """(files with a known class, names of files without one) below a folder, in order of their names."""
    codes = {fold(str(line.get("label", code))): code for code, line in classes.items()}
    codes |= {fold(code): code for code in classes} | {fold(theirs): ours for theirs, ours in called.items()}
    cases, untold = [], []
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        if not path.is_file() or path.suffix == ".json" or any(part.startswith(".") for part in inside.parts):
            continue
        told = _told(path) or (inside.parts[-2] if len(inside.parts) > 1 else "")
        code = codes.get(fold(told))
        if code is None:
            untold.append(str(inside))
        else:
            cases.append(Case(path=path, name=str(inside), truth=code))
    return cases, untold


def halves(cases: Sequence[Case], count: int) -> tuple[list[Case], list[Case]]:
    """(at most `count` of each class out of one half, the whole other half); every second file of a class."""
    seen: Counter[str] = Counter()
    taught: list[Case] = []
    judged: list[Case] = []
    for case in cases:
        number = seen[case.truth]
        seen[case.truth] += 1
        if number % 2:
            judged.append(case)
        elif number // 2 < count:
            taught.append(case)
    return taught, judged


def _told(path: Path) -> str:
    """What the JSON beside a file calls it; empty if there is none that says it."""
    for beside in (path.with_name(f"{path.name}.json"), path.with_suffix(".json")):
        try:
            value = json.loads(beside.read_text(encoding="utf-8"))
        except FileNotFoundError:
            continue
        except (OSError, ValueError) as err:
            raise ConfigurationError(f"{beside} cannot be read as JSON; it should say what {path.name} is.") from err
        if isinstance(value, dict):
            return next((str(value[key]) for key in TRUTH_KEYS if key in value), "")
    return ""


def _law(
    environment: Environment, config: Config
) -> tuple[dict[str, dict[str, dict[str, object]]], LearnedModel | None]:
    """The office as it is law, and its model; without a vault, the office as it is wished for."""
    if not layout_of(config).descriptor.exists():
        return config.law(), None
    with open_service(environment) as service:
        return service.book.office, current_model(service)


def _recognised(
    cases: Sequence[Case], config: Config, pool: RecognitionPool, work: Path, on_progress: Progress
) -> Iterator[tuple[str, RecognisedDocument]]:
    settings = intake_settings(config)
    waiting: list[tuple[Case, int, Future[Recognition]]] = []
    left = list(reversed(cases))
    done = 0
    while left or waiting:
        while left and len(waiting) < AHEAD * settings.workers:
            case = left.pop()
            try:
                with Snapshot.read(case.path, settings.max_bytes, work) as snapshot:
                    waiting.append((case, snapshot.size_bytes, pool.recognise(snapshot)))
            except UnreadableFile:
                done += 1
        if waiting:
            case, size, future = waiting.pop(0)
            try:
                read = future.result()
                yield case.name, _document(case, size, read)
            except UnreadableFile:
                pass
            done += 1
            on_progress(done, len(cases), case.name)


def _document(case: Case, size: int, read: Recognition) -> RecognisedDocument:
    at = datetime.fromtimestamp(case.path.stat().st_mtime, UTC)
    file = ScannedFile(document_id="0" * 32, source_name=case.path.name, size_bytes=size, sha256="", received_at=at)
    return RecognisedDocument(
        file=file, media_type=read.media_type, pages=read.pages, einvoice=read.einvoice, barcodes=read.barcodes
    )


def _teach(
    taught: Sequence[Case],
    read: Mapping[str, RecognisedDocument],
    config: Config,
    office: dict[str, dict[str, dict[str, object]]],
    count: int,
) -> LearnedModel:
    from classifiers.learning import Example, TooFew, train

    ours = classifier(config, office)
    examples = []
    for case in taught:
        document = read[case.name]
        studied = ours.study(document, local_day(document.file.received_at))
        examples.append(
            Example(
                document_id=case.name,
                record_class=case.truth,
                features=studied.features,
                by_rules=studied.by_rules,
                group=studied.sender or case.name,
            )
        )
    leaks = would_leak(ours, office["classes"], config.value["classification"]["confidential"])
    try:
        return train(examples, generation=1, trained_at="", leaks=leaks)
    except TooFew as err:
        raise ConfigurationError(f"--trained {count}: nothing can be learned from one half. {err}") from err


def _judged(
    case: Case,
    document: RecognisedDocument,
    ours: "Classifier",
    config: Config,
    classes: Mapping[str, Mapping[str, object]],
) -> Judged:
    found = ours.classify(document, local_day(document.file.received_at))
    own = str(classes[case.truth]["compartment"])
    confidential = own in config.value["classification"]["confidential"]
    return Judged(
        name=case.name,
        truth=case.truth,
        found=found.record_class,
        confidence=found.confidence,
        filed=not found.needs_review,
        leaked=confidential and not found.needs_review and found.compartment not in (own, "restricted"),
    )
