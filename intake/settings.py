"""The limits and choices of intake, as the wiring builds them from the configuration."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class IntakeSettings:
    """What a letter may cost, and how it is read. Sizes in bytes, times in seconds."""

    max_bytes: int = 250_000_000
    max_pages: int = 2_000
    max_pixels_per_page: int = 120_000_000
    """An A3 page at 600 dpi has 70 million."""
    page_cpu_seconds: int = 60
    """After this much computing a page is given up; its worker is killed."""
    page_memory_bytes: int = 3 * 1024**3
    """How much address space one page may add to its worker."""
    languages: tuple[str, ...] = ("deu",)
    more_languages: tuple[tuple[str, ...], ...] = ()
    """Other sets of languages that some letters are read in, by the folder they were dropped into."""
    engine: str = "auto"
    """"auto", "tesserocr" or "pytesseract"."""
    watch: str = "auto"
    """"auto", "events" or "polling": how new files are noticed."""
    workers: int = 1
    """Worker processes; the wiring gives one per core."""
    settle_seconds: float = 2.0
    """A file must not have changed for this long before it is taken."""
    give_up_seconds: float = 900.0
    """A half-written file that has not changed for this long goes to quarantine."""
    workers_idle_seconds: float = 60.0
    """A worker without work for this long is replaced by a fresh, small one."""

    @property
    def all_languages(self) -> frozenset[str]:
        """Every language that some letter may be read in."""
        return frozenset(self.languages).union(*self.more_languages)

    @property
    def page_wall_seconds(self) -> float:
        """How long a page may take by the clock; far more than computing time, the machine may be busy."""
        return 4.0 * self.page_cpu_seconds + 10.0
