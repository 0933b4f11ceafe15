"""Repair of the key store from its mirror, and of the mirror from the key store.

    copy beside → looked through → what is left of the damaged one aside → the copy in its place

The whole one is only read. A stop at any arrow leaves it as it was, and the repair is repeated from the start; the
copy beside carries a temporary name, which the next repair and every purge remove.

Which of two whole ones is the right one is asked of the key book and the catalogue, which hold a hash of every key. A
newer one is never replaced by an older one that is whole, too: catalogue and key store may have gone back together.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from archive.catalogue import Catalogue
from archive.keystore import KeyStore
from archive.layout import ASIDE, VaultLayout
from archive.verification import KeyChecks
from poststelle.access.keybook import KeyBook
from poststelle.durable import TEMP_SUFFIX, Disk
from poststelle.errors import Damaged, PoststelleError, StorageError
from poststelle.records import Problem

KEY_STORE, MIRROR = "key store", "mirror"
"""The two copies, as people know them."""
REBUILDING = f".rebuilding{TEMP_SUFFIX}"
SIDE_FILES = ("-wal", "-shm")

OpenCatalogue = Callable[[KeyStore], AbstractContextManager[Catalogue | None]]
"""Opens the catalogue with the keys of one copy; None where the identity may not."""


class BothDamaged(Damaged):
    """Neither key store nor mirror is whole, so nothing can be repaired from them."""

    code = "A002"

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__(
            f"Neither the key store nor its mirror is whole: {'; '.join(faults)}. Nothing was changed. Move vault, key "
            "store and mirror away, keep them, and run `poststelle restore` from the newest backup."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """One of the two as it was found."""

    name: str
    path: Path
    fault: str | None
    """Why its pages cannot be trusted; None if every one of them is as it was written."""
    problems: tuple[Problem, ...] = ()
    """Where it differs from what key book and catalogue say."""
    generation: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPlan:
    """What a repair of the keys would do."""

    broken: Copy | None
    """What is to be replaced; None if nothing is."""
    source: Copy
    """What it is replaced by a copy of."""
    reason: str
    """Why, as a sentence."""


def plan_repair(layout: VaultLayout, book: KeyBook, disk: Disk, open_catalogue: OpenCatalogue) -> KeyPlan:
    """Look through both copies and say which of them is to be replaced by the other; changes nothing.

    Raises:
        BothDamaged: neither is whole.
        Damaged: both are whole, differ, and nobody can tell which is right; or the older one matches the catalogue,
            so that all of it may have gone back.
    """
    look = _Look(book=book, disk=disk, open_catalogue=open_catalogue)
    store, mirror = look.at(KEY_STORE, layout.keys), look.at(MIRROR, layout.mirror_keys)
    if store.fault and mirror.fault:
        raise BothDamaged([f"{copy.name}: {copy.fault}" for copy in (store, mirror)])
    if store.fault or mirror.fault:
        broken, source = (store, mirror) if store.fault else (mirror, store)
        mount = " If its disk is only not mounted, mount it instead." if not broken.path.exists() else ""
        return KeyPlan(broken=broken, source=source, reason=f"The {broken.name} {broken.fault}.{mount}")
    if not _differ(store, mirror, disk):
        return KeyPlan(broken=None, source=store, reason="Key store and mirror are whole and hold the same.")
    if (len(store.problems), -store.generation) == (len(mirror.problems), -mirror.generation):
        raise Damaged(
            "Key store and mirror are whole, but hold different rows, and neither key book nor catalogue tells which "
            "is right. Nothing was changed. Find out who changed them; `poststelle restore` brings back a backup."
        )
    source, broken = sorted((store, mirror), key=lambda copy: (len(copy.problems), -copy.generation))
    if broken.generation > source.generation:
        raise Damaged(
            f"The {source.name} is what key book and catalogue say, but the {broken.name} is newer (change number "
            f"{broken.generation}, not {source.generation}). Perhaps the vault as a whole was put back to an earlier "
            f"state, and the {broken.name} holds the keys of letters that came since. Nothing was changed. Find out "
            "who changed them; `poststelle restore` brings back a backup."
        )
    reason = (
        f"The {broken.name} is whole, but not what key book and catalogue say, or older: "
        f"{len(broken.problems)} differences, of the {source.name} {len(source.problems)}; change number "
        f"{broken.generation}, of the {source.name} {source.generation}."
    )
    return KeyPlan(broken=broken, source=source, reason=reason)


def carry_out(plan: KeyPlan, disk: Disk, now: datetime) -> Path | None:
    """Replace what the plan names; returns where what was left of it lies now, None if there was nothing.

    Raises:
        Damaged: the copy that was made is not what it was made of; nothing was replaced.
    """
    if plan.broken is None:
        raise ValueError("there is nothing to repair")
    path = plan.broken.path
    temp = path.with_name(path.name + REBUILDING)
    disk.make_folder(path.parent)
    _remove(temp, disk)
    source = KeyStore.open(plan.source.path, None, disk)
    try:
        source.copy_to(temp, disk)
        disk.reached("keys-copied")
        copy = KeyStore.open(temp, None, disk)
        try:
            if copy.problems() or not copy.holds_what(source):
                raise Damaged(f"The copy of the {plan.source.name} is not what it was made of; nothing was replaced.")
        finally:
            copy.close()
    except BaseException:
        _remove(temp, disk)
        raise
    finally:
        source.close()
    aside = put_aside(path, disk, now)
    disk.reached("keys-aside")
    disk.rename(temp, path)
    return aside


def put_aside(path: Path, disk: Disk, now: datetime) -> Path | None:
    """Keep what is left of a database under a name of its own, with its log: somebody may get more out of it."""
    aside = path.with_name(f"{path.name}{ASIDE}{now:%Y%m%dT%H%M%SZ}")
    for end in SIDE_FILES:
        if path.with_name(path.name + end).exists():
            disk.rename(path.with_name(path.name + end), aside.with_name(aside.name + end))
    if not path.exists():
        return None
    disk.rename(path, aside)
    return aside


def left_over(layout: VaultLayout) -> list[Path]:
    """Copies of the key store that repairs put aside or did not finish: they hold keys that a purge must destroy."""
    found: list[Path] = []
    for path in (layout.keys, layout.mirror_keys):
        found += path.parent.glob(f"{path.name}{ASIDE}*")
        found += path.parent.glob(f"{path.name}{REBUILDING}*")
    return sorted(set(found))


def _remove(temp: Path, disk: Disk) -> None:
    disk.unlink_all(path for end in ("", *SIDE_FILES) if (path := temp.with_name(temp.name + end)).exists())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """Looks through one copy at a time."""

    book: KeyBook
    disk: Disk
    open_catalogue: OpenCatalogue

    def at(self, name: str, path: Path) -> Copy:
        if not path.exists():
            return Copy(name=name, path=path, fault=f"is not there ({path})")
        try:
            keys = KeyStore.open(path, None, self.disk)
        except (Damaged, StorageError):
            return Copy(name=name, path=path, fault="cannot be opened: it was changed or cut")
        try:
            if keys.problems():
                return Copy(name=name, path=path, fault="was changed or cut: not every page is as it was written")
            return Copy(
                name=name, path=path, fault=None, problems=tuple(self._problems(keys)), generation=keys.generation
            )
        except (Damaged, StorageError):
            return Copy(name=name, path=path, fault="cannot be read through: it was changed or cut")
        finally:
            keys.close()

    def _problems(self, keys: KeyStore) -> list[Problem]:
        checks = KeyChecks(keys=keys, book=self.book)
        found = list(checks.by_itself())
        # Where the catalogue does not open, the key book alone must do.
        with suppress(PoststelleError), self.open_catalogue(keys) as catalogue:
            if catalogue is not None:
                found += checks.against(catalogue)
        return found


def _differ(store: Copy, mirror: Copy, disk: Disk) -> bool:
    one, other = (KeyStore.open(copy.path, None, disk) for copy in (store, mirror))
    try:
        return not one.holds_what(other)
    finally:
        one.close()
        other.close()
