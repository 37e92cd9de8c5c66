"""Densities of layers, and the forms they are printed in."""

import csv
import io
from pathlib import Path

import pytest
import torch
from torch import nn

from cdfi.compression import tables
from cdfi.compression.density import density, overall


def sparse_model() -> nn.Module:
    model = nn.Sequential(nn.Conv2d(4, 8, 3), nn.BatchNorm2d(8), nn.Linear(5, 10))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.fill_(1)
        model[0].weight[2:] = 0
    return model


def test_rows_have_the_published_numbers() -> None:
    first, second = density(sparse_model())
    assert first[:6] == ("0", 0.25, 4, 8, 2, 4)
    assert (first.parameters, first.kept) == (296, 80)
    assert second[:6] == ("2", 1.0, 5, 10, 5, 10)


def test_every_kind_of_layer_with_a_weight_matrix_has_a_row() -> None:
    kinds = [
        *(nn.Conv1d(4, 6, 1), nn.Conv2d(4, 6, 1), nn.Conv3d(4, 6, 1), nn.Linear(4, 6)),
        *(nn.ConvTranspose1d(4, 6, 1), nn.ConvTranspose2d(4, 6, 1), nn.ConvTranspose3d(4, 6, 1)),
        nn.Conv2d(4, 6, 1, groups=2),
    ]
    rows = density(nn.Sequential(*kinds, nn.PReLU(), nn.LayerNorm(6), nn.Embedding(3, 4)))
    assert [row[2:6] for row in rows] == [(4, 6, 4, 6)] * len(kinds)


def test_the_overall_density_counts_biases() -> None:
    assert overall(density(sparse_model())) == pytest.approx((80 + 60) / (296 + 60))


def test_the_table_has_the_published_columns() -> None:
    head, first, *_, last = tables.as_table(density(sparse_model())).splitlines()
    assert head.split()[:6] == ["Name", "Density", "In", "Out", "In'", "Out'"]
    assert first.split() == ["0", "0.250", "4", "8", "2", "4", "296", "80"]
    assert last.split()[:2] == ["overall", "0.393"]


def test_json_comes_back_as_the_same_rows() -> None:
    rows = density(sparse_model())
    assert tables.from_json(tables.as_json(rows)) == rows
    with pytest.raises(ValueError, match="not the output of"):
        tables.from_json('[{"name": 1}]')
    with pytest.raises(ValueError, match="not the output of"):
        tables.from_json("{")


def test_csv_has_a_line_for_each_layer() -> None:
    lines = list(csv.reader(io.StringIO(tables.as_csv(density(sparse_model())))))
    assert [line[0] for line in lines] == ["Name", "0", "2"]
    assert lines[1][1] == "0.25"


def test_plots_are_drawn(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    tables.plot(density(sparse_model()), tmp_path / "bars.png")
    tables.plot_search({1e-4: (0.5, 30.0), 1e-3: (0.1, 28.0)}, 0.2, tmp_path / "search.svg")
    assert (tmp_path / "bars.png").read_bytes()[1:4] == b"PNG"
    assert "<svg" in (tmp_path / "search.svg").read_text()


def test_nan_weights_are_refused_by_name() -> None:
    model = sparse_model()
    with torch.no_grad():
        model[2].weight[0, 0] = float("inf")
    with pytest.raises(ValueError, match="'2' hold NaN or infinity"):
        density(model)


def test_lazy_layers_are_refused_until_the_model_has_run() -> None:
    with pytest.raises(ValueError, match="no shape yet"):
        density(nn.Sequential(nn.LazyConv2d(4, 3)))
