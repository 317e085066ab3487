"""What the loopback Hub needs to be written to: new repositories, large files in git's LFS protocol, and commits."""

import base64
import hashlib
import json

ATTRIBUTES = b"*.safetensors filter=lfs diff=lfs merge=lfs -text\n"


def is_large(name: str) -> bool:
    """Whether the Hub keeps a file in its store of large files."""
    return name.endswith(".safetensors")


class Uploads:
    """The writing half of the request handler; ``hub.writers`` maps tokens to the organisation they may write to."""

    def do_POST(self):
        body = self._begin()
        path = self._entry.path
        parts = path.strip("/").split("/")
        if path == "/api/repos/create":
            return self._create(json.loads(body))
        if path == "/api/validate-yaml":
            return self._answer_json({"errors": [], "warnings": []})
        if parts[:2] == ["api", "models"] and parts[4:5] == ["preupload"]:
            return self._may_write(parts[2]) and self._preupload(json.loads(body))
        if parts[:2] == ["api", "models"] and parts[4:5] == ["commit"]:
            return self._may_write(parts[2]) and self._commit("/".join(parts[2:4]), parts[5], body)
        if path.endswith(".git/info/lfs/objects/batch"):
            return self._may_write(parts[0]) and self._batch(json.loads(body))
        if path == "/lfs/verify":
            told = json.loads(body)
            return self._answer(200 if len(self.hub.large.get(told["oid"], b"")) == told["size"] else 404, b"")
        return self._answer(404, b"")

    def do_PUT(self):
        body = self._begin()
        oid = self.path.rpartition("/")[2]
        if hashlib.sha256(body).hexdigest() != oid:
            return self._answer(400, b"")
        self.hub.large[oid] = body
        return self._answer(200, b"")

    def _may_write(self, org):
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if token not in self.hub.writers:
            self._answer(401, b"", {"X-Error-Message": "Invalid username or password."})
        elif self.hub.writers[token] != org:
            self._answer(403, b"", {"X-Error-Message": f"You don't have the rights to write to {org}."})
        else:
            return True
        return False

    def _create(self, told):
        org, name = told["organization"], told["name"]
        repo_id = f"{org}/{name}"
        if not self._may_write(org):
            return None
        if repo_id in self.hub.repositories:
            return self._answer_json({"url": f"{self.hub.url}/{repo_id}"}, status=409)
        self._add_commit(repo_id, {".gitattributes": ATTRIBUTES})
        return self._answer_json({"url": f"{self.hub.url}/{repo_id}"})

    def _preupload(self, told):
        modes = {True: "lfs", False: "regular"}
        files = [
            {"path": file["path"], "uploadMode": modes[is_large(file["path"])], "shouldIgnore": False}
            for file in told["files"]
        ]
        self._answer_json({"files": files})

    def _batch(self, told):
        objects = [
            {"oid": item["oid"], "size": item["size"]}
            | ({} if item["oid"] in self.hub.large else {"actions": self._upload_of(item["oid"])})
            for item in told["objects"]
        ]
        self._answer_json({"transfer": "basic", "objects": objects})

    def _upload_of(self, oid):
        return {"upload": {"href": f"{self.hub.url}/lfs/{oid}"}, "verify": {"href": f"{self.hub.url}/lfs/verify"}}

    def _commit(self, repo_id, branch, body):
        new = {}
        for line in body.splitlines():
            entry = json.loads(line)
            value = entry["value"]
            if entry["key"] == "file":
                new[value["path"]] = base64.b64decode(value["content"])
            elif entry["key"] == "lfsFile":
                new[value["path"]] = self.hub.large[value["oid"]]
        commit = self._add_commit(repo_id, new, branch)
        self._answer_json({"commitOid": commit, "commitUrl": f"{self.hub.url}/{repo_id}/commit/{commit}"})

    def _add_commit(self, repo_id, new, branch="main"):
        commits = self.hub.repositories.setdefault(repo_id, {})
        files = commits.get(self.hub.branches.get((repo_id, branch)), {}) | new
        commit = hashlib.sha1(repr((len(commits), sorted(files.items()))).encode()).hexdigest()
        commits[commit] = files
        self.hub.branches[repo_id, branch] = commit
        return commit
