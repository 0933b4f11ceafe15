"""What ten confirmed letters of each class are worth: training on one half of the generator, judged on the other.

`python bench/learning.py [--each 10] [--judged 10] [--kept FOLDER]`. Text is what recognition read from office and bad
scans, never the generator's own; readings are kept (see kept_readings.py). The halves share no sender, no wording and
no layout. Exit status 0 if the promises hold: macro-F1 at least 0.97, at least 99 % right among those filed without
a person, no confidential letter filed where others read it.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

if not __package__:
    # Run as a file: this folder would offer its own modules in place of the product's.
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from bench.kept_readings import kept_folder, read_letters
from bench.letters import RECORD_CLASSES, Letter, make_letter
from classifiers import Classifier
from classifiers.judging import Judged, Report, judge
from classifiers.learned import LearnedModel, decode_model, encode_model
from classifiers.learning import Example, train
from poststelle.config import Config, load
from poststelle.records import RecognisedDocument
from poststelle.verbs.learning import would_leak
from poststelle.wiring import classifier, shipped_config

TAUGHT_SEED, JUDGED_SEED = 90_000, 79_000
TAUGHT_HALF, JUDGED_HALF = 1, 2
ALSO_RIGHT = {
    "payroll": ("employment-contract",),
    "termination": ("employment-termination",),
    "contract": ("employment-contract",),
    "insurance": ("social-insurance",),
}
"""Classes that the generator does not tell apart but the office does."""
LEAST_MACRO_F1, LEAST_RIGHT = 0.97, 0.99


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A letter and how it was read."""

    letter: Letter
    document: RecognisedDocument


def main() -> int:
    """Read, judge by the rules, train, judge again."""
    options = _options()
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        config = load(shipped_config(), work)
        rules = classifier(config)
        taught = _cases(TAUGHT_HALF, TAUGHT_SEED, options.each, ("office", "office", "bad"), options.kept, work)
        judged = {
            preset: _cases(JUDGED_HALF, JUDGED_SEED, options.judged, (preset,), options.kept, work)
            for preset in ("office", "bad")
        }
    began = time.process_time()
    model = _train(taught, rules, config)
    print(f"trained on {len(taught)} letters in {time.process_time() - began:.1f} s CPU, reading aside")
    print(f"{len(encode_model(model)) / 1e6:.1f} MB, {model.proof}")
    began = time.process_time()
    model = decode_model(encode_model(model))
    print(f"loaded in {1000 * (time.process_time() - began):.0f} ms CPU")
    both = classifier(config, learned=model)
    kept = True
    for preset, cases in judged.items():
        _print(f"{preset} scans, rules alone", *_judge(cases, rules, config))
        report, cpu_ms = _judge(cases, both, config)
        _print(f"{preset} scans, with {options.each} confirmed letters of each class", report, cpu_ms)
        right = report.filed_right / max(1, report.filed)
        kept = kept and report.macro_f1 >= LEAST_MACRO_F1 and right >= LEAST_RIGHT and not report.leaked
    return 0 if kept else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--each", type=int, default=10, help="confirmed letters of each class")
    parser.add_argument("--judged", type=int, default=10, help="letters of each class to judge, office and bad each")
    parser.add_argument("--kept", type=Path, default=kept_folder(), help="folder of kept readings")
    return parser.parse_args()


def _cases(half: int, seed: int, each: int, presets: Sequence[str], kept: Path, work: Path) -> list[Case]:
    """Letters of every class, the presets taking turns from one round of classes to the next."""
    by_preset: dict[str, list[Letter]] = {}
    for number in range(each * len(RECORD_CLASSES)):
        turn, place = divmod(number, len(RECORD_CLASSES))
        letter = make_letter(seed + number, half=half, record_class=RECORD_CLASSES[place])
        by_preset.setdefault(presets[turn % len(presets)], []).append(letter)
    return [
        Case(letter=letter, document=document)
        for preset, letters in by_preset.items()
        for letter, document in zip(letters, read_letters(letters, preset, kept, work), strict=True)
    ]


def _train(cases: Sequence[Case], rules: Classifier, config: Config) -> LearnedModel:
    examples = []
    for case in cases:
        studied = rules.study(case.document, case.letter.date + timedelta(days=2))
        examples.append(
            Example(
                document_id=str(case.letter.seed),
                record_class=case.letter.record_class,
                features=studied.features,
                by_rules=studied.by_rules,
                group=studied.sender or str(case.letter.seed),
            )
        )
    leaks = would_leak(rules, config.value["classes"], config.value["classification"]["confidential"])
    return train(examples, generation=1, trained_at="", leaks=leaks)


def _judge(cases: Sequence[Case], ours: Classifier, config: Config) -> tuple[Report, float]:
    """(report, CPU milliseconds a letter)."""
    classes, confidential = config.value["classes"], config.value["classification"]["confidential"]
    began = time.process_time()
    found = [ours.classify(case.document, case.letter.date + timedelta(days=2)) for case in cases]
    cpu_ms = 1000 * (time.process_time() - began) / max(1, len(cases))
    letters = []
    for case, classified in zip(cases, found, strict=True):
        truth = case.letter.record_class
        accepted = (truth, *ALSO_RIGHT.get(truth, ()))
        own = {classes[code]["compartment"] for code in accepted if code in classes}
        filed = not classified.needs_review
        letters.append(
            Judged(
                name=f"seed {case.letter.seed}: {truth} as {classified.record_class}",
                truth=truth,
                found=truth if classified.record_class in accepted else classified.record_class,
                confidence=classified.confidence,
                filed=filed,
                leaked=classes[truth]["compartment"] in confidential
                and filed
                and classified.compartment not in (*own, "restricted"),
            )
        )
    return judge(letters), cpu_ms


def _print(name: str, report: Report, cpu_ms: float) -> None:
    print(f"\n── {name}: {report.letters} letters")
    print(f"class right                 {_share(report.right, report.letters)}, macro-F1 {report.macro_f1:.3f}")
    print(f"filed without review, right {_share(report.filed_right, report.filed)}")
    print(f"to review                   {_share(report.letters - report.filed, report.letters)}")
    print(f"leaks of confidential mail  {len(report.leaked)}")
    print(f"calibration error           {report.calibration_error:.3f}")
    print(f"CPU a letter                {cpu_ms:.1f} ms")
    wrong = [f"{truth} as {found} {count}" for truth, found, count in report.confusion if truth != found]
    print("  wrong: " + (", ".join(wrong) or "none"))
    for step in report.reliability:
        print(f"  sure from {step.at_least:.1f}: {_share(step.right, step.letters)} right")
    for leak in report.leaked:
        print(f"  LEAK {leak}")
    sys.stdout.flush()


def _share(part: int, whole: int) -> str:
    return f"{part}/{whole} ({part / whole:.1%})" if whole else "0/0"


if __name__ == "__main__":
    sys.exit(main())
