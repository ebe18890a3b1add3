"""A bundle back to the torch modules that its graphs were exported from; all sizes are read from it."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from hitpoint.cue.bundle import GRAPHS, Bundle
from hitpoint.errors import ModelBundleError, UsageError
from hitpoint_export.graphs import Graph, graphs
from hitpoint_training.conditioner import Conditions
from hitpoint_training.from_bundle import decoder_of, fill, weights_of
from hitpoint_training.recipe import FlowRecipe
from hitpoint_training.unet import Generator


def torch_graphs(bundle: Bundle) -> dict[str, Graph]:
    """`GRAPHS` by name, in evaluation mode on the CPU, in float32 with the weights as shipped.

    Raises ModelBundleError if the networks of the bundle are not those of this version.
    """
    latent = bundle.manifest.latent_channels
    try:
        weights = {name: weights_of(getattr(bundle, name)) for name in GRAPHS}
        flow = _flow(bundle, weights["step"])
        decoder, generator = decoder_of(weights["decode"]), Generator(latent, flow)
        fill(Conditions(generator.conditioner, generator.aligner), weights["cond"])
        fill(generator.unet, weights["step"])
    except (KeyError, UsageError) as error:
        raise ModelBundleError(
            f"The bundle holds other networks than this version trains ({error}).",
            "Take a bundle that was exported by this version.",
        ) from error
    made = {graph.name: graph for graph in graphs(decoder, generator, latent, flow)}
    for name in GRAPHS:
        made[name].module.eval().requires_grad_(False)
    return {name: made[name] for name in GRAPHS}


def _flow(bundle: Bundle, step: Mapping[str, Tensor]) -> FlowRecipe:
    """The sizes of the U-Net, from what its graph takes and from the shapes of its weights."""
    shapes = {tensor.name: tensor.shape for tensor in bundle.manifest.graph("step").inputs}
    context, features = int(shapes["vector"][1]), int(shapes["keys"][2])
    count = sum(name.startswith("halve.") and name.endswith(".weight") for name in step)
    return FlowRecipe(
        channels=tuple(len(step[f"halve.{level}.weight"]) for level in range(count)),
        context=context,
        embedding=len(step["vector.weight"]),
        heads=context // features,
    )
