"""What an export says of itself, `export.json`, and whether its files are as it says.

An export may come from anywhere. `read_manifest` lets nothing through that `zoo export` does not
write: no other kinds of values, no path out of the folder, no characters that rule a terminal. Its
digest shows that it was edited, not that somebody did so with care; `zoo.export.checks` compares
what it says with the net and with the files themselves.
"""

import dataclasses
import json
import os
from pathlib import Path
from typing import Any

from zoo import index
from zoo.errors import ZooError
from zoo.export.artifacts import Artifact, key_of
from zoo.export.forms import FORMS
from zoo.export.manifest_types import Manifest
from zoo.index import Entry, Spec
from zoo.storage import files, json_types, runs
from zoo.tasks.functions import Input, Signature, signatures
from zoo.wrapping import entry as own

MANIFEST, REPORT, LABELS = "export.json", "report.json", "labels.txt"
PAGE = "report.html"


def is_export(folder: str | Path) -> bool:
    """Whether a path is that of a folder that `zoo export` wrote; "pretrained" never is."""
    return folder != "pretrained" and os.path.isfile(os.path.join(folder, MANIFEST))


def read_manifest(folder: Path) -> dict[str, Any]:
    """Reads `export.json`.

    Raises:
        ZooError: there is none, or it is not one that `export` writes.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise ZooError(f"{folder} is no export: it holds no {MANIFEST}; make one with `zoo export`")
    manifest = files.read_json(path)
    if why := _flaw(manifest):
        raise ZooError(f"{folder} is not what `zoo export` writes: {why}; export again")
    return manifest


def write_manifest(folder: Path, about: dict[str, Any]) -> None:
    """Writes `export.json` with its digest.

    Raises:
        ZooError: `read_manifest` would not take it: a class or a set has a name that rules a
            terminal.
    """
    manifest = about | {"digest": digest(about)}
    if why := _flaw(manifest):
        raise ZooError(f"{folder} cannot be described: {why}; rename it")
    files.write_json(folder / MANIFEST, manifest)


def digest(about: dict[str, Any]) -> str:
    """SHA-256 of all that `export.json` says, but for its digest, however it is laid out."""
    content = {key: value for key, value in about.items() if key != "digest"}
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return files.sha256(text.encode())


def edited(manifest: dict[str, Any]) -> str:
    """Why what a manifest says is not what was written, or ""."""
    actual = digest(manifest)
    if actual == manifest["digest"]:
        return ""
    return f"export.json was changed: its digest is {actual}, it says {manifest['digest']}"


def manifest_of(entry: Entry, folder: Path) -> dict[str, Any]:
    """Reads `export.json`; raises ZooError, too, where the export is of another name."""
    manifest = read_manifest(folder)
    if index_name(manifest) != entry.index_name:
        raise ZooError(f"{folder} is an export of {manifest['name']}, not of {entry.full_name}")
    return manifest


def files_of_form(entry: Entry, folder: Path, form: str) -> dict[Signature, Path]:
    """The file of each function of a net, as it was exported.

    Raises:
        ZooError: the export is of another name, changed, or without such a file.
    """
    manifest = manifest_of(entry, folder)
    if why := edited(manifest):
        raise ZooError(f"{folder}: {why}; export it again")
    return {s: _undamaged(folder, manifest, s, form) for s in signatures(entry.spec)}


def listed(manifest: dict) -> list[Artifact]:
    """The artifacts as the export itself describes them."""
    name = manifest["name"].partition(".")[0]
    return [
        Artifact(name, _signature(about), about["form"]) for about in manifest["artifacts"].values()
    ]


def inputs_of(about: dict) -> tuple[Input, ...]:
    """What an artifact takes, as `export.json` says it."""
    return tuple(Input(one["name"], tuple(one["shape"])) for one in about["inputs"])


def files_of(manifest: dict, path: str) -> dict[str, dict]:
    """What is recorded of an artifact's file, or of all that are in its folder."""
    return {p: facts for p, facts in manifest["files"].items() if Path(p).parts[0] == path}


def paths_in(folder: Path) -> set[str]:
    """All files and links in a folder, at any depth; links are not followed."""
    found = set()
    for above, folders, names in os.walk(folder):
        links = [name for name in folders if os.path.islink(os.path.join(above, name))]
        found |= {Path(above, name).relative_to(folder).as_posix() for name in names + links}
    return found


def facts_of_file(path: Path) -> dict:
    """SHA-256 and size of a file."""
    data = path.read_bytes()
    return {"sha256": files.sha256(data), "bytes": len(data)}


def damage(folder: Path, name: str, recorded: dict) -> str:
    """Why a file of an export is not the one that was exported, or "". No other is read."""
    path = folder / name
    if os.path.realpath(path) != os.path.join(os.path.realpath(folder), *name.split("/")):
        return f"{path.name} is a link, or in one: expected a file of the export's own"
    if not path.is_file():
        return f"{path.name} is missing"
    if (size := path.stat().st_size) != recorded["bytes"]:
        return f"{path.name} has {size} bytes, export.json says {recorded['bytes']}"
    actual = facts_of_file(path)
    if actual["sha256"] != recorded["sha256"]:
        return (
            f"{path.name} was changed: its SHA-256 is {actual['sha256']}, export.json says "
            f"{recorded['sha256']}"
        )
    return ""


def entry_of(manifest: dict) -> Entry:
    """The entry of an export: of the index, with the classes of the export; or of a user's own net.

    Raises:
        ZooError: there is no such name; or what is said of the net is none.
    """
    if "net" in manifest:
        return own.entry_of(manifest["name"], manifest["net"])
    return labelled(index.entry(index_name(manifest)), manifest)


def labelled(entry: Entry, manifest: dict) -> Entry:
    """An entry with the classes of the export, which a training may have made others; and, of one's
    own pictures, with all that is then its own."""
    labels = tuple(manifest.get("labels", ()))
    if "base" in manifest:
        own_facts = labels, manifest["shape"], manifest["licence"], manifest.get("degrade", ())
        return runs.own(entry, manifest["name"], *own_facts)
    return dataclasses.replace(entry, spec=dataclasses.replace(entry.spec, labels=labels))


def damage_of_labels(folder: Path, manifest: dict, spec: Spec) -> str:
    """Why `labels.txt` is not the one that was exported, or has not the classes of a net, or ""."""
    if not spec.labels or spec.latent:
        return ""
    if LABELS not in manifest["files"]:
        return f"{MANIFEST} does not list {LABELS}"
    if wrong := damage(folder, LABELS, manifest["files"][LABELS]):
        return wrong
    same = (folder / LABELS).read_bytes() == labels_text(spec).encode()
    return "" if same else f"{LABELS} has other classes than the net, or in another order"


def labels_text(spec: Spec) -> str:
    """What `LABELS` holds: a class a line."""
    return "".join(f"{label}\n" for label in spec.labels)


def _signature(about: dict) -> Signature:
    return Signature(about["part"], inputs_of(about), tuple(o["name"] for o in about["outputs"]))


def index_name(manifest: dict) -> str:
    return manifest.get("base", manifest["name"])


def _undamaged(folder: Path, manifest: dict, signature: Signature, form: str) -> Path:
    found = manifest["artifacts"].get(key_of(signature, form))
    if found is None or found["path"] not in manifest["files"]:
        name = manifest["weights"]["source"] if "base" in manifest else manifest["name"]
        raise ZooError(
            f"{folder} has no {key_of(signature, form)} file: `zoo export {name} "
            f"--to DIR --format {form}` writes one"
        )
    if wrong := damage(folder, found["path"], manifest["files"][found["path"]]):
        raise ZooError(f"{folder}: {wrong}; export it again")
    return folder / found["path"]


def _flaw(manifest: dict[str, Any]) -> str:
    """Why it is not what `export` writes, or ""."""
    return (
        json_types.flaw(manifest, Manifest, MANIFEST)
        or json_types.text_flaw(manifest, MANIFEST)
        or _inconsistent(manifest)
    )


def _inconsistent(manifest: dict) -> str:
    """What in a manifest contradicts itself, or leads out of its folder, or ""."""
    forms = [about["form"] for about in manifest["artifacts"].values()]
    if unknown := sorted(set(forms) - FORMS.keys()):
        return f"a form is {unknown[0]!a}"
    if not forms or list(dict.fromkeys(manifest["formats"])) != sorted(
        set(forms), key=list(FORMS).index
    ):
        return f"its formats are {manifest['formats']}, its artifacts' {sorted(set(forms))}"
    for key, about in manifest["artifacts"].items():
        (artifact,) = listed(manifest | {"artifacts": {key: about}})
        if (key, about["path"]) != (artifact.key, artifact.path):
            return f"{key} is called {artifact.key}, and its path {artifact.path}"
    licences = manifest["licence"].keys()
    if "base" in manifest and not (
        len(manifest.get("shape", ())) == 3 and licences >= {"weights", "training data"}
    ):
        return "it says what it was made of, and no shape or licences"
    outside = [path for path in manifest["files"] if not _is_inside(path)]
    return f"{outside[0]!a} is no path of a file in the folder" if outside else ""


def _is_inside(path: str) -> bool:
    parts = path.split("/")
    return not {"", ".", ".."} & set(parts) and not set(path) & set("\\:")
