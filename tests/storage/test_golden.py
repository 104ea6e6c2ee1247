"""A golden is one, or is refused with what was expected of it."""

import io

import numpy as np
import pytest

import zoo
from zoo.errors import ZooError
from zoo.storage import golden

PICTURES = np.random.default_rng(0).integers(0, 256, (3, 12, 12, 1)).astype(np.uint8)
RESULT = np.random.default_rng(1).random((3, 3), np.float32)
LATENT = np.random.default_rng(2).normal(size=(3, 5)).astype(np.float32)


def packed(**arrays):
    data = io.BytesIO()
    np.savez_compressed(data, **arrays)
    return data.getvalue()


def test_what_is_written_is_read(classifier):
    arrays = golden.compute(classifier, lambda: PICTURES)
    values, result = golden.read(packed(**arrays))
    np.testing.assert_array_equal(values, PICTURES.astype(np.float32) / 255)
    np.testing.assert_array_equal(result, classifier.infer(values))
    values, _ = golden.read(packed(latent=LATENT, result=RESULT), given=("latent",))
    np.testing.assert_array_equal(values, LATENT)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"pixels": PICTURES.astype(np.float32)}, "expected pixels as uint8 of 4 dim.*got float32"),
        ({"pixels": PICTURES[0]}, r"expected pixels as uint8 of 4 dim.*got uint8 \(12, 12, 1\)"),
        ({"pixels": np.array("text")}, "expected pixels as uint8"),
        ({"pixels": PICTURES[:0]}, r"got uint8 \(0, 12, 12, 1\)"),
        ({"pixels": PICTURES[:2]}, "as many results as inputs, got 3 of result and 2 of pixels"),
        ({"result": RESULT.astype(np.float64)}, "expected result as float32 .*got float64"),
        ({"result": RESULT.astype(complex)}, "expected result as float32 .*got complex128"),
        ({"result": RESULT[0]}, r"expected result as float32 of 2 or more dim.*got float32 \(3,\)"),
        ({"result": RESULT * np.nan}, "expected finite numbers in result, got NaN"),
        ({"result": np.zeros(3, [("a", "f4")])}, "expected result as float32"),
    ],
)
def test_what_is_no_golden_is_refused(change, said):
    with pytest.raises(ZooError, match=said):
        golden.read(packed(**{"pixels": PICTURES, "result": RESULT} | change))


def test_an_array_that_is_missing_is_named():
    with pytest.raises(ZooError, match="expected an array encoder_result, got pixels, result"):
        golden.read(packed(pixels=PICTURES, result=RESULT), "encoder")


def test_every_changed_byte_of_a_golden_is_seen():
    data = packed(pixels=PICTURES, result=RESULT)
    for place in range(0, len(data), 7):
        other = bytearray(data)
        other[place] ^= 0x55
        try:
            values, result = golden.read(bytes(other))
        except ZooError:
            continue
        np.testing.assert_array_equal(result, RESULT)  # a byte that says nothing, as of a date
        assert zoo.images.pixels.to_uint8(values).tobytes() == PICTURES.tobytes()
