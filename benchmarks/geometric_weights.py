"""The weights of an `SVGe` in the layers of `geometric_svge.py` and back: the same functions, with first layers laid side by side.

`SVGe` keeps the first layer of a network on concatenated inputs as one product for each input; here they are one matrix again.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from benchmarks.geometric_svge import GeometricSVGe
from models.svge.model import SVGe

Weights = dict[str, Tensor]


def to_geometric(model: SVGe) -> GeometricSVGe:
    """A model of the same function on PyTorch Geometric's graphs."""
    ours = model.state_dict()
    theirs = {name: ours[name] for name in ("encoder.embedding.weight", "decoder.embedding.weight")}
    for part in ("encoder.round", "decoder.round"):
        theirs |= _round_to_geometric(ours, part)
    for part in ("encoder.mean", "encoder.log_var", "decoder.readout"):
        theirs |= _readout_to_geometric(ours, part)
    theirs |= _networks_to_geometric(ours)
    geometric = GeometricSVGe(model.config, len(model.vocabulary))
    geometric.load_state_dict(theirs, strict=True)
    return geometric


def from_geometric(geometric: GeometricSVGe, vocabulary: tuple[str, ...]) -> SVGe:
    """The inverse of `to_geometric`, up to how a bias is shared between two layers that are added."""
    theirs = geometric.state_dict()
    ours = {name: theirs[name] for name in ("encoder.embedding.weight", "decoder.embedding.weight")}
    for part in ("encoder.round", "decoder.round"):
        ours |= _round_from_geometric(theirs, part)
    for part in ("encoder.mean", "encoder.log_var", "decoder.readout"):
        ours |= _readout_from_geometric(theirs, part)
    ours |= _networks_from_geometric(theirs, geometric.config.latent_size, geometric.config.node_size)
    model = SVGe(geometric.config, vocabulary)
    model.load_state_dict(ours, strict=True)
    return model


def _round_to_geometric(ours: Mapping[str, Tensor], part: str) -> Weights:
    weights = ours[f"{part}.ends.weight"].chunk(4)
    biases = ours[f"{part}.ends.bias"].chunk(4)
    theirs = {}
    for place, direction in ((0, "along"), (2, "against")):
        network = f"{part}.{direction}.network"
        theirs[f"{network}.0.weight"] = torch.cat([weights[place], weights[place + 1]], dim=1)
        theirs[f"{network}.0.bias"] = biases[place] + biases[place + 1]
        theirs |= _linear(ours, f"{part}.{direction}", f"{network}.2")
    for name, kind in (("from_message", "ih"), ("from_state", "hh")):
        theirs[f"{part}.cell.weight_{kind}"] = ours[f"{part}.{name}.weight"]
        theirs[f"{part}.cell.bias_{kind}"] = ours[f"{part}.{name}.bias"]
    return theirs


def _round_from_geometric(theirs: Mapping[str, Tensor], part: str) -> Weights:
    weights: list[Tensor] = []
    biases: list[Tensor] = []
    ours: Weights = {}
    for direction in ("along", "against"):
        network = f"{part}.{direction}.network"
        weights += theirs[f"{network}.0.weight"].chunk(2, dim=1)
        bias = theirs[f"{network}.0.bias"]
        biases += [torch.zeros_like(bias), bias]
        ours |= _linear(theirs, f"{network}.2", f"{part}.{direction}")
    for name, kind in (("from_message", "ih"), ("from_state", "hh")):
        ours[f"{part}.{name}.weight"] = theirs[f"{part}.cell.weight_{kind}"]
        ours[f"{part}.{name}.bias"] = theirs[f"{part}.cell.bias_{kind}"]
    return ours | {f"{part}.ends.weight": torch.cat(weights), f"{part}.ends.bias": torch.cat(biases)}


def _readout_to_geometric(ours: Mapping[str, Tensor], part: str) -> Weights:
    theirs = _linear(ours, f"{part}.gate", f"{part}.gate.2") | _linear(ours, f"{part}.value", f"{part}.value.2")
    for kind in ("weight", "bias"):
        gate, value = ours[f"{part}.hidden.{kind}"].chunk(2)
        theirs |= {f"{part}.gate.0.{kind}": gate, f"{part}.value.0.{kind}": value}
    return theirs


def _readout_from_geometric(theirs: Mapping[str, Tensor], part: str) -> Weights:
    ours = _linear(theirs, f"{part}.gate.2", f"{part}.gate") | _linear(theirs, f"{part}.value.2", f"{part}.value")
    for kind in ("weight", "bias"):
        ours[f"{part}.hidden.{kind}"] = torch.cat([theirs[f"{part}.gate.0.{kind}"], theirs[f"{part}.value.0.{kind}"]])
    return ours


OUTPUTS = {"add_node": "node_output", "init_node": "init_output", "add_edges": "edge_output"}
"""The decoder's networks in the order in which `SVGe` stacks their products with z and h_G, and the last layer of each."""
INPUTS = {"add_node": (), "init_node": ("init_type",), "add_edges": ("edge_new", "edge_ends")}
"""What each of them takes beside z and h_G, in the order of concatenation."""


def _networks_to_geometric(ours: Mapping[str, Tensor]) -> Weights:
    latent = ours["decoder.latent_terms.weight"].chunk(3)
    summary = ours["decoder.summary_terms.weight"].chunk(3)
    biases = ours["decoder.latent_terms.bias"].chunk(3)
    theirs = {}
    for place, (name, output) in enumerate(OUTPUTS.items()):
        others = [ours[f"decoder.{layer}.weight"] for layer in INPUTS[name]]
        theirs[f"decoder.{name}.0.weight"] = torch.cat([latent[place], summary[place], *others], dim=1)
        theirs[f"decoder.{name}.0.bias"] = biases[place]
        theirs |= _linear(ours, f"decoder.{output}", f"decoder.{name}.2")
    return theirs


def _networks_from_geometric(theirs: Mapping[str, Tensor], latent_size: int, node_size: int) -> Weights:
    latent, summary = [], []
    ours: Weights = {}
    for name, output in OUTPUTS.items():
        widths = [latent_size, latent_size] + [node_size] * len(INPUTS[name])
        z, graph, *others = theirs[f"decoder.{name}.0.weight"].split(widths, dim=1)
        latent.append(z)
        summary.append(graph)
        ours |= {f"decoder.{layer}.weight": weight for layer, weight in zip(INPUTS[name], others, strict=True)}
        ours |= _linear(theirs, f"decoder.{name}.2", f"decoder.{output}")
    ours["decoder.latent_terms.weight"], ours["decoder.summary_terms.weight"] = torch.cat(latent), torch.cat(summary)
    ours["decoder.latent_terms.bias"] = torch.cat([theirs[f"decoder.{name}.0.bias"] for name in OUTPUTS])
    return ours


def _linear(weights: Mapping[str, Tensor], source: str, target: str) -> Weights:
    return {f"{target}.{kind}": weights[f"{source}.{kind}"] for kind in ("weight", "bias")}
