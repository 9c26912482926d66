"""Sending requests, again where that is right. When it is, `retry.py` says."""

import random
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from svge_client.concurrency import AsyncSleep, async_sleep
from svge_client.retry import Request, Retry, parsed


@dataclass(frozen=True, slots=True)
class AsyncTransport:
    """Sends requests and gives the answers, parsed where they are JSON, else as bytes. Every method raises `ResponseError` for an
    error answer and `Unreachable` for none, both after the last attempt, or for one that is not the service's.
    """

    http: httpx.AsyncClient
    retry: Retry
    rng: random.Random
    sleep: AsyncSleep = async_sleep

    async def get(self, path: str, params: Mapping[str, Any] | None = None, *, retry: Retry | None = None) -> Any:
        return parsed(await self.send(Request("GET", path, params=params), retry))

    async def post(self, path: str, body: Any, *, repeat_safe: bool = True, retry: Retry | None = None) -> Any:
        return parsed(await self.send(Request("POST", path, json=body, is_repeat_safe=repeat_safe), retry))

    async def post_once(self, path: str, body: Any) -> Any:
        """Post what must not be done twice, under a key by which the server knows it again."""
        headers = {"Idempotency-Key": uuid.uuid4().hex}
        return parsed(await self.send(Request("POST", path, json=body, headers=headers)))

    async def upload(self, method: str, path: str, content: bytes, media_type: str, params: Mapping[str, Any] | None = None) -> Any:
        """Send a file that may come twice without harm."""
        headers = {"Content-Type": media_type}
        return parsed(await self.send(Request(method, path, params=params, content=content, headers=headers)))

    async def download(self, path: str, params: Mapping[str, Any]) -> bytes:
        """An answer that is no JSON."""
        return (await self.send(Request("GET", path, params=params))).content

    async def patch(self, path: str, body: Mapping[str, Any]) -> Any:
        return parsed(await self.send(Request("PATCH", path, json=body)))

    async def delete(self, path: str) -> None:
        """Not repeated where the answer was lost: the second time there would be nothing."""
        await self.send(Request("DELETE", path, is_repeat_safe=False))

    async def send(self, request: Request, retry: Retry | None = None) -> httpx.Response:
        retry = retry or self.retry
        attempt = 0
        while True:
            retry_after = None
            try:
                response = await self.http.request(request.method, request.path, **request.arguments())
            except httpx.RequestError as error:
                failure, again = request.silence(error, self.http.base_url)
                failure.__cause__ = error
            else:
                refused = request.refusal(response)
                if refused is None:
                    return response
                failure, again = refused
                retry_after = response.headers.get("Retry-After")
            attempt += 1
            if attempt >= retry.attempts or not again:
                raise failure
            await self.sleep(retry.pause(attempt - 1, retry_after, self.rng))
