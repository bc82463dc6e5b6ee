/** An album: its cover, its tracks, one button to hear it all. */
import { during, type Visit, whenIdle } from "../app";
import { h, icon, ICONS } from "../dom";
import { runningTime } from "../format";
import type { Album, QueuedTrack, Track } from "../models";
import { artwork, tintFrom } from "./artwork";
import { artistLinks } from "./links";
import { radioButton } from "./radio";
import { trackList } from "./track_list";

const COVER_PX = 320;

export async function albumView(visit: Visit, id: string): Promise<HTMLElement> {
  const { api, player } = visit.app;
  const album = await api.album(id, { signal: visit.signal });
  const { tracks: page, ...ref } = album;
  const tracks: QueuedTrack[] = (await everyTrack(visit, album)).map((track) => ({ ...track, album: ref }));
  const contextUri = `spotify:album:${album.id}`;
  document.title = `${album.name} · Segue`;

  const cover = artwork(album.images, album.name, COVER_PX);
  const play = playButton(visit, tracks, contextUri);
  const facts = [
    album.release_date?.slice(0, 4),
    `${tracks.length || page.total || 0} ${tracks.length === 1 ? "track" : "tracks"}`,
    runningTime(tracks.reduce((sum, track) => sum + track.duration_ms, 0)),
  ].filter(Boolean);
  const view = h(
    "article.album",
    { "data-testid": "album-view", "data-album-id": album.id },
    h(
      "header.masthead",
      {},
      cover,
      h(
        "div.masthead-text",
        {},
        h("p.kind", {}, album.album_type === "single" ? "Single" : "Album"),
        h("h1", { tabindex: "-1" }, album.name),
        h("p.by", {}, ...artistLinks(album.artists)),
        h("p.facts", {}, facts.join(" · ")),
        h("div.masthead-actions", {}, play, radioButton(visit.app, contextUri)),
      ),
    ),
    trackList(visit, { tracks, contextUri, lead: "number", testId: "album-track" }),
    footer(album),
  );
  tintFrom(cover, view);
  const first = tracks[0];
  if (first) whenIdle(visit.signal, () => player.anticipate(first.id, { fully: true }));
  return view;
}

/** The album's tracks, also beyond the first page. */
async function everyTrack({ app, signal }: Visit, album: Album): Promise<Track[]> {
  const tracks = [...album.tracks.items];
  const total = album.tracks.total ?? tracks.length;
  while (tracks.length < total) {
    const page = await app.api.albumTracks(album.id, tracks.length, { signal });
    if (page.items.length === 0) break;
    tracks.push(...page.items);
  }
  return tracks;
}

function playButton(visit: Visit, tracks: QueuedTrack[], contextUri: string): HTMLElement {
  const { player } = visit.app;
  const isOurs = (): boolean => player.queue.contextUri === contextUri && player.track !== null;
  const button = h("button.button.primary", {
    type: "button",
    "data-testid": "play-album",
    disabled: tracks.length === 0,
    onclick: (event: Event) => {
      if (isOurs()) player.toggle(event.timeStamp);
      else player.playAll(tracks, contextUri, event.timeStamp);
    },
    onpointerenter: () => {
      const first = tracks[0];
      if (first && !isOurs()) player.anticipate(first.id, { fully: true });
    },
  });
  const show = (): void => {
    const pauses = isOurs() && player.wantsToPlay;
    button.replaceChildren(icon(pauses ? ICONS.pause : ICONS.play), pauses ? "Pause" : "Play");
  };
  show();
  during(visit.signal, () => player.changed.on(show));
  return button;
}

function footer(album: Album): HTMLElement {
  const lines = new Set([...(album.copyrights ?? []).map(({ text }) => text), album.label ?? ""]);
  lines.delete("");
  return h("footer.small-print", {}, ...[...lines].map((line) => h("p", {}, line)));
}
