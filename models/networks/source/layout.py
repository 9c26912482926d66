"""How the text of a module is put together: its imports, its classes, and lines of at most 132 characters.

What the text says is in the file of each space.
"""

import re
import textwrap
from collections.abc import Sequence

from models.networks.skeleton import Skeleton

LINE_LENGTH = 132
_BODY = " " * 8
_IMPORTS = {
    "torch": "import torch",
    "Tensor": "from torch import Tensor, nn",
    "functional": "from torch.nn import functional",
}
"""In the order of the lines; a line is needed where the name is used."""


def module_text(docstring: str, definitions: Sequence[str]) -> str:
    """A module of these functions and classes, with the imports that they need."""
    code = "\n\n\n".join(definitions)
    imports = [line for name, line in _IMPORTS.items() if re.search(rf"\b(?<!\.){name}\b", code)]
    return "\n".join([docstring, "", *imports, "", "", code, ""])


def class_text(name: str, docstring: str, arguments: str, parts: Sequence[str], inputs: str, steps: Sequence[str]) -> str:
    """A module class: what its `__init__` makes of the `arguments`, and the steps of `forward` from its `inputs` to its result."""
    lines = [
        f"class {name}(nn.Module):",
        f'    """{docstring}"""',
        "",
        f"    def __init__(self, {arguments}) -> None:",
        f"{_BODY}super().__init__()",
        *(textwrap.indent(part, _BODY) for part in parts),
        "",
        f"    def forward(self, {inputs}) -> Tensor:",
        *(textwrap.indent(step, _BODY) for step in steps),
    ]
    return "\n".join(lines)


def network_text(skeleton: Skeleton, parts: Sequence[str], steps: Sequence[str]) -> str:
    """The class of the whole network."""
    docstring = "Images, `batch x input_channels x height x width`, to logits, `batch x num_classes`."
    arguments = f"num_classes: int = 10, input_channels: int = {skeleton.input_channels}"
    return class_text("Network", docstring, arguments, parts, "images: Tensor", steps)


def stem(channels: int) -> str:
    """The convolution on the images with which networks of most spaces begin."""
    layers = f"nn.Conv2d(input_channels, {channels}, 3, padding=1, bias=False), nn.BatchNorm2d({channels})"
    return f"self.stem = nn.Sequential({layers})"


def call(start: str, value: str) -> str:
    """`start(value)` in the body of a method, the value on a line of its own where one line is too short."""
    line = f"{start}({value})"
    return line if len(_BODY + line) <= LINE_LENGTH else f"{start}(\n    {value}\n)"


def listing(start: str, items: Sequence[str], end: str) -> str:
    """The items between `start` and `end`, one a line."""
    return "\n".join([start, *(f"    {item}," for item in items), end])


def joined(values: Sequence[str]) -> str:
    """The concatenation of images along their channels."""
    return values[0] if len(values) == 1 else f"torch.cat([{', '.join(values)}], dim=1)"
