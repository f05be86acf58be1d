"""Dagster's page, for this machine's own addresses only.

The page has no password. A foreign web page that is open in the same browser can point a name of its own at 127.0.0.1 and then
talk to it (DNS rebinding), or post to it; both give themselves away by the Host or Origin they send.

Run as `python -m orchestration.page.guarded ARGUMENTS`: dagster-webserver's own command line, guarded.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

OWN_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
Scope = MutableMapping[str, Any]
App = Callable[[Scope, Callable[[], Awaitable[Any]], Callable[[Any], Awaitable[None]]], Awaitable[None]]


class OwnAddressesOnly:
    """ASGI middleware: requests and websockets whose Host, or Origin where there is one, is not an own name are refused (403)."""

    def __init__(self, app: App, names: frozenset[str] = OWN_NAMES) -> None:
        self.app, self.names = app, names

    async def __call__(self, scope: Scope, receive: Callable, send: Callable) -> None:
        if scope["type"] in ("http", "websocket") and not self.is_own(scope["headers"]):
            await _refuse(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    def is_own(self, headers: list[tuple[bytes, bytes]]) -> bool:
        """Whether the one Host is an own name, and each Origin too."""
        told = [(name.lower(), value.decode("latin-1").strip()) for name, value in headers]
        hosts = [_name(f"//{value}") for name, value in told if name == b"host"]
        origins = [_name(value) for name, value in told if name == b"origin"]
        return len(hosts) == 1 and all(name in self.names for name in [*hosts, *origins])


def _name(address: str) -> str:
    """The host of an address, without its port; empty where there is none."""
    try:
        return (urlsplit(address).hostname or "").lower()
    except ValueError:
        return ""


async def _refuse(scope: Scope, receive: Callable, send: Callable) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1008})
        return
    await send(
        {"type": "http.response.start", "status": 403, "headers": [(b"content-type", b"text/plain; charset=utf-8")]}
    )
    await send({"type": "http.response.body", "body": b"This page answers at localhost only.\n"})


def main() -> None:
    """dagster-webserver with the guard in front of it."""
    from dagster_webserver import cli

    make_app = cli.create_app_from_workspace_process_context

    def make_guarded(*args: Any, **kwargs: Any) -> OwnAddressesOnly:
        return OwnAddressesOnly(make_app(*args, **kwargs))

    cli.create_app_from_workspace_process_context = make_guarded
    cli.main()


if __name__ == "__main__":
    main()
