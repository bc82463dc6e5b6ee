"""The lines of a catalogue file: JSON Lines, one object a line, in any order.

Every line has a `type`. Ids are served exactly as they stand here. A line may name what stands in
another line, in another file of the same load, or (except for a track's album, an episode's show,
the artists of an album or track and a device's user) in the catalogue already; anything else is a
fault, and so is a field that is not listed. Defaults are in brackets; fields before the semicolon
must be given. Times are RFC 3339, paths are relative to the file.

ids        artist, album, track, show, episode, playlist: 22 of 0-9A-Za-z; user: 1..64 of
           0-9A-Za-z_.-; category: 1..64 of 0-9A-Za-z_-
artist     id, name; genres [], aliases [], popularity 0..100 [0], verified [false], image [drawn]
album      id, name, artists (ids, 1..100); album_type album|single|compilation [album],
           release_date YYYY[-MM[-DD]] [unknown], label, upc, genres [], popularity [0],
           copyrights [] ({text, type C|P}), territories [where a track is released], image [drawn]
track      id, name, album; artists (ids) [the album's], disc_number [1], track_number [its place
           among the lines of its album and disc], duration_ms [180000, or the audio's], explicit
           [false], isrc, popularity [0], territories (ISO 3166-1 alpha-2) [everywhere],
           preview_url [the audio's], audio (path of a FLAC, WAV, MP3, M4A or Ogg file),
           audio_features (all of danceability, energy, speechiness, acousticness,
           instrumentalness, liveness, valence 0..1, key -1..11, mode 0|1, loudness dB,
           tempo BPM, time_signature 3..7), lyrics (LRC text)
show       id, name; publisher [""], description [""], html_description, explicit [false],
           languages ["en"], copyrights [], territories [everywhere], image [drawn]
episode    id, show, name; description [""], html_description, duration_ms [1800000], explicit
           [false], languages [the show's], release_date [unknown], image [the show's],
           audio_preview_url
playlist   id, name, owner (user id); description, public [true], collaborative [false], image,
           created_at [2026-01-01], items []: a URI (spotify:track:…, spotify:episode:…) or
           {uri, added_at [created_at], added_by [owner]}, at most 10,000
user       id, password (8..256 characters), country; username [id] (no space, no slash), email
           [<id>@segue.example], tier free|premium [free], display_name [username]; saved_tracks,
           saved_albums, saved_shows, saved_episodes [] (ids, or {id, added_at}; newest first),
           follows_artists, follows_users, follows_playlists [] (ids), resume_points [] ({episode,
           position_ms, fully_played [false], at [2026-01-01]}), played [] ({track, context_uri}
           with `at` or `hours_ago`, within 90 days), shows_activity [false] (to friends)
client     client_id, redirect_uris; name [client_id], secret (32 or more characters) [public],
           scopes [all], first_party [false]
category   id, name; names {} (by locale), image [drawn], playlists [] (ids); in order of lines
featured   message; messages {} (by locale), market (ISO 3166-1 alpha-2) [any], playlists []
device     user (whose line is in the same load); name [Segue speaker]: a virtual loudspeaker, which
           the local cloud runs for that person
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import AnyHttpUrl, AwareDatetime, Field, TypeAdapter

from shared.loading.fields import (
    DEFAULT_EPISODE_MS,
    MAX_ITEMS,
    CategoryId,
    Copyright,
    Country,
    Date,
    DurationMs,
    Features,
    Id,
    Item,
    Name,
    PlayedEntry,
    Popularity,
    Reference,
    RelativePath,
    ResumeEntry,
    Saved,
    Strict,
    Text,
    UserId,
    Word,
    by_uri,
)


class _Line(Strict):
    def references(self) -> Iterator[Reference]:
        """What the line names besides itself."""
        return iter(())

    def files(self) -> Iterator[str]:
        """Paths, relative to the file of the line."""
        image = getattr(self, "image", None)
        if image is not None:
            yield image


class ArtistLine(_Line):
    """An artist."""

    type: Literal["artist"]
    id: Id
    name: Name
    genres: tuple[Word, ...] = Field((), max_length=100)
    aliases: tuple[Name, ...] = Field((), max_length=50)
    popularity: Popularity = 0
    verified: bool = False
    image: RelativePath | None = None


class AlbumLine(_Line):
    """An album."""

    type: Literal["album"]
    id: Id
    name: Name
    artists: tuple[Id, ...] = Field(min_length=1, max_length=100)
    album_type: Literal["album", "single", "compilation"] = "album"
    release_date: Date = "0000"
    label: Name | None = None
    upc: Annotated[str, Field(pattern=r"^\d{8,14}$")] | None = None
    genres: tuple[Word, ...] = Field((), max_length=100)
    popularity: Popularity = 0
    copyrights: tuple[Copyright, ...] = Field((), max_length=10)
    territories: tuple[Country, ...] | None = None
    image: RelativePath | None = None

    def references(self) -> Iterator[Reference]:
        """Its artists."""
        return (("artist", one) for one in self.artists)


class TrackLine(_Line):
    """A track."""

    type: Literal["track"]
    id: Id
    name: Name
    album: Id
    artists: tuple[Id, ...] | None = Field(None, min_length=1, max_length=100)
    disc_number: int = Field(1, ge=1, le=999)
    track_number: int | None = Field(None, ge=1, le=9999)
    duration_ms: DurationMs | None = None
    explicit: bool = False
    isrc: Annotated[str, Field(pattern=r"^[A-Z]{2}[A-Z0-9]{3}\d{7}$")] | None = None
    popularity: Popularity = 0
    territories: tuple[Country, ...] = Field((), max_length=300)
    preview_url: AnyHttpUrl | None = None
    audio: RelativePath | None = None
    audio_features: Features | None = None
    lyrics: Annotated[str, Field(min_length=1, max_length=200_000)] | None = None

    def references(self) -> Iterator[Reference]:
        """Its album and its artists."""
        yield "album", self.album
        for one in self.artists or ():
            yield "artist", one

    def files(self) -> Iterator[str]:
        """Its audio."""
        if self.audio is not None:
            yield self.audio


class ShowLine(_Line):
    """A podcast."""

    type: Literal["show"]
    id: Id
    name: Name
    publisher: Annotated[str, Field(max_length=500)] = ""
    description: Text = ""
    html_description: Text = ""
    explicit: bool = False
    languages: tuple[Word, ...] = ("en",)
    copyrights: tuple[Copyright, ...] = ()
    territories: tuple[Country, ...] = ()
    image: RelativePath | None = None


class EpisodeLine(_Line):
    """An episode of a podcast."""

    type: Literal["episode"]
    id: Id
    show: Id
    name: Name
    description: Text = ""
    html_description: Text = ""
    duration_ms: DurationMs = DEFAULT_EPISODE_MS
    explicit: bool = False
    languages: tuple[Word, ...] | None = None
    release_date: Date = "0000"
    audio_preview_url: AnyHttpUrl | None = None
    image: RelativePath | None = None

    def references(self) -> Iterator[Reference]:
        """Its show."""
        yield "show", self.show


class PlaylistLine(_Line):
    """A playlist with its items."""

    type: Literal["playlist"]
    id: Id
    name: Annotated[str, Field(min_length=1, max_length=200)]
    owner: UserId
    description: Annotated[str, Field(max_length=300)] | None = None
    public: bool = True
    collaborative: bool = False
    image: RelativePath | None = None
    created_at: AwareDatetime | None = None
    items: tuple[Item, ...] = Field((), max_length=MAX_ITEMS)

    def references(self) -> Iterator[Reference]:
        """Its owner, its items and who added them."""
        yield "user", self.owner
        for item in self.items:
            yield by_uri(item.uri)
            if item.added_by is not None:
                yield "user", item.added_by


class UserLine(_Line):
    """A person, with what they saved, follow and played."""

    type: Literal["user"]
    id: UserId
    password: Annotated[str, Field(min_length=8, max_length=256)]
    country: Country
    username: Annotated[str, Field(pattern=r"^[^/\s]{1,100}$")] | None = None
    email: Annotated[str, Field(min_length=3, max_length=254)] | None = None
    tier: Literal["free", "premium"] = "free"
    display_name: Annotated[str, Field(min_length=1, max_length=100)] | None = None
    saved_tracks: tuple[Saved, ...] = ()
    saved_albums: tuple[Saved, ...] = ()
    saved_shows: tuple[Saved, ...] = ()
    saved_episodes: tuple[Saved, ...] = ()
    follows_artists: tuple[Id, ...] = ()
    follows_users: tuple[UserId, ...] = ()
    follows_playlists: tuple[Id, ...] = ()
    resume_points: tuple[ResumeEntry, ...] = ()
    played: tuple[PlayedEntry, ...] = ()
    shows_activity: bool = False

    def references(self) -> Iterator[Reference]:
        """Everything that they saved, follow and played."""
        for one in self.saved_tracks:
            yield "track", one.id
        for one in self.saved_albums:
            yield "album", one.id
        for one in self.saved_shows:
            yield "show", one.id
        for one in self.saved_episodes:
            yield "episode", one.id
        yield from (("artist", one) for one in self.follows_artists)
        yield from (("user", one) for one in self.follows_users)
        yield from (("playlist", one) for one in self.follows_playlists)
        for point in self.resume_points:
            yield "episode", point.episode
        for play in self.played:
            yield "track", play.track
            if play.context_uri is not None:
                yield by_uri(play.context_uri)


class ClientLine(_Line):
    """An app."""

    type: Literal["client"]
    client_id: Annotated[str, Field(pattern=r"^[0-9A-Za-z-]{1,100}$")]
    redirect_uris: tuple[Annotated[str, Field(min_length=1, max_length=2000)], ...]
    name: Name | None = None
    secret: Annotated[str, Field(min_length=32, max_length=200)] | None = None
    scopes: tuple[str, ...] | None = None
    first_party: bool = False


class CategoryLine(_Line):
    """A shelf of playlists."""

    type: Literal["category"]
    id: CategoryId
    name: Name
    names: dict[str, Name] = Field(default_factory=dict)
    image: RelativePath | None = None
    playlists: tuple[Id, ...] = ()

    def references(self) -> Iterator[Reference]:
        """Its playlists."""
        return (("playlist", one) for one in self.playlists)


class FeaturedLine(_Line):
    """The playlists on the front page."""

    type: Literal["featured"]
    message: Name
    messages: dict[str, Name] = Field(default_factory=dict)
    market: Country | None = None
    playlists: tuple[Id, ...] = ()

    def references(self) -> Iterator[Reference]:
        """Its playlists."""
        return (("playlist", one) for one in self.playlists)


class DeviceLine(_Line):
    """A virtual loudspeaker."""

    type: Literal["device"]
    user: UserId
    name: Annotated[str, Field(min_length=1, max_length=100)] | None = None

    def references(self) -> Iterator[Reference]:
        """Its owner."""
        yield "user", self.user


Line = (
    ArtistLine
    | AlbumLine
    | TrackLine
    | ShowLine
    | EpisodeLine
    | PlaylistLine
    | UserLine
    | ClientLine
    | CategoryLine
    | FeaturedLine
    | DeviceLine
)
LINE_TYPES: dict[str, type[_Line]] = {
    "artist": ArtistLine,
    "album": AlbumLine,
    "track": TrackLine,
    "show": ShowLine,
    "episode": EpisodeLine,
    "playlist": PlaylistLine,
    "user": UserLine,
    "client": ClientLine,
    "category": CategoryLine,
    "featured": FeaturedLine,
    "device": DeviceLine,
}
ADAPTER: TypeAdapter[Line] = TypeAdapter(Annotated[Line, Field(discriminator="type")])
