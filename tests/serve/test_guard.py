"""Checks of requests: hosts, origins, the token, the rate; and the headers of the page."""

from collections.abc import Callable

import pytest

from tests.serve.api_calls import TestClient

TOKEN = "a" * 32


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "192.168.1.5", ""])
def test_another_host_name_is_refused(client: TestClient, host: str) -> None:
    answer = client.get("/api/jobs", headers={"Host": host})
    assert answer.status_code == 421


@pytest.mark.parametrize("host", ["localhost:8377", "127.0.0.1", "[::1]:8377", "LOCALHOST"])
def test_names_of_this_machine_are_accepted(client: TestClient, host: str) -> None:
    assert client.get("/api/jobs", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "http://127.0.0.1:9999"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_writes_of_another_site_are_refused(client: TestClient, headers: dict[str, str]) -> None:
    answer = client.post("/api/files?name=a.mp4", content=b"x", headers=headers)
    assert answer.status_code == 403
    assert client.get("/api/files").json() == []


def test_reads_of_another_site_are_refused(client: TestClient) -> None:
    """Its pictures could otherwise make the server decode videos."""
    cross = {"Sec-Fetch-Site": "cross-site"}
    assert client.get("/api/jobs", headers=cross).status_code == 403
    assert client.get("/", headers=cross).status_code == 200  # a link to the page


def test_writes_of_our_own_page_are_accepted(client: TestClient) -> None:
    headers = {"Origin": "http://127.0.0.1:8377", "Sec-Fetch-Site": "same-origin"}
    assert client.post("/api/files?name=a.mp4", content=b"x", headers=headers).status_code == 201


def test_elsewhere_every_request_needs_the_token(serve: Callable[..., TestClient]) -> None:
    client = serve(host="0.0.0.0", token=TOKEN)
    assert client.get("/api/jobs").status_code == 401
    assert client.get("/").status_code == 401
    assert client.get("/?token=wrong").status_code == 401
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    assert client.get("/api/jobs", headers=bearer).status_code == 200
    assert client.get("/api/jobs", headers={"Host": "192.168.1.5", **bearer}).status_code == 200
    assert client.get("/api/jobs", headers={"Host": "evil.example", **bearer}).status_code == 421


def test_the_url_with_the_token_becomes_a_cookie(serve: Callable[..., TestClient]) -> None:
    client = serve(host="0.0.0.0", token=TOKEN)
    answer = client.get(f"/?token={TOKEN}", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert "HttpOnly" in answer.headers["set-cookie"]
    assert "SameSite=Strict" in answer.headers["set-cookie"]
    assert client.get("/").status_code == 200
    assert client.get("/api/jobs").status_code == 200


def test_too_many_writes_of_one_client_are_refused(serve: Callable[..., TestClient]) -> None:
    client = serve(writes_per_second=0.5)
    codes = [client.post("/api/jobs", json={}).status_code for _ in range(5)]
    assert codes == [400, 400, 400, 429, 429]
    assert client.get("/api/jobs").status_code == 200


def test_requests_that_are_refused_do_not_count(
    serve: Callable[..., TestClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr("cdfi.serve.guard.time.monotonic", lambda: now[0])
    client = serve(host="0.0.0.0", token=TOKEN, writes_per_second=0.5)
    bearer = {"Authorization": f"Bearer {TOKEN}"}

    def statuses(count: int, headers: dict[str, str]) -> list[int]:
        sent = (client.post("/api/jobs", json={}, headers=headers) for _ in range(count))
        return [answer.status_code for answer in sent]

    assert statuses(5, {}) == [401] * 5
    assert statuses(5, {**bearer, "Origin": "http://evil.example"}) == [403] * 5
    assert statuses(4, bearer) == [400, 400, 400, 429]
    codes = []
    for _ in range(4):  # half a request comes back in each of them
        now[0] += 1
        codes += statuses(1, bearer)
    assert codes == [429, 400, 429, 400]


def test_the_page_may_only_load_from_this_server(client: TestClient) -> None:
    policy = client.get("/").headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy


@pytest.mark.parametrize("path", ["/../app.py", "/%2e%2e/app.py", "/page/../app.py", "/app.py"])
def test_only_the_files_of_the_page_are_sent(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 404
