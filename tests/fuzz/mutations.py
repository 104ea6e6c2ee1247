"""Damage, drawn from a seed: the same number gives the same damaged file."""

import copy
import json

import numpy as np

ODD = (None, True, -1, 0, 1.5, 10**400, "", "x", "\udcff", [], [None], {}, {"x": None}, [[1]])


def damaged(data: bytes, rng: np.random.Generator) -> bytes:
    """Bytes with some bits, bytes or runs changed, moved, doubled or cut off."""
    data = bytearray(data)
    for _ in range(int(rng.integers(1, 9))):
        if data:
            _KINDS[rng.integers(len(_KINDS))](data, rng)
    return bytes(data)


def _place(data, rng) -> int:
    """More often near the beginning, where heads of files are."""
    return int(rng.integers(min(len(data), 200) if rng.random() < 0.5 else len(data)))


def _bit(data, rng):
    data[_place(data, rng)] ^= 1 << int(rng.integers(8))


def _byte(data, rng):
    data[_place(data, rng)] = int(rng.choice([0, 1, 0x7F, 0x80, 0xFF, rng.integers(256)]))


def _word(data, rng):
    at = _place(data, rng)
    data[at : at + 4] = int(rng.choice([0, 1, 2**31 - 1, 2**31, 2**32 - 1])).to_bytes(
        4, "little" if rng.random() < 0.5 else "big"
    )


def _cut(data, rng):
    del data[_place(data, rng) :]


def _hole(data, rng):
    at = _place(data, rng)
    del data[at : at + int(rng.integers(1, 64))]


def _doubled(data, rng):
    at = _place(data, rng)
    data[at:at] = data[at : at + int(rng.integers(1, 256))]


def _noise(data, rng):
    at = _place(data, rng)
    data[at : at + 16] = rng.bytes(16)


_KINDS = (_bit, _bit, _byte, _byte, _word, _cut, _hole, _doubled, _noise)


def damaged_json(data: bytes, rng: np.random.Generator) -> bytes:
    """A JSON object in which values have other types, are missing or nested; or damaged bytes."""
    draw = rng.random()
    if draw < 0.1:
        return damaged(data, rng)
    if draw < 0.13:
        return b'{"name":' + b"[" * int(rng.integers(1_000, 200_000))
    whole = copy.deepcopy(json.loads(data))
    for _ in range(int(rng.integers(1, 4))):
        whole = _with_another_value(whole, rng)
    return json.dumps(whole).encode()


def _with_another_value(whole, rng):
    places = list(_places(whole)) if isinstance(whole, (dict, list)) else []
    if not places or rng.random() < 0.02:
        return ODD[rng.integers(len(ODD))]
    holder, key = places[rng.integers(len(places))]
    draw = rng.random()
    if draw < 0.2:
        del holder[key]
    elif draw < 0.4:
        other, its = places[rng.integers(len(places))]
        if its in (other if isinstance(other, dict) else range(len(other))):
            holder[key] = copy.deepcopy(other[its])
    else:
        holder[key] = copy.deepcopy(ODD[rng.integers(len(ODD))])
    return whole


def _places(node, depth: int = 0):
    """Where a value stands: its holder and its key there; those near the top first and oftener."""
    keys = list(node) if isinstance(node, dict) else range(len(node))
    for key in keys:
        yield from [(node, key)] * (3 - min(depth, 2))
        if isinstance(node[key], (dict, list)):
            yield from _places(node[key], depth + 1)
