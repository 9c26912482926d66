"""From an architecture to the text of a PyTorch module that stands alone. `models/networks/build.py` builds the same networks.

Nothing here needs torch. What is written for each space is in the file of its name.
"""

import textwrap
from collections.abc import Callable

from models.architectures.architecture import Architecture
from models.architectures.canonical import canonical_id
from models.networks.costs.published_cost import published_cost
from models.networks.published import PUBLISHED
from models.networks.skeleton import Skeleton
from models.networks.source import enas_macro, enas_micro, nasbench101, nasbench201
from models.networks.source.layout import LINE_LENGTH, module_text
from models.spaces.space import UnknownSpace

_DEFINITIONS: dict[str, Callable[[Architecture, Skeleton], list[str]]] = {
    "enas_macro": enas_macro.definitions,
    "enas_micro": enas_micro.definitions,
    "nasbench101": nasbench101.definitions,
    "nasbench201": nasbench201.definitions,
}

SPACES = tuple(_DEFINITIONS)
"""The spaces with networks."""


def network_source(architecture: Architecture, skeleton: Skeleton | None = None) -> str:
    """A module whose class `Network` computes what `build_network` builds, with parameters of the same shapes in the same order.

    Without a skeleton it has the published size of its space.
    Raises `InvalidArchitecture` for an architecture outside its space, `UnknownSpace` for a space without networks, and
    `ValueError` for a skeleton that does not fit the architecture.
    """
    if architecture.space not in _DEFINITIONS:
        raise UnknownSpace(f"no networks for the space '{architecture.space}'; expected one of {', '.join(SPACES)}")
    definitions = _DEFINITIONS[architecture.space](architecture, skeleton or PUBLISHED[architecture.space])
    return module_text(_docstring(architecture, skeleton), definitions)


def _docstring(architecture: Architecture, skeleton: Skeleton | None) -> str:
    lines = {
        "nodes": ", ".join(f"{node}:{label}" for node, label in enumerate(architecture.nodes)),
        "edges": ", ".join(f"{source}-{target}" for source, target in architecture.edges),
        "canonical id": canonical_id(architecture),
    }
    size = "of a size of your own"
    if skeleton is None:
        size = "at its published size"
        lines["parameters"] = f"{published_cost(architecture).parameters:,} for ten classes and colour images"
    text = [f'"""A network of the search space {architecture.space} {size}. Numbers at the end of names are nodes.', ""]
    for name, value in lines.items():
        text += textwrap.wrap(f"{name}: {value}", LINE_LENGTH, subsequent_indent="  ", break_on_hyphens=False)
    return "\n".join([*text, '"""'])
