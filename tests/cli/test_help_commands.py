"""Examples in every help, completion, the manual page, and cdfi doctor."""

import json
import re
import shlex

import pytest
import typer

from cdfi.cli.application import build
from cdfi.cli.main import main
from cdfi.cli.man_command import _commands
from cdfi.video import doctor

PROGRAM = typer.main.get_command(build())
ALL = dict(_commands(PROGRAM, ""))
EXAMPLES = [
    (name, example)
    for name, command in ALL.items()
    for example in re.findall(r"^Example: (cdfi [^\n]*(?:\n[^\n]+)*)", command.help, re.MULTILINE)
]


def test_every_command_has_an_example():
    assert {name for name, _ in EXAMPLES} == set(ALL)


@pytest.mark.parametrize(("name", "example"), EXAMPLES)
def test_an_example_is_a_valid_command_line(name, example, tmp_path, monkeypatch):
    (tmp_path / "videos").mkdir()
    monkeypatch.chdir(tmp_path)
    words = shlex.split(" ".join(example.split()))[1:]
    assert words[: len(name.split())] == name.split()
    ALL[name].make_context(name, words[len(name.split()) :])


def complete(monkeypatch, capsys, line):
    words = line.split(" ")
    monkeypatch.setenv("_CDFI_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", line)
    monkeypatch.setenv("COMP_CWORD", str(len(words) - 1))
    assert main([]) == 0
    return capsys.readouterr().out.split()


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("cdfi inter", ["interpolate"]),
        ("cdfi interpolate --qual", ["--quality"]),
        ("cdfi interpolate --quality l", ["lossless"]),
        ("cdfi interpolate --model flow", ["flow", "flow-wide", "flow-fast", "flow-lpips"]),
        ("cdfi models conv", ["convert"]),
    ],
)
def test_a_shell_completes_commands_options_and_values(monkeypatch, capsys, line, expected):
    assert complete(monkeypatch, capsys, line) == expected


def test_the_manual_page_has_every_command_and_option(capsys):
    assert main(["man"]) == 0
    page = capsys.readouterr().out
    assert page.startswith(".TH CDFI 1")
    for name, command in ALL.items():
        assert f".SS cdfi {name}".replace("-", "\\-") in page
        for parameter in command.params:
            assert parameter.name == "help" or parameter.opts[0].replace(
                "-", "\\-"
            ) in page.replace(parameter.opts[0].upper(), parameter.opts[0])
    lines = page.splitlines()
    assert not [line for line in lines if line.startswith(".") and line[1:2].islower()]


def test_doctor_reports_each_check(capsys, monkeypatch):
    monkeypatch.setitem(
        doctor.CHECKS, "one frame", lambda name: doctor.Check(name, "ok", "right on cpu")
    )
    assert main(["doctor", "--json"]) == 0
    checks = {check["name"]: check for check in json.loads(capsys.readouterr().out)}
    assert set(checks) == set(doctor.CHECKS)
    assert "h264" in checks["encoders"]["text"]
    assert checks["cache"]["state"] == "ok"


def test_doctor_fails_with_a_remedy(capsys, monkeypatch):
    def broken(name):
        raise RuntimeError("no driver")

    missing = doctor.Check("codec", "fail", "missing: av1", "pip install --upgrade av")
    monkeypatch.setattr(doctor, "CHECKS", {"GPU": broken, "codec": lambda name: missing})
    assert main(["doctor"]) == 1
    out = capsys.readouterr().out
    assert "no driver" in out
    assert "pip install --upgrade av" in out


@pytest.mark.parametrize("scale", [1.0, -1.0])
def test_the_trial_frame_is_compared_with_the_truth(monkeypatch, scale):
    class Fake:
        def __call__(self, frame0, frame1):
            made = frame0 * 0
            made[16:48, 16:48] = 0.8
            return scale * made

    monkeypatch.setattr(doctor, "Interpolator", Fake)
    assert doctor._frame("one frame").state == ("ok" if scale == 1 else "fail")
