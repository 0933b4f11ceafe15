"""What paper and scanner do to a page: skew, shadow, uneven light, blur, noise, specks, ink from behind."""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
_TILE = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """How bad a scan is; pairs are the range a page's value is drawn from."""

    skew_degrees: float
    """At most, either way."""
    paper: tuple[float, float]
    ink: tuple[float, float]
    """Grey of blank paper and of black ink, 0–255."""
    blur_px: tuple[float, float]
    """At 300 dpi."""
    noise: tuple[float, float]
    unevenness: float
    """How much darker the darkest corner is, 0–1."""
    specks: tuple[int, int]
    behind: float
    """Strength of what shines through from the reverse, 0–1."""


PRESETS: dict[str, Preset | None] = {
    "clean": None,
    "office": Preset(
        skew_degrees=0.8, paper=(238, 250), ink=(18, 55), blur_px=(0.5, 0.9), noise=(2.0, 5.0), unevenness=0.05,
        specks=(0, 25), behind=0.0,
    ),
    "bad": Preset(
        skew_degrees=2.2, paper=(196, 226), ink=(52, 84), blur_px=(0.9, 1.5), noise=(5.0, 9.0), unevenness=0.2,
        specks=(120, 450), behind=0.08,
    ),
}  # fmt: skip


def wear(pixels: Pixels, preset: Preset, dpi: int, seed: int) -> Pixels:
    """Age a clean page (height × width, or × 3), always the same way for a seed."""
    random: np.random.Generator = np.random.default_rng(seed)
    paper, ink = random.uniform(*preset.paper), random.uniform(*preset.ink)
    if preset.behind:
        behind = 255 - (255 - cv2.GaussianBlur(pixels[:, ::-1], (0, 0), 3 * dpi / 300)) * preset.behind
        pixels = np.minimum(pixels, behind.astype(np.uint8))
    pixels = _skewed(pixels, random.uniform(-preset.skew_degrees, preset.skew_degrees))
    blur = random.uniform(*preset.blur_px) * dpi / 300
    pixels = cv2.GaussianBlur(pixels, (0, 0), blur).astype(np.uint8)
    table = np.linspace(ink, paper, 256, dtype=np.float32)
    # The table does contrast; light is a small picture stretched over the page; noise is one tile moved about.
    lit = table[pixels]
    shape = pixels.shape[:2]
    light, noise = _light(random, preset.unevenness, shape), _noise(random, random.uniform(*preset.noise), shape)
    if pixels.ndim == 3:
        light, noise = light[:, :, None], noise[:, :, None]
    lit *= light
    lit += noise
    np.clip(lit, 0, 255, out=lit)
    worn = lit.astype(np.uint8)
    _add_specks(worn, random, int(random.integers(*preset.specks)), dpi)
    return worn


def _skewed(pixels: Pixels, degrees: float) -> Pixels:
    height, width = pixels.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
    white: Any = (255, 255, 255)
    return cv2.warpAffine(pixels, turn, (width, height), flags=cv2.INTER_LINEAR, borderValue=white).astype(np.uint8)


def _light(random: np.random.Generator, unevenness: float, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """A field around 1 that falls off to one side, with a shadow along one edge as a lifted lid leaves it."""
    y, x = np.mgrid[0:1:12j, 0:1:9j]
    angle = random.uniform(0, 2 * np.pi)
    slope = (np.cos(angle) * (x - 0.5) + np.sin(angle) * (y - 0.5)) * 0.7 + 0.5
    field: NDArray[np.float64] = 1 - unevenness * np.clip(slope, 0, 1) - unevenness * 0.4 * random.random(x.shape)
    field[:, 0 if random.random() < 0.5 else -1] -= unevenness
    stretched = cv2.resize(field.astype(np.float32), (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC)
    return np.asarray(stretched, dtype=np.float32)


def _noise(random: np.random.Generator, strength: float, shape: tuple[int, ...]) -> NDArray[np.float32]:
    tile = random.standard_normal((_TILE, _TILE), dtype=np.float32) * np.float32(strength)
    rows, columns = -(-shape[0] // _TILE), -(-shape[1] // _TILE)
    strips = [np.tile(np.roll(tile, int(random.integers(_TILE)), axis=1), (1, columns)) for _ in range(rows)]
    noise: NDArray[np.float32] = np.concatenate(strips)[: shape[0], : shape[1]]
    return noise


def _add_specks(pixels: Pixels, random: np.random.Generator, count: int, dpi: int) -> None:
    """Dust: dark and light dots of a few hundredths of a millimetre to a quarter."""
    height, width = pixels.shape[:2]
    for x, y, size, shade in zip(
        random.integers(0, width, count), random.integers(0, height, count),
        random.exponential(1.0, count) * dpi / 300, random.integers(0, 150, count), strict=True,
    ):  # fmt: skip
        level = int(shade)
        cv2.circle(pixels, (int(x), int(y)), round(float(size)), (level, level, level), -1)
