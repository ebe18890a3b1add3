"""LORIS: its constants, its parts against the paper's equations, and a small run from data to sound."""

from __future__ import annotations

import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from loris_data import RATE, loris_folder
from torch import Tensor

from hitpoint.errors import MediaError
from hitpoint_training.data.check import check
from hitpoint_training.data.shards import write_shards
from hitpoint_training.data.source import entries
from hitpoint_training.loop import progress_of
from hitpoint_training.loris import diffusion
from hitpoint_training.loris.conditions import Conditions, HawkesEncoding, Seen
from hitpoint_training.loris.diffusion import Loris, adpm2, karras
from hitpoint_training.loris.rhythm import onset_envelope, rhythm_row
from hitpoint_training.loris.train import seen_of, sounds_of
from hitpoint_training.recipe import LorisRecipe, read_recipe

RECIPES = Path(__file__).parents[2] / "training" / "recipes"
TINY = LorisRecipe(
    channels=32, patch=8, multipliers=(1, 1, 2), factors=(4, 2), blocks=(1, 1), attentions=(0, 1), heads=2,
    head_features=8, context=16, video_features=12, genres=10, length=4096, batch=2,
)  # fmt: skip
torch.set_num_threads(1)


@pytest.fixture
def model() -> Loris:
    torch.manual_seed(4)
    return Loris(TINY).eval()


def seen(batch: int = 2, frames: int = 40) -> Seen:
    torch.manual_seed(1)
    peaks = (torch.rand(batch, frames) < 0.2).float()
    return Seen(torch.randn(batch, 5, 12), peaks, torch.cumsum(peaks, 1) * 0.4, torch.tensor([1, 4])[:batch])


def test_the_recipe_has_the_sizes_of_the_paper() -> None:
    recipe = read_recipe(RECIPES / "loris.toml").loris
    assert recipe == replace(LorisRecipe(), minutes=1440)
    assert (diffusion.SIGMA_DATA, diffusion.LOG_SIGMA_MEAN, diffusion.LOG_SIGMA_STD) == (0.1, -3.0, 1.0)
    assert (diffusion.SIGMA_MIN, diffusion.SIGMA_MAX, diffusion.RHO) == (1e-4, 3.0, 9.0)
    with torch.device("meta"):
        whole = Loris(LorisRecipe())
    assert sum(p.numel() for p in whole.parameters()) == pytest.approx(448e6, rel=0.01)


def test_karras_levels_by_hand() -> None:
    levels = karras(50)
    assert len(levels) == 50
    assert (levels[0], levels[-1]) == (pytest.approx(3.0), pytest.approx(1e-4))
    middle = ((3 ** (1 / 9) + 24 / 49 * (1e-4 ** (1 / 9) - 3 ** (1 / 9))) ** 9,)
    assert levels[24] == pytest.approx(middle[0])


def test_adpm2_takes_two_looks_per_step_and_arrives() -> None:
    target, asked = torch.full((1, 1, 4), 0.3), []

    def clean(x: Tensor, sigma: float) -> Tensor:
        asked.append(sigma)
        return target

    torch.manual_seed(0)
    made = adpm2(clean, torch.randn(1, 1, 4), karras(50))
    assert len(asked) == 98
    assert torch.allclose(made, target, atol=1e-3)
    first, second = karras(50)[:2]
    up = math.sqrt(second**2 * (first**2 - second**2) / first**2)
    assert asked[1] == pytest.approx((first + math.sqrt(second**2 - up**2)) / 2)


def test_a_perfect_network_has_no_loss_and_a_silent_one_its_share(
    model: Loris, monkeypatch: pytest.MonkeyPatch
) -> None:
    """f must be (z - c_skip x) / c_out; with data 0 that is -c_skip x / c_out. A network that says 0 loses
    E[(c_skip sigma)^2 / c_out^2] = E[sigma_data^2 / (sigma^2 + sigma_data^2)]."""
    sound = torch.zeros(4000, 2, 8)
    drop = replace(TINY, drop=0.0)
    model.recipe = drop
    some = Seen(
        torch.zeros(4000, 1, 12), torch.zeros(4000, 4), torch.zeros(4000, 4), torch.zeros(4000).long()
    )

    def perfect(x: Tensor, noise: Tensor, streams: object) -> Tensor:
        sigma = (4 * noise).exp()[:, None, None]
        total = (sigma**2 + 0.01).sqrt()
        return -((0.1 / total) ** 2) * (x * total) / (sigma * 0.1 / total)

    monkeypatch.setattr(model.unet, "forward", perfect)
    assert float(model.loss(sound, some)) < 1e-6
    monkeypatch.setattr(model.unet, "forward", lambda x, noise, streams: torch.zeros_like(x))
    torch.manual_seed(9)
    sigma = (-3 + torch.randn(200_000)).exp()
    wanted = float((0.01 / (sigma**2 + 0.01)).mean())
    assert float(model.loss(sound, some)) == pytest.approx(wanted, rel=0.03)


def test_hawkes_encoding_is_equation_nine() -> None:
    encoding = HawkesEncoding(8)
    times = torch.tensor([[0.0, 0.0, 0.7, 0.7]])
    made, omega, shift = (part.detach() for part in (encoding(times)[0], encoding.omega, encoding.shift))
    for frame in range(4):
        for k in range(4):
            angle = float(omega[k]) * frame + float(shift[k]) * float(times[0, frame])
            assert float(made[frame, 2 * k]) == pytest.approx(math.sin(angle), abs=1e-5)
            assert float(made[frame, 2 * k + 1]) == pytest.approx(math.cos(angle), abs=1e-5)


def test_event_times_matter_and_not_only_which_frames_are_peaks(model: Loris) -> None:
    one = seen()
    later = Seen(one.video, one.peaks, one.times + 0.01, one.genre)
    keep = torch.zeros(2, dtype=torch.bool)
    assert not torch.allclose(model.conditions(one, keep)[1], model.conditions(later, keep)[1])


def test_dropped_rows_carry_nothing_and_encoding_repeats() -> None:
    torch.manual_seed(4)
    conditions = Conditions(TINY).eval()
    drop = torch.tensor([True, False])
    streams, again = conditions(seen(), drop), conditions(seen(), drop)
    other = conditions(Seen(seen().video + 1, 1 - seen().peaks, seen().times * 3, seen().genre + 2), drop)
    for tokens, same, changed in zip(streams, again, other, strict=True):
        assert torch.equal(tokens, same)  # the paper's LSTM begins at zero, the released one at random
        assert torch.equal(tokens[0], changed[0])
        assert not torch.allclose(tokens[1], changed[1])


def test_every_condition_reaches_the_sound_even_one_at_a_time(model: Loris) -> None:
    x, sigma, keep = torch.randn(1, 2, 4096), torch.tensor([0.1]), torch.tensor([False])
    base = seen(1)
    with torch.no_grad():
        plain = model.denoise(x, sigma, model.conditions(base, keep))
        assert plain.shape == x.shape
        for changed in (
            replace(base, video=base.video + 1),
            replace(base, peaks=1 - base.peaks),
            replace(base, genre=base.genre + 1),
        ):
            assert (model.denoise(x, sigma, model.conditions(changed, keep)) - plain).abs().max() > 1e-6
        one = model.sample(torch.randn(1, 2, 4096), base, steps=3, guidance=2.0)  # a batch of one is enough
    assert one.shape == (1, 2, 4096)
    assert bool(one.isfinite().all())


def test_two_rates(model: Loris) -> None:
    """What the unconditional backbone has not: the conditions and the cross-attention."""
    fast = model.conditional()
    names = {name for name, _ in model.named_parameters()}
    assert fast < names
    assert all(name.startswith("conditions.") or ".attention." in name for name in fast)
    assert any(name.startswith("unet.") for name in fast)


def test_rhythm_of_a_body_that_jerks() -> None:
    """All joints stand still but for a jerk at frames 20, 30 and 50."""
    pose = np.zeros((80, 17, 3), np.float32)
    for frame in (20, 30, 50):
        pose[frame:, :, 0] += 0.2
    envelope = onset_envelope(pose)
    assert envelope.shape == (80,)
    row = rhythm_row(pose, 16)
    assert np.flatnonzero(row.peaks).tolist() == np.flatnonzero(envelope > 0.9).tolist()
    assert len(np.flatnonzero(row.peaks)) == 3
    assert row.times[0] == 0
    assert row.times[-1] == pytest.approx(50 / 16, abs=0.1)
    still = rhythm_row(np.zeros((80, 17, 3), np.float32), 16)
    assert not still.peaks.any()


def test_sounds_are_normalised_cut_and_doubled(tmp_path: Path) -> None:
    samples = [check(entry.load()) for entry in entries(loris_folder(tmp_path))]
    sounds = sounds_of(samples, replace(TINY, length=5000), np.random.default_rng(0))
    assert sounds.shape == (3, 2, 5000)
    assert torch.equal(sounds[:, 0], sounds[:, 1])
    assert float(sounds.abs().amax((1, 2)).min()) >= 0.3 * 0.95 - 1e-6
    assert float(sounds.abs().max()) <= 0.95
    with pytest.raises(MediaError, match="1024 video features"):
        seen_of(samples, TINY)
    with pytest.raises(MediaError, match="no pose"):
        seen_of([replace(samples[0], pose=None)], TINY)


RECIPE = """
[run]
name = "tiny"
corpus = "{0}/shards"
folder = "{0}/run"
[loris]
channels = 32
patch = 8
multipliers = [1, 1, 2]
factors = [4, 2]
blocks = [1, 1]
attentions = [0, 1]
heads = 2
head_features = 8
context = 16
length = 16384
batch = 2
rate = 1e-3
backbone_rate = 1e-3
steps = 3
guidance = 2
"""


def test_from_the_published_lay_out_to_sound(tmp_path: Path) -> None:
    samples = (entry.load() for entry in entries(loris_folder(tmp_path / "data")))
    write_shards(samples, tmp_path / "shards", per_shard=2)
    recipe = tmp_path / "tiny.toml"
    recipe.write_text(RECIPE.format(tmp_path))
    commands = (
        ["hitpoint_training", "train", str(recipe), "--steps", "3"],
        [
            "hitpoint_training.loris",
            "sample",
            str(tmp_path / "run"),
            str(tmp_path / "shards"),
            str(tmp_path / "out"),
        ],
    )
    for command in commands:
        done = subprocess.run(
            [sys.executable, "-m", *command], capture_output=True, text=True, check=False, timeout=300
        )
        assert done.returncode == 0, done.stderr
    assert progress_of(tmp_path / "run" / "loris.safetensors").step == 3
    assert "3 files, BCS" in done.stdout
    for number in (1, 2, 3):
        made, rate = soundfile.read(tmp_path / "out" / f"generated_{number}.wav")
        assert (made.shape, rate) == ((16_384, 2), RATE)
        assert np.isfinite(made).all()
        assert (tmp_path / "out" / f"gt_{number}.wav").is_file()
