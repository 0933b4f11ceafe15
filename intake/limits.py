"""What a worker may use up and touch: computing time, memory, files, network."""

import ctypes
import os
import resource
import struct

_PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS = 4, 38
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same numbers on every architecture
_RULE_PATH_BENEATH = 1
_WRITE_FILE, _READ_FILE, _READ_FOLDER, _TRUNCATE = 1 << 1, 1 << 2, 1 << 3, 1 << 14
_FILE_RIGHTS_BY_ABI = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1, 5: (1 << 16) - 1}
_CONNECT_AND_BIND = 0b11


def confine_for_good() -> None:
    """No core dumps, no new rights, few files; what one letter cannot need."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (128, 128))
    library = ctypes.CDLL(None, use_errno=True)
    library.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    library.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def allow_for_one_job(cpu_seconds: int, memory_bytes: int) -> None:
    """Raise the ceilings to what is used now plus what one page may cost."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    used_seconds = int(usage.ru_utime + usage.ru_stime) + 1
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (used_seconds + cpu_seconds, hard))
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (_address_space_bytes() + memory_bytes, hard))


def _address_space_bytes() -> int:
    descriptor = os.open("/proc/self/statm", os.O_RDONLY | os.O_CLOEXEC)
    try:
        return int(os.read(descriptor, 64).split()[0]) * resource.getpagesize()
    finally:
        os.close(descriptor)


def lock_out_files_and_network(readable: list[str]) -> bool:
    """Give up writing any file, reading any but those below `readable`, and TCP; False if the kernel cannot."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    library = ctypes.CDLL(None, use_errno=True)
    abi = library.syscall(_CREATE_RULESET, None, 0, 1)
    if abi < 1:
        return False
    files = _FILE_RIGHTS_BY_ABI.get(abi, _FILE_RIGHTS_BY_ABI[5])
    attributes = struct.pack("QQ", files, _CONNECT_AND_BIND) if abi >= 4 else struct.pack("Q", files)
    ruleset = library.syscall(_CREATE_RULESET, attributes, len(attributes), 0)
    if ruleset < 0:
        return False
    try:
        for path in readable:
            _allow(library, ruleset, path, _READ_FILE | _READ_FOLDER)
        # Tesseract crashes where it cannot open its debug file, which is this one.
        _allow(library, ruleset, os.devnull, (_READ_FILE | _WRITE_FILE | _TRUNCATE) & files)
        return bool(library.syscall(_RESTRICT_SELF, ruleset, 0) == 0)
    finally:
        os.close(ruleset)


def _allow(library: ctypes.CDLL, ruleset: int, path: str, rights: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return  # a folder of fonts that this machine does not have
    try:
        library.syscall(_ADD_RULE, ruleset, _RULE_PATH_BENEATH, struct.pack("=Qi", rights, place), 0)
    finally:
        os.close(place)
