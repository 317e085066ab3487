"""The only place that touches the network: Hub snapshots, and single files from their authors' servers.

Both are resumable and can be interrupted; ``HF_HUB_OFFLINE=1`` keeps everything to what is already on disk.
"""

import errno
import hashlib
import http.client
import logging
import os
import shutil
import time
from collections.abc import Callable, Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from .errors import DownloadError, HashMismatchError, InvalidValueError, UnknownNameError, explain

if TYPE_CHECKING:
    import datasets

logger = logging.getLogger(__name__)

_ATTEMPTS = 5
_PAUSE = 1.0  # seconds before the second attempt; grows linearly
_TIMEOUT = 30.0  # seconds without a byte
_CHUNK = 1 << 20  # bytes


def snapshot(repo_id: str, revision: str | None = None, allow_patterns: list[str] | None = None) -> Path:
    """Return the local copy of a Hub model repository, downloading what the cache lacks.

    Args:
        repo_id: ``organisation/name``.
        revision: Branch, tag or (best) full commit hash; None is the default branch.
        allow_patterns: Globs of the files wanted; None wants all.

    Returns:
        The snapshot's folder in the Hugging Face cache.

    Raises:
        InvalidValueError: ``repo_id`` is not a well-formed name.
        UnknownNameError: The Hub has no such repository or revision.
        DownloadError: No access, a failed transfer, or no Hub in reach and not everything in the cache.
    """
    from huggingface_hub import errors as hub_errors
    from huggingface_hub import snapshot_download

    what = f"Hub repository {repo_id!r}" + (f" at revision {revision!r}" if revision else "")
    try:
        return Path(snapshot_download(repo_id, revision=revision, allow_patterns=allow_patterns))
    except hub_errors.HFValidationError as error:
        raise InvalidValueError(explain("name of a Hub repository", repr(repo_id), "'organisation/name'")) from error
    except hub_errors.GatedRepoError as error:
        step = "Ask for access on its page, then log in with `hf auth login`."
        raise DownloadError(explain(what, "access denied", "a repository open to you", step)) from error
    except hub_errors.RepositoryNotFoundError as error:
        step = "Check the spelling; for a private one log in with `hf auth login`."
        raise UnknownNameError(explain(what, "not found", "an existing repository", step)) from error
    except hub_errors.RevisionNotFoundError as error:
        step = "Check the branch, tag or commit on the repository's page."
        raise UnknownNameError(explain(what, "no such revision", "an existing revision", step)) from error
    except (hub_errors.LocalEntryNotFoundError, hub_errors.OfflineModeIsEnabled) as error:
        raise _unreachable(what, error) from error
    except (hub_errors.HTTPError, OSError) as error:
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            raise DownloadError(
                explain(what, "a full disk", "room for its files", "Free some space or move HF_HOME.")
            ) from error
        step = "Run the same again: it continues where it stopped."
        raise DownloadError(explain(what, first_line(error), "a complete transfer", step)) from error


def load_dataset(name: str, config: str | None = None, revision: str | None = None) -> "datasets.DatasetDict":
    """Load all splits of a data set, downloading what the cache lacks; nothing of it is run.

    Args:
        name: ``organisation/name`` on the Hub, or a local folder of tables.
        config: Which of its configurations, where it has several.
        revision: Branch, tag or full commit hash; None is the default branch.

    Raises:
        InvalidValueError: It cannot be loaded so, such as for want of a configuration.
        UnknownNameError: The Hub has no such repository or revision, or it is closed.
        DownloadError: No Hub in reach and no complete copy in the cache, or a failed transfer.
    """
    import datasets

    what = f"data set {name!r}" + (f" at revision {revision!r}" if revision else "")
    try:
        return datasets.load_dataset(name, config, revision=revision)
    except datasets.exceptions.DatasetNotFoundError as error:
        step = "Check the spelling; for a closed one ask for access, then log in with `hf auth login`."
        raise UnknownNameError(explain(what, first_line(error), "an existing one that is open to you", step)) from error
    except ConnectionError as error:
        raise _unreachable(what, error) from error
    except (datasets.exceptions.DatasetsError, OSError, ValueError, RuntimeError) as error:
        cause = error
        while cause.__cause__:
            cause = cause.__cause__
        raise InvalidValueError(explain(what, first_line(cause), "one that datasets.load_dataset loads")) from error


def fetch(
    url: str,
    destination: str | Path,
    *,
    sha256: str | None = None,
    progress: Callable[[int, int | None], Any] | None = None,
) -> Path:
    """Download one file, continuing an earlier attempt, and pin its content.

    The bytes go to ``<destination>.part`` and become ``destination`` only when complete and of the right
    hash. The hash is written to ``<destination>.sha256`` the first time and checked ever after, so that a
    file that changed at its source, or here, is refused.

    Args:
        url: ``https://…``; plain http only from this machine itself.
        destination: Path of the file to make; its folder is made too.
        sha256: Hex digest the content must have; by default the recorded one, if any.
        progress: Called with the bytes here so far and the total (None if the server does not say).

    Returns:
        ``destination``.

    Raises:
        InvalidValueError: The address is not https.
        HashMismatchError: The content is not the expected one.
        DownloadError: Offline, refused by the server, cut too often, or no room on the disk.
    """
    destination = Path(destination)
    _check_url(url)
    record = _beside(destination, ".sha256")
    expected = sha256.lower() if sha256 else _recorded(record)
    if destination.exists():
        step = f"Move the file away and fetch it again from {url}."
        digest = check_sha256(destination, expected, step) if expected else sha256_of(destination)
        _write_record(record, digest, destination.name)
        return destination
    if offline():
        step = f"Unset HF_HUB_OFFLINE, or put a copy of {url} there yourself."
        raise DownloadError(explain(f"fetching {destination}", "offline mode", "a network, or the file in place", step))

    part = _beside(destination, ".part")
    try:
        destination.parent.mkdir(parents=True, exist_ok=True)
        _download(url, part, progress)
    except DownloadError:
        raise
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise _disk_full(destination, "more than that") from error
        got = f"{error.strerror} ({error.filename})"
        raise DownloadError(explain(f"writing {destination}", got, "a folder that can be written to")) from error
    digest = sha256_of(part)
    if expected and digest != expected:
        _discard(part)
        origin = "as asked for" if sha256 else f"as recorded in {record}"
        trust = "ask for its hash" if sha256 else "delete the record"
        step = f"{url} now gives another file; if you trust that one, {trust}."
        raise HashMismatchError(explain(f"sha256 of {destination}", digest, f"{expected}, {origin}", step))
    _write_record(record, digest, destination.name)
    part.replace(destination)
    _validator(part).unlink(missing_ok=True)
    return destination


def sha256_of(path: Path) -> str:
    """Return the hex sha256 of a file's content."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_sha256(path: Path, expected: str, next_step: str) -> str:
    """Return the sha256 of ``path``, which must be ``expected``.

    Raises:
        HashMismatchError: It is another; the text names the file and both hashes.
    """
    digest = sha256_of(path)
    if digest != expected:
        raise HashMismatchError(explain(f"sha256 of {path}", digest, expected, next_step))
    return digest


def offline() -> bool:
    """Whether ``HF_HUB_OFFLINE`` asks to stay off the network."""
    return os.environ.get("HF_HUB_OFFLINE", "").upper() in {"1", "ON", "YES", "TRUE"}


class _Cut(Exception):
    """A transfer stopped for a reason that may pass."""


class _CheckedRedirects(HTTPRedirectHandler):
    def redirect_request(self, req, fp, code, msg, headers, newurl):
        _check_url(newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _download(url: str, part: Path, progress: Callable | None) -> None:
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            _transfer(url, part, progress)
            return
        except _Cut as cut:
            logger.info("%s: attempt %d of %d: %s", url, attempt, _ATTEMPTS, cut)
            if attempt == _ATTEMPTS:
                step = "Run the same again: it continues where it stopped."
                raise DownloadError(explain(f"download of {url}", str(cut), "a complete transfer", step)) from cut
            time.sleep(_PAUSE * attempt)


def _transfer(url: str, part: Path, progress: Callable | None) -> None:
    # Only bytes of the same version of the file may be continued; without a validator that cannot be known.
    validator = _read(_validator(part))
    have = part.stat().st_size if validator and part.exists() else 0
    headers = {"User-Agent": "avssl_hub"}
    if have:
        headers |= {"Range": f"bytes={have}-", "If-Range": validator}
    with _open(url, headers, part) as response:
        resumed = response.status == http.client.PARTIAL_CONTENT
        if resumed and not _continues(response, have, validator):
            _discard(part)
            raise _Cut("the server sent other bytes than asked for")
        have = have if resumed else 0
        length = response.headers.get("Content-Length")
        total = have + int(length) if length else None
        if total and total - have > shutil.disk_usage(part.parent).free:
            raise _disk_full(part, f"{total - have:,} bytes")
        _validator(part).write_text(_strong_validator(response), encoding="utf-8")
        with open(part, "ab" if have else "wb") as file:
            for chunk in _chunks(response):
                file.write(chunk)
                have += len(chunk)
                if progress:
                    progress(have, total)
    if total is not None and have != total:
        raise _Cut(f"{have:,} of {total:,} bytes")


def _open(url: str, headers: dict[str, str], part: Path) -> http.client.HTTPResponse:
    try:
        return build_opener(_CheckedRedirects).open(Request(url, headers=headers), timeout=_TIMEOUT)
    except HTTPError as error:
        error.close()
        if error.code == http.client.REQUESTED_RANGE_NOT_SATISFIABLE:
            _discard(part)
            raise _Cut("the partial file is longer than the server's") from error
        if error.code >= 500 or error.code in (http.client.REQUEST_TIMEOUT, http.client.TOO_MANY_REQUESTS):
            raise _Cut(f"server status {error.code}") from error
        step = "Check the address in a browser; the file may have moved."
        raise DownloadError(explain(f"download of {url}", f"server status {error.code}", "200", step)) from error
    except (URLError, http.client.HTTPException, OSError) as error:
        raise _Cut(first_line(error)) from error


def _chunks(response: http.client.HTTPResponse) -> Iterator[bytes]:
    try:
        while chunk := response.read(_CHUNK):
            yield chunk
    except (http.client.HTTPException, OSError) as error:
        raise _Cut(first_line(error)) from error


def _continues(response: http.client.HTTPResponse, have: int, validator: str) -> bool:
    start = response.headers.get("Content-Range", "").removeprefix("bytes ").partition("-")[0]
    return start == str(have) and _strong_validator(response) in ("", validator)


def _strong_validator(response: http.client.HTTPResponse) -> str:
    etag = response.headers.get("ETag", "")
    return etag if etag and not etag.startswith("W/") else response.headers.get("Last-Modified", "")


def _check_url(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(parts.hostname or "")):
        return
    raise InvalidValueError(explain("address to download from", repr(url), "an https address", "Use its https form."))


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _unreachable(what: str, error: Exception) -> DownloadError:
    if offline():
        step = "Unset HF_HUB_OFFLINE once to download it."
        return DownloadError(explain(what, "offline mode and no complete copy in the cache", "either", step))
    step = "Check the connection (or HF_ENDPOINT) and run the same again."
    return DownloadError(
        explain(what, f"no answer from the Hub ({first_line(error.__cause__ or error)})", "a connection", step)
    )


def _disk_full(path: Path, needed: str) -> DownloadError:
    free = shutil.disk_usage(path.parent).free
    step = f"Free some space on the disk of {path.parent}; a new attempt continues where this one stopped."
    return DownloadError(explain(f"room for {path}", f"{free:,} bytes free", needed, step))


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def _validator(part: Path) -> Path:
    return _beside(part, ".etag")


def _discard(part: Path) -> None:
    part.unlink(missing_ok=True)
    _validator(part).unlink(missing_ok=True)


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


def _recorded(record: Path) -> str:
    return _read(record).partition(" ")[0].strip()


def _write_record(record: Path, digest: str, name: str) -> None:
    if _recorded(record) != digest:
        record.write_text(f"{digest}  {name}\n", encoding="utf-8")


def first_line(error: BaseException) -> str:
    """Word an error in a line: its kind and the first line of its text."""
    return f"{type(error).__name__}: {error}".splitlines()[0].rstrip(": ")
