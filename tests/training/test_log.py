"""log.csv comes back as it was written, or is refused with what was expected."""

import os

import pytest

from zoo.errors import ZooError
from zoo.storage import files
from zoo.training import log

ROWS = [{"step": 4, "loss": 0.5, "seconds": 1.25}, {"step": 8, "loss": 1e-9, "seconds": 2.5}]
TEXT = "step,loss,seconds\r\n4,0.5,1.25\r\n8,1e-09,2.5\r\n"


def test_rows_go_out_and_come_back(tmp_path):
    written = log.Log(tmp_path, 0)
    for row in ROWS:
        written.add(**{"step": row["step"], "figures": {k: row[k] for k in ("loss", "seconds")}})
    assert log.read(tmp_path / "log.csv") == ROWS
    assert log.Log(tmp_path, 4).rows == ROWS[:1]  # it goes on after the fourth step
    assert log.read(tmp_path / "none.csv") == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("step,", "stage,", "expected a column `step`"),
        ("loss", "seconds", "each column once"),
        ("0.5,", "", "expected 3 figures in a row, got 4,1.25"),
        ("0.5", "0.5,7", "expected 3 figures in a row"),
        ("0.5", "half", "expected numbers, got .*half"),
        ("0.5", "", "expected numbers"),
        ("0.5", "1_0", "expected numbers, got .*1_0"),
        ("4,", "4.5,", "expected numbers, got .*4.5"),
        ("4,", "9" * 5_000 + ",", "expected numbers"),
        ("4,", "0,", "steps that rise from 1 on, got 0, 8"),
        ("4,", "8,", "steps that rise from 1 on, got 8, 8"),
        ("0.5", '"0.5', "expected comma-separated values"),
        ("0.5", "\0", "expected (numbers|comma-separated values)"),
        ("0.5", "\udcff", "expected comma-separated values"),
        (TEXT, "", "expected comma-separated values"),
    ],
)
def test_what_is_no_log_is_refused(tmp_path, old, new, said):
    path, text = tmp_path / "log.csv", TEXT.replace(old, new, 1)
    assert text != TEXT
    path.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(ZooError, match=rf"log\.csv was changed: .*{said}"):
        log.read(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo, lambda path: os.symlink(path, path)])
def test_what_is_no_file_is_refused(tmp_path, make):
    make(tmp_path / "log.csv")
    with pytest.raises(ZooError, match=r"log\.csv"):
        log.read(tmp_path / "log.csv")


def test_a_log_of_other_columns_is_not_gone_on_with(tmp_path):
    files.write_text(tmp_path / "log.csv", TEXT)
    with pytest.raises(ZooError, match="expected columns step, loss, got step, loss, seconds"):
        log.Log(tmp_path, 8).add(12, {"loss": 0.1})
