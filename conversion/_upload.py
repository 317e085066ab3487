"""Comparing a folder with a model repository on the Hub, and bringing the repository up to date in one commit."""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from avssl_hub import hub
from avssl_hub.errors import AvsslError, DownloadError, explain

Content = Path | bytes


class PublishError(AvsslError):
    """A checkpoint may not be published, or the Hub does not take it."""


def remote_files(repo_id: str) -> dict[str, str] | None:
    """Return the hashes of a repository's files by name; None if there is no such repository.

    Large files have their sha256, others git's own hash; :func:`is_same` knows which.

    Raises:
        PublishError: The Hub refuses to tell.
        DownloadError: It is not in reach.
    """
    from huggingface_hub import HfApi, RepoFile
    from huggingface_hub.errors import RepositoryNotFoundError

    with _explained(repo_id):
        try:
            found = list(HfApi().list_repo_tree(repo_id, recursive=True))
        except RepositoryNotFoundError:
            return None
    files = [entry for entry in found if isinstance(entry, RepoFile)]
    return {file.path: file.lfs.sha256 if file.lfs else file.blob_id for file in files}


def is_same(content: Content, remote: str | None) -> bool:
    """Whether a file's content is what the Hub has under a hash."""
    return remote is not None and remote in (_sha256(content), _git_hash(content))


def upload(repo_id: str, files: Mapping[str, Content], message: str) -> str:
    """Make the repository if there is none and put files into it, all or none.

    Returns:
        The commit.

    Raises:
        PublishError: The Hub refuses.
        DownloadError: It is not in reach, or the transfer was cut.
    """
    from huggingface_hub import CommitOperationAdd, HfApi

    operations = [CommitOperationAdd(name, content) for name, content in files.items()]
    with _explained(repo_id):
        HfApi().create_repo(repo_id, exist_ok=True)
        return HfApi().create_commit(repo_id, operations, commit_message=message).oid


@contextmanager
def _explained(repo_id: str) -> Iterator[None]:
    from huggingface_hub import errors

    what = f"publishing to {repo_id}"
    if hub.offline():
        raise DownloadError(explain(what, "offline mode", "a network", "Unset HF_HUB_OFFLINE."))
    try:
        yield
    except errors.HfHubHTTPError as error:
        status = error.response.status_code
        if status in (401, 403):
            step = "Log in with `hf auth login`, as somebody who may."
            raise PublishError(explain(what, f"server status {status}", "leave to write there", step)) from error
        raise PublishError(explain(what, hub.first_line(error), "a Hub that takes the files")) from error
    except (errors.HFValidationError, ValueError) as error:
        raise PublishError(explain(what, hub.first_line(error), "a name and a card that the Hub takes")) from error
    except (errors.HTTPError, OSError, RuntimeError) as error:
        step = "Check the connection (or HF_ENDPOINT) and run the same again; nothing half is shown meanwhile."
        raise DownloadError(explain(what, hub.first_line(error), "a whole transfer", step)) from error


def _sha256(content: Content) -> str:
    return hub.sha256_of(content) if isinstance(content, Path) else hashlib.sha256(content).hexdigest()


def _git_hash(content: Content) -> str:
    """Hash as git does its blobs."""
    size = content.stat().st_size if isinstance(content, Path) else len(content)
    digest = hashlib.sha1(f"blob {size}\0".encode(), usedforsecurity=False)
    if isinstance(content, bytes):
        digest.update(content)
    else:
        with open(content, "rb") as file:
            while piece := file.read(1 << 20):
                digest.update(piece)
    return digest.hexdigest()
