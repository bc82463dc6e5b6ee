/** An artist: the name, what is played, the albums. */
import type { Visit } from "../app";
import { h } from "../dom";
import type { ArtistRef, QueuedTrack } from "../models";
import { artwork, tintFrom } from "./artwork";
import { albumCard, grid, section } from "./cards";
import { radioButton } from "./radio";
import { nothing } from "./states";
import { trackList } from "./track_list";

const PORTRAIT_PX = 240;
const TRACKS_SHOWN = 10;
const MOST_RESULTS = 50;

export async function artistView(visit: Visit, id: string): Promise<HTMLElement> {
  const { api } = visit.app;
  const { signal } = visit;
  const artist = await api.artist(id, { signal });
  // The catalogue has no route for an artist's work yet; search by name finds it, the id keeps it theirs.
  const found = await api.search(artist.name, ["track", "album"], MOST_RESULTS, { signal });
  const theirs = (work: { artists?: ArtistRef[] }): boolean => (work.artists ?? []).some((one) => one.id === id);
  const tracks = (found.tracks?.items ?? [])
    .filter((track): track is QueuedTrack => track.album !== undefined && theirs(track));
  const albums = new Map(
    [...(found.albums?.items ?? []).filter(theirs), ...tracks.map(({ album }) => album)].map((album) => [album.id, album]),
  );
  document.title = `${artist.name} · Segue`;

  const portrait = artwork(artist.images ?? tracks[0]?.album.images, artist.name, PORTRAIT_PX, "portrait");
  const view = h(
    "article.artist-view",
    { "data-testid": "artist-view", "data-artist-id": id },
    h(
      "header.masthead",
      {},
      portrait,
      h(
        "div.masthead-text",
        {},
        h("p.kind", {}, "Artist"),
        h("h1", { tabindex: "-1" }, artist.name),
        h("p.facts", {}, (artist.genres ?? []).slice(0, 3).join(" · ")),
        h("div.masthead-actions", {}, radioButton(visit.app, `spotify:artist:${id}`)),
      ),
    ),
  );
  if (tracks.length > 0) {
    view.append(
      section(
        "solo",
        "Tracks",
        trackList(visit, {
          tracks: tracks.slice(0, TRACKS_SHOWN),
          contextUri: `spotify:artist:${id}`,
          lead: "artwork",
          testId: "artist-track",
        }),
      ),
    );
  }
  if (albums.size > 0) view.append(section("opera", "Albums", grid([...albums.values()].map((album) => albumCard(album)))));
  if (tracks.length === 0 && albums.size === 0) {
    view.append(nothing("A long rest", "Nothing by this artist can be played right now."));
  }
  tintFrom(portrait, view);
  return view;
}
