"""`poststelle classifier evaluate|train|status`."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from poststelle.cli import Context, pass_context
from poststelle.cli.printing import clean, count, table
from poststelle.errors import ConfigurationError, ExitStatus

if TYPE_CHECKING:
    from classifiers.judging import Report
    from classifiers.learned import LearnedModel, Proof
    from poststelle.verbs.evaluating import Evaluation
    from poststelle.verbs.learning import Status


@click.group(short_help="How letters are told apart: evaluate, train, status.")
def command() -> None:
    """How letters are told apart: by the evidence in config.yaml, and by what the office's own decisions taught.

    \b
    Example:
      poststelle classifier evaluate samples
      poststelle classifier train
      poststelle classifier status

    \b
    EXIT STATUS: as for each command below
    """


@command.command("evaluate", short_help="Try it on letters whose class is known.")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--trained", type=click.IntRange(0), default=0, metavar="N",
    help="Learn from N letters of each class in one half of the files, judge the other half.",
)  # fmt: skip
@click.option(
    "--called", "called", multiple=True, metavar="NAME=CLASS", help="What the truth calls a class, and its code here."
)
@pass_context
def evaluate_command(context: Context, folder: Path, trained: int, called: tuple[str, ...]) -> int:
    """Recognise and class the files in FOLDER as intake would, and compare with what they are.

    What a file is stands in a JSON file of the same name beside it ({"class": "invoice"}), or is the name of its
    sub-folder: a class code or its label. Nothing is taken in. If there is a vault, its classes and its learned model
    count, else what config.yaml says.

    \b
    Example:
      poststelle classifier evaluate samples --trained 10

    \b
    EXIT STATUS: 0 done · 1 a confidential letter would have been filed where others read it · 2 no file says what it is
    """
    from poststelle.verbs.evaluating import evaluate

    names = dict(_pair(text) for text in called)
    with context.printer.progress("Reading") as progress:
        done = evaluate(context.environment(), folder, trained=trained, called=names, on_progress=progress)
    for name in done.untold:
        context.printer.note(clean(f"{name}: nobody says what it is; left out."))
    for name in done.unreadable:
        context.printer.note(clean(f"{name}: cannot be read; left out."))
    context.printer.result(_evaluation_json(done), lambda: _evaluation_text(done))
    return ExitStatus.PROBLEMS if done.report.leaked else ExitStatus.DONE


@command.command("train", short_help="Learn from the letters that people confirmed.")
@pass_context
def train_command(context: Context) -> None:
    """Learn anew from every letter that a person decided or corrected. Runs as the service.

    `purge run` does the same by itself, every 20 decisions and whenever a letter it learned from was destroyed. What
    was learned counts only if, on confirmed letters that were held back, it is clearly better than the rules alone.

    \b
    Example:
      poststelle classifier train

    \b
    EXIT STATUS: 0 trained (whether it counts or not) · 2 there is not enough to learn from yet
    """
    from poststelle.verbs.learning import train
    from poststelle.wiring import only_purge, open_service

    with open_service(context.environment()) as service, only_purge(service):
        model = train(service)
    context.printer.result(_model_json(model), lambda: _model_text(model))


@command.command("status", short_help="What was learned, and whether it counts.")
@pass_context
def status_command(context: Context) -> None:
    """Show the current generation of the learned model: from how many letters, how it did, whether it counts.

    For holders of the intake book; without --identity, as the service.

    \b
    Example:
      poststelle --identity identities/records-manager.identity classifier status

    \b
    EXIT STATUS: 0 done · 2 the service may not read letters (blind mode) · 3 not permitted
    """
    from poststelle.verbs.learning import status
    from poststelle.wiring import open_person_or_service, open_service

    environment = context.environment()
    with open_person_or_service(environment) as session, open_service(environment) as service:
        found = status(session, service)
    value: dict[str, Any] = {
        "counts": found.counts,
        "confirmed": found.confirmed,
        "new_decisions": found.new_decisions,
        "stale": found.stale,
        "damaged": found.damaged,
        "model": _model_json(found.model) if found.model else None,
    }
    context.printer.result(value, lambda: _status_text(found))


def _pair(text: str) -> tuple[str, str]:
    theirs, sign, ours = text.partition("=")
    if not sign or not theirs or not ours:
        raise ConfigurationError(f"--called {text}: expected NAME=CLASS, for example krankmeldung=sick-note.")
    return theirs, ours


# As text ----------------------------------------------------------------------------------------------------


def _status_text(found: "Status") -> str:
    from poststelle.verbs.learning import RETRAIN_AFTER

    lines = []
    if found.damaged:
        lines.append(
            "The learned model does not open; the rules alone decide. `poststelle classifier train` renews it."
        )
    elif found.model is None:
        lines.append("Nothing was learned yet; the rules alone decide.")
    else:
        lines.append(_model_text(found.model))
    lines.append(f"Confirmed by people: {count(found.confirmed, 'letter', 'letters')}.")
    if found.model is not None:
        lines.append(f"New decisions since: {found.new_decisions}; at {RETRAIN_AFTER} the nightly run trains anew.")
    if found.stale:
        lines.append(f"It still knows {count(found.stale, 'letter', 'letters')} that left; `poststelle purge run`.")
    return "\n".join(lines)


def _model_text(model: "LearnedModel") -> str:
    rows = [[code, str(letters)] for code, letters in model.counts]
    return "\n".join(
        [
            f"Generation {model.generation}, trained {model.trained_at} on {len(model.examples)} letters.",
            table(["CLASS", "LETTERS"], rows),
            _proof_text(model.proof),
        ]
    )


def _proof_text(proof: "Proof") -> str:
    return (
        f"{'It counts' if proof.proven else 'It does not count yet'}: {proof.why}. Held back: {proof.letters} letters; "
        f"macro-F1 {proof.rules_macro_f1:.3f} by rules, {proof.pooled_macro_f1:.3f} with the model; log loss "
        f"{proof.rules_log_loss:.3f} and {proof.pooled_log_loss:.3f}."
    )


def _evaluation_text(done: "Evaluation") -> str:
    report = done.report
    lines = [
        f"{count(report.letters, 'letter', 'letters')}, {'rules and model' if done.with_model else 'rules alone'}",
        *([_proof_text(done.proof)] if done.proof else []),
        "",
        f"class right              {_share(report.right, report.letters)}, macro-F1 {report.macro_f1:.3f}",
        f"filed without review     {_share(report.filed, report.letters)}",
        f"right among those filed  {_share(report.filed_right, report.filed)}",
        f"for review               {_share(report.letters - report.filed, report.letters)}",
        f"confidential, to others  {len(report.leaked)}",
        f"calibration error        {report.calibration_error:.3f}",
        f"CPU a letter             {done.cpu_ms:.0f} ms without recognition",
        "",
        table(
            ["CLASS", "LETTERS", "PRECISION", "RECALL", "F1"],
            [[r.code, str(r.letters), _rate(r.precision), _rate(r.recall), f"{r.f1:.3f}"] for r in report.classes],
        ),
        "",
        table(
            ["CONFIDENCE FROM", "LETTERS", "RIGHT", "MEAN CONFIDENCE"],
            [
                [f"{s.at_least:.1f}", str(s.letters), _share(s.right, s.letters), f"{s.mean_confidence:.3f}"]
                for s in report.reliability
            ],
        ),
        "",
        _confusion_text(report),
    ]
    lines += [f"CONFIDENTIAL, FILED WHERE OTHERS READ IT: {clean(name)}" for name in report.leaked]
    return "\n".join(lines)


def _confusion_text(report: "Report") -> str:
    """The whole matrix; columns by number, or twenty class names would not fit a screen."""
    codes = [row.code for row in report.classes]
    pairs = {(truth, found): letters for truth, found, letters in report.confusion}
    rows = [
        [f"{number:2} {truth}", *(str(pairs.get((truth, found), "·")) for found in codes)]
        for number, truth in enumerate(codes, start=1)
    ]
    return table(["IS \\ TAKEN FOR", *(str(number) for number in range(1, len(codes) + 1))], rows)


def _share(part: int, whole: int) -> str:
    return f"{part}/{whole} ({part / whole:.1%})" if whole else "0/0"


def _rate(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


# As JSON ----------------------------------------------------------------------------------------------------


def _model_json(model: "LearnedModel") -> dict[str, Any]:
    return {
        "generation": model.generation,
        "trained_at": model.trained_at,
        "letters": len(model.examples),
        "classes": dict(model.counts),
        "counts": model.proof.proven,
        "proof": _proof_json(model.proof),
    }


def _proof_json(proof: "Proof") -> dict[str, Any]:
    return {name: getattr(proof, name) for name in type(proof).__slots__}


def _evaluation_json(done: "Evaluation") -> dict[str, Any]:
    report = done.report
    return {
        "letters": report.letters,
        "right": report.right,
        "macro_f1": round(report.macro_f1, 4),
        "filed": report.filed,
        "filed_right": report.filed_right,
        "for_review": round(report.for_review, 4),
        "leaked": list(report.leaked),
        "calibration_error": round(report.calibration_error, 4),
        "cpu_ms": round(done.cpu_ms, 1),
        "with_model": done.with_model,
        "proof": _proof_json(done.proof) if done.proof else None,
        "classes": [
            {
                "class": row.code,
                "letters": row.letters,
                "named": row.named,
                "right": row.right,
                "precision": row.precision,
                "recall": row.recall,
                "f1": row.f1,
            }
            for row in report.classes
        ],
        "confusion": [{"truth": t, "found": f, "letters": n} for t, f, n in report.confusion],
        "reliability": [
            {"from": s.at_least, "letters": s.letters, "right": s.right, "confidence": round(s.mean_confidence, 4)}
            for s in report.reliability
        ],
        "untold": list(done.untold),
        "unreadable": list(done.unreadable),
    }
