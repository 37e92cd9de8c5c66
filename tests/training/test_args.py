"""A run as data."""

from pathlib import Path

import pytest

from cdfi.training.arg_groups import DataArgs, LossArgs, NetworkArgs, OptimArgs, RecordArgs
from cdfi.training.args import TrainArgs, argument_types, changed, read_args
from cdfi.training.bounds import BOUNDS
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
        ("clip=long", "clip cannot be 'long': expected a number"),
        ("steps=many", "steps cannot be 'many': expected a whole number"),
        ("compile=maybe", "expected true or false"),
        ("batch=0", r"batch must be between 1 and 65,536 \(.*in memory.*\), got 0"),
        ("ema=1", "ema must be between 0 and 1"),
        ("lr=-1", r"lr must be between 1e-30 and 1e\+30"),
        ("precision=fp8", "auto or fp32 or bf16"),
    ],
)
def test_a_wrong_setting_is_explained(setting: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        changed(TrainArgs(), {}, [setting])


def test_json_with_unknown_names_is_refused() -> None:
    with pytest.raises(ValueError, match=r"unknown training arguments \['speed'\]"):
        TrainArgs.from_json('{"speed": 1}')
    with pytest.raises(ValueError, match="must be a JSON object"):
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


def test_an_unknown_kind_of_data_shows_similar_names() -> None:
    with pytest.raises(ValueError, match=r"unknown kind of data 'clip'; did you mean clips\?"):
        parse_source("clip=videos")
    with pytest.raises(ValueError, match="KIND=FOLDER"):
        parse_source("videos")


def test_the_error_of_a_run_without_data_names_the_option() -> None:
    with pytest.raises(ValueError, match="--data KIND=FOLDER"):
        open_data(TrainArgs())


def test_clips_need_a_crop(tmp_path: Path) -> None:
    from tests.media import sliding, write_video

    write_video(tmp_path / "videos" / "a.mp4", sliding(4))
    data = (f"clips={tmp_path / 'videos'}",)
    with pytest.raises(ValueError, match="need a --crop"):
        open_data(TrainArgs(data=data, cache=str(tmp_path / "cache")))


def test_an_unknown_network_shows_similar_names() -> None:
    with pytest.raises(ValueError, match=r"no network is called 'cdif'.*did you mean cdfi"):
        find_config("cdif")


def test_a_file_of_version_0_1_0_still_loads() -> None:
    args = TrainArgs.from_json('{"precision": "float32", "augment": ["rotate"], "steps": 5}')
    assert (args.precision, args.augment, args.steps) == ("fp32", ("rotate",), 5)
    assert changed(TrainArgs(), {}, ["precision=float32"]).precision == "fp32"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ('{"batch": "8"}', "batch must be a whole number, got '8'"),
        ('{"lr": NaN}', "lr must be between"),
        ('{"lr": true}', "lr must be a number, got True"),
        ('{"crop": 1e30}', "crop must be a whole number"),
        ('{"steps": 10000000000000000000}', "steps must be between"),
        ('{"data": "clips=a"}', "data must be a list"),
        ('{"augment": [1]}', "augment must be a list"),
        ('{"decay_epochs": []}', "decay_epochs must be 1 or more each"),
        ('{"seed": -1}', "seed must be between 0 and"),
        ('{"run": "../other"}', "run must be the name of a folder"),
        ('{"workers": 100000}', r"workers must be between 0 and 1,024 \(each is a process"),
        ("[" * 100_000, "must be a JSON object"),
    ],
)
def test_values_in_a_file_are_checked_and_the_error_names_it(
    tmp_path: Path, values: str, message: str
) -> None:
    path = tmp_path / "args.json"
    path.write_text(values)
    with pytest.raises(ValueError, match=message) as error:
        read_args(path)
    assert str(path) in str(error.value)


def test_a_part_of_the_arguments_is_a_base_class() -> None:
    for group in (NetworkArgs, DataArgs, LossArgs, OptimArgs, RecordArgs):
        assert issubclass(TrainArgs, group)
    names = [name for group in TrainArgs.__bases__ for name in group.__dataclass_fields__]
    assert sorted(names) == sorted(argument_types())  # each in one group only


def test_every_argument_with_bounds_exists() -> None:
    assert set(BOUNDS) <= set(argument_types())
