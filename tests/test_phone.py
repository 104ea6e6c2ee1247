"""The notes for phones say what is true of the files that they name."""

import itertools
import math
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import zoo
from zoo import weights
from zoo.export import tflite
from zoo.export.artifacts import export
from zoo.export.forms import NET_BOUND
from zoo.export.manifest import read_manifest
from zoo.tasks.parts import parts

NOTES = {
    "android": ("kotlin", r'const val (\w+) = "?([^"\n]+?)"?$'),
    "ios": ("swift", r'static let (\w+)(?:: Float)? = "?([^"\n]+?)"?$'),
}
TILE = 256


def snippets(system: str) -> dict[str, dict[str, str]]:
    """The constants of each piece of code that names a file, by that file, in lower case."""
    language, pattern = NOTES[system]
    path = Path(zoo.__file__).parents[1] / "export" / system / "README.md"
    blocks = re.findall(rf"```{language}\n(.*?)```", path.read_text(encoding="utf-8"), re.DOTALL)
    found = [
        {
            name.lower(): value.removesuffix("f")
            for name, value in re.findall(pattern, block, re.MULTILINE)
        }
        for block in blocks
    ]
    return {f"{about['file'].removesuffix('.tflite')}.tflite": about for about in found if about}


@pytest.fixture(scope="module")
def exports(tmp_path_factory) -> dict[str, Path]:
    """Name -> the folder that the notes' own command makes of it."""
    pytest.importorskip("ai_edge_quantizer")
    folder = tmp_path_factory.mktemp("phone")
    fashion = zoo.load("cnn_fashion")
    values, _ = weights.golden(fashion.entry)
    (folder / "garments").mkdir()
    for number, picture in enumerate(np.rint(values[..., 0] * 255).astype(np.uint8)):
        Image.fromarray(picture).save(folder / "garments" / f"{number}.png")
    export(
        fashion,
        folder / "cnn_fashion",
        formats=("float32_static", "uint8", "mediapipe"),
        calibration=f"folder:{folder / 'garments'}",
    )
    denoiser = zoo.load("dncnn_s25")
    export(denoiser, folder / "dncnn_s25", static_size=TILE, formats="float32_static")
    return {name: folder / name for name in ("cnn_fashion", "dncnn_s25")}


@pytest.mark.parametrize("system", NOTES)
def test_numbers_and_names_are_those_of_the_files(system, exports):
    found = snippets(system)
    assert set(found) == {
        "cnn_fashion_float32_static.tflite",
        "cnn_fashion_uint8.tflite",
        "cnn_fashion_mediapipe.tflite",
        "dncnn_s25_float32_static.tflite",
    }
    for file, said in found.items():
        manifest = next(m for m in map(read_manifest, exports.values()) if file in m["files"])
        about = next(a for a in manifest["artifacts"].values() if a["path"] == file)
        if about["form"] == "mediapipe":
            assert set(said) == {"file"}
            continue
        facts = {**facts_of(manifest, about), "file": said["file"], "threads": said.get("threads")}
        assert said == {name: facts[name] for name in said}
        needed = {"file", "signature", "input", "output", "height", "width", "channels"}
        needed |= {"reach"} if "reach" in manifest else {"classes"}
        assert needed <= set(said)


def facts_of(manifest: dict, about: dict) -> dict[str, str]:
    """What an export says, by the names of the constants in the notes."""
    (output,) = about["outputs"]
    _, height, width, channels = about["input"]["shape"]
    facts = {"signature": manifest["signature"], "input": about["input"]["name"]}
    facts |= {"output": output["name"], "height": height, "width": width, "channels": channels}
    facts |= {"reach": manifest.get("reach"), "classes": len(manifest.get("labels", ()))}
    if output["dtype"] == "uint8":
        assert output["zero_point"] == about["input"]["zero_point"] == 0
        assert about["input"]["scale"] == pytest.approx(1 / 255)
        facts["step"] = output["scale"]
    return {name: str(value) for name, value in facts.items()}


@pytest.mark.parametrize("system", NOTES)
def test_the_notes_commands_are_ones_that_zoo_takes(system):
    from click.testing import CliRunner

    from zoo.cli import main

    path = Path(zoo.__file__).parents[1] / "export" / system / "README.md"
    commands = re.findall(r"^zoo (export .*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(commands) == 2
    for command in commands:
        done = CliRunner().invoke(main, [*command.split(), "--help"])
        assert done.exit_code == 0
        for option in re.findall(r"--\w+", command):
            assert option in done.output


def test_tiles_as_the_notes_cut_them_give_the_whole_picture(exports, camera):
    said = snippets("android")["dncnn_s25_float32_static.tflite"]
    denoiser = zoo.load("dncnn_s25")
    path, part = exports["dncnn_s25"] / said["file"], parts(denoiser)[0]
    picture = camera[None, :300, :TILE, None].astype(np.float32) / 255
    run = tflite.opened(path, part)
    result = restored(run, picture, int(said["height"]), int(said["reach"]))
    assert np.abs(result - denoiser.infer(picture)).max() <= NET_BOUND


@pytest.mark.parametrize("name", ["srcnn_x2", "srcnn_small_x3"])
def test_enlarged_tiles_overlap_as_the_notes_say(name, camera):
    pipeline = zoo.load(name)
    picture = camera[None, :150, :131, None].astype(np.float32) / 255
    scale = pipeline.spec.scales[0]
    reach = math.ceil(pipeline.spec.reach / scale) + 2
    whole = pipeline.infer(picture)
    result = restored(pipeline.infer, picture, 64, reach, scale)
    assert np.abs(result - whole).max() <= 1e-6
    seams = restored(pipeline.infer, picture, 64, reach - 3, scale)
    assert np.abs(seams - whole).max() > 1e-4, "less would do"


def restored(run, picture: np.ndarray, tile: int, reach: int, scale: int = 1) -> np.ndarray:
    """The Kotlin's `restore`, in Python; places and sizes in the result are times the scale."""
    height, width = picture.shape[1:3]
    result = np.full((1, height * scale, width * scale, 1), np.nan, np.float32)
    for top, left in itertools.product(corners(height, tile, reach), corners(width, tile, reach)):
        made = run(picture[:, top : top + tile, left : left + tile])
        down, across = inner(top, tile, height, reach), inner(left, tile, width, reach)
        target = moved(down, top, scale), moved(across, left, scale)
        result[:, target[0], target[1]] = made[:, moved(down, 0, scale), moved(across, 0, scale)]
    return result


def moved(part: tuple[int, int], start: int, scale: int) -> slice:
    return slice((start + part[0]) * scale, (start + part[1]) * scale)


def corners(whole: int, tile: int, reach: int) -> list[int]:
    return [*range(0, whole - tile, tile - 2 * reach), whole - tile]


def inner(start: int, tile: int, whole: int, reach: int) -> tuple[int, int]:
    return (reach if start else 0), tile - (reach if start + tile < whole else 0)


@pytest.mark.parametrize("whole", [256, 257, 300, 478, 479, 700, 1111])
def test_tiles_cover_a_side_without_a_gap(whole):
    covered = np.zeros(whole, int)
    for start in corners(whole, TILE, 17):
        first, end = inner(start, TILE, whole, 17)
        covered[start + first : start + end] += 1
        assert 0 <= start <= whole - TILE
    assert covered.min() >= 1
