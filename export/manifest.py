"""What an export says of itself, `export.json`, and whether its files are as it says."""

import os
from pathlib import Path

from zoo import files
from zoo.errors import ZooError
from zoo.tasks.parts import Ends

MANIFEST = "export.json"


def key_of(part: Ends, form: str) -> str:
    """What an artifact is called there: its form, after the part's name where there are several."""
    return "_".join(filter(None, (part.name, form)))


def is_export(folder) -> bool:
    """Whether a path is that of a folder that `zoo export` wrote."""
    return os.path.isfile(os.path.join(folder, MANIFEST))


def read_manifest(folder: Path) -> dict:
    """Reads `export.json`.

    Raises:
        ZooError: there is none, or it is not one that `export` writes.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise ZooError(f"{folder} is no export: it holds no {MANIFEST}; make one with `zoo export`")
    manifest = files.read_json(path)
    if not {"name", "weights", "files"} <= manifest.keys():
        raise ZooError(f"{path} is not what `zoo export` writes; export again into a new folder")
    return manifest


def files_of(manifest: dict, path: str) -> dict[str, dict]:
    """What is recorded of an artifact's file, or of all that are in its folder."""
    return {p: facts for p, facts in manifest["files"].items() if Path(p).parts[0] == path}


def facts_of_file(path: Path) -> dict:
    """SHA-256 and size of a file."""
    data = path.read_bytes()
    return {"sha256": files.sha256(data), "bytes": len(data)}


def damage(path: Path, recorded: dict) -> str:
    """Why a file is not the one that was exported, or ""."""
    if not path.is_file():
        return f"{path.name} is missing"
    actual = facts_of_file(path)
    if actual["bytes"] != recorded["bytes"]:
        return f"{path.name} has {actual['bytes']} bytes, export.json says {recorded['bytes']}"
    if actual["sha256"] != recorded["sha256"]:
        return (
            f"{path.name} was changed: its SHA-256 is {actual['sha256']}, export.json says "
            f"{recorded['sha256']}"
        )
    return ""
