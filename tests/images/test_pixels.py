"""Pictures of every kind come in, and the same kind goes back; anything else is refused."""

import numpy as np
import pytest
from PIL import Image

import zoo
from zoo.errors import ZooWarning
from zoo.images import pixels

RNG = np.random.default_rng(1)
EVERY_BYTE = np.arange(256, dtype=np.uint8)


def grey_values(shape, dtype):
    top = 1 if np.dtype(dtype).kind == "f" else np.iinfo(dtype).max
    return (RNG.random(shape) * top).astype(dtype)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float16", "float32", "float64", ">u2"])
@pytest.mark.parametrize(
    ("shape", "inner", "single"),
    [
        ((20, 24), (1, 20, 24, 1), True),
        ((20, 24, 1), (1, 20, 24, 1), True),
        ((20, 24, 3), (1, 20, 24, 3), True),
        ((20, 24, 4), (1, 20, 24, 3), True),
        ((2, 20, 24), (2, 20, 24, 1), False),
        ((2, 20, 24, 1), (2, 20, 24, 1), False),
        ((2, 20, 24, 3), (2, 20, 24, 3), False),
        ((2, 20, 24, 4), (2, 20, 24, 3), False),
        ((1, 1), (1, 1, 1, 1), True),
    ],
)
def test_an_array_goes_back_as_it_came(dtype, shape, inner, single):
    array = grey_values(shape, dtype)
    read = pixels.read(array)
    assert (read.values.shape, read.values.dtype, read.single) == (inner, np.float32, single)
    back = read.back(read.values)
    assert (back.shape, back.dtype) == (array.shape, array.dtype)
    if array.dtype.kind == "u":
        np.testing.assert_array_equal(back, array)
    else:
        np.testing.assert_allclose(back, array, atol=1e-7)


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_every_integer_value_goes_back_exactly(dtype):
    every = np.arange(np.iinfo(dtype).max + 1, dtype=dtype).reshape(-1, 32)
    read = pixels.read(every)
    assert (read.values.min(), read.values.max()) == (0, 1)
    np.testing.assert_array_equal(read.back(read.values), every)


@pytest.mark.parametrize("name", zoo.names(fixtures=True))
def test_decode_is_the_inverse_of_encode_on_every_byte(name):
    spec = zoo.entry(name).spec
    values = EVERY_BYTE.astype(np.float32) / 255
    low, high = spec.value_range
    assert (spec.normalize(values).min(), spec.normalize(values).max()) == (low, high)
    np.testing.assert_array_equal(
        pixels.to_uint8(spec.denormalize(spec.normalize(values))), EVERY_BYTE
    )


def test_decode_is_the_inverse_of_encode_in_a_range_around_zero():
    spec = zoo.Spec(task="denoise", shape=(None, None, 1), value_range=(-1.0, 1.0))
    values = EVERY_BYTE.astype(np.float32) / 255
    assert (spec.normalize(values).min(), spec.normalize(values).max()) == (-1, 1)
    np.testing.assert_array_equal(
        pixels.to_uint8(spec.denormalize(spec.normalize(values))), EVERY_BYTE
    )


def test_results_beyond_black_and_white_are_clipped_and_rounded_to_nearest():
    read = pixels.read(np.zeros((1, 4), np.uint8))
    result = np.array([-0.1, 1.1, 0.6 / 255, 0.4 / 255], np.float32).reshape(1, 1, 4, 1)
    assert read.back(result).tolist() == [[0, 255, 1, 0]]


def test_alpha_goes_back_unchanged_whatever_the_result():
    array = grey_values((20, 24, 4), np.uint8)
    read = pixels.read(array)
    back = read.back(1 - read.values)
    np.testing.assert_array_equal(back[..., 3], array[..., 3])
    np.testing.assert_array_equal(back[..., :3], 255 - array[..., :3])


def palette(transparency):
    image = Image.fromarray(grey_values((20, 24, 3), np.uint8)).convert("P")
    if transparency is not None:
        image.info["transparency"] = transparency
    return image


def greys(transparency):
    image = Image.fromarray(grey_values((20, 24), np.uint8))
    image.info["transparency"] = transparency
    return image


def of_mode(mode):
    channels = len(Image.new(mode, (1, 1)).getbands())
    array = grey_values((20, 24, channels), np.uint8)
    return Image.frombytes(mode, (24, 20), array.tobytes())


IMAGES = {
    "1": (lambda: Image.fromarray(grey_values((20, 24), np.uint8)).convert("1"), "L"),
    "L": (lambda: of_mode("L"), "L"),
    "L with a transparent grey": (lambda: greys(7), "LA"),
    "P": (lambda: palette(None), "RGB"),
    "P with a transparent colour": (lambda: palette(3), "RGBA"),
    "RGB": (lambda: of_mode("RGB"), "RGB"),
    "RGBA": (lambda: of_mode("RGBA"), "RGBA"),
    "LA": (lambda: of_mode("LA"), "LA"),
    "PA": (lambda: of_mode("LA").convert("PA"), "RGBA"),
    "RGBX": (lambda: of_mode("RGBX"), "RGB"),
    "CMYK": (lambda: of_mode("CMYK"), "RGB"),
    "YCbCr": (lambda: of_mode("YCbCr"), "RGB"),
    "I;16": (lambda: Image.fromarray(grey_values((20, 24), np.uint16)), "I;16"),
    "F": (lambda: Image.fromarray(grey_values((20, 24), np.float32)), "F"),
    "I": (lambda: Image.fromarray(grey_values((20, 24), np.uint16).astype(np.int32)), "I;16"),
}


@pytest.mark.parametrize("kind", IMAGES)
def test_an_image_goes_back_as_an_image_with_the_same_pixels(kind):
    make, mode = IMAGES[kind]
    image = make()
    read = pixels.read(image)
    assert read.single and read.values.shape[1:3] == (20, 24)
    back = read.back(read.values)
    assert (back.mode, back.size) == (mode, image.size)
    same = image if image.mode in ("I", mode) else image.convert("RGBA").convert(mode)
    np.testing.assert_array_equal(np.asarray(back), np.asarray(same))


def test_a_big_endian_16_bit_file_keeps_its_depth(tmp_path):
    array = grey_values((20, 24), np.uint16)
    image = Image.frombytes("I;16B", (24, 20), array.astype(">u2").tobytes())
    image.save(tmp_path / "big.tif")
    read = pixels.read(tmp_path / "big.tif")
    np.testing.assert_array_equal(np.asarray(read.back(read.values)), array)


@pytest.mark.parametrize("ending", [".png", ".tif", ".bmp", ".ppm", ".webp"])
@pytest.mark.parametrize("kind", [str, lambda path: path], ids=["str", "Path"])
def test_a_lossless_file_is_read_exactly(tmp_path, astronaut, ending, kind):
    path = tmp_path / f"picture{ending}"
    Image.fromarray(astronaut[:50, :40]).save(
        path, **({"lossless": True} if "webp" in ending else {})
    )
    read = pixels.read(kind(path))
    back = read.back(read.values)
    assert isinstance(back, Image.Image)
    np.testing.assert_array_equal(np.asarray(back), astronaut[:50, :40])


TURNS = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: a[::-1, ::-1].transpose(1, 0, 2),
    8: lambda a: np.rot90(a),
}


@pytest.mark.parametrize("orientation", TURNS)
def test_a_file_is_turned_as_its_exif_data_says(tmp_path, astronaut, orientation):
    stored = astronaut[:50, :40]
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(stored).save(tmp_path / "turned.png", exif=exif)
    seen = pixels.to_uint8(pixels.read(tmp_path / "turned.png").values[0])
    np.testing.assert_array_equal(seen, TURNS[orientation](stored))


def test_a_photograph_is_turned_though_another_exif_field_is_odd(tmp_path, astronaut):
    """Cameras write text where Pillow expects a number; the picture is none the worse."""
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010E] = "hello"
    plain = tmp_path / "plain.jpg"
    Image.fromarray(astronaut[:50, :40]).save(plain, exif=exif.tobytes())
    odd = tmp_path / "odd.jpg"
    odd.write_bytes(plain.read_bytes().replace(b"\x01\x0e\x00\x02", b"\x01\x00\x00\x02"))
    assert odd.read_bytes() != plain.read_bytes()
    with pytest.warns(ZooWarning, match="odd.jpg: its EXIF data is damaged and left out"):
        read = pixels.read(odd)
    np.testing.assert_array_equal(read.values, pixels.read(plain).values)
    assert read.values.shape == (1, 40, 50, 3)


def cut(path, picture, share=0.5):
    Image.fromarray(picture).save(path)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])


BAD_FILES = {
    "missing": (lambda path, _: None, "no such file"),
    "folder": (lambda path, _: path.mkdir(), "is a folder: expected a file"),
    "text": (lambda path, _: path.write_text("no picture"), r"not a picture .* \(10 bytes\)"),
    "empty": (lambda path, _: path.write_bytes(b""), r"not a picture .* \(0 bytes\)"),
    "cut in its head": (lambda path, p: cut(path, p, 0.0005), "not a picture|cannot be read"),
    "cut": (lambda path, p: cut(path, p), "cannot be read: .*truncated"),
    "cut at its end": (lambda path, p: cut(path, p, 0.95), "cannot be read: .*truncated"),
}


@pytest.mark.parametrize("ending", [".png", ".jpg"])
@pytest.mark.parametrize("kind", BAD_FILES)
def test_a_bad_file_is_refused_with_its_path_and_the_reason(tmp_path, astronaut, kind, ending):
    make, message = BAD_FILES[kind]
    path = tmp_path / f"bad{ending}"
    make(path, astronaut)
    with pytest.raises(zoo.ZooError, match=message) as caught:
        pixels.read(path)
    assert str(path) in str(caught.value)


def test_a_path_too_long_for_a_file_is_refused():
    with pytest.raises(zoo.ZooError, match=r"a{300}.png"):
        pixels.read("a" * 300 + ".png")


@pytest.mark.parametrize("times", [1.5, 3])
def test_a_file_of_too_many_pixels_is_refused_with_the_limit(tmp_path, monkeypatch, times):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    Image.new("L", (100, int(10 * times))).save(tmp_path / "bomb.png")
    with pytest.raises(zoo.ZooError, match=r"bomb.png: more pixels than .* = 1000 .*raise that"):
        pixels.read(tmp_path / "bomb.png")


BAD_ARRAYS = {
    "no pixels": (np.zeros((0, 20), np.uint8), r"empty picture: .* got the shape \(0, 20\)"),
    "no channels": (np.zeros((20, 20, 0), np.float32), r"empty picture: .*shape \(20, 20, 0\)"),
    "no pictures": (np.zeros((0, 20, 20, 3), np.uint8), "empty picture"),
    "2 channels": (np.zeros((20, 20, 2), np.uint8), "expected .*, got .* 2 channels"),
    "5 channels": (np.zeros((20, 20, 5), np.uint8), "expected .*, got .* 5 channels"),
    "5 channels in a batch": (np.zeros((2, 20, 20, 5), np.uint8), "expected .*, got .* 5 channels"),
    "one dimension": (np.zeros(20, np.uint8), r"expected an array \[h, w\].*shape \(20,\)"),
    "five dimensions": (
        np.zeros((1, 1, 20, 20, 3), np.uint8),
        r"got the shape \(1, 1, 20, 20, 3\)",
    ),
    "a number": (np.uint8(3), r"got the shape \(\)"),
    "int64": (np.zeros((20, 20), np.int64), r"expected .*uint8 \(0..255\).*, got int64"),
    "bool": (np.zeros((20, 20), bool), "expected .*uint8.*, got bool"),
    "complex": (np.zeros((20, 20), np.complex64), "expected .*uint8.*, got complex64"),
    "objects": (None, "expected .*uint8.*, got object"),
    "NaN": (np.full((20, 20), np.nan), r"expected floats in \[0, 1\], got NaN or infinite values"),
    "one NaN": (np.array([[0, 1, np.nan]], np.float32), "got NaN or infinite values"),
    "infinite": (np.full((20, 20), np.inf), "NaN or infinite values"),
    "0 to 255": (np.linspace(0, 255, 400).reshape(20, 20), "got 0 to 255; divide"),
    "0 to 3": (np.linspace(0, 3, 400).reshape(20, 20), r"expected floats in \[0, 1\], got 0 to 3"),
    "-1 to 1": (np.linspace(-1, 1, 400).reshape(20, 20), "got -1 to 1"),
    "below black": (np.full((20, 20), -0.06), "got -0.06 to -0.06"),
    "above white": (np.full((20, 20), 1.06), "got 1.06 to 1.06"),
    "an empty image": (Image.new("RGB", (0, 20)), "empty picture"),
    "an empty 32-bit image": (Image.new("I", (0, 20)), "empty picture"),
    "a negative image": (Image.new("I", (20, 20), -5), "expected values in 0..65535, got -5..-5"),
    "a large image": (Image.new("I", (20, 20), 65536), "got 65536..65536"),
    "an image beyond white": (Image.new("F", (20, 20), 255.0), "got 255 to 255"),
}


@pytest.mark.parametrize("kind", BAD_ARRAYS)
def test_what_is_no_picture_is_refused_with_what_came_and_what_was_expected(kind):
    picture, message = BAD_ARRAYS[kind]
    with pytest.raises(zoo.ZooError, match=message):
        pixels.read(picture)


def test_colour_becomes_grey_as_in_pillow_and_grey_becomes_colour_by_repeating(astronaut):
    grey = pixels.fit_channels(astronaut.astype(np.float32) / 255, 1)
    pillow = np.asarray(Image.fromarray(astronaut).convert("L"))
    assert np.abs(grey[..., 0] * 255 - pillow).max() <= 1
    colour = pixels.fit_channels(grey, 3)
    np.testing.assert_array_equal(colour, np.repeat(grey, 3, -1))
