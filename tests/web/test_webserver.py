"""The server of the page gives the files of its site, and nothing else to anybody; and a site takes
the place of an earlier one only. Neither needs a browser."""

import http.client
import json
import socket
import threading

import pytest

from zoo.errors import ZooError
from zoo.export import site, webserver

PAGE, DATA = b"<!doctype html>", bytes(range(256)) * 300


@pytest.fixture
def folder(tmp_path):
    """As far as a server looks at a site."""
    folder = tmp_path / "site"
    (folder / "models").mkdir(parents=True)
    (folder / "index.html").write_bytes(PAGE)
    (folder / "models" / "net.tflite").write_bytes(DATA)
    (tmp_path / "secret.txt").write_text("secret")
    index = {"zoo": "", "litert": "", "models": []}
    index["files"] = ["index.html", "models/net.tflite"]
    (folder / site.INDEX).write_text(json.dumps(index))
    return folder


@pytest.fixture
def running(folder):
    with webserver.server(folder, port=0) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def ask(running):
    """A path and headers -> the answer and its body."""

    def ask(path: str, method: str = "GET", **headers):
        connection = http.client.HTTPConnection("127.0.0.1", running.server_port, timeout=60)
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        return answer, answer.read()

    return ask


def test_the_files_of_a_site_are_given_with_the_headers_of_an_isolated_page(ask):
    for path, content in [("/", PAGE), ("/?a=b", PAGE), ("/models/net.tflite", DATA)]:
        answer, body = ask(path)
        assert (answer.status, body) == (200, content)
        assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"


@pytest.mark.parametrize(
    "path",
    [
        "/%00", "/index.html%00", "/models", "/models/", "/models/%00", "/none",
        "/../secret.txt", "/%2e%2e/secret.txt", "/models/../../secret.txt", "/link.txt",
        "/linked/secret.txt", "/%ff", "/models%5cnet.tflite", "/./index.html",
    ],
)  # fmt: skip
def test_nothing_else_is_given(path, ask, folder, capfd):
    (folder / "link.txt").symlink_to(folder.parent / "secret.txt")
    (folder / "linked").symlink_to(folder.parent)
    answer, body = ask(path)
    assert answer.status == 404 and b"secret" not in body
    assert ask("/")[0].status == 200
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8000", "localhost.evil.example"])
def test_a_page_that_reaches_the_server_by_another_name_gets_nothing(host, ask):
    answer, body = ask("/", Host=host)
    assert answer.status == 421 and body != PAGE


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8000", "127.0.0.1:1", "[::1]:8000"])
def test_its_own_names_are_known(host, ask):
    assert ask("/", Host=host)[0].status == 200


@pytest.mark.parametrize(
    ("wanted", "first", "last"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=10-99", 10, 99),
        ("bytes=70000-", 70_000, len(DATA) - 1),
        ("bytes=-5", len(DATA) - 5, len(DATA) - 1),
        ("bytes=5-999999", 5, len(DATA) - 1),
        ("bytes=-999999", 0, len(DATA) - 1),
    ],
)
def test_a_range_of_bytes_is_given(wanted, first, last, ask):
    answer, body = ask("/models/net.tflite", Range=wanted)
    assert (answer.status, body) == (206, DATA[first : last + 1])
    assert answer.headers["Content-Range"] == f"bytes {first}-{last}/{len(DATA)}"
    assert int(answer.headers["Content-Length"]) == len(body)


@pytest.mark.parametrize("wanted", ["bytes=999999-", "bytes=9-3", "bytes=-0"])
def test_a_range_beyond_the_end_is_refused(wanted, ask):
    answer, body = ask("/models/net.tflite", Range=wanted)
    assert (answer.status, body) == (416, b"")
    assert answer.headers["Content-Range"] == f"bytes */{len(DATA)}"


@pytest.mark.parametrize(
    "wanted", ["bytes=0-1,5-6", "lines=0-1", "bytes=-", "bytes=a-b", f"bytes={'9' * 5000}-"]
)
def test_other_ranges_are_ignored(wanted, ask):
    answer, body = ask("/models/net.tflite", Range=wanted)
    assert (answer.status, body) == (200, DATA)


def test_a_range_of_what_may_be_another_file_by_now_is_the_whole_file(ask):
    answer, body = ask("/models/net.tflite", **{"Range": "bytes=0-4", "If-Range": '"older"'})
    assert (answer.status, body) == (200, DATA)


def test_connections_that_stall_are_given_up_and_are_never_too_many(
    running, ask, monkeypatch, capfd
):
    monkeypatch.setattr(webserver._Handler, "timeout", 1)
    running._free = threading.BoundedSemaphore(2)
    stalled = [socket.create_connection(("127.0.0.1", running.server_port)) for _ in range(5)]
    for connection in stalled:
        connection.settimeout(60)
        assert connection.recv(1) == b"", "it is closed, at once or after a while"
        connection.close()
    for _ in range(2):  # a place is free a moment after its connection is closed
        assert running._free.acquire(timeout=60)
    running._free.release(2)
    assert ask("/")[0].status == 200
    assert capfd.readouterr().err == ""


@pytest.fixture
def quick_build(monkeypatch):
    """Builds a site without LiteRT.js and nets."""
    monkeypatch.setattr(site.litert_js, "read", lambda: {"core.js": b""})

    def build(folder):
        monkeypatch.setattr(site.site_nets, "chosen", lambda names, runs: [])
        return site.build(folder)

    return build


def test_a_site_takes_the_place_of_an_earlier_one_only(quick_build, tmp_path):
    folder = quick_build(tmp_path / "site")
    assert "litert/core.js" in json.loads((folder / site.INDEX).read_text())["files"]
    quick_build(folder)
    (folder / "litert" / "mine.txt").write_text("mine")
    with pytest.raises(ZooError, match=r"holds litert/mine\.txt, which is not of an earlier site"):
        quick_build(folder)
    assert (folder / "litert" / "mine.txt").read_text() == "mine"


@pytest.mark.parametrize("index", ["{}", '{"files": 3}', '["mine"]', "[" * 100_000, "not JSON"])
def test_a_users_own_index_does_not_make_a_site(index, quick_build, tmp_path):
    (tmp_path / site.INDEX).write_text(index)
    (tmp_path / "diary.txt").write_text("dear diary")
    with pytest.raises(ZooError, match=r"holds |cannot be read"):
        quick_build(tmp_path)
    assert (tmp_path / "diary.txt").read_text() == "dear diary"
    assert (tmp_path / site.INDEX).read_text() == index
