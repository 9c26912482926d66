"""What the tests of the contract hold in their hands: plain HTTP, each request to the next API process of a deployment."""

import secrets
from itertools import count
from typing import Any

import httpx

from tests.service.contract.deployments import Deployment


class Caller:
    """Sends requests to a deployment and checks their status."""

    def __init__(self, deployment: Deployment) -> None:
        self.deployment = deployment
        self._turn = count()

    async def send(self, method: str, path: str, **options: Any) -> httpx.Response:
        clients = self.deployment.clients
        return await clients[next(self._turn) % len(clients)].request(method, path, **options)

    async def post(self, path: str, body: Any, status: int = 200, **headers: str) -> Any:
        return answer(await self.send("POST", path, json=body, headers=headers), status)

    async def get(self, path: str, status: int = 200) -> Any:
        return answer(await self.send("GET", path), status)

    async def study(self, **settings: Any) -> str:
        """The name of a new study."""
        name = f"study-{secrets.token_hex(8)}"
        return str((await self.post("/studies", {"name": name, "space": "nasbench201", **settings}, 201))["name"])

    async def suggest(self, study: str, worker: str, count: int = 1, **more: Any) -> list[Any]:
        """The trials handed out; as many as wanted."""
        trials = (await self.post("/suggest", {"study": study, "worker": worker, "count": count, **more}))["trials"]
        assert len(trials) == count
        return list(trials)

    async def observe(self, trial: Any, value: float, status: int = 200) -> Any:
        return await self.post("/observe", report(trial, value), status)

    async def trials(self, study: str) -> list[Any]:
        """All trials of a study in order of their number."""
        return list((await self.get(f"/studies/{study}/trials?limit=1000"))["trials"])


def report(trial: Any, value: float) -> Any:
    return {"trial": trial["id"], "attempt": trial["attempt"], "value": value}


def answer(response: httpx.Response, status: int) -> Any:
    assert response.status_code == status, response.text
    if status >= 400:
        assert response.headers["content-type"] == "application/problem+json"
    return response.json()
