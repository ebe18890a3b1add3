"""The training loop as it is used: real processes that are stopped, killed, resumed and run side by side."""

from __future__ import annotations

import contextlib
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tiny_run
import torch
from safetensors.torch import load_file
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch import Tensor, nn

from hitpoint.errors import HitpointError, ModelBundleError, OutputError, UsageError
from hitpoint_training import checkpoint, loop
from hitpoint_training.processes import device_of, seed_at
from hitpoint_training.recipe import read_recipe
from hitpoint_training.start import first_weights

STEPS = 60
torch.set_num_threads(1)  # two threads for four numbers only wait for each other
TRAIN = [sys.executable, "-m", "hitpoint_training", "train"]


def train(recipe: Path, *options: str, launch: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    command = [*launch, "-m", "hitpoint_training", "train"] if launch else TRAIN
    return subprocess.run(
        [*command, str(recipe), *options], capture_output=True, text=True, check=False, timeout=300
    )


def stopped(recipe: Path, number: signal.Signals, at_least: int, *options: str) -> tuple[int, str]:
    """Start the flow stage, wait until its checkpoint has so many steps, and send the signal."""
    file = recipe.parent / "run" / "flow.safetensors"
    with subprocess.Popen(
        [*TRAIN, str(recipe), "--stage", "flow", *options], stderr=subprocess.PIPE, text=True
    ) as process:
        while process.poll() is None and checkpoint.progress_of(file).step < at_least:
            time.sleep(0.02)
        process.send_signal(number)
        _, told = process.communicate(timeout=120)
    return process.returncode, told


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_run.corpus(tmp_path_factory.mktemp("corpus"))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, data: Path) -> tuple[Path, str, str]:
    """A run that nothing disturbed: its folder, its stdout and its stderr."""
    recipe = tiny_run.recipe(tmp_path_factory.mktemp("whole"), data)
    done = train(recipe, "--steps", str(STEPS))
    assert done.returncode == 0, done.stderr
    return recipe.parent / "run", done.stdout, done.stderr


def test_both_stages_leave_checkpoints_curves_and_sounds(whole: tuple[Path, str, str]) -> None:
    run, stdout, stderr = whole
    assert stdout == ""
    assert "left" in stderr
    wanted = {"codec": ["decoded", "reference"], "flow": ["composed", "sampled"]}
    for stage, sounds in wanted.items():
        assert checkpoint.progress_of(run / f"{stage}.safetensors").step == STEPS
        events = EventAccumulator(str(run / "tensorboard" / stage)).Reload()
        assert {"loss", "gradient", "rate"} <= set(events.Tags()["scalars"])
        assert sorted(events.Tags()["audio"]) == sounds
        assert [one.step for one in events.Scalars("loss")] == [50, STEPS]
        assert np.isfinite(events.Scalars("loss")[0].value)
    assert not [file for file in run.rglob("*") if file.suffix in (".part", ".tmp", ".pt", ".pkl")]


def test_stopped_then_killed_then_resumed_ends_at_the_very_same_weights(
    whole: tuple[Path, str, str], data: Path, tmp_path: Path
) -> None:
    recipe = tiny_run.recipe(tmp_path, data, save_seconds=0.0)
    file = tmp_path / "run" / "flow.safetensors"
    code, told = stopped(recipe, signal.SIGTERM, 2, "--steps", str(STEPS))
    assert code == 130
    assert "--resume" in told
    polite = checkpoint.progress_of(file).step
    code, _ = stopped(recipe, signal.SIGKILL, polite + 2, "--steps", str(STEPS), "--resume")
    assert code == -signal.SIGKILL
    assert polite < checkpoint.progress_of(file).step < STEPS
    done = train(recipe, "--stage", "flow", "--steps", str(STEPS), "--resume")
    assert done.returncode == 0, done.stderr
    once, thrice = load_file(whole[0] / "flow.safetensors"), load_file(file)
    assert once.keys() == thrice.keys()
    assert all(torch.equal(value, thrice[name]) for name, value in once.items())


def test_a_run_begins_from_another_with_no_step_done(
    whole: tuple[Path, str, str], data: Path, tmp_path: Path
) -> None:
    recipe = read_recipe(tiny_run.recipe(tmp_path, data))
    recipe = replace(recipe, start=str(whole[0]))
    recipe.run.mkdir()
    assert first_weights(recipe)
    assert not first_weights(recipe)  # not over what has begun
    for stage in ("codec", "flow"):
        before = load_file(whole[0] / f"{stage}.safetensors")
        after = load_file(recipe.run / f"{stage}.safetensors")
        assert all(torch.equal(before[f"mean.{k.split('.', 1)[1]}"], v) for k, v in after.items())
        assert checkpoint.progress_of(recipe.run / f"{stage}.safetensors").step == 0
    assert load_file(recipe.run / "projection.safetensors").keys()
    with pytest.raises(UsageError, match="no training run"):
        first_weights(replace(recipe, start=str(data), run=tmp_path))


TWO = """
import sys, torch
from pathlib import Path
from torch import nn
from hitpoint_training import loop

torch.manual_seed(3)
model = nn.Linear(4, 4)
loss = lambda: model(torch.randn(8, 4)).square().mean()
plan = loop.Plan(Path(sys.argv[1]), loop.Budget(1, steps=5), 1e-2, 0.5, seed=11)
loop.run(model, loss, plan)
"""


def test_two_processes_average_the_gradients_of_different_data(tmp_path: Path) -> None:
    """Against the same arithmetic done by hand in one process."""
    script, file = tmp_path / "two.py", tmp_path / "two.safetensors"
    script.write_text(TWO)
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    done = subprocess.run(
        [*launch, str(script), str(file)], capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    torch.manual_seed(3)
    model = nn.Linear(4, 4)
    optimizer = torch.optim.AdamW(model.parameters(), betas=(0.9, 0.98), weight_decay=0.01)
    for step in range(5):
        optimizer.param_groups[0]["lr"] = loop.learning_rate(1e-2, step, step / 5)
        optimizer.zero_grad()
        for rank in (0, 1):
            torch.manual_seed(seed_at(11, step, rank))
            (model(torch.randn(8, 4)).square().mean() / 2).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    made = load_file(file)
    for name, value in model.state_dict().items():
        assert torch.allclose(made[f"model.{name}"], value, atol=1e-6)


@pytest.mark.slow
def test_the_command_runs_under_torchrun(data: Path, tmp_path: Path) -> None:
    recipe = tiny_run.recipe(tmp_path, data)
    launch = (sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")
    done = train(recipe, "--stage", "flow", "--steps", "3", launch=launch)
    assert done.returncode == 0, done.stderr
    assert checkpoint.progress_of(tmp_path / "run" / "flow.safetensors").step == 3


# In one process -----------------------------------------------------------------------------------------


@contextlib.contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """The kernel refuses to make a file larger: the same path as a disk that fills up while writing."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def toy(width: int = 64) -> tuple[nn.Module, torch.optim.Optimizer]:
    model = nn.Linear(width, width)
    optimizer = torch.optim.AdamW(model.parameters())
    model(torch.ones(1, width)).sum().backward()
    optimizer.step()
    return model, optimizer


def test_a_disk_that_fills_up_leaves_the_old_checkpoint(tmp_path: Path) -> None:
    file = tmp_path / "toy.safetensors"
    model, optimizer = toy()
    checkpoint.save(file, model, model, optimizer, checkpoint.Progressed(1, 1.0))
    before = file.read_bytes()
    with files_of_at_most(len(before) // 2), pytest.raises(OutputError, match="cannot be written"):
        checkpoint.save(file, model, model, optimizer, checkpoint.Progressed(2, 2.0))
    assert file.read_bytes() == before
    assert list(tmp_path.iterdir()) == [file]
    assert checkpoint.load(file, model, model, optimizer).step == 1


@pytest.mark.parametrize("cut", [0, 7, 5000])
def test_a_damaged_checkpoint_is_named(tmp_path: Path, cut: int) -> None:
    file = tmp_path / "toy.safetensors"
    model, optimizer = toy()
    checkpoint.save(file, model, model, optimizer, checkpoint.Progressed(1, 1.0))
    file.write_bytes(file.read_bytes()[:cut])
    with pytest.raises(ModelBundleError, match=r"toy\.safetensors .* damaged"):
        checkpoint.load(file, model, model, optimizer)


def test_a_checkpoint_of_another_size_is_named(tmp_path: Path) -> None:
    file = tmp_path / "toy.safetensors"
    model, optimizer = toy(64)
    checkpoint.save(file, model, model, optimizer, checkpoint.Progressed(1, 1.0))
    with pytest.raises(UsageError, match="does not fit the recipe"):
        checkpoint.load_mean(file, nn.Linear(32, 32))


def regression() -> tuple[nn.Linear, Tensor]:
    torch.manual_seed(0)
    return nn.Linear(4, 4), torch.randn(4, 4)


def test_training_learns_and_resumes(tmp_path: Path) -> None:
    model, wanted = regression()

    def loss() -> Tensor:
        x = torch.randn(64, 4)
        return (model(x) - x @ wanted).square().mean()

    before, file = loss().item(), tmp_path / "toy.safetensors"
    loop.run(model, loss, loop.Plan(file, loop.Budget(1, steps=400), rate=2e-2, keep=0.99))
    assert loss().item() < before / 4
    trained = model.weight.detach().clone()
    with torch.no_grad():
        model.weight.zero_()
    loop.run(model, loss, loop.Plan(file, loop.Budget(1, True, 420), rate=1e-4, keep=0.99))
    assert loop.progress_of(file).step == 420
    assert torch.allclose(model.weight, trained, atol=0.05)  # went on from the checkpoint, not from zero


def test_minutes_end_a_run_and_earlier_minutes_count(tmp_path: Path) -> None:
    model, _ = regression()
    file = tmp_path / "toy.safetensors"

    def loss() -> Tensor:
        time.sleep(0.02)
        return model(torch.randn(8, 4)).square().mean()

    loop.run(model, loss, loop.Plan(file, loop.Budget(0.02), rate=1e-3, keep=0.9))
    first = loop.progress_of(file)
    assert first.seconds >= 1.2
    assert first.step > 1
    loop.run(model, loss, loop.Plan(file, loop.Budget(0.02, resume=True), rate=1e-3, keep=0.9))
    assert loop.progress_of(file).step == first.step


def test_rates_by_name_and_their_schedule(tmp_path: Path) -> None:
    model = nn.ModuleDict({"slow": nn.Linear(2, 2), "fast": nn.Linear(2, 2)})
    before = {name: value.clone() for name, value in model.state_dict().items()}
    plan = loop.Plan(
        tmp_path / "two.safetensors", loop.Budget(1, steps=1), rate=1.0, keep=0.0, decay=0.0,
        rate_of=lambda name: 1e-4 if name.startswith("slow") else 1e-2,
        schedule=lambda peak, step, share: peak,
    )  # fmt: skip
    loop.run(model, lambda: sum(p.square().sum() for p in model.parameters()), plan)
    for name, value in model.state_dict().items():  # Adam's first step has the length of its rate
        wanted = 1e-4 if name.startswith("slow") else 1e-2
        assert (value - before[name]).abs().max() == pytest.approx(wanted, rel=1e-2)


def test_a_loss_that_is_no_number_does_not_touch_the_weights(tmp_path: Path) -> None:
    model, _ = regression()
    before = model.weight.detach().clone()
    plan = loop.Plan(tmp_path / "nan.safetensors", loop.Budget(1, steps=99), rate=1.0, keep=0.9)
    with pytest.raises(HitpointError, match="no number"):
        loop.run(model, lambda: model(torch.ones(1, 4)).sum() * float("nan"), plan)
    assert torch.equal(model.weight, before)


def test_learning_rate_warms_up_and_falls() -> None:
    rates = [
        loop.learning_rate(1.0, step, share)
        for step, share in ((0, 0.0), (199, 0.1), (5000, 0.5), (9000, 1.0))
    ]
    assert rates[0] < 0.01
    assert rates[1] > 0.95
    assert 0.4 < rates[2] < 0.6
    assert rates[3] == pytest.approx(0.02)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_missing_gpu_is_named() -> None:
    with pytest.raises(UsageError, match="finds none"):
        device_of("cuda")
    assert device_of("auto") == "cpu"


@pytest.mark.parametrize(("line", "said"), [("wings = 3", "wings"), ('backbone = "dit"', "dit")])
def test_a_recipe_with_nonsense_is_named(data: Path, tmp_path: Path, line: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        read_recipe(tiny_run.recipe(tmp_path, data, more=line))
