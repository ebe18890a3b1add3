"""A shipped bundle back to a training run: the weights of its graphs as checkpoints to train on from.

The exporter keeps the name of every parameter but one kind: the weight of a linear layer that became a
MatMul is transposed and nameless, and the Add after it names its bias. Weights come back as rounded for
shipping (fp16).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from hitpoint.errors import UsageError
from hitpoint_training.checkpoint import Progressed, write
from hitpoint_training.decoder import Decoder
from hitpoint_training.mel import Projection, component_weights
from hitpoint_training.recipe import Recipe
from hitpoint_training.unet import Generator

PROJECTION = "projection.safetensors"
_COMPUTED = ("projection.analysis", "bank.")  # the first by `complete`, the oscillators by their constructor


def weights_of(path: Path) -> dict[str, Tensor]:
    """All floating-point parameters of a graph under the names that PyTorch gave them, as fp32."""
    import onnx  # of the export extra, which only this needs
    from onnx import numpy_helper

    graph = onnx.load(path).graph
    values = {one.name: torch.from_numpy(numpy_helper.to_array(one).copy()) for one in graph.initializer}
    for node in graph.node:
        if node.op_type == "Cast" and node.input[0] in values:
            values[node.output[0]] = values.pop(node.input[0]).float()
    products = {node.output[0]: node.input[1] for node in graph.node if node.op_type == "MatMul"}
    for node in graph.node:
        if node.op_type == "Add":
            for product, bias in (tuple(node.input), tuple(reversed(node.input))):
                if products.get(product) in values and bias.endswith(".bias"):
                    values[f"{bias.removesuffix('bias')}weight"] = values.pop(products[product]).T
    return {name: value for name, value in values.items() if value.is_floating_point()}


def fill(module: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Put the weights into the module, all but what is computed.

    Raises `UsageError` if a parameter is missing or has another shape.
    """
    state = module.state_dict()
    for name in [name for name in state if not name.startswith(_COMPUTED)]:
        if name not in weights or weights[name].shape != state[name].shape:
            raise UsageError(
                f"The bundle has no {name} of {tuple(state[name].shape)}.",
                "Give the recipe that it was made with.",
            )
        state[name] = weights[name]
    module.load_state_dict(state)


def complete(projection: Projection) -> None:
    """Compute the analysis from the synthesis, its inverse on the span of the components."""
    weight = component_weights()
    basis = projection.get_buffer("synthesis").double() * weight
    projection.get_buffer("analysis").copy_(weight[:, None] * torch.linalg.pinv(basis))


def decoder_of_bundle(bundle: Path) -> Decoder:
    """The decoder of a bundle of any size, with its projection."""
    weights = weights_of(bundle / "decode.onnx")
    latent, width = len(weights["projection.synthesis"]), len(weights["enter.weight"])
    decoder = Decoder(latent, width, sum(name.endswith(".scale") for name in weights))
    fill(decoder, weights)
    complete(decoder.projection)
    return decoder


def recover(bundle: Path, recipe: Recipe) -> None:
    """Write the checkpoints of `bundle` into the folder of the recipe's run.

    Raises `UsageError` if the folder is no bundle or the recipe has other sizes.
    """
    try:
        training = json.loads((bundle / "manifest.json").read_text())["training"]
        graphs = {name: weights_of(bundle / f"{name}.onnx") for name in ("cond", "step", "decode")}
    except (OSError, KeyError, ValueError) as error:
        raise UsageError(f"{bundle} is no bundle: {error}.", "Give a folder with a manifest.json.") from error
    decoder = Decoder(recipe.codec.latent, recipe.codec.width, recipe.codec.blocks)
    fill(decoder, graphs["decode"])
    complete(decoder.projection)
    generator = Generator(recipe.codec.latent, recipe.flow)
    fill(generator.conditioner, graphs["cond"])
    fill(generator.unet, graphs["step"])
    recipe.run.mkdir(parents=True, exist_ok=True)
    save_file(decoder.projection.state_dict(), recipe.run / PROJECTION)
    for stage, module in (("codec", decoder), ("flow", generator)):
        at = Progressed(training[f"{stage}_steps"], 60 * training[f"{stage}_minutes"])
        state = module.state_dict()
        write(recipe.run / f"{stage}.safetensors", {"model": state, "mean": state}, at)
