"""The page in a real browser: its results are Python's, and it says what is wrong.

Needs playwright (its own browsers are not needed), a Chromium, and LiteRT.js: `zoo web --fetch`.
"""

import dataclasses
import json
import re
import shutil
import socket
import struct
import threading
import urllib.request

import numpy as np
import pages
import pytest
from conftest import REPOSITORY
from pages import canvas, choose, choose_and_see, difference, restored, started, trouble
from skimage import data
from tiny import smoothed, with_random_weights

import zoo
from zoo.errors import ZooError
from zoo.export import litert_js, site_nets, webserver
from zoo.export import site as building
from zoo.export.write import export
from zoo.images import noise
from zoo.images.pixels import to_uint8
from zoo.loading import pipeline
from zoo.models.dncnn import dncnn
from zoo.models.ffdnet import ffdnet
from zoo.tasks.generator import _between

pytestmark = pages.MARKS
NAMES = ("dncnn_s25", "srcnn_x2", "cnn_fashion", "vae_mnist_2d")
READ = [  # colours of words, and what they stand on
    ("ink", "paper"),
    ("ink", "card"),
    ("ink", "wash"),
    ("ink", "bar"),
    ("soft", "paper"),
    ("soft", "card"),
    ("accent-ink", "accent"),
    ("bad", "bad-wash"),
]
PHONE = {"width": 360, "height": 740}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    return building.build(tmp_path_factory.mktemp("web") / "site", NAMES)


@pytest.fixture(scope="module")
def denoiser_export(denoiser, tmp_path_factory):
    return export(denoiser, tmp_path_factory.mktemp("denoiser") / "out", static_size=24)


def choose_files(page, *paths) -> None:
    page.locator("#task [data-file]").first.set_input_files([str(path) for path in paths])


def noisy(pixels: np.ndarray, sigma: float = 25) -> np.ndarray:
    noise = np.random.default_rng(3).normal(0, sigma, pixels.shape)
    return np.clip(pixels + noise, 0, 255).round().astype(np.uint8)


def tiles(page) -> int:
    """How many tiles the page has said that there are."""
    return int(page.locator("[data-bar]").get_attribute("max"))


def scrolls_sideways(page) -> bool:
    return page.evaluate("document.documentElement.scrollWidth > innerWidth")


def test_a_grey_photograph_is_denoised_as_in_python(page, camera):
    picture = noisy(camera[100:400, 80:501])
    page.goto("#denoise")
    result = restored(page, picture)
    assert tiles(page) == 4
    assert difference(result, zoo.load("dncnn_s25")(picture)) <= 1


def test_a_colour_photograph_is_denoised_channel_by_channel(page):
    picture = noisy(data.chelsea()[100:190, 120:241])
    page.goto("#denoise")
    result = restored(page, picture)
    assert difference(result, zoo.load("dncnn_s25")(picture)) <= 1


def test_a_colour_photograph_is_enlarged_as_in_python(page):
    picture = data.chelsea()
    page.goto("#enlarge")
    result = restored(page, picture)
    assert tiles(page) == 12
    assert result.shape == (600, 902, 3)
    assert difference(result, zoo.load("srcnn_x2")(picture)) <= 1


@pytest.mark.parametrize("size", [(24, 24), (23, 7), (25, 60), (67, 101)])
def test_any_size_goes_through_a_file_of_one_size(page, denoiser, denoiser_export, camera, size):
    picture = camera[: size[0], 100 : 100 + size[1]]
    page.goto("#own")
    choose_files(page, denoiser_export / "dncnn_tiny_float32_static.tflite",
                 denoiser_export / "export.json")  # fmt: skip
    page.locator("[data-start]").wait_for()
    assert difference(restored(page, picture), denoiser(picture)) <= 1


COLOUR_NET = ({"shape": (None, None, 3)}, {"channels": 3})
LUMA_NET = ({"task": "restore", "scales": (1, 2, 3), "luma": True}, {})


@pytest.mark.parametrize("kind", [COLOUR_NET, LUMA_NET], ids=["colour", "luma"])
@pytest.mark.parametrize("channels", [1, 3])
def test_grey_and_colour_go_through_every_kind_of_net(page, camera, tmp_path, kind, channels):
    spec, options = kind
    tiny = zoo.entry("dncnn_tiny")
    entry = dataclasses.replace(tiny, spec=dataclasses.replace(tiny.spec, **spec))
    restorer = pipeline(entry, dncnn(depth=3, width=4, **options))
    randomise(restorer.net)
    folder = export(restorer, tmp_path / "out", static_size=24)
    manifest = json.loads((folder / "export.json").read_text())
    told = {
        key: getattr(restorer.spec, key) for key in ("receptive_radius", "border", "luma", "scales")
    }
    (folder / "export.json").write_text(json.dumps(manifest | told))
    picture = camera[:30, 100:153] if channels == 1 else data.chelsea()[:30, 100:153]
    page.goto("#own")
    choose_files(page, folder / "dncnn_tiny_float32_static.tflite", folder / "export.json")
    for scale in restorer.spec.scales:
        page.locator("[data-start]").wait_for()
        if len(restorer.spec.scales) > 1:
            page.locator("[data-scale]").select_option(str(scale))
        assert difference(restored(page, picture), restorer(picture, scale=scale)) <= 1


def randomise(net) -> None:
    """Weights that are all at work; the last layer begins at zero."""
    rng = np.random.default_rng(0)
    last = net.get_layer("conv3")
    last.set_weights([rng.normal(0, 0.1, w.shape) for w in last.get_weights()])


TOLD_SIZES = [(24, 24), (24, 30), (23, 27), (61, 75)]


@pytest.mark.parametrize("kind", ["grey", "colour net", "colour"])
@pytest.mark.parametrize("size", TOLD_SIZES)
def test_a_net_that_is_told_the_noise_estimates_it_as_python_does(page, tmp_path, kind, size):
    denoiser = with_random_weights("ffdnet_tiny") if kind != "colour net" else coloured()
    folder = export(denoiser, tmp_path / "out", static_size=24)
    picture = noisy(data.chelsea()[100 : 100 + size[0], 100 : 100 + size[1]], 12)
    picture = picture[..., 1] if kind == "grey" else picture
    open_own(page, folder)
    found = denoiser.denoise(picture)
    assert difference(restored(page, picture), found.picture) <= 1
    assert page.locator("[data-level-value]").inner_text() == f"{found.sigma:.1f}"
    page.locator("[data-level]").fill("40")
    stronger = denoiser(picture, sigma=40)
    assert difference(started(page, picture), stronger) <= 1
    assert difference(stronger, found.picture) > 2, "it is told"


def coloured():
    """A net for colour that is told the noise, of weights that are all at work."""
    tiny = with_random_weights("ffdnet_tiny").entry
    spec = dataclasses.replace(tiny.spec, shape=(None, None, 3))
    made = pipeline(dataclasses.replace(tiny, spec=spec), ffdnet(depth=3, width=4, channels=3))
    rng = np.random.default_rng(0)
    made.net.set_weights([rng.normal(0, 0.2, w.shape) for w in made.net.get_weights()])
    return made


def open_own(page, folder) -> None:
    page.goto("#own")
    choose_files(page, next(folder.glob("*_static.tflite")), folder / "export.json")
    page.locator("[data-start]").wait_for()


@pytest.mark.parametrize("size", [(24, 24), (23, 7), (25, 60), (67, 101)])
def test_a_net_that_enlarges_at_its_end_gives_what_python_gives(page, tmp_path, size):
    enlarger = with_random_weights("sesr_tiny")
    folder = export(enlarger, tmp_path / "out", static_size=24)
    picture = data.chelsea()[100 : 100 + size[0], 100 : 100 + size[1]]
    open_own(page, folder)
    assert difference(restored(page, picture), enlarger(picture)) <= 1


def test_noise_is_estimated_as_in_python(page, camera, astronaut):
    page.goto("")
    white = np.random.default_rng(0).normal(0, 6, (300, 301, 3)) * (
        0.5 + astronaut[:300, :301] / 255
    )
    of_camera = astronaut[:300, :301] + smoothed(white)
    assert noise.by_size(of_camera / np.float32(255)).returns
    pictures = camera[:150, :171], noisy(camera[:300, :301]), noisy(astronaut[:90, :80], 8)
    for pixels in (*pictures, of_camera):
        values = np.atleast_3d(pixels) / np.float32(255)
        found = page.evaluate(
            """async ([width, height, planes]) => {
              const { estimated } = await import("./noise.js");
              planes = planes.map((plane) => Float32Array.from(plane));
              return [true, false].map((white) => estimated({ width, height, planes }, white));
            }""",
            [values.shape[1], values.shape[0], [*map(np.ndarray.tolist, flat(values))]],
        )
        expected = [noise.of_white(values[None])[0], noise.of_camera(values[None])[0]]
        assert found == pytest.approx(expected, rel=1e-4)


def flat(values: np.ndarray) -> np.ndarray:
    """`[h, w, c]` -> `[c, h * w]`."""
    return values.reshape(-1, values.shape[-1]).T


def test_tiles_cover_every_side_and_keep_their_distance(page):
    page.goto("")
    wrong = page.evaluate(
        """async () => {
          const { plan } = await import("./tiling.js");
          const wrong = [];
          const check = (side, most, overlap, multiple = 1) => {
            const { length, spans } = plan(side, most, overlap, multiple);
            const right = ({ start, from, to }, i) =>
              start >= 0 && start + length <= side && from < to &&
              (i === 0 ? from === 0 : from === spans[i - 1].to) &&
              (start === 0 || from - start >= overlap) &&
              (start + length === side || start + length - to >= overlap);
            const whole = (place) => place % multiple === 0;
            const all = length <= most && spans.at(-1).to === side && spans.every(right) &&
              spans.every(({ start }) => whole(start)) && whole(length);
            if (!all) wrong.push([side, most, overlap]);
          };
          for (let side = 1; side <= 300; side++) {
            for (const [most, overlap] of [[24, 3], [64, 17], [42, 19]]) {
              check(side, most, overlap);
              if (side % 2 === 0) check(side, most, overlap, 2);
            }
          }
          return wrong;
        }"""
    )
    assert wrong == []


def test_probabilities_are_python_s(page, camera, astronaut):
    classify = zoo.load("cnn_fashion")
    page.goto("#recognise")
    for pixels in (camera[50:78, 200:228], astronaut, data.coffee()[:, 33:]):
        choose(page, pixels)
        expected = dict(classify(pixels))
        best = max(expected, key=expected.get)
        page.locator("[data-answer]", has_text=best).wait_for()
        page.wait_for_timeout(500)
        found = page.evaluate(
            "Object.fromEntries([...document.querySelectorAll('[data-bars] tr')].map("
            "row => [row.firstChild.textContent, Number(row.dataset.probability)]))"
        )
        assert found.keys() == expected.keys()
        error = max(abs(found[label] - expected[label]) for label in expected)
        print(f"largest difference of a probability {error:.2g}")
        assert error <= 1e-4


def test_a_sample_is_recognised_and_a_drawing_by_keyboard(page):
    page.goto("#recognise")
    answer = page.locator("[data-answer]")
    page.locator("[data-answer]", has_text="%").wait_for()
    page.locator("[data-clear]").focus()
    page.keyboard.press("Enter")
    page.locator("[data-answer]", has_text="Draw").wait_for()
    page.locator("[data-pad]").focus()
    page.keyboard.press("Space")
    for key in ("ArrowDown", "ArrowRight", "ArrowUp") * 4:
        page.keyboard.press(key)
    page.locator("[data-answer]", has_text="%").wait_for()
    first = answer.inner_text()
    page.keyboard.press("Delete")
    page.locator("[data-answer]", has_text="Draw").wait_for()
    assert "%" in first


def test_a_drawing_by_pointer_is_centred_and_recognised(page):
    page.goto("#recognise")
    page.locator("[data-answer]", has_text="%").wait_for()
    page.locator("[data-clear]").click()
    page.locator("[data-pad]").scroll_into_view_if_needed()
    box = page.locator("[data-pad]").bounding_box()
    page.mouse.move(box["x"] + 40, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + 90, box["y"] + 160, steps=9)
    page.mouse.up()
    page.locator("[data-answer]", has_text="%").wait_for()
    page.wait_for_timeout(500)
    drawn = canvas(page, "[data-seen]")[..., 0] > 25
    rows, columns = (np.flatnonzero(drawn.any(axis)) for axis in (1, 0))
    assert rows[0] <= 1  # from edge to edge, as garments are,
    assert rows[-1] >= 26
    assert abs(columns[0] - (27 - columns[-1])) <= 1  # and in the middle


def test_noise_can_be_added_and_what_was_won_is_told(page, camera):
    page.goto("#denoise")
    choose_and_see(page, camera[200:296, 180:276])
    page.locator("[data-damage]").check()
    page.locator("[data-start]").click()
    page.locator("[data-figures]").wait_for()
    before, after = map(
        float, re.findall(r"([\d.]+) dB", page.locator("[data-figures]").inner_text())
    )
    assert 19.5 < before < 21.5  # 20 log10(255 / 25) = 20.17, and clipping gains a little
    assert after > before + 5


def test_the_same_noise_has_the_variance_that_was_asked_for(page):
    page.goto("")
    mean, deviation = page.evaluate(
        """async () => {
          const { normals } = await import("./degrade.js");
          const draw = normals(1);
          const drawn = Array.from({ length: 200_000 }, draw);
          const mean = drawn.reduce((a, b) => a + b) / drawn.length;
          return [mean, Math.sqrt(drawn.reduce((a, b) => a + (b - mean) ** 2, 0) / drawn.length)];
        }"""
    )
    assert abs(mean) < 0.01
    assert abs(deviation - 1) < 0.01


def test_bicubic_is_python_s_both_ways(page, camera):
    from zoo.images.resize import enlarge, reduce

    values = (camera[:36, 200:248] / np.float32(255))[None, ..., None]
    page.goto("")
    found = page.evaluate(
        """async ([width, height, values]) => {
          const { enlarged, reduced } = await import("./resize.js");
          const picture = { width, height, layout: "grey", planes: [Float32Array.from(values)] };
          return [2, 3, 4].flatMap((factor) =>
            [enlarged, reduced].map((resize) => Array.from(resize(picture, factor).planes[0])));
        }""",
        [48, 36, values.ravel().tolist()],
    )
    expected = [resize(values, factor) for factor in (2, 3, 4) for resize in (enlarge, reduce)]
    for one, other in zip(found, expected, strict=True):
        assert np.abs(np.asarray(one) - np.ravel(other)).max() < 1e-6


def test_the_divider_moves_by_keyboard_and_starting_needs_no_pointer(page, camera):
    page.goto("#denoise")
    choose_and_see(page, camera[:40, :50])
    page.locator("[data-start]:enabled").focus()
    page.keyboard.press("Enter")
    page.locator("[data-download]").wait_for()
    divider = page.locator("[data-divider]")
    divider.focus()

    def at() -> float:
        return page.evaluate(
            "parseFloat(getComputedStyle(document.querySelector('.compare')).getPropertyValue('--at'))"
        )

    assert at() == 50
    page.keyboard.press("ArrowRight")
    assert 50 < at() < 60
    page.keyboard.press("Home")
    assert at() == 0
    page.keyboard.press("End")
    assert at() == 100
    assert divider.get_attribute("aria-valuetext") == "100 % before, 0 % after"


def test_the_tab_key_reaches_every_control(page):
    page.goto("#denoise")
    page.locator("[data-start]:enabled").wait_for()
    reached = set()
    for _ in range(30):
        page.keyboard.press("Tab")
        reached.add(
            page.evaluate("document.activeElement.outerHTML.match(/data-[a-z]+|href=.#?\\w+/)?.[0]")
        )
    assert {"data-file", "data-damage", "data-strength", "data-start", "data-zoom"} <= reached


def test_every_control_has_a_name(page):
    for task in ("denoise", "enlarge", "recognise", "own"):
        page.goto(f"#{task}")
        page.locator("#task *").first.wait_for()
        nameless = page.evaluate(
            """[...document.querySelectorAll("button, select, input, a, canvas")]
              .filter((one) => !one.ariaLabel && !one.labels?.length && !one.innerText?.trim() &&
                !one.ariaHidden && !one.querySelector("img[alt]"))
              .map((one) => one.outerHTML)"""
        )
        assert nameless == []


def test_a_long_run_can_be_cancelled_and_begun_again(page, camera):
    page.goto("#denoise")
    choose_and_see(page, camera)
    page.locator("[data-start]").click()
    page.locator("[data-cancel]").click()
    page.locator("[data-status]", has_text="Cancelled").wait_for()
    assert page.locator("[data-download]").is_hidden()
    picture = camera[:40, :50]
    assert difference(restored(page, picture), zoo.load("dncnn_s25")(picture)) <= 1


def test_a_file_that_is_no_picture_is_refused_in_words(page):
    page.goto("#denoise")
    page.locator("[data-start]:enabled").wait_for()
    file = {"name": "notes.png", "mimeType": "image/png", "buffer": b"not a picture"}
    page.locator("[data-file]").set_input_files(file)
    assert "notes.png is not a picture that this browser can read" in trouble(page)


def test_a_picture_that_is_too_large_is_refused_in_words(page):
    page.goto("#denoise")
    page.locator("[data-start]:enabled").wait_for()
    choose(page, np.zeros((4100, 4200), np.uint8))
    assert "is 17.2 million pixels, and browsers carry 16.8 million" in trouble(page)


def test_a_result_that_is_too_large_is_refused_in_words(page):
    page.goto("#enlarge")
    page.locator("[data-start]:enabled").wait_for()
    choose_and_see(page, np.zeros((2100, 2100), np.uint8))
    page.locator("[data-part]").select_option("all")
    page.locator("[data-start]:enabled").click()
    assert "The result is too large: 4200" in trouble(page)


@pytest.fixture
def files_of(denoiser_export, tmp_path):
    """The two files to choose, of which one is spoilt in a named way."""
    file, manifest = "dncnn_tiny_float32_static.tflite", "export.json"
    free = "dncnn_tiny_float32_free.tflite"
    static, about = (denoiser_export / name for name in (file, manifest))

    def written(name: str, content: bytes):
        (tmp_path / name).write_bytes(content)
        return tmp_path / name

    data, facts = static.read_bytes(), json.loads(about.read_text())
    changed = bytearray(data)
    changed[-5] ^= 1
    renamed = data.replace(b"restored", b"repaired")
    cut = written("cut.tflite", data[:2000])
    return {
        "no TFLite": (lambda: (written(file, b"PK\3\4" + data), about)),
        "cut": (lambda: (cut, about)),
        "sizes open": (lambda: (denoiser_export / free, about)),
        "other signature": (lambda: (written(file, renamed), about)),
        "changed": (lambda: (written(file, bytes(changed)), about)),
        "alone": (lambda: (static,)),
        "no manifest": (lambda: (static, written(manifest, b"{}"))),
        "other manifest": (
            lambda: (static, written(manifest, json.dumps(facts | {"files": {}}).encode()))
        ),
        "other task": (
            lambda: (static, written(manifest, json.dumps(facts | {"task": "classify"}).encode()))
        ),
    }


@pytest.mark.parametrize(
    ("spoilt", "words"),
    [
        ("no TFLite", "not a TFLite file"),
        ("cut", "damaged or was cut short"),
        ("sizes open", "leaves sizes open"),
        ("other signature", "It computes “image” to “repaired”"),
        ("changed", "was changed: its SHA-256"),
        ("alone", "its export.json are needed"),
        ("no manifest", "is not the export.json"),
        ("other manifest", "does not list"),
        ("other task", "is for “classify”"),
    ],
)
def test_a_file_of_another_kind_is_refused_in_words(page, files_of, spoilt, words):
    page.goto("#own")
    choose_files(page, *files_of[spoilt]())
    assert words in trouble(page)
    assert page.locator("[data-start]").count() == 0


OVERHEARD = """
  const post = Worker.prototype.postMessage;
  Worker.prototype.postMessage = function (message, moved) {
    if (message.verb === "run") globalThis.given = Array.from(message.inputs[0].values);
    return post.call(this, message, moved);
  };
  crypto.getRandomValues = (array) => array.fill(65);
"""
"""Keeps what the net gets; the first sample has a number beyond the sliders, its second."""


def open_generator(page, folder, name: str):
    """Shows a generator's first sample; gives its pipeline."""
    page.add_init_script(OVERHEARD)
    generator = with_random_weights(name)
    exported = export(generator, folder / "out")
    file = site_nets.static(json.loads((exported / "export.json").read_text()))["path"]
    page.goto("#own")
    choose_files(page, exported / file, exported / "export.json")
    thumbnail(page, 1).wait_for()
    return generator


def thumbnail(page, number: int):
    return page.get_by_role("button", name=f"Sample {number}", exact=True)


def draw_until(page, last: int) -> None:
    """Draws samples up to this one."""
    thumbnails = page.locator("[data-history] button")
    for number in range(int(thumbnails.last.inner_text()) + 1, last + 1):
        page.locator("[data-form] [type=submit]").click()
        thumbnail(page, number).wait_for()


def given(page) -> np.ndarray:
    """What the net got, once it answered."""
    page.wait_for_timeout(500)
    return np.array(page.evaluate("given"))


def chosen(page) -> list[str]:
    """The samples A, B and C."""
    return [page.locator(f"[data-{letter}]").input_value() for letter in "abc"]


@pytest.mark.parametrize("name", ["dcgan_tiny", "vae_tiny"])
def test_a_generator_is_walked_by_sliders(page, tmp_path, name):
    generator = open_generator(page, tmp_path, name)
    first, code = made(page), given(page)
    assert code[1] > 3
    slider = page.locator("[data-first] input")
    assert slider.nth(1).input_value() == "3", "as near as it can"
    assert page.locator("[data-first] output").nth(1).inner_text() == f"{code[1]:.2f}"
    assert difference(first, to_uint8(generator.decode(code))) <= 1
    slider.first.focus()
    page.keyboard.press("End")
    code[0] = 3
    assert (given(page) == code).all(), "the others stay as they were drawn"
    assert difference(made(page), to_uint8(generator.decode(code))) <= 1
    draw_until(page, 2)
    assert (made(page) != first).any()
    if generator.spec.task == "generate":
        assert page.locator("[data-middle]").is_hidden(), "a smear, of a GAN"
        page.locator("[data-class]").select_option("2")
    else:
        page.locator("[data-middle]").click()
        assert not given(page).any()
        assert difference(made(page), to_uint8(generator.decode(0 * code))) <= 1
    thumbnail(page, 1).click()  # in the class that it was made in
    page.wait_for_timeout(500)
    assert difference(made(page), first) == 0


@pytest.mark.parametrize("name", ["dcgan_tiny", "vae_tiny"])
def test_samples_are_mixed_walked_and_added(page, tmp_path, name):
    generator = open_generator(page, tmp_path, name)
    latent = generator.spec.latent
    samples = []
    for number in range(1, 4):
        draw_until(page, number)
        samples.append(given(page)[:latent])
    one, other, third = samples
    page.locator("[data-mix]").fill("50")
    code = given(page)
    assert np.abs(code[:latent] - _between(one, other, 0.5)).max() < 1e-6
    assert difference(made(page), to_uint8(generator.decode(code))) <= 1
    page.locator("[data-arithmetic]").click()
    assert np.abs(given(page)[:latent] - (one - other + third)).max() < 1e-6
    page.locator("[data-walk]").click()
    at_third = pages.playwright.expect(page.locator("[data-a]"))
    at_third.to_have_value("3", timeout=pages.LONG)  # over both before
    page.locator("[data-walk]").click()
    resting = given(page)
    assert (given(page) == resting).all()
    assert chosen(page) == ["3", "1", "2"]
    page.locator("[data-history] button").first.click()
    pressed = page.locator("[data-history] button[aria-pressed=true]")
    assert pressed.all_inner_texts() == ["1"]
    for _ in range(3):  # it walks, rests and walks
        page.locator("[data-walk]").click()
    for label in "120" * bool(generator.spec.labels and latent < len(code)):
        page.locator("[data-class]").select_option(label)
    page.wait_for_timeout(300)
    assert page.locator("[data-walk]").get_attribute("aria-pressed") == "true"
    assert pressed.count() == 0


def test_samples_are_numbered_and_forgotten_in_turn(page, tmp_path):
    open_generator(page, tmp_path, "vae_tiny")
    draw_until(page, 13)  # the history is full: the first is forgotten
    kept = [str(number) for number in range(2, 14)]
    assert page.locator("[data-history] button").all_inner_texts() == kept
    assert page.locator("[data-a] option").all_inner_texts() == kept
    assert chosen(page) == ["13", "2", "3"]
    draw_until(page, 18)
    assert chosen(page) == ["13", "14", "15"]


def test_samples_leave_the_page_as_wide_as_its_window(page, tmp_path):
    open_generator(page, tmp_path, "vae_tiny")
    draw_until(page, 13)
    for width in (PHONE["width"], 390, 768, 1200):
        page.set_viewport_size(PHONE | {"width": width})
        assert not scrolls_sideways(page), width
        card = page.locator(".panel")
        assert card.evaluate("card => card.scrollWidth <= card.clientWidth"), width


def test_an_autoencoder_is_said_to_have_its_decoder_alone(page):
    page.goto("#generate")
    page.locator("#summary", has_text="This page has its decoder alone").wait_for()


def made(page) -> np.ndarray:
    return canvas(page, "[data-made]")


def test_without_webassembly_the_page_says_so(page):
    page.add_init_script("delete globalThis.WebAssembly")
    page.goto("")
    assert "WebAssembly switched off" in trouble(page)


def test_a_changed_model_is_not_run(page, camera):
    page.route("**/*.tflite", lambda route: route.fulfill(body=b"TFL3" * 100))
    page.goto("#denoise")
    choose_and_see(page, camera[:40, :50])
    page.locator("[data-start]:enabled").click()
    assert "was changed: its SHA-256" in trouble(page)


def test_nothing_is_fetched_from_elsewhere(page, address):
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto("#recognise")
    page.locator("[data-answer]", has_text="%").wait_for()
    assert asked
    assert [url for url in asked if not url.startswith((address, "blob:"))] == []


def test_nets_run_on_several_threads_where_the_server_allows(page):
    page.goto("")
    page.locator("#versions", has_text="LiteRT.js").wait_for()
    assert page.evaluate("crossOriginIsolated")
    if page.evaluate("navigator.hardwareConcurrency") > 1:
        assert "threads" in page.locator("#versions").inner_text()


def test_without_the_headers_one_thread_computes_the_same(page, camera):
    def bare(route):
        answer = route.fetch()
        kept = {k: v for k, v in answer.headers.items() if not k.startswith("cross-origin")}
        route.fulfill(response=answer, headers=kept)

    page.route("**/*", bare)
    page.goto("#denoise")
    picture = camera[:40, :50]
    result = restored(page, picture)
    assert "one thread" in page.locator("#versions").inner_text()
    assert difference(result, zoo.load("dncnn_s25")(picture)) <= 1


@pytest.mark.parametrize("task", ["denoise", "enlarge", "recognise", "generate", "own"])
def test_a_phone_needs_no_sideways_scrolling(page, task):
    page.set_viewport_size(PHONE)
    page.goto(f"#{task}")
    page.locator("#versions", has_text="LiteRT.js").wait_for()
    if task == "recognise":
        page.locator("[data-answer]", has_text="%").wait_for()
    assert not scrolls_sideways(page)
    if task != "own":
        page.locator("#about summary").click()
        assert not scrolls_sideways(page)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_stand_out_in_both_schemes(page, scheme):
    page.emulate_media(color_scheme=scheme)
    page.goto("#denoise")
    page.locator("[data-start]:enabled").wait_for()
    names = sorted({name for pair in READ for name in pair})
    colours = page.evaluate(
        """(names) => {
          const style = getComputedStyle(document.documentElement);
          return names.map((name) => style.getPropertyValue(`--${name}`).trim());
        }""",
        names,
    )
    known = dict(zip(names, colours, strict=True))
    for words, ground in READ:
        assert contrast(known[words], known[ground]) >= 4.5, (words, ground)


def contrast(one: str, other: str) -> float:
    """WCAG 2's contrast ratio of two colours, #rrggbb."""

    def luminance(colour: str) -> float:
        shares = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
        linear = np.where(shares <= 0.04045, shares / 12.92, ((shares + 0.055) / 1.055) ** 2.4)
        return float(linear @ [0.2126, 0.7152, 0.0722])

    dark, light = sorted([luminance(one), luminance(other)])
    return (light + 0.05) / (dark + 0.05)


def test_the_page_opened_as_a_file_says_that_it_needs_a_server(browser, site):
    opened = browser.new_page()  # its console has an error, and that is right
    opened.goto((site / "index.html").as_uri())
    opened.locator("#unstarted", has_text="zoo web").wait_for(timeout=20_000)
    opened.close()


def test_the_site_says_what_it_holds(site):
    about = json.loads((site / "models.json").read_text())
    assert [model["name"] for model in about["models"]] == list(NAMES)
    for model in about["models"]:
        content = (site / model["file"]["path"]).read_bytes()
        assert model["file"]["bytes"] == len(content)
        assert zoo.storage.files.sha256(content) == model["file"]["sha256"]
        assert all((site / sample["path"]).is_file() for sample in model["samples"])
    assert (site / "licences/Apache-2.0.txt").is_file()


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("", "text/html"),
        ("main.js", "text/javascript"),
        ("litert/wasm/litert_wasm_internal.wasm", "application/wasm"),
        ("models.json", "application/json"),
    ],
)
def test_files_are_served_as_what_they_are(address, path, kind):
    with urllib.request.urlopen(address + path) as answer:
        assert answer.headers["Content-Type"].startswith(kind)
        assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert answer.headers["Cross-Origin-Embedder-Policy"] == "require-corp"


def test_missing_litert_is_told_with_the_line_that_gets_it(tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path))
    with pytest.raises(ZooError, match="`zoo web --fetch` gets it"):
        building.build(tmp_path / "site", NAMES)


def test_a_changed_litert_is_refused(tmp_path, monkeypatch):
    shutil.copytree(litert_js.folder(), tmp_path / litert_js.folder().name)
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path))
    with (litert_js.folder() / "core/dist/index.js").open("a") as file:
        file.write("//")
    with pytest.raises(ZooError, match=r"index\.js is not that of LiteRT\.js"):
        building.build(tmp_path / "site", NAMES)


def test_a_folder_of_something_else_is_not_replaced(tmp_path):
    (tmp_path / "diary.txt").write_text("dear diary")
    with pytest.raises(ZooError, match=r"holds diary\.txt"):
        building.build(tmp_path, NAMES)
    assert (tmp_path / "diary.txt").is_file()


def test_a_page_that_is_left_while_loading_is_no_error(site, capfd):
    largest = max(site.rglob("*.*"), key=lambda path: path.stat().st_size)
    with webserver.server(site, port=0) as running:
        running.daemon_threads = False  # closing waits for them
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        with socket.create_connection(("localhost", running.server_port)) as browser:
            at_once = struct.pack("ii", 1, 0)
            browser.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)
            path = largest.relative_to(site).as_posix()
            browser.sendall(f"GET /{path} HTTP/1.0\r\n\r\n".encode())
            assert browser.recv(100).startswith(b"HTTP/1.0 200")
        running.shutdown()
        thread.join()
    assert capfd.readouterr().err == ""


def test_a_taken_port_and_a_folder_without_a_site_are_told(site, tmp_path):
    with webserver.server(site, port=0) as running, pytest.raises(ZooError, match="choose another"):
        webserver.server(site, running.server_port)
    with pytest.raises(ZooError, match="is no site"):
        webserver.server(tmp_path)


def test_the_addresses_are_of_the_version_that_is_said():
    about = json.loads((REPOSITORY / "export/web/litert.json").read_text())
    ends = [
        package["address"].endswith(f"-{about['version']}.tgz")
        for package in about["packages"].values()
    ]
    assert ends == [True, True]
