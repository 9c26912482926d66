"""A server in memory for the client's tests: it speaks the wire format, keeps what it was asked, and answers as scripted."""

import json
import threading
from collections.abc import Callable
from typing import Any

import httpx
from svge_client import AsyncClient, Client, Retry

Answer = httpx.Response | Exception | Callable[[dict[str, Any]], httpx.Response]

TRIAL: dict[str, Any] = {
    "id": "t-1",
    "study": "demo",
    "number": 3,
    "attempt": 2,
    "state": "running",
    "lease_expires_at": "2026-11-24T12:00:00Z",
    "architecture": {"space": "nasbench101", "nodes": ["input", "conv3x3", "output"], "edges": [[0, 1], [1, 2]]},
    "native": {"matrix": [], "ops": []},
    "canonical_id": "abc",
    "latent": [0.1],
    "source": "acquisition",
    "predicted_mean": 0.9,
    "predicted_std": None,
    "parameters": 2_694_282,
    "multiply_adds": None,
    "value": None,
    "values": None,
    "std": None,
    "reason": None,
    "a_field_of_tomorrow": 1,
}
STUDY: dict[str, Any] = {
    "name": "demo",
    "space": "nasbench101",
    "objective": "maximize",
    "objectives": None,
    "limits": {"parameters": 3_000_000, "multiply_adds": None},
    "max_trials": 40,
    "lease_seconds": 20,
    "trials": {"running": 1, "completed": 11},
    "best_value": 0.9,
}


class FakeServer(httpx.BaseTransport):
    """`answers` are used up in order for a path; the last one is kept."""

    def __init__(self) -> None:
        self.answers: dict[str, list[Answer]] = {}
        self.requests: list[tuple[str, str, dict[str, Any]]] = []
        self.heard = threading.Condition()

    def on(self, path: str, *answers: Answer) -> None:
        self.answers[path] = list(answers)

    def bodies(self, path: str) -> list[dict[str, Any]]:
        return [body for _, requested, body in self.requests if requested == path]

    def wait_for(self, path: str, times: int) -> None:
        with self.heard:
            assert self.heard.wait_for(lambda: len(self.bodies(path)) >= times, timeout=30), f"{path} was not called {times} times"

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        content = request.read()
        body = json.loads(content) if content else dict(request.url.params)
        path = request.url.raw_path.decode().partition("?")[0]
        with self.heard:
            self.requests.append((request.method, path, body))
            self.heard.notify_all()
        waiting = self.answers[path]
        answer = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, httpx.Response) else answer(body)


class AsyncFakeServer(httpx.AsyncBaseTransport):
    """The same for a client with asyncio."""

    def __init__(self, server: FakeServer) -> None:
        self.server = server

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        answered = self.server.handle_request(request)
        return httpx.Response(answered.status_code, headers=answered.headers, content=answered.content)


def client_of(server: FakeServer, attempts: int = 4) -> Client:
    """A client of the server that pauses for no longer than a moment."""
    return Client("http://test", worker="w", retry=Retry(attempts, first_pause=0.001, longest_pause=0.002), transport=server)


def async_client_of(server: FakeServer, attempts: int = 4) -> AsyncClient:
    """The same with asyncio."""
    retry = Retry(attempts, first_pause=0.001, longest_pause=0.002)
    return AsyncClient("http://test", worker="w", retry=retry, transport=AsyncFakeServer(server))


def answer(document: Any, status: int = 200, **headers: str) -> httpx.Response:
    return httpx.Response(status, json=document, headers=headers)


def problem(status: int, code: str, **members: Any) -> httpx.Response:
    document = {
        "type": f"/problems/{code}",
        "title": code,
        "status": status,
        "detail": f"the detail of {code}",
        "code": code,
        **members,
    }
    return httpx.Response(status, json=document, headers={"Content-Type": "application/problem+json"})
