"""Picture files: profile, resolution and text go through; nothing is left out in silence."""

import io
import os
import struct
import threading
import warnings
import zlib

import numpy as np
import pytest
from conftest import needs_package
from PIL import Image, ImageCms, PngImagePlugin

import zoo
from zoo.errors import ZooError, ZooWarning
from zoo.images import depth, extras, opening, pixels
from zoo.images.saving import format_of, save

RNG = np.random.default_rng(7)


def colours(*shape, dtype=np.uint8):
    return RNG.integers(0, np.iinfo(dtype).max, shape, dtype=dtype, endpoint=True)


def profile(primaries=(0.68, 0.32, 0.265, 0.69, 0.15, 0.06), gamma=2.2):
    """A matrix profile as ICC.1:2001 lays it out: Display P3's primaries, one gamma."""
    matrix = adapted(primaries)
    curve = b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256)) + bytes(2)
    tags = {b"desc": described("test"), b"cprt": b"text" + bytes(4) + b"none\0"}
    tags |= {b"wtpt": xyz((0.9642, 1.0, 0.8249))}
    tags |= {
        name: xyz(column)
        for name, column in zip((b"rXYZ", b"gXYZ", b"bXYZ"), matrix.T, strict=True)
    }
    tags |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve)
    place, table, body = 128 + 4 + 12 * len(tags), struct.pack(">I", len(tags)), b""
    for name, data in tags.items():
        data += bytes(-len(data) % 4)
        table += name + struct.pack(">II", place + len(body), len(data))
        body += data
    head = struct.pack(
        ">I4sI4s4s4s", place + len(body), bytes(4), 0x02100000, b"mntr", b"RGB ", b"XYZ "
    )
    head += bytes(12) + b"acsp" + bytes(28) + struct.pack(">3i", *(round(v * 65536) for v in D50))
    return head.ljust(128, b"\0") + table + body


D50 = (0.9642, 1.0, 0.8249)


def xyz(values):
    return b"XYZ " + bytes(4) + struct.pack(">3i", *(round(v * 65536) for v in values))


def described(text):
    data = text.encode() + b"\0"
    return b"desc" + bytes(4) + struct.pack(">I", len(data)) + data + bytes(8 + 3 + 67)


def adapted(primaries):
    """RGB to XYZ, scaled so that white is D50's."""
    x, y = np.array(primaries[::2]), np.array(primaries[1::2])
    columns = np.stack([x / y, np.ones(3), (1 - x - y) / y])
    return columns * np.linalg.solve(columns, np.array(D50))


P3 = profile()


def as_seen(image):
    """sRGB that a viewer with colour management shows."""
    if not image.info.get("icc_profile"):
        return np.asarray(image.convert("RGB"), int)
    source = ImageCms.ImageCmsProfile(io.BytesIO(image.info["icc_profile"]))
    srgb = ImageCms.createProfile("sRGB")
    return np.asarray(ImageCms.profileToProfile(image.convert("RGB"), source, srgb), int)


def unchanged(source):
    """A picture through reading and giving back, as a net that changes nothing would."""
    read = pixels.read(source)
    return read.back(read.values)


@pytest.mark.parametrize(
    "ending", ["png", "jpg", "webp", "tif", "avif", "bmp", "ppm", "gif", "tga"]
)
@pytest.mark.parametrize("came", ["png", "jpg", "tif", "webp"])
def test_a_picture_looks_as_before_whatever_file_it_goes_to(tmp_path, came, ending):
    values = np.kron(colours(2, 3, 3), np.ones((16, 16, 1), np.uint8))
    options = {"quality": 100, "subsampling": 0} if came == "jpg" else {}
    options |= {"lossless": True} if came == "webp" else {}
    source, target = tmp_path / f"came.{came}", tmp_path / f"went.{ending}"
    Image.fromarray(values).save(source, icc_profile=P3, **options)
    result = unchanged(source)
    assert result.info["icc_profile"] == P3
    save(result, target)
    with Image.open(source) as before, Image.open(target) as after:
        middle = np.s_[8::16, 8::16]
        away = np.abs(as_seen(before)[middle] - as_seen(after)[middle])
        plain = np.abs(np.asarray(before.convert("RGB"), int) - as_seen(before))[middle]
        kept = after.info.get("icc_profile")
    assert plain.max() > 12  # it would show if the profile were lost
    assert away.max() <= (8 if ending in ("jpg", "avif", "webp") else 2)
    assert kept == (P3 if ending in ("png", "jpg", "webp", "tif", "avif") else None)


def test_a_profile_of_grey_goes_through(tmp_path):
    grey = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    Image.fromarray(colours(8, 8)).save(tmp_path / "grey.png", icc_profile=grey)
    assert unchanged(tmp_path / "grey.png").info["icc_profile"] == grey
    save(unchanged(tmp_path / "grey.png"), tmp_path / "grey.bmp")
    with Image.open(tmp_path / "grey.bmp") as image:
        away = np.asarray(image, int) - np.asarray(Image.open(tmp_path / "grey.png"), int)
    assert image.mode == "L" and np.abs(away).max() <= 1


def test_a_damaged_profile_is_carried_and_said_where_it_is_needed(tmp_path):
    Image.fromarray(colours(8, 8, 3)).save(tmp_path / "odd.png", icc_profile=b"none")
    result = unchanged(tmp_path / "odd.png")
    assert result.info["icc_profile"] == b"none"
    with pytest.warns(ZooWarning, match="profile cannot be read"):
        save(result, tmp_path / "odd.bmp")


def test_resolution_exif_and_text_go_through(tmp_path):
    exif, text = Image.Exif(), PngImagePlugin.PngInfo()
    exif[0x010F], exif[0x0112] = "Camera", 6
    exif.get_ifd(0x8769)[0x9003] = "2026:11:26 05:00:00"
    text.add_text("Title", "a title")
    text.add_itxt("Author", "中文")
    source, target = tmp_path / "came.png", tmp_path / "went.png"
    Image.fromarray(colours(8, 12, 3)).save(source, dpi=(300, 300), exif=exif, pnginfo=text)
    save(unchanged(source), target)
    with Image.open(target) as after:
        after.load()
        assert np.allclose(after.info["dpi"], 300, atol=0.1)
        assert (after.text["Title"], after.text["Author"]) == ("a title", "中文")
        kept = after.getexif()
    assert (kept[0x010F], kept.get(0x0112, 1), after.size) == ("Camera", 1, (8, 12))
    assert kept.get_ifd(0x8769)[0x9003] == "2026:11:26 05:00:00"


@pytest.mark.parametrize("ending", ["jpg", "tif", "webp", "avif", "png"])
@pytest.mark.parametrize("came", ["jpg", "tif", "webp", "avif", "png"])
def test_exif_data_goes_from_each_format_to_each(tmp_path, came, ending):
    exif = Image.Exif()
    exif[0x010F], exif[0x8298], exif[0x0112] = "Camera", "Owner", 8
    exif.get_ifd(0x8825)[1] = "N"
    if came == "tif":  # into which Pillow itself writes no place
        came = "via.tif"
        Image.fromarray(colours(8, 12, 3)).save(tmp_path / "came.png", exif=exif)
        save(unchanged(tmp_path / "came.png"), tmp_path / "came.via.tif")
    else:
        Image.fromarray(colours(8, 12, 3)).save(tmp_path / f"came.{came}", exif=exif)
    save(unchanged(tmp_path / f"came.{came}"), tmp_path / f"went.{ending}")
    with Image.open(tmp_path / f"went.{ending}") as after:
        kept = after.getexif()
        assert (kept[0x010F], kept[0x8298], kept.get(0x0112, 1)) == ("Camera", "Owner", 1)
        assert kept.get_ifd(0x8825)[1] == "N"
        assert after.size == (8, 12)


def test_a_comment_of_a_jpeg_goes_through(tmp_path):
    Image.fromarray(colours(8, 8, 3)).save(tmp_path / "a.jpg", comment="hello", dpi=(72, 72))
    for ending in ("jpg", "png", "tif"):
        save(unchanged(tmp_path / "a.jpg"), tmp_path / f"b.{ending}")
        with Image.open(tmp_path / f"b.{ending}") as after:
            after.load()
            said = after.info.get("comment") or after.info.get("Comment") or after.tag_v2[270]
        assert said in ("hello", b"hello")
        assert np.allclose(after.info["dpi"], 72, atol=0.1)


def test_cmyk_with_a_profile_becomes_srgb_by_it(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(
        extras,
        "_converted",
        lambda image, profile, mode: asked.append(profile) or image.convert(mode),
    )
    Image.new("CMYK", (8, 8), (0, 200, 90, 10)).save(tmp_path / "a.jpg", icc_profile=b"of CMYK")
    assert "icc_profile" not in unchanged(tmp_path / "a.jpg").info
    assert asked == [b"of CMYK"]


def sources_of(image, tmp_path, **options):
    """The same picture as a path, an image, bytes and two kinds of file objects."""
    path = tmp_path / "picture.png"
    image.save(path, **options)
    data = path.read_bytes()
    return {
        "path": path,
        "text": str(path),
        "image": Image.open(path),
        "bytes": data,
        "bytearray": bytearray(data),
        "memoryview": memoryview(data),
        "BytesIO": io.BytesIO(data),
        "at its end": io.BytesIO(data + b""),
        "file": path.open("rb"),
    }


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_is_the_same_however_it_comes(tmp_path, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    sources = sources_of(Image.fromarray(colours(8, 12, 3)), tmp_path, exif=exif, dpi=(99, 99))
    sources["at its end"].read()
    expected = unchanged(sources.pop("path"))
    for kind, source in sources.items():
        result = unchanged(source)
        np.testing.assert_array_equal(np.asarray(result), np.asarray(expected), kind)
        assert result.info == expected.info, kind
        assert result.getexif().get(0x0112, 1) == 1, kind
    sources["file"].close()


def test_an_image_that_was_changed_in_memory_is_turned_too():
    exif = Image.Exif()
    exif[0x0112] = 6
    image = Image.fromarray(colours(8, 12, 3))
    image.info["exif"] = exif.tobytes()
    assert pixels.read(image).values.shape == (1, 12, 8, 3)
    assert image.size == (12, 8) and image.info["exif"] == exif.tobytes()  # it stays as it was


def test_text_in_place_of_a_binary_file_is_refused():
    with pytest.raises(ZooError, match="expected a file opened as binary, got str"):
        pixels.read(io.StringIO("text"))


# -- transparency


def test_what_is_transparent_shows_the_background():
    values = colours(6, 6, 4)
    values[:3, :, 3], values[3:, :, 3] = 0, 255
    read = pixels.read(values)
    for background in (0.0, 0.25, 1.0):
        over = read.over(background)
        assert (over[:, :3] == np.float32(background)).all()
        np.testing.assert_array_equal(over[:, 3:], read.values[:, 3:])
    half = pixels.read(np.full((2, 2, 4), (200, 100, 0, 51), np.uint8)).over(1.0)
    np.testing.assert_allclose(half[0, 0, 0], 0.8 + 0.2 * np.array([200, 100, 0]) / 255, rtol=1e-6)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "L", "RGB", "RGBa"])
def test_a_classifier_sees_nothing_of_hidden_colours(classifier, mode):
    """What is seen is the same, so the answer is: whatever stands where nothing shows."""
    shown, background = colours(12, 12), round(255 * classifier.spec.background)
    alpha = np.zeros((12, 12), np.uint8)
    alpha[3:9, 3:9] = 255
    expected = classifier(np.where(alpha > 0, shown, np.uint8(background)))
    for hidden in (0, 255, 90):
        grey = np.where(alpha > 0, shown | 1 if mode in "LRGB" else shown, hidden & ~1)
        answer = classifier(transparent(grey.astype(np.uint8), alpha, mode, hidden & ~1))
        if mode in ("RGBA", "LA"):
            assert answer == expected
        else:
            assert answer == classifier(transparent(grey.astype(np.uint8), alpha, "RGBA", hidden))


def transparent(grey, alpha, mode, hidden):
    """A picture that is transparent where alpha says so, in one of the ways that there are."""
    whole = Image.merge("RGBA", [Image.fromarray(grey)] * 3 + [Image.fromarray(alpha)])
    if mode == "P":
        image = Image.fromarray(grey).convert("P")
        image.info["transparency"] = hidden
        return image
    if mode in ("L", "RGB"):
        image = Image.fromarray(grey).convert(mode)
        image.info["transparency"] = hidden if mode == "L" else (hidden,) * 3
        return image
    return whole.convert(mode)


def test_garments_cut_out_are_known_whatever_colour_is_hidden():
    net = zoo.load("cnn_fashion")
    pictures, _ = zoo.storage.weights.golden(net.entry)
    grey = pixels.to_uint8(pictures)
    expected = [labels[0].label for labels in net(grey)]
    for hidden in (255, 128):
        alpha = np.where(grey > 0, 255, 0).astype(np.uint8)
        cut_out = np.concatenate([np.where(grey > 0, grey, hidden)] * 3 + [alpha], -1)
        assert [labels[0].label for labels in net(cut_out.astype(np.uint8))] == expected


def test_a_data_set_of_cut_outs_is_on_the_background_asked_for(tmp_path):
    Image.new("RGBA", (8, 8), (255, 0, 0, 0)).save(tmp_path / "a.png")
    for background, expected in ((0.0, 0), (1.0, 255)):
        (image,) = zoo.data.sources.load(f"folder:{tmp_path}", 3, background=background).images
        assert (image == expected).all()


def test_a_transparent_grey_of_16_bits_goes_through(tmp_path):
    values = colours(8, 8, dtype=np.uint16)
    values[:4] = 300
    Image.fromarray(values).save(tmp_path / "a.png", transparency=300)
    assert (pixels.read(tmp_path / "a.png").over(1.0)[:, :4] == 1).all()
    result = unchanged(tmp_path / "a.png")
    np.testing.assert_array_equal(result[..., 0], values)
    np.testing.assert_array_equal(result[..., 1], np.where(values == 300, 0, 65535))


def test_lab_becomes_srgb(tmp_path):
    lab = Image.merge("LAB", [Image.new("L", (8, 8), level) for level in (128, 160, 120)])
    lab.save(tmp_path / "a.tif")
    result = unchanged(tmp_path / "a.tif")
    assert result.mode == "RGB" and not {"icc_profile", "dpi"} & result.info.keys()


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "1"])
def test_a_restorer_gives_back_the_kind_that_came(denoiser, mode):
    image = Image.fromarray(colours(16, 16, 4)).convert(mode)
    assert denoiser(image, progress=False).mode == ("L" if mode == "1" else mode)


# -- depth


def deep_png(values, path, text=None):
    """A PNG of 16 bits, written here: Pillow writes none in colour."""

    def chunk(name, data):
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    height, width, channels = values.shape
    kind = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    rows = values.astype(">u2").reshape(height, -1)
    raw = b"".join(b"\0" + row.tobytes() for row in rows)
    data = chunk(b"IHDR", struct.pack(">2I5B", width, height, 16, kind, 0, 0, 0))
    data += chunk(b"pHYs", struct.pack(">2IB", 5906, 5906, 1))
    data += chunk(b"tEXt", b"Title\0deep") + chunk(b"iCCP", b"p\0\0" + zlib.compress(P3))
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + data + chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("kind", ["path", "bytes", "image"])
def test_a_png_of_16_bits_is_read_and_written_whole(tmp_path, channels, kind):
    values, path = colours(9, 7, channels, dtype=np.uint16), tmp_path / "deep.png"
    deep_png(values, path)
    source = {"path": lambda path: path, "bytes": type(path).read_bytes, "image": Image.open}[kind]
    result = unchanged(source(path))
    np.testing.assert_array_equal(np.asarray(result).reshape(values.shape), values)
    save(result, tmp_path / "again.png")
    again = unchanged(tmp_path / "again.png")
    np.testing.assert_array_equal(np.asarray(again).reshape(values.shape), values)
    assert again.info["icc_profile"] == P3 and again.info["Title"] == "deep"
    assert np.allclose(again.info["dpi"], 150, atol=0.1)


def test_a_deep_picture_saves_itself_and_says_where_it_cannot(tmp_path):
    deep_png(colours(9, 7, 3, dtype=np.uint16), tmp_path / "deep.png")
    result = unchanged(tmp_path / "deep.png")
    assert isinstance(result, depth.DeepImage)
    result.save(tmp_path / "own.png")
    np.testing.assert_array_equal(unchanged(tmp_path / "own.png"), result)
    with pytest.raises(ZooError, match=r"expected 8 bits for JPEG, got 16 in colour; use \.png"):
        result.save(tmp_path / "own.jpg")


@needs_package("tifffile")
@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("channels", [3, 4])
def test_a_tiff_of_16_bits_is_read_and_written_whole(tmp_path, planar, order, channels):
    import tifffile

    values = colours(9, 7, channels, dtype=np.uint16)
    laid = values if planar == "contig" else np.moveaxis(values, -1, 0)
    extra = {"extrasamples": ["unassalpha"]} if channels == 4 else {}
    tifffile.imwrite(
        tmp_path / "deep.tif",
        laid,
        photometric="rgb",
        planarconfig=planar,
        byteorder=order,
        **extra,
    )
    result = unchanged(tmp_path / "deep.tif")
    np.testing.assert_array_equal(result, values)
    save(result, tmp_path / "again.tif")
    np.testing.assert_array_equal(unchanged(tmp_path / "again.tif"), values)


def test_bits_that_are_not_read_are_said(tmp_path, monkeypatch):
    ppm = b"P6 4 4 65535\n" + colours(4, 4, 3, dtype=np.uint16).astype(">u2").tobytes()
    with pytest.warns(ZooWarning, match="more than 8 bits a channel, of which 8 are read"):
        assert pixels.read(ppm).values.shape == (1, 4, 4, 3)
    with pytest.warns(ZooWarning, match="of which 8 are read"):
        pixels.open_image(ppm)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pixels.read(b"P6 4 4 255\n" + bytes(48))
        pixels.read(b"P5 4 4 65535\n" + bytes(32))


def test_a_tiff_of_12_bits_is_as_bright_as_it_is():
    """Four white pixels and four at half, packed."""
    packed = bytes.fromhex("ffffff" * 2 + "800800" * 2)
    tags = {256: 4, 257: 2, 258: 12, 259: 1, 262: 1, 273: 122, 277: 1, 278: 2, 279: len(packed)}
    table = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    data = b"II*\0" + struct.pack("<IH", 8, len(tags)) + table + bytes(4)
    values = pixels.read(data.ljust(122, b"\0") + packed).values
    assert (values[0, 0] == 1).all()
    np.testing.assert_allclose(values[0, 1], 0x800 / 0xFFF, atol=1e-5)


# -- what is left out is said


@pytest.mark.parametrize("kind", ["gif", "png", "tiff", "webp", "mpo"])
def test_pages_and_frames_that_are_left_out_are_counted(tmp_path, kind):
    first, *others = (Image.fromarray(colours(8, 8, 3)) for _ in range(4))
    path = tmp_path / f"many.{kind}"
    first.save(
        path, save_all=True, append_images=others, **({"lossless": True} if kind == "webp" else {})
    )
    for source in (path, path.read_bytes(), Image.open(path)):
        with pytest.warns(
            ZooWarning, match="has 4 pages or frames, of which the first alone is read"
        ):
            read = pixels.read(source)
        if kind not in ("gif", "mpo"):
            np.testing.assert_array_equal(pixels.to_uint8(read.values[0]), np.asarray(first))


def test_who_asks_for_another_frame_is_given_it(tmp_path):
    frames = [Image.fromarray(np.full((8, 8), level, np.uint8)) for level in (0, 90)]
    frames[0].save(tmp_path / "two.tif", save_all=True, append_images=frames[1:])
    with Image.open(tmp_path / "two.tif") as image:
        image.seek(1)
        assert (pixels.to_uint8(pixels.read(image).values) == 90).all()


# -- what is no picture, and what costs too much


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_is_no_picture(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    for read in (pixels.read, pixels.open_image, pixels.refuse_unreadable):
        with pytest.raises(ZooError, match=r"pipe\.png cannot be read: expected a regular file"):
            read(tmp_path / "pipe.png")


@pytest.mark.parametrize(
    "error",
    [RuntimeError("odd"), NotImplementedError("odd"), struct.error("odd"), KeyError("odd"),
     RecursionError("odd"), MemoryError("odd"), OSError("odd"), EOFError("odd"), zlib.error("odd")],
)  # fmt: skip
@pytest.mark.parametrize("at", ["open", "load"])
def test_whatever_a_decoder_raises_is_explained(tmp_path, monkeypatch, error, at):
    Image.fromarray(colours(8, 8, 3)).save(tmp_path / "a.png")

    def fail(*_, **__):
        raise error

    opened = Image.open(tmp_path / "a.png")
    monkeypatch.setattr(*{"open": (Image, "open"), "load": (type(opened), "load")}[at], fail)
    for source in (tmp_path / "a.png", *([opened] if at == "load" else [])):
        with pytest.raises(ZooError, match=r"a\.png: the picture cannot be read: expected .*odd"):
            pixels.read(source)


def test_a_cut_picture_that_was_opened_lazily_is_refused(tmp_path, astronaut):
    Image.fromarray(astronaut).save(tmp_path / "cut.jpg")
    data = (tmp_path / "cut.jpg").read_bytes()[:9_000]
    (tmp_path / "cut.jpg").write_bytes(data)
    for source in (Image.open(io.BytesIO(data)), data, io.BytesIO(data), tmp_path / "cut.jpg"):
        with pytest.raises(ZooError, match=r"the picture cannot be read: .*truncated"):
            pixels.read(source)


def test_an_image_of_a_closed_file_is_refused(tmp_path):
    Image.fromarray(colours(8, 8, 3)).save(tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as image:
        pass
    with pytest.raises(ZooError, match="cannot be read"):
        pixels.read(image)


def test_a_small_file_of_very_many_pixels_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(opening, "LARGE", 10_000)
    Image.new("RGB", (400, 400)).save(tmp_path / "flat.png")
    for source in (tmp_path / "flat.png", Image.open(tmp_path / "flat.png")):
        with pytest.raises(ZooError, match=r"expected at most 200 pixels a byte, got 400 x 400 of"):
            pixels.read(source)
    Image.fromarray(colours(400, 400, 3)).save(tmp_path / "rich.png")
    assert pixels.read(tmp_path / "rich.png").values.shape == (1, 400, 400, 3)
    assert pixels.read(Image.open(tmp_path / "flat.png").copy()).values.max() == 0  # it is trusted


def test_reading_in_threads_leaves_the_filters_of_warnings_alone(tmp_path):
    Image.fromarray(colours(64, 64, 3)).save(tmp_path / "a.png")
    before = list(warnings.filters)
    threads = [
        threading.Thread(target=lambda: [pixels.read(tmp_path / "a.png") for _ in range(30)])
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert warnings.filters == before


# -- floats


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_floats_that_noise_took_out_of_range_are_clipped(dtype):
    clean = np.linspace(0, 1, 64 * 64, dtype=dtype).reshape(64, 64)
    noisy = clean + np.random.default_rng(0).normal(0, 50 / 255, clean.shape).astype(dtype)
    for array in (noisy, clean * dtype(1.000001), clean - dtype(1e-6)):
        assert array.min() < 0 or array.max() > 1
        np.testing.assert_allclose(
            pixels.read(array).values[0, ..., 0], np.clip(array, 0, 1), atol=1e-6
        )


# -- saving


@pytest.mark.parametrize(
    ("mode", "ending", "said"),
    [
        ("RGBA", "jpg", "expected no alpha for JPEG, got RGBA"),
        ("LA", "bmp", "expected no alpha for BMP, got LA"),
        ("RGBA", "ppm", "expected no alpha for PPM, got RGBA"),
        ("I;16", "jpg", "expected 8 bits for JPEG, got 16"),
        ("I;16", "webp", "expected 8 bits for WEBP, got 16"),
        ("I;16", "bmp", "expected 8 bits for BMP, got 16"),
    ],
)
def test_what_a_format_cannot_hold_is_said_and_not_that_the_disk_is_full(
    tmp_path, mode, ending, said
):
    with pytest.raises(ZooError, match=said) as caught:
        save(Image.new(mode, (8, 8)), tmp_path / f"a.{ending}")
    assert "space" not in str(caught.value) and "use .png" in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_floats_are_kept_by_tiff_and_rounded_to_16_bits_by_png(tmp_path):
    image = Image.fromarray(np.linspace(0, 1, 64, dtype=np.float32).reshape(8, 8))
    save(image, tmp_path / "a.tif")
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "a.tif")), np.asarray(image))
    with pytest.warns(ZooWarning, match="PNG has no floats: they are rounded to 16 bits"):
        save(image, tmp_path / "a.png")
    values = np.asarray(Image.open(tmp_path / "a.png"), np.float64) / 65535
    assert np.abs(values - np.asarray(image)).max() < 1e-5


@pytest.mark.parametrize("name", ["a", "a.", "a.xyz", "a.psd"])
def test_a_file_of_no_format_is_refused(name):
    with pytest.raises(ZooError, match=r"expected the ending of a picture format, such as \.png"):
        format_of(name)


@pytest.mark.parametrize("ending", [".ico", ".icns"])
def test_icons_of_other_sizes_are_refused_rather_than_shrunk(ending, tmp_path):
    with pytest.raises(ZooError, match="it would become"):
        save(Image.new("RGB", (400, 300)), tmp_path / f"a{ending}")
    assert not list(tmp_path.iterdir())
