"""The summary table, without Keras at hand."""

from __future__ import annotations

import numpy as np
import pytest

from numpy_nets.network.summary import Row, Size, print_summary, size_of

AUTOENCODER = [
    Row("input_layer", "InputLayer", (None, 784), 0),
    Row("dense", "Dense", (None, 64), 50_240),
    Row("dense_1", "Dense", (None, 784), 50_960),
]
ENCODER = [
    Row("images", "InputLayer", (None, 784), 0, connected_to=[]),
    Row("encoder", "Functional", [(None, 2), (None, 2)], 12, connected_to=[("images", 0, 0)]),
    Row("sum", "Concatenate", (None, 4), 0, connected_to=[("encoder", 1, 0), ("encoder", 1, 1)]),
]


def text(rows: list[Row], *sizes: Size, line_length: int | None = None) -> str:
    parts: list[str] = []
    print_summary("functional", rows, *sizes, line_length=line_length, print_fn=parts.append)
    assert len(parts) == 1
    return parts[0]


def test_the_notebooks_autoencoder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "70")
    assert text(AUTOENCODER, Size(101_200, 404_800), Size(0, 0)) == (
        'Model: "functional"\n'
        "┏━━━━━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━┓\n"
        "┃ Layer (type)               ┃ Output Shape        ┃     Param # ┃\n"
        "┡━━━━━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━┩\n"
        "│ input_layer (InputLayer)   │ (None, 784)         │           0 │\n"
        "├────────────────────────────┼─────────────────────┼─────────────┤\n"
        "│ dense (Dense)              │ (None, 64)          │      50,240 │\n"
        "├────────────────────────────┼─────────────────────┼─────────────┤\n"
        "│ dense_1 (Dense)            │ (None, 784)         │      50,960 │\n"
        "└────────────────────────────┴─────────────────────┴─────────────┘\n"
        " Total params: 101,200 (395.31 KB)\n"
        " Trainable params: 101,200 (395.31 KB)\n"
        " Non-trainable params: 0 (0.00 B)\n"
    )


def test_the_optimizers_variables_count_in_the_total() -> None:
    closing = text(AUTOENCODER, Size(8, 32), Size(2, 8), Size(18, 76)).splitlines()[-4:]
    assert closing == [
        " Total params: 28 (116.00 B)",
        " Trainable params: 8 (32.00 B)",
        " Non-trainable params: 2 (8.00 B)",
        " Optimizer params: 18 (76.00 B)",
    ]


def test_a_row_with_connections_gives_the_table_a_fourth_column() -> None:
    written = text(ENCODER, Size(12, 48), Size(0, 0), line_length=80)
    cells = [line.split("│")[1:-1] for line in written.splitlines() if line.startswith("│")]
    assert "Connected to" in written
    assert [row[3].strip() for row in cells if row[0].strip()] == [
        "-",
        "images[0][0]",
        "encoder[1][0],",
    ]
    assert cells[1][1].strip() + " " + cells[2][1].strip() == "[(None, 2), (None, 2)]"


def test_an_unbuilt_layer_shows_a_question_mark() -> None:
    written = text([Row("dense", "Dense", None, 0, built=False)], Size(0, 0), Size(0, 0))
    cells = written.splitlines()[4].strip("│").split("│")
    assert [cell.strip() for cell in cells] == ["dense (Dense)", "?", "0 (unbuilt)"]


def test_layers_of_an_expanded_model_are_indented() -> None:
    rows = [Row("inner", "Sequential", (None, 3), 6), Row("dense", "Dense", (None, 3), 6, level=1)]
    assert "│    └ dense (Dense)" in text(rows, Size(6, 24), Size(0, 0))


def test_names_are_not_taken_for_markup() -> None:
    assert "[red]x (Dense)" in text([Row("[red]x", "Dense", (None, 1), 2)], Size(2, 8), Size(0, 0))


def test_standard_output_gets_the_same_text(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "70")
    for name in ("FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    print_summary("functional", AUTOENCODER, Size(101_200, 404_800), Size(0, 0))
    expected = text(AUTOENCODER, Size(101_200, 404_800), Size(0, 0))
    assert capsys.readouterr().out == expected


def test_too_narrow_a_line_is_refused() -> None:
    with pytest.raises(ValueError, match="summary: expected a line_length .* got 12"):
        text(AUTOENCODER, Size(0, 0), Size(0, 0), line_length=12)


def test_size_counts_numbers_and_bytes_of_every_dtype() -> None:
    arrays = [np.zeros((3, 2), "float32"), np.zeros((), "int64"), np.zeros(5, "float64")]
    assert size_of(arrays) == Size(params=12, bytes=24 + 8 + 40)
    assert size_of([]) == Size(0, 0)
