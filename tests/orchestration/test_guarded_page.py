"""Dagster's page answers at its own addresses and refuses foreign names, also for websockets."""

import asyncio

import pytest

from orchestration.page.guarded import OwnAddressesOnly

LOCAL = "localhost:3000"


async def page(scope, receive, send):
    if scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
    else:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"runs"})


def answer(kind: str, *headers: tuple[str, str]) -> list[dict]:
    """What the guarded page sends to a request or websocket with these headers."""
    sent: list[dict] = []

    async def receive():
        return {"type": f"{kind}.connect"}

    async def send(message):
        sent.append(message)

    scope = {"type": kind, "headers": [(name.encode(), value.encode()) for name, value in headers]}
    asyncio.run(OwnAddressesOnly(page)(scope, receive, send))
    return sent


@pytest.mark.parametrize("host", [LOCAL, "127.0.0.1:3000", "LOCALHOST", "[::1]:3000"])
def test_own_names_are_answered(host):
    assert answer("http", ("host", host))[1]["body"] == b"runs"


@pytest.mark.parametrize(
    "host",
    [
        "attacker.example:3000",
        "localhost.attacker.example",
        "127.0.0.1.nip.io",
        "192.168.0.7:3000",
        "",
        "localhost@attacker.example",
        "[",
    ],
)
def test_foreign_names_are_refused(host):
    start, body = answer("http", ("Host", host))
    assert (start["status"], b"runs" in body["body"]) == (403, False)


def test_a_request_without_a_host_or_with_two_is_refused():
    assert answer("http")[0]["status"] == 403
    assert answer("http", ("host", LOCAL), ("host", "attacker.example"))[0]["status"] == 403


@pytest.mark.parametrize("origin", ["https://attacker.example", "null", "http://localhost.attacker.example:3000"])
def test_a_foreign_page_cannot_post(origin):
    assert answer("http", ("host", LOCAL), ("origin", origin))[0]["status"] == 403
    assert answer("http", ("host", LOCAL), ("origin", "http://localhost:3000"))[0]["status"] == 200


def test_a_websocket_is_guarded_too():
    assert answer("websocket", ("host", LOCAL)) == [{"type": "websocket.accept"}]
    assert answer("websocket", ("host", "attacker.example")) == [{"type": "websocket.close", "code": 1008}]


def test_dagsters_own_server_is_the_one_that_is_guarded(monkeypatch):
    from dagster_webserver import cli

    from orchestration.page import guarded as guarded_page

    monkeypatch.setattr(cli, "create_app_from_workspace_process_context", lambda *args, **kwargs: "app")
    monkeypatch.setattr(cli, "main", lambda: None)
    guarded_page.main()
    guarded = cli.create_app_from_workspace_process_context("workspace", lifespan=None)
    assert isinstance(guarded, OwnAddressesOnly)
    assert guarded.app == "app"
