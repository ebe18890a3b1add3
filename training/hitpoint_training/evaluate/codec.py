"""Held-out pieces through the codec, beside the same pieces through Opus: how much of the sound is left?"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from rich.table import Table

from hitpoint.values import SAMPLE_RATE, Floats
from hitpoint_training.dataset import find_pieces, read_sound
from hitpoint_training.decoder import Decoder
from hitpoint_training.evaluate.compositions import mean_known
from hitpoint_training.evaluate.fidelity import (
    attacks_kept,
    level_above,
    mel_distance,
    onset_f,
    partials,
    stereo_errors,
)
from hitpoint_training.evaluate.opus import through_opus
from hitpoint_training.evaluate.tone import key_clarity
from hitpoint_training.from_bundle import decoder_of_bundle
from hitpoint_training.loop import load_mean
from hitpoint_training.recipe import recipe_of
from hitpoint_training.roundtrip import through_codec

OPUS = (24, 48, 64, 256)
"""Kilobits per second; the last shows what the measures themselves can reach."""

RoundTrip = Callable[[Floats], Floats]
"""(2, samples) at 48 kHz to the same sound as it is after coding."""


@dataclass(frozen=True, slots=True)
class Fidelity:
    """Of one piece, or means over several; decibels are of the coded sound over the reference."""

    mel_distance: float
    side_db: float
    correlation: float
    onset_f: float
    attacks_kept: float
    key_clarity: float
    valleys_db: float
    partials_db: float
    high_partials_db: float
    above_3_khz_db: float
    above_8_khz_db: float


HEADINGS = (
    "mel distance", "side, dB", "correlation", "onset F", "attacks", "key clarity", "valleys, dB",
    "partials, dB", "partials > 3 kHz, dB", "> 3 kHz, dB", "> 8 kHz, dB",
)  # fmt: skip


def fidelity(made: Floats, wanted: Floats) -> Fidelity:
    """All figures of (2, samples) against its reference."""
    return Fidelity(
        mel_distance(made, wanted),
        *stereo_errors(made, wanted),
        onset_f(made, wanted),
        attacks_kept(made, wanted),
        key_clarity(made.T, SAMPLE_RATE),
        *partials(made, wanted),
        level_above(made, wanted, 3000),
        level_above(made, wanted, 8000),
    )


def decoder_of(source: Path) -> Decoder:
    """The decoder of a bundle, or the average of a training run."""
    if (source / "manifest.json").is_file():
        return decoder_of_bundle(source).eval()
    codec = recipe_of(source).codec
    decoder = Decoder(codec.latent, codec.width, codec.blocks)
    load_mean(source / "codec.safetensors", decoder)
    return decoder.eval()


def coders(source: Path) -> dict[str, RoundTrip]:
    """What is compared, by name; the reference itself tells the key clarity that there is to keep."""
    decoder = decoder_of(source)

    def opus(kilobits: int) -> RoundTrip:
        return lambda wanted: through_opus(wanted, kilobits)

    named: dict[str, RoundTrip] = {"the codec": lambda wanted: through_codec(decoder, wanted)}
    named |= {f"Opus {kilobits} kb/s": opus(kilobits) for kilobits in OPUS}
    return named | {"the reference": lambda wanted: wanted}


def measure_codec(named: Mapping[str, RoundTrip], heldout: Path, limit: int) -> Iterator[dict[str, Fidelity]]:
    """The figures of every coder for each piece of a folder."""
    for piece in find_pieces(heldout)[:limit]:
        wanted = read_sound(piece.sound)
        yield {name: fidelity(coded(wanted), wanted) for name, coded in named.items()}


def codec_table(found: list[dict[str, Fidelity]]) -> Table:
    """Means over the pieces, a row per coder."""
    table = Table(title=f"{len(found)} pieces through the codec")
    table.add_column("")
    for heading in HEADINGS:
        table.add_column(heading, justify="right")
    for name in found[0]:
        columns = zip(*(dataclasses.astuple(one[name]) for one in found), strict=True)
        table.add_row(name, *(f"{mean_known(column):.3f}" for column in columns))
    return table
