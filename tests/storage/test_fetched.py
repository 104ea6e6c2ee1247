"""A published folder at an address: what comes has its SHA-256, whatever the server does."""

import http.server
import io
import tarfile
import threading

import numpy as np
import pytest
from tiny import with_random_weights

import zoo
from zoo.errors import ZooError
from zoo.export import litert_js
from zoo.storage import files, weights

PATHS = (weights.RUN, weights.WEIGHTS)


class _Handler(http.server.BaseHTTPRequestHandler):
    """Serves a folder, in the way that `server.way` says."""

    def do_GET(self):
        way, path = self.server.way, self.path
        self.server.asked.append((path, self.headers.get("Range")))
        if way == "redirect" and path.startswith("/mine/"):
            self.send_response(302)
            self.send_header("Location", path.replace("/mine/", "/there/"))
            return self.end_headers()
        file = self.server.folder / path.rpartition("/")[2]
        if not file.is_file():
            return self.send_error(404)
        data, first = file.read_bytes(), 0
        if way == "other" and file.name == weights.WEIGHTS:
            data = data[:-1] + bytes([data[-1] ^ 1])
        if way != "whole again" and (ranged := self.headers.get("Range")):
            first = int(ranged.removeprefix("bytes=").rstrip("-"))
        if first >= len(data):
            return self.send_error(416)
        self.send_response(206 if first else 200)
        self.send_header("Content-Length", str(len(data) - first))
        self.end_headers()
        sent = (
            data[first : first + 10_000] if way in ("breaks off", "whole again") else data[first:]
        )
        self.wfile.write(sent)

    def log_message(self, *_):
        pass


@pytest.fixture
def server(tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("no_proxy", "*")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as made:
        made.folder, made.way, made.asked = tmp_path / "mine", "well", []
        threading.Thread(target=made.serve_forever, daemon=True).start()
        yield made
        made.shutdown()


@pytest.fixture
def published(server):
    """A pipeline, and the address that its folder is served at."""
    pipeline = with_random_weights("dncnn_tiny")
    pipeline.save(server.folder)
    digest = files.sha256((server.folder / weights.RUN).read_bytes())
    return pipeline, f"http://127.0.0.1:{server.server_port}/mine#sha256={digest}"


@pytest.mark.parametrize("way", ["well", "redirect", "breaks off"])
def test_it_loads_and_is_asked_for_once(way, published, server, camera):
    pipeline, address = published
    server.way = way
    expected = pipeline(camera)
    np.testing.assert_array_equal(zoo.load(address)(camera), expected)
    if way == "breaks off":
        assert sum(path.endswith(weights.WEIGHTS) for path, _ in server.asked) > 1
        assert any(ranged for _, ranged in server.asked)
    server.asked.clear()
    np.testing.assert_array_equal(zoo.load(address)(camera), expected)
    assert not server.asked


def test_a_server_that_never_sends_all_is_given_up_and_gone_on_with(published, server):
    _, address = published
    server.way = "whole again"
    with pytest.raises(ZooError, match="what came is kept, and the next try goes on from it"):
        zoo.load(address)
    server.way = "well"
    server.asked.clear()
    zoo.load(address)
    assert [(p.rpartition("/")[2], r) for p, r in server.asked] == [
        (weights.WEIGHTS, "bytes=10000-")
    ]


def test_other_bytes_are_refused_with_both_hashes_and_not_kept(published, server):
    _, address = published
    server.way = "other"
    with pytest.raises(ZooError, match=r"weights.h5: expected a file of SHA-256 \w+, got \w+"):
        zoo.load(address)
    server.way = "well"
    assert zoo.load(address).entry.name == "dncnn_tiny"


def test_what_was_damaged_in_the_cache_is_fetched_again(published, server, tmp_path):
    _, address = published
    zoo.load(address)
    (kept,) = (tmp_path / "cache").rglob(weights.WEIGHTS)
    kept.write_bytes(b"damaged")
    assert zoo.load(address).entry.name == "dncnn_tiny"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda address: address.partition("#")[0], "expected an address with the SHA-256"),
        (lambda address: address[:-1], "expected an address with the SHA-256"),
        (lambda address: address.replace("/mine", "/none/x/"), "404"),
        (lambda address: "http://127.0.0.1:9/mine#sha256=" + 64 * "0", "cannot be fetched"),
    ],
)
def test_an_address_that_is_none_is_refused(change, said, published, server):
    _, address = published
    if "404" in said:
        (server.folder / weights.RUN).unlink()
    with pytest.raises(ZooError, match=said):
        zoo.load(change(address))


def test_no_file_leads_out_of_the_folder(published, server, tmp_path):
    record = server.folder / weights.RUN
    facts = files.read_json(record)
    files.write_json(record, facts | {"sha256": facts["sha256"] | {"../../out": 64 * "0"}})
    digest = files.sha256(record.read_bytes())
    address = published[1].partition("#")[0]
    with pytest.raises(ZooError, match=r"expected plain names of files, got '\.\./\.\./out'"):
        zoo.load(f"{address}#sha256={digest}")
    assert not list(tmp_path.rglob("out*"))


def test_the_browsers_runtime_is_fetched_once_and_unpacked(server, monkeypatch):
    source = b'import "@litertjs/wasm-utils";'
    server.folder.mkdir()
    with tarfile.open(server.folder / "core-1.tgz", "w:gz") as archive:
        for path in ("package/dist/index.js", "package/dist/index.js.map"):
            about = tarfile.TarInfo(path)
            about.size = len(source)
            archive.addfile(about, io.BytesIO(source))
    packed = (server.folder / "core-1.tgz").read_bytes()
    address = f"http://127.0.0.1:{server.server_port}/core-1.tgz"
    wanted = {"core/dist/index.js": {"to": "core.js", "sha256": files.sha256(source)}}
    package = {"address": address, "sha256": files.sha256(packed)}
    told = {"version": "1", "packages": {"core": package}, "files": wanted}
    monkeypatch.setattr(litert_js, "_about", lambda: told)
    assert not litert_js.is_here()
    for _ in range(2):
        folder = litert_js.fetch()
    assert len(server.asked) == 1 and litert_js.is_here()
    assert sorted(path.name for path in folder.rglob("*.*")) == ["core.tgz", "index.js"]
    assert litert_js.read() == {"core.js": b'import "./wasm-utils.js";'}
