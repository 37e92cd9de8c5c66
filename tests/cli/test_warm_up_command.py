"""``cdfi warm-up`` runs every part of a job once."""

from cdfi.cli import compile_notice
from cdfi.cli.main import main
from cdfi.common import compilation
from tests.video.video_clips import Mean


def test_a_model_is_warmed_up_for_8_and_10_bits(monkeypatch, capsys):
    seen = []

    class Watched(Mean):
        def between(self, frame0, frame1, times, tolerance):
            seen.append(tuple(frame0.shape))
            return super().between(frame0, frame1, times, tolerance)

    monkeypatch.setattr("cdfi.video.jobs.model.ModelSpec.build", lambda self: Watched())
    assert main(["warm-up", "flow"]) == 0
    assert capsys.readouterr().out.startswith("flow: ")
    assert seen == [(3, 64, 64)] * 2


def test_an_unknown_model_is_refused(capsys):
    assert main(["warm-up", "flwo"]) == 1
    assert "no model is called flwo" in capsys.readouterr().err


def test_compilation_is_announced_once_and_only_on_a_terminal(monkeypatch):
    lines = []
    monkeypatch.setattr(compile_notice.stderr, "print", lines.append, raising=False)
    for terminal, quiet, expected in [(False, False, 0), (True, True, 0), (True, False, 1)]:
        monkeypatch.setattr("sys.stderr.isatty", lambda terminal=terminal: terminal)
        with compile_notice.compile_notice(quiet):
            compilation.report("a")
            compilation.report("b")
        assert len(lines) == expected
        lines.clear()
