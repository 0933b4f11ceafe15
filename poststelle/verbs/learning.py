"""`classifier train|status`, and learning by the way: what people decided teaches the classifier.

What they confirmed lies in the letters' own sealed text parts and nowhere else; training reads it there, as the
service. A letter that leaves (disposed of, restricted, under review again) takes what it taught with it: a model
that was trained on it is destroyed before the letter is, and made anew from the living.
"""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date
from typing import TYPE_CHECKING

from archive.keystore import Registered
from archive.model_store import ModelStore
from classifiers.learned import LearnedModel
from poststelle.access.keybook import RECORDS, read_keybook
from poststelle.access.keyring import Keyring
from poststelle.config import Config
from poststelle.errors import ConfigurationError, Damaged, NotPermitted
from poststelle.records import ClassifiedDocument, RecognisedDocument, RecognisedPage
from poststelle.stages import Stage
from poststelle.wiring import Session, classifier

if TYPE_CHECKING:
    from classifiers.classifier import Classifier
    from classifiers.learning import Example, Leaks

RESTRICTED = "restricted"
RESTRICTION = "restriction"
"""Name of the change that says a letter was restricted: nobody said what it is by that."""
RETRAIN_AFTER = 20
"""Decisions since the last training that make the nightly run train anew."""
BLIND = (
    "Nothing can be learned here: the service may not read recognised text (`intake: mode: blind`), so it can neither "
    "train nor use a model. The rules alone decide."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """What was learned so far."""

    model: LearnedModel | None
    confirmed: int
    """Letters that a person decided or corrected: what a training can use."""
    new_decisions: int
    """Since the last training."""
    stale: int
    """Letters that the model was trained on and that it should no longer know."""
    damaged: bool = False

    @property
    def counts(self) -> bool:
        """Whether letters are classed with the model's help."""
        return self.model is not None and self.model.proof.proven


def train(service: Session) -> LearnedModel:
    """Train on all confirmed letters, as the service, and keep the result in place of the generation before.

    Raises:
        ConfigurationError: nothing can be learned yet, with what is missing; or the service may not read letters.
    """
    from classifiers.learning import TooFew

    if not _store(service).may_open:
        raise ConfigurationError(BLIND)
    try:
        return _train(service)
    except TooFew as err:
        _drop_stale(service)
        raise ConfigurationError(
            f"Nothing was trained: {err} Every `review decide`, `reclassify` and `facts set` confirms a letter."
        ) from err


def status(session: Session, service: Session) -> Status:
    """What was learned, for holders of the records key: it counts letters of every compartment.

    Raises:
        NotPermitted: the person does not hold it.
    """
    if not session.keyring.holds(RECORDS):
        raise NotPermitted("What was learned from which classes is shown to the mailroom and the records manager.")
    store = _store(service)
    if not store.may_open:
        raise ConfigurationError(BLIND)
    try:
        model, damaged = _read(store), False
    except Damaged:
        model, damaged = None, True
    confirmed = _confirmed(service)
    return Status(
        model=model,
        confirmed=len(confirmed),
        new_decisions=_new_decisions(model, confirmed),
        stale=len(_stale(model, confirmed)),
        damaged=damaged,
    )


def current_model(service: Session) -> LearnedModel | None:
    """The model that intake uses; None if there is none, or none that opens: then the rules alone decide."""
    store = _store(service)
    if not store.exists or not store.may_open:
        return None
    with contextlib.suppress(Damaged):
        return _read(store)
    return None


def forget(service: Session, documents: Sequence[str]) -> None:
    """Destroy the model if it was trained on one of these letters. The caller holds the key store's lock."""
    store = _store(service)
    if not documents or not (store.exists or store.needs_mending):
        return
    # Where nobody can say what it was trained on, it goes: one that is damaged, or that was left from before the
    # service lost the right to read letters.
    gone = store.needs_mending or not store.may_open
    if not gone:
        try:
            model = _read(store)
            gone = model is not None and not set(documents).isdisjoint(model.examples)
        except Damaged:
            gone = True
    if gone:
        _replace(service, store, None)
        service.note("classifier-dropped", reason="letters that it was trained on are disposed of")


def refresh(service: Session) -> LearnedModel | None:
    """Train anew if enough was decided since, or if the model knows letters it should no longer know.

    Returns the new generation, or None if nothing was trained. Costs next to nothing where there is nothing to do.
    """
    from classifiers.learning import LEAST_LETTERS, TooFew

    store = _store(service)
    if not store.may_open:
        return None
    confirmed = _confirmed(service)
    try:
        model, damaged = _read(store) if store.exists else None, store.needs_mending
    except Damaged:
        model, damaged = None, True
    due = _new_decisions(model, confirmed) >= (RETRAIN_AFTER if model is not None else LEAST_LETTERS)
    if len(confirmed) >= LEAST_LETTERS and (due or damaged or _stale(model, confirmed)):
        with contextlib.suppress(TooFew):
            return _train(service)
    if damaged:
        with service.alone():
            _replace(service, _store(service), None)
    else:
        _drop_stale(service)
    return None


def knows(service: Session, document_id: str) -> bool:
    """Whether something of a letter may be left in what was learned."""
    store = _store(service)
    if not store.exists:
        return False
    if not store.may_open:
        return True
    try:
        model = _read(store)
    except Damaged:
        return True
    return model is not None and document_id in model.examples


class FollowingClassifier:
    """The classifier of a running intake: takes up a new generation of the model as soon as there is one."""

    def __init__(self, config: Config, service: Session) -> None:
        self._config = config
        self._service = service
        self._seen: tuple[int, int] | None = None
        self._classifier: Classifier = self._load()

    def classify(self, document: RecognisedDocument, received_on: date) -> ClassifiedDocument:
        """Class, compartment, facts."""
        if self._stamp() != self._seen:
            self._classifier = self._load()
        return self._classifier.classify(document, received_on)

    def is_sealed(self, first: RecognisedPage) -> bool:
        """Whether a letter with this first page stays unread."""
        return self._classifier.is_sealed(first)

    def _load(self) -> "Classifier":
        self._seen = self._stamp()
        model = None if self._seen is None else current_model(self._service)
        return classifier(self._config, self._service.book.office, model)

    def _stamp(self) -> tuple[int, int] | None:
        try:
            found = self._service.layout.model.stat()
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns


# What was confirmed -------------------------------------------------------------------------------------------


def examples(service: Session, ours: "Classifier") -> list["Example"]:
    """Every confirmed letter as training sees it, oldest first; one that is damaged is passed over, verify names it."""
    from classifiers.learning import Example

    classes = service.book.office["classes"]
    found = []
    for registered in _confirmed(service):
        try:
            text = service.reading.text(registered)
        except Damaged:
            continue
        code = text.classified.record_class
        decided = any(change.name != RESTRICTION for change in text.history)
        if not decided or code not in classes or text.classified.sealed_for is not None:
            continue
        studied = ours.study(text.classified.document, text.received_on)
        found.append(
            Example(
                document_id=registered.document_id,
                record_class=code,
                features=studied.features,
                by_rules=studied.by_rules,
                group=studied.sender or registered.document_id,
            )
        )
    return found


def _confirmed(service: Session) -> list[Registered]:
    """Letters that a person decided or corrected, as the register has them: their text has a second version."""
    compartments = [c for c in service.book.office["compartments"] if c != RESTRICTED]
    letters = [r for c in compartments for r in service.reading.letters(c)]
    return sorted(
        (r for r in letters if r.text_version > 1 and r.stage is Stage.FILED), key=lambda letter: letter.sequence
    )


def _decisions(confirmed: Sequence[Registered]) -> int:
    return sum(registered.text_version - 1 for registered in confirmed)


def _new_decisions(model: LearnedModel | None, confirmed: Sequence[Registered]) -> int:
    return max(0, _decisions(confirmed) - (0 if model is None else model.decisions))


def _stale(model: LearnedModel | None, confirmed: Sequence[Registered]) -> set[str]:
    living = {registered.document_id for registered in confirmed}
    return set() if model is None else set(model.examples) - living


# The model ----------------------------------------------------------------------------------------------------


def would_leak(ours: "Classifier", classes: Mapping[str, Mapping[str, object]], confidential: Sequence[str]) -> "Leaks":
    """Whether a confidential letter would be filed, without a person, where others than its own readers are."""

    def leaks(example: "Example", chances: Mapping[str, float], taught: frozenset[str]) -> bool:
        own = classes[example.record_class]["compartment"]
        decision = ours.decide(chances, example.by_rules, taught)
        return own in confidential and not decision.review_reasons and decision.compartment != own

    return leaks


def _train(service: Session) -> LearnedModel:
    from classifiers.learning import train as train_model

    ours = classifier(service.config, service.book.office)
    confirmed = _confirmed(service)
    before = current_model(service)
    model = train_model(
        examples(service, ours),
        generation=1 if before is None else before.generation + 1,
        trained_at=service.now().astimezone(UTC).isoformat(timespec="seconds"),
        leaks=would_leak(ours, service.book.office["classes"], service.config.value["classification"]["confidential"]),
    )
    model = replace(model, decisions=_decisions(confirmed))
    with service.alone():
        # Training took its time: a letter may have left meanwhile, and must not come back with the model.
        if _stale(model, _confirmed(service)):
            raise ConfigurationError("Letters were disposed of or restricted during the training. Train once more.")
        _replace(service, _store(service), model)
    service.note(
        "classifier-trained", generation=model.generation, letters=len(model.examples), proven=model.proof.proven
    )
    return model


def _drop_stale(service: Session) -> None:
    """Too few letters are left to train anew: what was learned from the others goes all the same."""
    store = _store(service)
    if not store.exists:
        return
    with service.alone():
        store = _store(service)
        try:
            stale = bool(_stale(_read(store), _confirmed(service)))
        except Damaged:
            stale = True
        if stale:
            _replace(service, store, None)
            service.note("classifier-dropped", reason="letters that it was trained on are gone")


def _store(service: Session) -> ModelStore:
    """The store as the key book is now: an intake that has run for weeks still has the book of its start."""
    book = read_keybook(service.layout.keybook, service.book.genesis_hash, service.book.vault_id)
    keyring = service.keyring if book.head == service.book.head else Keyring(service.identity, book, service.keys)
    return ModelStore(layout=service.layout, keys=service.mirrored_keys, book=book, keyring=keyring, disk=service.disk)


def _read(store: ModelStore) -> LearnedModel | None:
    from classifiers.learned import decode_model

    content = store.read()
    return None if content is None else decode_model(content)


def _replace(service: Session, store: ModelStore, model: LearnedModel | None) -> None:
    from classifiers.learned import encode_model

    content = None if model is None else encode_model(model)
    service.book = store.replace(content, service.identity, service.now)
    service.__dict__.pop("keyring", None)
