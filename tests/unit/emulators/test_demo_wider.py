"""The wider demo catalogue is a catalogue file without faults, the same every time."""

from __future__ import annotations

from pathlib import Path

from emulators import demo_catalogue, demo_wider
from shared.loading.reading import read
from shared.platform.ids import is_id


def test_it_has_no_faults_and_is_the_same_every_time(tmp_path: Path) -> None:
    path = demo_wider.write(tmp_path)
    before = path.read_bytes()
    assert demo_wider.write(tmp_path).read_bytes() == before
    catalogue = read([path])
    assert catalogue.open_references == {}
    tracks = list(catalogue.tracks())
    assert len(catalogue.artists) == 30
    assert len(tracks) > 200  # 30 of at most 2 by an artist want 15 artists, and more to choose
    assert not any(track.audio for track in tracks)
    assert all(track.audio_features for track in tracks)
    assert len({track.name for track in tracks}) == len(tracks)


def test_its_ids_are_none_of_the_demo_catalogues() -> None:
    wider = {str(line["id"]) for line in demo_wider.lines()}
    own = {*demo_catalogue.IDS.artists.values(), *demo_catalogue.IDS.albums.values()}
    own |= set(demo_catalogue.IDS.tracks.values())
    assert all(map(is_id, wider))
    assert not wider & own
