"""The entry point: exit statuses, errors of one line, and the models command."""

import json
import subprocess
import sys
from typing import get_args

import pytest

from cdfi.cli import main as entry
from cdfi.cli.main import COMMANDS, describe, main
from cdfi.weights import save
from cdfi.weights.catalog import DEFAULT
from tests.tiny import tiny_network


def test_the_version_is_printed(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("cdfi ")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_a_help(command, capsys):
    assert main([command, "--help"]) == 0
    assert "Usage: cdfi" in capsys.readouterr().out


def test_the_help_names_every_command(capsys):
    assert main(["--help"]) == 0
    out = capsys.readouterr().out
    assert all(f" {command} " in out for command in COMMANDS)


@pytest.mark.parametrize(
    "words", [["nonsense"], ["models", "list", "--nonsense"], ["models", "info"]]
)
def test_wrong_use_is_status_2(words):
    assert main(words) == 2


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["train", "--steps", "1.5"], "--steps: expected a whole number, got '1.5'"),
        (["train", "--lr=fast"], "--lr: expected a number, got 'fast'"),
        (["train", "--precision", "fp8"], "--precision: expected one of 'auto', 'fp32', 'bf16'"),
        (["evaluate", "--cases", "0"], "--cases: expected 1 or more, got '0'"),
        (["derive", "default", "--rule", "median"], "--rule: expected one of 'min', 'max', 'mean'"),
        (["prune", "--data", "clips=a"], "Missing option '--weights'"),
        (["evaluate", "--precision", "fp8"], "--precision: expected one of 'auto', 'fp32'"),
        (["nonsense"], "No such command 'nonsense'"),
    ],
)
def test_wrong_use_is_one_line_that_names_the_option(words, line, capsys):
    assert main(words) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(f"cdfi: {line}")
    assert captured.err.count("\n") == 1
    assert "--help)" in captured.err


def test_no_command_prints_the_help_and_is_status_2(capsys):
    assert main([]) == 2
    assert "interpolate" in (captured := capsys.readouterr()).err + captured.out


def test_an_error_is_one_line_and_status_1(capsys):
    assert main(["models", "info", "no-such-model"]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert captured.err.startswith("cdfi: no model is called no-such-model")


def test_debug_shows_the_traceback(capsys):
    assert main(["models", "info", "no-such-model", "--debug"]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_ctrl_c_is_status_130(monkeypatch, capsys):
    def interrupted(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr("cdfi.cli.models_command._rows", interrupted)
    assert main(["models", "list"]) == 130
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ValueError("two\n lines"), "two lines"),
        (FileNotFoundError(2, "No such file or directory", "a.mp4"), "a.mp4: No such file"),
        (OSError(28, "No space left on device", "/x"), "/x: No space left on device"),
        (KeyError("x"), "unexpected KeyError: 'x' (--debug shows where)"),
        (RuntimeError("CUDA out of memory. Tried"), "out of memory"),
        (MemoryError(), "out of memory: MemoryError"),
    ],
)
def test_every_error_is_one_line(error, line):
    assert describe(error).startswith(line)
    assert "\n" not in describe(error)


def test_the_list_of_models_is_json_if_requested(capsys):
    assert main(["models", "list", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["name"] for row in rows if row["default"]] == [DEFAULT]
    assert {row["name"] for row in rows} > {"released/cdfi", "released/adacof-pruned"}


def test_a_model_is_converted_and_described(tmp_path, capsys):
    save(tiny_network(), tmp_path / "a.safetensors", info={"note": "first"})
    words = ["models", "convert", str(tmp_path / "a.safetensors"), str(tmp_path / "b.safetensors")]
    assert main([*words, "--rounding", "trunc", "--precision", "fp32"]) == 0
    assert main([*words]) == 1  # it is there already
    capsys.readouterr()
    assert main(["models", "info", str(tmp_path / "b.safetensors")]) == 0
    described = json.loads(capsys.readouterr().out)
    assert described["config"]["rounding"] == "trunc"
    assert described["notes"]["note"] == "first"
    assert described["parameters"] == sum(p.numel() for p in tiny_network().parameters())


def test_a_name_that_is_not_released_cannot_be_downloaded(capsys):
    assert main(["models", "download", "cdfi-ultra"]) == 1
    assert "is not a released checkpoint" in capsys.readouterr().err


@pytest.mark.long
def test_a_command_that_cannot_be_imported_does_not_stop_the_others(monkeypatch, capsys):
    monkeypatch.setitem(entry.COMMANDS, "broken", "cdfi.cli.no_such_module:run")
    assert main(["models", "list", "--json"]) == 0


def test_the_names_of_precisions_are_those_of_the_library():
    from cdfi.cli.network_options import PrecisionName
    from cdfi.interpolation import Precision

    assert get_args(PrecisionName) == get_args(Precision)


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--precisions", "fp32,fp8"], "unknown precision 'fp8'"),
        (["--sizes", "640"], "expected WIDTHxHEIGHT"),
        (["--sizes", "999999x9"], "at most 32768 pixels a side"),
    ],
)
def test_a_benchmark_with_impossible_options_is_refused_before_it_runs(words, line, capsys):
    assert main(["benchmark", *words]) == 1
    assert line in capsys.readouterr().err


WRONG = [
    ["interpolate", "no-such-file.mp4"],
    ["interpolate", ".", "--model", "no-such-model"],
    ["interpolate", ".", "--device", "gpu"],
    ["interpolate", ".", "--nonsense"],
    ["evaluate", "no-such-model"],
    ["benchmark", "no-such-model"],
    ["density", "no-such-model"],
    ["derive", "no-such-model"],
    ["models", "info", "no-such-model"],
    ["train", "--weights", "no-such-model"],
    ["prune", "--weights", "no-such-model", "--data", "clips=."],
    ["nonsense"],
]


@pytest.mark.long
def test_wrong_words_are_refused_without_slow_imports():
    program = (
        "import json, sys\n"
        "from cdfi.cli.main import main\n"
        f"statuses = [main(words) for words in {WRONG!r}]\n"
        "names = ['torch', 'numba', 'numpy', 'av', 'rich.console', 'pydantic']\n"
        "slow = set(names) & set(sys.modules)\n"
        "print(json.dumps([statuses, sorted(slow)]))\n"
    )
    call = [sys.executable, "-c", program]
    done = subprocess.run(call, check=True, capture_output=True, text=True)
    statuses, slow = json.loads(done.stdout)
    assert slow == []
    assert set(statuses) <= {1, 2}
    lines = done.stderr.splitlines()
    assert len(lines) == len(WRONG)
    assert all(line.startswith("cdfi: ") for line in lines)
