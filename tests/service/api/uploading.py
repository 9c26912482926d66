"""What the tests of uploads share: a space of one's own, a checkpoint of it, and what an upload leaves."""

from pathlib import Path
from typing import Any

from tests.fakes import checkpoint_bytes
from tests.service.api.harness import Service

MINE = {"name": "mine", "operations": ["a", "b"], "max_nodes": 6, "max_edges": 8, "ports": 2}
YAML = "name: mine  # of my own\noperations: [a, b]\nmax_nodes: 6\nmax_edges: 8\nports: 2\n"
WHOLE = checkpoint_bytes("mine", space_definition=MINE)


def left_over(folder: Path) -> list[str]:
    return [str(path) for path in (folder / "uploads").rglob("*") if path.is_file() and path.name != ".lock"]


async def post_space(service: Service, content: str | bytes, kind: str = "application/yaml") -> tuple[int, Any]:
    answer = await service.client.post("/spaces", content=content, headers={"Content-Type": kind})
    return answer.status_code, answer.json()
