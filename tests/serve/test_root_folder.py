"""The root folder: its files are used without an upload, and other paths are refused."""

from pathlib import Path

import pytest

from cdfi.serve.serve_config import ServeConfig
from cdfi.video.jobs.workfolder import WorkFolder
from tests.serve.api_calls import TestClient, wait_for


@pytest.fixture
def root(config: ServeConfig) -> Path:
    assert config.root is not None
    (config.root / "holiday").mkdir()
    (config.root / "holiday" / "a.mp4").write_bytes(b"video a")
    (config.root / "holiday" / "notes.txt").write_text("secret")
    (config.root / ".hidden").mkdir()
    (config.root / ".hidden" / "b.mp4").write_bytes(b"video b")
    outside = config.root.parent / "outside"
    outside.mkdir()
    (outside / "c.mp4").write_bytes(b"video c")
    (config.root / "leave").symlink_to(outside)
    (config.root / "c.mp4").symlink_to(outside / "c.mp4")
    (config.root / "inside.mp4").symlink_to(config.root / "holiday" / "a.mp4")
    return config.root


def test_a_folder_lists_its_folders_and_media(client: TestClient, root: Path) -> None:
    names = [row["name"] for row in client.get("/api/browse").json()]
    assert names == ["holiday", "inside.mp4"]  # links that lead out are not shown
    (row,) = client.get("/api/browse?path=holiday").json()
    assert row == {"name": "a.mp4", "path": "holiday/a.mp4", "kind": "video", "size": 7}


@pytest.mark.parametrize(
    "path",
    [
        "..",
        "../outside",
        "holiday/../../outside",
        "/etc",
        "//etc",
        "leave",
        "leave/c.mp4",
        "c.mp4",
        ".hidden",
        "holiday/",
        "holiday\\..",
        "a\0b",
        "./holiday",
        "missing",
        "holiday",
    ],
)
def test_the_root_cannot_be_left(client: TestClient, root: Path, path: str) -> None:
    if path != "holiday":  # which can be listed, but is no folder of images
        answer = client.get("/api/browse", params={"path": path})
        assert answer.status_code in (400, 403, 404)
    body = {"source": {"paths": [path]}}
    assert client.post("/api/jobs", json=body).status_code in (400, 403, 404)


def test_a_folder_swapped_for_a_link_does_not_lead_out(client: TestClient, root: Path) -> None:
    (root / "holiday").rename(root / "moved")
    (root / "holiday").symlink_to(root.parent / "outside")
    assert client.get("/api/browse?path=holiday").status_code == 403


def test_a_result_is_written_beside_its_source(client: TestClient, root: Path) -> None:
    body = {"source": {"paths": ["holiday/a.mp4"]}, "in_place": True}
    job = client.post("/api/jobs", json=body).json()
    wait_for(client, job["id"], "done")
    assert (root / "holiday" / "a_2x.mp4").read_bytes() == b"made of video a"
    again = client.post("/api/jobs", json=body)
    assert again.status_code == 409
    assert "exists beside the source" in again.json()["error"]
    client.delete(f"/api/jobs/{job['id']}")
    assert (root / "holiday" / "a_2x.mp4").exists()


def test_a_file_beside_the_source_is_never_replaced(client: TestClient, root: Path) -> None:
    (root / "holiday" / "a.mp4").write_bytes(b"fail")
    body = {"source": {"paths": ["holiday/a.mp4"]}, "in_place": True}
    job = client.post("/api/jobs", json=body).json()
    wait_for(client, job["id"], "failed")
    (root / "holiday" / "a_2x.mp4").write_bytes(b"precious")
    answer = client.post(f"/api/jobs/{job['id']}/retry")
    assert answer.status_code == 409
    assert "exists beside the source" in answer.json()["error"]
    assert (root / "holiday" / "a_2x.mp4").read_bytes() == b"precious"


def test_unfinished_work_beside_the_source_is_removed_with_its_job(
    client: TestClient, root: Path
) -> None:
    (root / "holiday" / "a.mp4").write_bytes(b"fail")
    body = {"source": {"paths": ["holiday/a.mp4"]}, "in_place": True}
    job = client.post("/api/jobs", json=body).json()
    wait_for(client, job["id"], "failed")
    work = WorkFolder(root / "holiday" / "a_2x.mp4")
    with work.lock():
        work.finish(0, [], {})
    foreign = work.path.with_name(".b.mp4.cdfi-work")
    foreign.mkdir()
    assert client.delete(f"/api/jobs/{job['id']}").status_code == 200
    assert not work.path.exists()
    assert foreign.exists()


def test_without_a_root_nothing_can_be_browsed(serve, root: Path) -> None:
    client = serve(root=None)
    assert client.get("/api/browse").status_code == 404
    assert not client.get("/api/about").json()["root"]
