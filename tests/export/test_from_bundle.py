"""The starter bundle becomes a training run again that computes the same."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from hitpoint.cue.bundle import STARTER
from hitpoint.errors import UsageError
from hitpoint_export.bundle import load_run
from hitpoint_export.graphs import graphs
from hitpoint_export.onnx_file import largest_difference
from hitpoint_training.from_bundle import recover
from hitpoint_training.recipe import Recipe, read_recipe
from hitpoint_training.train import projection_of

RECIPE = Path(__file__).parents[2] / "training" / "recipes" / "starter-cpu.toml"


@pytest.fixture(scope="module")
def recovered(tmp_path_factory: pytest.TempPathFactory) -> Recipe:
    recipe = replace(read_recipe(RECIPE), run=tmp_path_factory.mktemp("run"))
    recover(STARTER, recipe)
    return recipe


@pytest.mark.parametrize("name", ["cond", "step", "decode"])
def test_torch_computes_what_the_bundle_computes(recovered: Recipe, name: str) -> None:
    torch.manual_seed(5)
    decoder, generator, _ = load_run(recovered)
    every = graphs(decoder, generator, recovered.codec.latent, recovered.flow)
    graph = next(graph for graph in every if graph.name == name)
    assert largest_difference(graph, STARTER / f"{name}.onnx", 96) < 1e-3


def test_encoding_undoes_decoding(recovered: Recipe) -> None:
    projection = projection_of(recovered)
    latent = torch.randn(1, recovered.codec.latent, 40)
    assert torch.allclose(projection.encode(projection.decode(latent)), latent, atol=1e-4)


def test_another_recipe_is_refused_by_the_name_of_a_weight(tmp_path: Path) -> None:
    recipe = read_recipe(RECIPE)
    wider = replace(recipe, run=tmp_path, codec=replace(recipe.codec, width=328))
    with pytest.raises(UsageError, match=r"enter\.weight"):
        recover(STARTER, wider)
    assert not list(tmp_path.iterdir())


def test_a_folder_without_a_bundle_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is no bundle"):
        recover(tmp_path, replace(read_recipe(RECIPE), run=tmp_path))
