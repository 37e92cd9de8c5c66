"""``cdfi train`` on the command line."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cdfi.cli import train_command
from cdfi.cli.train_command import train
from cdfi.training.args import TrainArgs
from cdfi.training.losses.terms import LOSSES
from cdfi.training.optim.optimizers import OPTIMIZERS
from cdfi.training.presets import PRESETS
from cdfi.training.sources import KINDS
from tests.training.tiny_runs import tiny_args


def _run(*words: str) -> tuple[int, str, str]:
    import typer

    app = typer.Typer()
    app.command()(train)
    result = CliRunner().invoke(app, list(words), env={"COLUMNS": "200", "NO_COLOR": "1"})
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.output


def test_help_names_every_row_of_every_table() -> None:
    _, out, _ = _run("--help")
    words = set(re.findall(r"[\w-]+", out))
    assert {*LOSSES, *OPTIMIZERS, *PRESETS, *KINDS} <= words


def test_set_help_lists_every_argument() -> None:
    code, out, _ = _run("--set", "help")
    assert code == 0
    assert "guidance_until" in out
    assert "checkpoint_minutes" in out


@pytest.mark.long
def test_a_run_and_its_continuation_print_how_they_ended(tmp_path: Path) -> None:
    args = tmp_path / "args.json"
    args.write_text(tiny_args(tmp_path).to_json())
    code, out, _ = _run("--args", str(args), "--steps", "2", "--quiet", "--run", "one")
    folder = tmp_path / "runs" / "one"
    assert code == 0
    assert re.fullmatch(rf"finished at step 2, best [\d.]+ dB in validation: {folder}\n", out)
    code, out, _ = _run("--resume", str(folder), "--steps", "3", "--quiet")
    assert code == 0
    assert re.fullmatch(rf"finished at step 3, best [\d.]+ dB in validation: {folder}\n", out)


@pytest.mark.long
def test_the_curves_of_a_run_are_drawn_at_its_end_and_later(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    args = tmp_path / "args.json"
    args.write_text(tiny_args(tmp_path).to_json())
    words = ("--args", str(args), "--steps", "2", "--quiet", "--run", "one")
    code, out, _ = _run(*words, "--plot", str(tmp_path / "curves.svg"))
    assert code == 0
    assert f"curves: {tmp_path / 'curves.svg'}" in out
    assert (tmp_path / "curves.svg").read_text().count('<g id="axes_') == 3
    again = ("--resume", str(tmp_path / "runs" / "one"), "--plot", str(tmp_path / "again.png"))
    assert _run(*again, "--quiet")[0] == 0
    assert (tmp_path / "again.png").stat().st_size > 5000


def test_curves_in_an_unknown_format_are_refused_before_the_run(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    args = tmp_path / "args.json"
    args.write_text(tiny_args(tmp_path).to_json())
    with pytest.raises(ValueError, match=r"curves.xyz: unknown image format"):
        _run("--args", str(args), "--plot", str(tmp_path / "curves.xyz"))
    assert not (tmp_path / "runs").exists()


@pytest.mark.long
def test_a_run_that_was_moved_continues_where_it_is(tmp_path: Path) -> None:
    args = tmp_path / "args.json"
    args.write_text(tiny_args(tmp_path).to_json())
    _run("--args", str(args), "--steps", "2", "--quiet", "--run", "one")
    moved = (tmp_path / "runs" / "one").rename(tmp_path / "kept")
    _run("--args", str(args), "--steps", "2", "--quiet", "--run", "one", "--set", "seed=5")
    other = (tmp_path / "runs" / "one" / "checkpoint.pt").read_bytes()
    code, out, _ = _run("--resume", str(moved), "--steps", "3", "--quiet")
    assert code == 0
    assert re.fullmatch(rf"finished at step 3, best [\d.]+ dB in validation: {moved}\n", out)
    assert (tmp_path / "runs" / "one" / "checkpoint.pt").read_bytes() == other


@pytest.mark.parametrize(
    ("words", "network"),
    [
        (["--weights", "flow-wide"], ""),
        (["--weights", "flow-wide", "--network", "flow"], "flow"),
        (["--weights", "flow-wide", "--set", "network=flow"], "flow"),
        (["--weights", "flow-wide", "--set", "overlap=true"], "flow"),
        ([], "flow"),
    ],
)
def test_given_weights_bring_their_network_unless_one_is_named(
    words: list[str], network: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[TrainArgs] = []
    monkeypatch.setattr(train_command, "_train", lambda args, *_: seen.append(args))
    code, _, output = _run("--preset", "flow", *words)
    assert code == 0, output
    assert seen[0].network == network


def test_misspelt_names_are_refused_before_data_is_opened(tmp_path: Path) -> None:
    for words in (("--loss", "1*Carb"), ("--optimizer", "Moun"), ("--set", "schedule=kosine")):
        with pytest.raises(ValueError, match="unknown"):
            _run("--data", f"clips={tmp_path / 'nothing'}", "--loss", "1*Charb", *words)


def test_a_run_out_of_time_prints_how_to_continue(tmp_path: Path) -> None:
    args = tmp_path / "args.json"
    args.write_text(tiny_args(tmp_path, steps=100_000).to_json())
    code, out, _ = _run("--args", str(args), "--max-minutes", "0.001", "--quiet")
    assert code == 0
    assert f"continue with: cdfi train --resume {tmp_path / 'runs' / 'run'}" in out


def test_an_unknown_preset_shows_the_known_ones() -> None:
    code, _, out = _run("--preset", "papier")
    assert code == 2
    assert "'paper', 'bundled', 'fine-tune'" in out


def test_a_damaged_args_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "args.json"
    path.write_text('{"lr": "fast"}')
    with pytest.raises(ValueError, match=r"args\.json: lr must be a number, got 'fast'"):
        _run("--args", str(path))
