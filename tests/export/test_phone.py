"""The notes for phones say what is true of the files that they name."""

import dataclasses
import itertools
import math
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tiny import with_random_weights

import zoo
from zoo.data.pictures import of_size
from zoo.export.artifacts import planned
from zoo.export.forms import NET_BOUND
from zoo.export.manifest import read_manifest
from zoo.export.runtimes import litert
from zoo.export.signature import SERVE
from zoo.export.write import export
from zoo.images.resize import to_size
from zoo.storage import weights
from zoo.tasks.functions import functions
from zoo.tasks.pipeline import Pipeline

NOTES = {
    "android": ("kotlin", r'const val (\w+) = "?([^"\n]+?)"?$'),
    "ios": ("swift", r'static let (\w+)(?:: Float)? = "?([^"\n]+?)"?$'),
}
TILE = 256
TOLD = "ffdnet_color"
OWN = dataclasses.replace(zoo.entry("efficientnet_lite0"), name="mine")
"""The run of the notes."""


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
        formats="uint8",
        calibration=f"folder:{folder / 'garments'}",
    )
    denoiser = zoo.load("dncnn_s25")
    export(denoiser, folder / "dncnn_s25", static_size=TILE, formats="float32_static")
    export(told(), folder / TOLD, static_size=TILE, formats="float32_static")
    return {name: folder / name for name in ("cnn_fashion", "dncnn_s25", TOLD)}


def told() -> Pipeline:
    return zoo.load(TOLD) if zoo.entry(TOLD).pretrained else with_random_weights(TOLD)


@pytest.mark.parametrize("system", NOTES)
def test_numbers_and_names_are_those_of_the_files(system, exports):
    found = snippets(system)
    own = [artifact.path for artifact in planned(OWN, ("float32_static", "mediapipe"))]
    restorers = {f"{name}_float32_static.tflite" for name in ("dncnn_s25", TOLD)}
    assert set(found) == {"cnn_fashion_uint8.tflite", *restorers, *own}
    for file in found.keys() - set(own):
        said = found[file]
        manifest = next(m for m in map(read_manifest, exports.values()) if file in m["files"])
        about = next(a for a in manifest["artifacts"].values() if a["path"] == file)
        facts = {**facts_of(manifest, about), "file": said["file"], "threads": said.get("threads")}
        assert said == {name: facts[name] for name in said}
        needed = {"file", "signature", "input", "output", "height", "width", "channels"}
        needed |= {"radius"} if "receptive_radius" in manifest else {"classes"}
        needed |= {"level", "multiple"} if "multiple" in manifest else set()
        assert needed <= set(said)


@pytest.mark.parametrize("system", NOTES)
def test_files_of_a_run_are_called_and_made_as_the_notes_say(system):
    """As its folder; their labels are counted where they are read."""
    found = snippets(system)
    for artifact in planned(OWN, ("float32_static", "mediapipe")):
        said = found[artifact.path]
        _, height, width, channels = artifact.function.shape("image")
        facts = {"signature": SERVE, "input": "image", "output": artifact.function.outputs[0]}
        facts |= {"height": str(height), "width": str(width), "channels": str(channels)}
        facts |= {"file": said["file"], "threads": said.get("threads")}
        assert said == {name: facts[name] for name in said}
        assert {"height", "width"} <= set(said)


def facts_of(manifest: dict, about: dict) -> dict[str, str]:
    """What an export says, by the names of the constants in the notes."""
    (output,) = about["outputs"]
    _, height, width, channels = about["inputs"][0]["shape"]
    facts = {"signature": manifest["signature"], "input": about["inputs"][0]["name"]}
    facts |= {"output": output["name"], "height": height, "width": width, "channels": channels}
    multiple = manifest.get("multiple", 1)
    facts |= {
        "radius": math.ceil(manifest.get("receptive_radius", 0) / multiple) * multiple,
        "multiple": multiple,
        "level": about["inputs"][-1]["name"],
        "classes": len(manifest.get("labels", ())),
    }
    if output["dtype"] == "uint8":
        assert output["zero_point"] == about["inputs"][0]["zero_point"] == 0
        assert about["inputs"][0]["scale"] == pytest.approx(1 / 255)
        facts["step"] = output["scale"]
    return {name: str(value) for name, value in facts.items()}


@pytest.mark.parametrize("system", NOTES)
def test_the_notes_commands_are_ones_that_zoo_takes(system):
    from click.testing import CliRunner

    from zoo.cli import main

    path = Path(zoo.__file__).parents[1] / "export" / system / "README.md"
    commands = re.findall(r"^zoo (export .*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(commands) == 4
    for command in commands:
        done = CliRunner().invoke(main, [*command.split(), "--help"])
        assert done.exit_code == 0
        for option in re.findall(r"--\w+", command):
            assert option in done.output


def test_tiles_as_the_notes_cut_them_give_the_whole_picture(exports, camera):
    said = snippets("android")["dncnn_s25_float32_static.tflite"]
    denoiser = zoo.load("dncnn_s25")
    path, function = exports["dncnn_s25"] / said["file"], functions(denoiser)[0]
    picture = camera[None, :300, :TILE, None].astype(np.float32) / 255
    run = litert.open(path, function)
    result = restored(run, picture, int(said["height"]), int(said["radius"]))
    assert np.abs(result - denoiser.infer(picture)).max() <= NET_BOUND


def test_tiles_of_a_net_that_is_told_the_noise_begin_at_multiples(exports, astronaut):
    said = snippets("android")[f"{TOLD}_float32_static.tflite"]
    denoiser = told()
    picture = astronaut[None, :300, :TILE].astype(np.float32) / 255
    call = litert.open(exports[TOLD] / said["file"], functions(denoiser)[0])
    level = np.full((1, TILE, TILE, 1), 20, np.float32)

    def run(tile: np.ndarray) -> np.ndarray:
        return call({said["input"]: tile, said["level"]: level})

    result = restored(run, picture, TILE, int(said["radius"]))
    apart = np.abs(result - denoiser.infer(picture, sigma=20)).max()
    assert apart <= (NET_BOUND if denoiser.source else 10 * NET_BOUND)  # random weights add up
    assert all(start % int(said["multiple"]) == 0 for start in corners(300, TILE, 26))


@pytest.mark.parametrize(
    ("name", "too_little"), [("srcnn_x2", 3), ("srcnn_small_x3", 3), ("sesr_x2", 12)]
)
def test_enlarged_tiles_overlap_as_the_notes_say(name, too_little, camera):
    pipeline = zoo.load(name)
    picture = camera[None, :150, :131, None].astype(np.float32) / 255
    scale = pipeline.spec.scales[0]
    radius = math.ceil(pipeline.spec.receptive_radius / scale) + 2
    whole = pipeline.infer(picture)
    result = restored(pipeline.infer, picture, 64, radius, scale)
    assert np.abs(result - whole).max() <= 1e-6
    seams = restored(pipeline.infer, picture, 64, radius - too_little, scale)
    assert np.abs(seams - whole).max() > 1e-4, "less would do"


def restored(run, picture: np.ndarray, tile: int, radius: int, scale: int = 1) -> np.ndarray:
    """The Kotlin's `restore`, in Python; places and sizes in the result are times the scale."""
    height, width = picture.shape[1:3]
    size = 1, height * scale, width * scale, picture.shape[-1]
    result = np.full(size, np.nan, np.float32)
    for top, left in itertools.product(corners(height, tile, radius), corners(width, tile, radius)):
        made = run(picture[:, top : top + tile, left : left + tile])
        down, across = (
            inner(top, tile, height, radius),
            inner(left, tile, width, radius),
        )
        target = moved(down, top, scale), moved(across, left, scale)
        result[:, target[0], target[1]] = made[:, moved(down, 0, scale), moved(across, 0, scale)]
    return result


def moved(function: tuple[int, int], start: int, scale: int) -> slice:
    return slice((start + function[0]) * scale, (start + function[1]) * scale)


def corners(whole: int, tile: int, radius: int) -> list[int]:
    return [*range(0, whole - tile, tile - 2 * radius), whole - tile]


def inner(start: int, tile: int, whole: int, radius: int) -> tuple[int, int]:
    return (radius if start else 0), tile - (radius if start + tile < whole else 0)


@pytest.mark.parametrize("whole", [256, 257, 300, 478, 479, 700, 1111])
def test_tiles_cover_a_side_without_a_gap(whole):
    covered = np.zeros(whole, int)
    for start in corners(whole, TILE, 17):
        first, end = inner(start, TILE, whole, 17)
        covered[start + first : start + end] += 1
        assert 0 <= start <= whole - TILE
    assert covered.min() >= 1


@pytest.mark.parametrize("shape", [(512, 512), (97, 211), (480, 31), (20, 24)])
def test_pictures_are_resized_as_the_notes_do(shape, astronaut):
    """`fitted` of Kotlin and of Swift, in Python, beside what the pipeline and the training see."""
    picture = astronaut[: shape[0], : shape[1]]
    across, down = (_taps(old, 28) for old in (shape[1], shape[0]))
    notes = np.rint(np.einsum("vy,xw,ywc->vxc", down, across, picture.astype(np.float32)))
    trained = of_size(picture, (28, 28))
    assert np.abs(notes - trained).max() <= 1
    served = to_size(picture[None].astype(np.float32) / 255, 28, 28)[0]
    assert np.abs(served * 255 - notes).max() <= 0.51


def _taps(old: int, side: int) -> np.ndarray:
    """`[side, old]`."""
    step = old / side
    radius = max(step, 1)
    centres = (np.arange(side) + 0.5) * step - 0.5
    found = np.maximum(1 - np.abs(np.arange(old) - centres[:, None]) / radius, 0)
    return found / found.sum(1, keepdims=True)
