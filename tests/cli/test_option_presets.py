"""Named sets of options: their files, their words, and the precedence of the user's options."""

import json

import av
import pytest

from cdfi.cli import option_presets
from cdfi.cli.main import main
from cdfi.cli.option_presets import expand_presets, find_presets
from tests.video.video_clips import Clip, Mean, times_of, write_clip


@pytest.fixture
def studio(tmp_path):
    path = tmp_path / "studio.toml"
    path.write_text(
        '[web]\ndescription = "for the site"\nfactor = 3\nscenes = false\nquality = "small"\n'
        'x = ["tune=film", "g=30"]\ncodec = "h264"\n'
    )
    return path


@pytest.fixture(autouse=True)
def no_files_of_the_user(monkeypatch, tmp_path):
    monkeypatch.setattr(option_presets, "user_file", lambda: tmp_path / "user.toml")
    monkeypatch.chdir(tmp_path)


def test_a_set_becomes_options_before_those_of_the_user(studio):
    words = ["interpolate", "a.mp4", "--preset", "web", "--preset-file", str(studio), "--jobs", "1"]
    expected = (
        "interpolate --factor 3 --no-scenes --quality small -x tune=film -x g=30 --codec h264"
    )
    assert expand_presets(words) == [*expected.split(), "a.mp4", "--jobs", "1"]


@pytest.mark.parametrize("mine", [["--fps", "60"], ["--fps=60"], ["--factor", "2"]])
def test_an_option_of_the_user_replaces_its_alternatives(studio, mine):
    words = ["interpolate", "a.mp4", f"--preset-file={studio}", "--preset=web", *mine]
    expanded = expand_presets(words)
    assert expanded.count("--factor") == mine.count("--factor")
    assert "--quality" in expanded


def test_a_preset_of_the_encoder_stays(studio):
    words = ["interpolate", "a.mp4", "--preset", "web", "--preset-file", str(studio)]
    assert expand_presets([*words, "--preset", "slow"])[-2:] == ["--preset", "slow"]


@pytest.mark.long
def test_every_shipped_set_is_a_valid_command_line(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("cdfi.video.jobs.model.ModelSpec.build", lambda self: Mean())
    source = write_clip(tmp_path / "in.mkv", Clip(4, audio=True))
    for name in find_presets():
        target = tmp_path / f"{name}.mkv"
        words = ["interpolate", str(source), "-o", str(target), "--preset", name]
        assert main(words) == 0, capsys.readouterr().err
        assert len(times_of(target)) >= 7


def test_the_report_and_the_tags_hold_the_options(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("cdfi.video.jobs.model.ModelSpec.build", lambda self: Mean())
    source, target = write_clip(tmp_path / "in.mp4", Clip(4)), tmp_path / "out.mp4"
    words = ["--factor", "3", "--quality", "small", "--record-options", "--json"]
    assert main(["interpolate", str(source), "-o", str(target), *words]) == 0
    options = json.loads(capsys.readouterr().out)["options"]
    assert options["factor"] == 3
    assert options["quality"] == "small"
    assert options["encoder"] == "libx264"
    assert options["encoder_options"]["crf"] == "26"
    with av.open(str(target)) as made:
        assert "factor=3 quality=small encoder=libx264" in made.metadata["comment"]


def test_a_file_precedes_the_project_and_the_project_precedes_the_user(tmp_path, studio):
    (tmp_path / "user.toml").write_text("[web]\nfactor = 5\n[mine]\nfactor = 5\n")
    (tmp_path / "cdfi-presets.toml").write_text("[web]\nfactor = 7\n")
    assert find_presets()["web"].options == {"factor": 7}
    assert find_presets()["mine"].options == {"factor": 5}
    assert find_presets(studio)["web"].options["factor"] == 3


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[web", "is not a TOML file"),
        ("factor = 2", "factor: expected a table such as [factor]"),
        ("[slow]\nfactor = 2", "slow is a preset of encoders: choose another name"),
        ("[web]\nfactor = {a = 1}", "web.factor: expected a text, a number, true or false"),
        ("[web]\nfaktor = 2", "No such option: --faktor"),
    ],
)
def test_a_wrong_file_is_named(tmp_path, capsys, text, reason):
    path = tmp_path / "wrong.toml"
    path.write_text(text)
    assert main(["interpolate", "a.mp4", "--preset", "web", "--preset-file", str(path)]) in (1, 2)
    err = capsys.readouterr().err
    assert reason in err
    assert err.count("\n") == 1


def test_a_missing_file_is_named(tmp_path, capsys):
    assert main(["interpolate", "a.mp4", "--preset-file", str(tmp_path / "no.toml")]) == 1
    assert "no.toml: No such file" in capsys.readouterr().err


def test_the_sets_are_listed(capsys):
    assert main(["presets"]) == 0
    out = capsys.readouterr().out
    assert all(name in out for name in ("film60", "slow4", "anime", "archive-lossless"))
    assert main(["presets", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["slow4"]["options"]["slow"] == 4
