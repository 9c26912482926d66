"""Where the server is, and the header that says who asks, checked before the first request."""

import httpx


def server_url(url: str) -> str:
    """The address of a server. Raises `ValueError` for one that no request could be sent to."""
    try:
        parts = httpx.URL(url)
        is_http = parts.scheme in ("http", "https") and bool(parts.host)
    except httpx.InvalidURL:
        is_http = False
    if not is_http:
        raise ValueError(f"expected the address of a server, http://HOST:PORT or https://HOST, got '{without_credentials(url)}'")
    return url


def without_credentials(url: object) -> str:
    """An address as people and logs may see it: a name and a password before its host become `***`."""
    before, sign, rest = str(url).rpartition("@")
    scheme, slashes, _ = before.partition("//")
    if not sign:
        return rest
    return f"{scheme}//***@{rest}" if slashes else f"***@{rest}"


def authorization(token: str | None) -> dict[str, str]:
    """The header of a key's token; spaces and line ends around it, as files have them, do not count.

    Raises `ValueError`, which does not show it, for what no header can hold.
    """
    token = token and token.strip()
    if not token:
        return {}
    if not (token.isascii() and token.isprintable()):
        raise ValueError("the token of the key has characters that no token has; give it as 'svge keys create' printed it")
    return {"Authorization": f"Bearer {token}"}
