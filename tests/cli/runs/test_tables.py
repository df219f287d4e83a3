import math

import pytest

from numpy_nets.cli.runs.tables import read_table, table


def test_numbers_are_read_as_they_were_written(tmp_path):
    columns = {"loss": [0.1, 1 / 3, 5e-324, 1e300], "val_loss": [-0.0, math.inf, 2.0, 12345.678]}
    (tmp_path / "a.csv").write_text(table(columns, range(4)))
    header, rows = read_table(tmp_path / "a.csv")
    assert header == ["epoch", "loss", "val_loss"] and list(rows) == [0, 1, 2, 3]
    for name, values in columns.items():
        assert [rows[epoch][name] for epoch in range(4)] == values


@pytest.mark.parametrize(
    "damaged",
    ["1,0.5", "1,0.5,0.5,0.5", "1,,0.5", "1,x,0.5", "x,0.5,0.5", "", "\0\0\0", "1,0.5,0.5\0", ",,",
     "epoch,loss,val_loss", "9" * 5000 + ",0.5,0.5", "1.0,0.5,0.5", "1;0.5;0.5"],
)  # fmt: skip
def test_a_damaged_row_is_left_out_and_the_others_are_read(damaged, tmp_path):
    (tmp_path / "a.csv").write_text(f"epoch,loss,val_loss\r\n0,1,2\r\n{damaged}\r\n2,3,4\r\n")
    assert read_table(tmp_path / "a.csv")[1] == {
        0: {"loss": 1, "val_loss": 2}, 2: {"loss": 3, "val_loss": 4},
    }  # fmt: skip


def test_a_row_that_was_being_written_is_left_out(tmp_path):
    (tmp_path / "a.csv").write_text("epoch,loss\n0,0.25\n1,0.12")  # 5 was to follow
    assert list(read_table(tmp_path / "a.csv")[1]) == [0]


def test_a_later_row_of_an_epoch_counts_and_na_is_no_value(tmp_path):
    (tmp_path / "a.csv").write_text("epoch,loss,val_loss\n0,1,NA\n1,2,NA\n0,3,NA\n")
    assert read_table(tmp_path / "a.csv")[1] == {0: {"loss": 3}, 1: {"loss": 2}}


@pytest.mark.parametrize("content", [None, b"", b"epoch", b"\xff\xfe\0", b"\n", b"\n0,1\n"])
def test_no_table_has_no_rows(content, tmp_path):
    if content is not None:
        (tmp_path / "a.csv").write_bytes(content)
    assert read_table(tmp_path / "a.csv")[1] == {}
