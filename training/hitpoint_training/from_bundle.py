"""A shipped bundle back to a training run: the weights of its graphs as checkpoints to train on from.

The exporter keeps the names of the parameters; ".T" says that the weight of a linear layer was transposed.
Weights come back as rounded for shipping (fp16).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import onnx
import torch
from onnx import numpy_helper
from safetensors.torch import save_file
from torch import Tensor, nn

from hitpoint.errors import UsageError
from hitpoint_training.conditioner import Conditions
from hitpoint_training.decoder import Decoder
from hitpoint_training.loop import Progressed, write
from hitpoint_training.mel import Projection, component_weights
from hitpoint_training.recipe import Recipe
from hitpoint_training.train import PROJECTION
from hitpoint_training.unet import Generator

LSTM = "conditioner.visual.lstm"
# Of `complete`, of the constructor, and what only the training of the aligner asks.
_COMPUTED = ("projection.analysis", "bank.", "noise.", "aligner.head")


def weights_of(source: Path | bytes) -> dict[str, Tensor]:
    """All floating-point parameters of a graph under the names that PyTorch gave them, as fp32."""
    model = onnx.load_from_string(source) if isinstance(source, bytes) else onnx.load(source)
    graph = model.graph
    values = {one.name: torch.from_numpy(numpy_helper.to_array(one).copy()) for one in graph.initializer}
    for node in graph.node:
        if node.op_type == "Cast" and node.input[0] in values:
            values[node.output[0]] = values.pop(node.input[0]).float()
        if node.op_type == "LSTM" and node.input[3] in values:
            values |= _lstm_biases(node.input, values)
    values |= {name.removesuffix(".T"): value.T for name, value in values.items() if name.endswith(".T")}
    return {name: value for name, value in values.items() if value.is_floating_point()}


def _lstm_biases(inputs: Sequence[str], values: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """ONNX has them in one tensor, input then hidden, gates in the order i, o, f, c; PyTorch i, f, c, o."""
    named = {}
    for direction, suffix in zip(values[inputs[3]], ("", "_reverse"), strict=False):
        for part, kind in zip(direction.chunk(2), ("ih", "hh"), strict=True):
            entry, out, forget, cell = part.chunk(4)
            named[f"{LSTM}.bias_{kind}_l0{suffix}"] = torch.cat([entry, forget, cell, out])
    return named


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
    return decoder_of(weights_of(bundle / "decode.onnx"))


def decoder_of(weights: Mapping[str, Tensor]) -> Decoder:
    """The decoder with these weights of the graph, whatever its size. Raises UsageError as `fill`."""
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
    fill(Conditions(generator.conditioner, generator.aligner), graphs["cond"])
    fill(generator.unet, graphs["step"])
    recipe.run.mkdir(parents=True, exist_ok=True)
    save_file(decoder.projection.state_dict(), recipe.run / PROJECTION)
    for stage, module in (("codec", decoder), ("flow", generator)):
        at = Progressed(training[f"{stage}_steps"], 60 * training[f"{stage}_minutes"])
        state = module.state_dict()
        write(recipe.run / f"{stage}.safetensors", {"model": state, "mean": state}, at)
