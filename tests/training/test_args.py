"""A run as data."""

from pathlib import Path

import pytest

from cdfi.training.args import TrainArgs, changed
from cdfi.training.build import find_config
from cdfi.training.presets import PRESETS
from cdfi.training.sources import open_data, parse_source


@pytest.mark.parametrize("name", PRESETS)
def test_arguments_survive_json(name: str) -> None:
    assert TrainArgs.from_json(PRESETS[name].to_json()) == PRESETS[name]


def test_the_default_is_the_published_recipe() -> None:
    args = PRESETS["paper"]
    assert (args.optimizer, args.lr, args.batch, args.epochs) == ("ADAMax", 1e-3, 8, 100)
    assert args.loss == "1*Charb+0.01*g_Spatial+0.005*VGG"
    assert (args.crop, args.augment) == (0, ("horizontal", "vertical", "reverse"))
    assert (args.schedule, args.decay, args.decay_epochs) == ("step", 0.5, (20,))


def test_settings_in_text_take_the_kind_of_their_argument() -> None:
    args = changed(
        TrainArgs(),
        {},
        [
            "clip=0.5",
            "decay-epochs=10,20",
            "augment=rotate",
            "skip_nan=yes",
            "warmup=7",
            "cache=a=b",
        ],
    )
    assert (args.clip, args.decay_epochs, args.augment) == (0.5, (10, 20), ("rotate",))
    assert (args.skip_nan, args.warmup, args.cache) == (True, 7, "a=b")


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("clipp=1", "did you mean clip"),
        ("clip", "expected NAME=VALUE"),
        ("clip=long", "clip cannot be 'long'"),
        ("compile=maybe", "it is true or false"),
        ("batch=0", "batch must be at least 1, not 0"),
        ("ema=1", r"ema must be in \[0, 1\)"),
        ("lr=-1", "lr must be above 0"),
        ("precision=fp8", "float32 or bf16"),
    ],
)
def test_a_wrong_setting_is_explained(setting: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        changed(TrainArgs(), {}, [setting])


def test_json_with_unknown_names_is_refused() -> None:
    with pytest.raises(ValueError, match=r"unknown training arguments \['speed'\]"):
        TrainArgs.from_json('{"speed": 1}')
    with pytest.raises(ValueError, match="this is no JSON"):
        TrainArgs.from_json("{")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("clips=videos", ("clips", Path("videos"), 1.0)),
        ("synthetic=a/b:0.25", ("synthetic", Path("a/b"), 0.25)),
        ("vimeo=C:\\data", ("vimeo", Path("C:\\data"), 1.0)),
        ("vimeo=C:\\data:2", ("vimeo", Path("C:\\data"), 2.0)),
    ],
)
def test_data_is_a_kind_a_folder_and_perhaps_a_weight(
    text: str, expected: tuple[str, Path, float]
) -> None:
    assert parse_source(text) == expected


def test_data_of_an_unknown_kind_shows_near_ones() -> None:
    with pytest.raises(ValueError, match=r"unknown kind of data 'clip'; did you mean clips\?"):
        parse_source("clip=videos")
    with pytest.raises(ValueError, match="KIND=FOLDER"):
        parse_source("videos")


def test_a_run_without_data_is_told_how_to_give_some() -> None:
    with pytest.raises(ValueError, match="--data KIND=FOLDER"):
        open_data(TrainArgs())


def test_clips_need_a_crop(tmp_path: Path) -> None:
    from tests.media import sliding, write_video

    write_video(tmp_path / "videos" / "a.mp4", sliding(4))
    data = (f"clips={tmp_path / 'videos'}",)
    with pytest.raises(ValueError, match="need a --crop"):
        open_data(TrainArgs(data=data, cache=str(tmp_path / "cache")))


def test_an_unknown_network_shows_near_ones() -> None:
    with pytest.raises(ValueError, match=r"no network is called 'cdif'.*did you mean cdfi"):
        find_config("cdif")
