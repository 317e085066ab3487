"""A loopback Hub: repositories with revisions, plain files, a request log, transfers cut on purpose, and uploads."""

import hashlib
import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

from .hub_uploads import Uploads, is_large


@dataclass
class Request:
    """One request as the server saw it and what it answered."""

    method: str
    path: str
    range: str | None
    if_range: str | None
    status: int = 0


@dataclass
class HubServer:
    """Serves ``repositories[repo_id][revision][file]`` as the Hub does, and ``files[path]`` as a web server does.

    Models and data sets share ``repositories``.

    Attributes:
        repositories: Contents by repository and full commit hash.
        branches: Commit hash of a branch, by ``(repo_id, branch)``.
        files: Contents by path.
        etags: ETag by path of ``files``; by default derived from the content, empty sends none.
        redirects: Target address by path.
        cuts: How many bytes of the body to send, by path, the next time it is asked for; then the line is cut.
        failures: Statuses to answer with first, by path.
        writers: Who may write: the organisation by token.
        large: Contents of uploaded large files by sha256.
        log: Every request, in order.
    """

    repositories: dict[str, dict[str, dict[str, bytes]]] = field(default_factory=dict)
    branches: dict[tuple[str, str], str] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    etags: dict[str, str] = field(default_factory=dict)
    redirects: dict[str, str] = field(default_factory=dict)
    cuts: dict[str, int] = field(default_factory=dict)
    failures: dict[str, list[int]] = field(default_factory=dict)
    writers: dict[str, str] = field(default_factory=dict)
    large: dict[str, bytes] = field(default_factory=dict)
    log: list[Request] = field(default_factory=list)

    def __enter__(self):
        handler = type("Handler", (_Handler,), {"hub": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self) -> None:
        """Close the door; a second call does nothing."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def requests(self, path_end: str, method: str = "GET") -> list[Request]:
        """Return the logged requests of one file, in order."""
        return [request for request in self.log if request.method == method and request.path.endswith(path_end)]


class _Handler(Uploads, BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: HubServer

    def do_GET(self):
        self._begin()
        path = self._entry.path
        if self.hub.failures.get(path):
            return self._answer(self.hub.failures[path].pop(0), b"")
        if path in self.hub.redirects:
            return self._answer(302, b"", {"Location": self.hub.redirects[path]})
        if path in self.hub.files:
            content = self.hub.files[path]
            return self._send_file(path, content, self.hub.etags.get(path, _etag(content)), {})
        parts = path.strip("/").removeprefix("datasets/").split("/")
        if parts[:2] in (["api", "models"], ["api", "datasets"]) and len(parts) >= 4:
            return self._api("/".join(parts[2:4]), parts[4:])
        if len(parts) >= 5 and parts[2] == "resolve":
            return self._resolve("/".join(parts[:2]), parts[3], "/".join(parts[4:]))
        return self._answer(404, b"")

    do_HEAD = do_GET

    def _begin(self) -> bytes:
        """Log the request; return what came with it."""
        path = unquote(urlsplit(self.path).path)
        self._entry = Request(self.command, path, self.headers.get("Range"), self.headers.get("If-Range"))
        self.hub.log.append(self._entry)
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def log_message(self, *_):
        """Keep the test output clean; the log is kept in ``hub.log``."""

    def _revision(self, repo_id, revision):
        """Return ``(commit, files)``, or answer 404 as the Hub does and return None."""
        if repo_id not in self.hub.repositories:
            return self._missing("RepoNotFound", "Repository not found")
        commit = self.hub.branches.get((repo_id, revision), revision)
        if commit not in self.hub.repositories[repo_id]:
            return self._missing("RevisionNotFound", "Invalid rev id")
        return commit, self.hub.repositories[repo_id][commit]

    def _api(self, repo_id, rest):
        found = self._revision(repo_id, rest[1] if len(rest) > 1 else "main")
        if not found:
            return
        commit, files = found
        if rest[:1] == ["tree"]:
            self._answer_json(_tree(files, "/".join([*rest[2:], ""]) if len(rest) > 2 else ""))
        else:
            siblings = [{"rfilename": name} for name in files]
            self._answer_json({"_id": "1", "id": repo_id, "modelId": repo_id, "sha": commit, "siblings": siblings})

    def _resolve(self, repo_id, revision, name):
        found = self._revision(repo_id, revision)
        if not found:
            return
        commit, files = found
        if name not in files:
            self._missing("EntryNotFound", "Entry not found", {"X-Repo-Commit": commit})
            return
        self._send_file(self._entry.path, files[name], _etag(files[name]), {"X-Repo-Commit": commit})

    def _send_file(self, path, content, etag, headers):
        start, status = 0, 200
        if self._entry.range and self._entry.if_range in (None, etag):
            start = int(self._entry.range.removeprefix("bytes=").partition("-")[0])
            status = 206
            if start >= len(content):
                self._answer(416, b"")
                return
            headers = {**headers, "Content-Range": f"bytes {start}-{len(content) - 1}/{len(content)}"}
        if etag:
            headers = {**headers, "ETag": etag}
        self._answer(status, content[start:], {**headers, "Accept-Ranges": "bytes"}, self._cut_at(path))

    def _cut_at(self, path):
        return self.hub.cuts.pop(path, None) if self.command == "GET" else None

    def _missing(self, code, message, headers=None):
        self._answer(404, b"", {"X-Error-Code": code, "X-Error-Message": message, **(headers or {})})

    def _answer_json(self, data, status=200):
        self._answer(status, json.dumps(data).encode(), {"Content-Type": "application/json"})

    def _answer(self, status, body, headers=None, cut=None):
        self._entry.status = status
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        self.wfile.write(body if cut is None else body[:cut])
        if cut is not None:
            self.wfile.flush()
            self.close_connection = True


def _tree(files: dict[str, bytes], front: str) -> list[dict]:
    """List files below a folder, and the folders in it."""
    below = {name: content for name, content in files.items() if name.startswith(front)}
    folders = {front + name.removeprefix(front).partition("/")[0] for name in below if "/" in name.removeprefix(front)}
    return [{"type": "directory", "path": name, "oid": "0" * 40} for name in sorted(folders)] + [
        {"type": "file", "path": name, "size": len(content), **_hashes(name, content)}
        for name, content in below.items()
    ]


def _hashes(name: str, content: bytes) -> dict:
    """Hash a file as git does; a large one is there by a pointer to it."""
    if not is_large(name):
        return {"oid": hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()}
    digest = hashlib.sha256(content).hexdigest()
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{digest}\nsize {len(content)}\n"
    lfs = {"oid": digest, "size": len(content), "pointerSize": len(pointer)}
    return {"lfs": lfs, **_hashes("pointer", pointer.encode())}


def _etag(content: bytes) -> str:
    return f'"{hashlib.sha256(content).hexdigest()}"'
