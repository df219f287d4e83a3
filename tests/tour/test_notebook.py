"""The tour's notebook runs from the first cell to the last, without a warning, and draws."""

from importlib.resources import files

import pytest

nbclient = pytest.importorskip("nbclient")
nbformat = pytest.importorskip("nbformat")


def read():
    text = files("numpy_nets.tour").joinpath("unsupervised_learning.ipynb").read_text("utf-8")
    return nbformat.reads(text, 4)


def test_it_is_kept_without_outputs_and_is_valid():
    notebook = read()
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert not any(cell.outputs or cell.execution_count for cell in code)


def test_a_formula_is_followed_by_a_cell_that_checks_it():
    cells = read().cells
    for cell, following in zip(cells, [*cells[1:], None], strict=True):
        if cell.cell_type == "markdown" and "$$" in cell.source:
            assert following is not None and following.cell_type == "code"


@pytest.mark.timeout(1500)
@pytest.mark.filterwarnings("ignore")  # of Jupyter's own; those of the cells are on stderr
def test_it_runs_to_the_end_and_no_cell_warns(tmp_path):
    notebook = read()
    nbclient.NotebookClient(notebook, timeout=900, kernel_name="python3").execute(cwd=tmp_path)
    outputs = [o for cell in notebook.cells if cell.cell_type == "code" for o in cell.outputs]
    assert not [o for o in outputs if o.output_type == "stream" and o.name == "stderr"]
    pictures = [o for o in outputs if "image/png" in o.get("data", {})]
    assert len(pictures) == 7
    texts = [o.text for o in outputs if o.output_type == "stream"]
    assert any("%0 (2, 1) = matmul" in text for text in texts)  # the printed tape
