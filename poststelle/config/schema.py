"""What config.yaml may say: one model per section, every key explained where it stands in the shipped file."""

import re
from datetime import date
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

Code = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]*$")]
LineCode = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9-]*$")]
CompartmentCode = Literal["general", "finance", "sales", "hr", "legal", "management", "unsorted", "restricted"]
Verb = Literal["find", "read", "export", "file", "reclassify", "hold", "release", "grant"]
Right = Literal["records", "audit", "hold", "release", "subject", "grant"]


class Section(BaseModel):
    """Unknown keys are errors: a misspelt key must not be ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Office(Section):
    name: str
    also_known_as: list[str] = []


class Paths(Section):
    inbox: str = "inbox"
    vault: str = "vault"
    key_store: str = "vault/keys"
    mirror: str = "mirror"
    identities: str = "identities"
    service: str = "service.identity"
    work: str = "auto"


Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{3}(_[a-z]+)?$")]


class InboxFolder(Section):
    compartment: CompartmentCode | None = None
    languages: list[Language] = []


class Intake(Section):
    mode: Literal["live", "blind"] = "live"
    languages: list[Language] = Field(["deu"], min_length=1)
    folders: dict[Annotated[str, StringConstraints(min_length=1, pattern=r"^[^./][^\x00]*$")], InboxFolder] = {}
    engine: Literal["auto", "tesserocr", "pytesseract"] = "auto"
    watch: Literal["auto", "events", "polling"] = "auto"
    workers: Literal["auto"] | Annotated[int, Field(ge=1, le=256)] = "auto"
    settle_seconds: float = Field(2, ge=0.1, le=3600)
    give_up_minutes: float = Field(15, gt=0)
    archive_number_prefix: Annotated[str, StringConstraints(pattern=r"^\S{1,20}$")] = "ASN"
    max_megabytes: int = Field(250, ge=1, le=4000)
    max_pages: int = Field(2000, ge=1)
    max_megapixels: int = Field(120, ge=10, le=1000)
    page_seconds: int = Field(60, ge=5)
    page_megabytes: int = Field(3072, ge=512)
    least_free_megabytes: int = Field(1000, ge=0)


class Backup(Section):
    keep_days: int = Field(30, ge=1, le=3650)


class Audit(Section):
    keep_years: int = Field(3, ge=1, le=100)


class Compartment(Section):
    label: str
    series: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2,5}$")]


class Role(Section):
    label: str
    compartments: dict[CompartmentCode, list[Verb]] = {}
    rights: list[Right] = []


class Separation(Section):
    keyless: list[Code] = []
    apart: list[Annotated[list[Code], Field(min_length=2, max_length=2)]] = []


class Period(Section):
    years: int | None = Field(None, ge=0, le=100)
    months: int | None = Field(None, ge=0)
    days: int | None = Field(None, ge=0)

    @model_validator(mode="after")
    def _one_period(self) -> Self:
        if sum(period is not None for period in (self.years, self.months, self.days)) != 1:
            raise ValueError("a period in exactly one of years, months or days")
        return self


class EarlierPeriod(Period):
    until: date


class Extension(Section):
    label: str
    basis: str
    years_after: int | None = Field(None, ge=1, le=100)


class RetentionLine(Period):
    label: str
    start_event: str
    cutoff: Literal["year-end", "day"]
    basis: str
    tax_relevant: bool = False
    release: Literal["signed", "standing"] = "signed"

    earlier: list[EarlierPeriod] = []
    extended_by: list[Code] = []
    sign_off: str = ""

    @model_validator(mode="after")
    def _never_unattended(self) -> Self:
        if self.tax_relevant and self.release == "standing":
            raise ValueError("release: signed, because tax-relevant records are never destroyed unattended")
        return self


class Phrase(Section):
    text: str = Field(min_length=1)
    weight: float = Field(ge=-20, le=20)
    where: Literal["anywhere", "subject", "head", "foot", "sender"] = "anywhere"
    regex: bool = False

    @model_validator(mode="after")
    def _is_regular(self) -> Self:
        if self.regex:
            try:
                re.compile(self.text)
            except re.error as err:
                raise ValueError(f"a regular expression ({err})") from err
        return self


class Structure(Section):
    signal: Literal[
        "has_iban", "has_amount", "has_total", "has_table", "has_due_date", "has_legal_remedy", "has_salutation",
        "from_person",
    ]  # fmt: skip
    weight: float = Field(ge=-20, le=20)


class RecordClass(Section):
    label: str
    compartment: CompartmentCode
    retention: LineCode
    tax_relevant: bool = False
    prior: float = 0.0
    phrases: list[Phrase] = []
    structure: list[Structure] = []


class Classification(Section):
    accept_at: float = Field(0.75, ge=0.5, le=1)
    accept_in: dict[CompartmentCode, Annotated[float, Field(ge=0.5, le=1)]] = {}
    confidential: list[CompartmentCode] = ["restricted", "management", "hr", "legal"]
    confidential_floor: float = Field(0.05, ge=0, le=0.5)
    page_confidence_floor: float = Field(0.8, ge=0, le=1)
    temperature: float = Field(0.55, gt=0)


class OfficeConfig(Section):
    format: Literal[1]
    office: Office
    paths: Paths = Paths()
    intake: Intake = Intake()
    backup: Backup = Backup()
    audit: Audit = Audit()
    classification: Classification = Classification()
    sealed_lane: dict[Literal["works-council", "company-doctor", "data-protection", "personal"], Code] = {}
    compartments: dict[CompartmentCode, Compartment]
    roles: dict[Code, Role]
    separation: Separation = Separation()
    users: dict[Code, list[Code]]
    retention_vectors: str = ""
    extensions: dict[Code, Extension] = {}
    retention: dict[LineCode, RetentionLine]
    classes: dict[Code, RecordClass]
