"""Nets of one's own, and of photographs, in a real browser: their answers are the pipeline's."""

import io

import numpy as np
import pages
import pytest
from pages import difference, png, restored, trouble
from PIL import Image, ImageCms
from skimage import data
from tiny import with_random_weights

import zoo
from zoo.export import site as building

pytestmark = pages.MARKS
OWN = "my flowers Größe 花 50%"  # a folder's name may be anything
BOUND = 1e-4
"""Of a probability: resizing in float32 and in float64, and other kernels."""
HALF = 1e-3
"""The same where pixels are half transparent: canvases keep their colours in fewer bits."""


@pytest.fixture(scope="module")
def runs(tmp_path_factory, denoiser):
    folder = tmp_path_factory.mktemp("runs")
    with_random_weights("efficientnet_tiny").save(folder / OWN)
    denoiser.save(folder / "denoiser")
    return folder


@pytest.fixture(scope="module")
def site(tmp_path_factory, runs):
    target = tmp_path_factory.mktemp("web") / "site"
    own = [runs / OWN, runs / "denoiser"]
    return building.build(target, ["cnn_fashion", "efficientnet_lite0"], runs=own)


@pytest.fixture(scope="module")
def own(runs):
    return zoo.load(runs / OWN)


def shown(page) -> dict[str, float]:
    """Label -> probability, as the page has them once it has seen the last picture."""
    page.locator("[data-answer]", has_text="%").wait_for()
    return page.evaluate(
        "Object.fromEntries([...document.querySelectorAll('[data-bars] tr')].map("
        "row => [row.firstChild.textContent, Number(row.dataset.probability)]))"
    )


def answered(page, file: bytes, name: str) -> dict[str, float]:
    """What the page says of a picture file, once it says it of this one."""
    page.evaluate("document.querySelector('[data-answer]').textContent = ''")
    page.locator("#task [data-file]").last.set_input_files(
        {"name": name, "mimeType": "image/*", "buffer": file}
    )
    return shown(page)


def jpeg(pixels: np.ndarray, **more) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=95, **more)
    return buffer.getvalue()


def turned(pixels: np.ndarray) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6  # by a quarter
    return jpeg(pixels, exif=exif)


def of_other_colours(pixels: np.ndarray) -> bytes:
    """With a profile in which red and green have changed places."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    swapped = profile.replace(b"rXYZ", b"_XYZ").replace(b"gXYZ", b"rXYZ").replace(b"_XYZ", b"gXYZ")
    assert swapped != profile
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", icc_profile=swapped)
    return buffer.getvalue()


def cut_out(pixels: np.ndarray) -> np.ndarray:
    """On nothing, with an edge that is half transparent; what is hidden has a loud colour."""
    y, x = np.mgrid[: pixels.shape[0], : pixels.shape[1]]
    distance = np.hypot(y / pixels.shape[0] - 0.5, x / pixels.shape[1] - 0.5)
    alpha = np.clip((0.4 - distance) * 2000, 0, 255).astype(np.uint8)
    loud = np.where(alpha[..., None] > 0, pixels, np.uint8([255, 0, 255]))
    return np.dstack([loud, alpha])


KINDS = {
    "as large": lambda: png(data.astronaut()[:12, :12]),
    "smaller": lambda: png(data.astronaut()[100:105, 200:207]),
    "flat": lambda: png(data.astronaut()[100:113, :211]),
    "upright": lambda: png(data.astronaut()[100:400, 200:229]),
    "large": lambda: png(np.tile(data.coffee(), (4, 4, 1))),  # 1600x2400
    "grey": lambda: png(data.camera()[:200, :301]),
    "jpeg": lambda: jpeg(data.chelsea()),
    "grey jpeg": lambda: jpeg(data.camera()),
    "turned": lambda: turned(data.chelsea()),
    "cut out": lambda: png(cut_out(data.chelsea())),
    "profile": lambda: of_other_colours(data.chelsea()),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_net_of_ones_own_answers_as_its_pipeline(page, own, kind):
    file = KINDS[kind]()
    page.goto("")
    # a run is what the page opens with
    pages.playwright.expect(page.locator("#net")).to_have_value(OWN, timeout=pages.LONG)
    found, expected = answered(page, file, kind), dict(own(file))
    assert found.keys() == expected.keys()
    bound = HALF if kind == "cut out" else BOUND
    assert apart(found, expected) <= bound
    if kind in ("turned", "cut out"):
        assert apart(dict(own(data.chelsea())), expected) > 2 * bound, "this net would not tell"


def apart(one: dict[str, float], other: dict[str, float]) -> float:
    """The largest difference of a probability; printed for the record (pytest -s)."""
    found = max(abs(one.get(label, 0) - p) for label, p in other.items())
    print(f"largest difference of a probability {found:.2g}")
    return found


def test_a_net_of_a_thousand_classes_shows_the_most_probable(page):
    fetched = []
    page.on("request", lambda request: fetched.append(request.url))
    page.goto("#recognise/efficientnet_lite0")
    page.locator("[data-answer]", has_text="No picture yet").wait_for()
    page.locator("[data-samples] img").nth(3).wait_for()
    page.locator("#versions", has_text="LiteRT.js").wait_for()
    assert not [url for url in fetched if url.endswith(".tflite")], "19 MB that nobody asked for"
    pipeline = zoo.load("efficientnet_lite0")
    for pixels in (data.chelsea(), data.coffee(), data.astronaut()):
        found, expected = answered(page, png(pixels), "mine.png"), dict(pipeline(pixels)[:10])
        assert next(iter(found)) == next(iter(expected))
        assert apart(found, expected) <= 1e-3


def test_a_picture_can_be_pasted_and_dropped(page, own):
    page.goto("")
    expected = dict(own(data.chelsea()))
    for kind, event in (("ClipboardEvent", "paste"), ("DragEvent", "drop")):
        page.evaluate("document.querySelector('[data-answer]').textContent = ''")
        page.evaluate(
            """([bytes, kind, event]) => {
              const files = new DataTransfer();
              files.items.add(new File([Uint8Array.from(bytes)], "mine.png", {type: "image/png"}));
              const carried = { clipboardData: files, dataTransfer: files, bubbles: true };
              document.body.dispatchEvent(new window[kind](event, carried));
            }""",
            [list(png(data.chelsea())), kind, event],
        )
        assert apart(shown(page), expected) <= BOUND


def test_what_is_no_picture_is_told_and_the_next_one_is_taken(page, own):
    page.goto("")
    page.locator("#task [data-file]").set_input_files(
        {"name": "notes.png", "mimeType": "image/png", "buffer": b"not a picture"}
    )
    assert "notes.png is not a picture that this browser can read" in trouble(page)
    answered(page, png(data.chelsea()), "mine.png")
    assert page.locator("#trouble").is_hidden()


def test_a_restorer_of_ones_own_restores(page, runs, camera):
    page.goto("#denoise")
    picture = camera[100:160, 80:151]
    assert difference(restored(page, picture), zoo.load(runs / "denoiser")(picture)) <= 1


def test_the_page_tells_of_a_net_of_ones_own_what_is_true_of_it(page):
    page.goto("")
    page.locator("#about summary").click()
    assert page.locator("#summary").inner_text() == "Your own classifier of 3 classes."
    facts = page.locator("#facts").inner_text()
    assert OWN in facts
    assert "thousand" not in facts, "the limits of the name that it began from"


@pytest.fixture(scope="module")
def filmed(tmp_path_factory):
    """A film for the camera: red at the left, blue at the right."""
    path, size = tmp_path_factory.mktemp("camera") / "film.y4m", (240, 320)
    half = np.zeros(size, bool)
    half[:, :160] = True
    planes = [np.where(half, red, blue) for red, blue in [(81, 41), (90, 240), (240, 110)]]
    frame = b"".join(p[::step, ::step].astype(np.uint8).tobytes()
                     for p, step in zip(planes, (1, 2, 2), strict=True))  # fmt: skip
    head = b"YUV4MPEG2 W320 H240 F10:1 Ip A1:1 C420jpeg\n"
    path.write_bytes(head + (b"FRAME\n" + frame) * 10)
    return path


def test_the_camera_takes_a_picture(address, filmed):
    film = f"--use-file-for-fake-video-capture={filmed}"
    asked = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream", film)
    with pages.chromium(*asked) as browser, pages.opened(browser, address) as page:
        page.goto("")
        page.locator("[data-camera]").click()
        page.locator("[data-take]").click()
        shown(page)
        assert page.locator("[data-video]").evaluate("video => video.srcObject") is None
        assert page.locator("[data-camera]").is_visible()
        seen = page.locator("[data-seen]").evaluate(
            "c => Array.from(c.getContext('2d').getImageData(0, 0, c.width, c.height).data)"
        )
    pixels = np.reshape(seen, (12, 12, 4))[:, [1, 10], :3].mean(0)
    assert (pixels[0].argmax(), pixels[1].argmax()) == (0, 2), "red at the left, blue at the right"


def test_a_device_without_a_camera_is_told(page):
    page.goto("")
    page.locator("[data-camera]").click()
    assert "There is no picture of the camera: " in trouble(page)
    assert page.locator("[data-camera]").is_visible()


def test_a_phone_needs_no_sideways_scrolling(page):
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto("")
    answered(page, png(data.chelsea()), "mine.png")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
