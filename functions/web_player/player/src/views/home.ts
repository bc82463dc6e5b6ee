/** Where a listener arrives: what was played last, and something to start with. */
import { type Visit, whenIdle } from "../app";
import { h, icon, ICONS } from "../dom";
import {
  type AlbumRef,
  artistNames,
  type PlayHistoryItem,
  queued,
  type QueuedTrack,
  type RecommendedTrack,
  type Shelf,
  type Track,
} from "../models";
import { hrefOf } from "../router";
import { artwork, tintFrom } from "./artwork";
import { albumCard, grid, section } from "./cards";
import { failure, nothing, skeleton } from "./states";
import { shelfSection } from "./shelves";
import { trackList } from "./track_list";

const ALBUMS_SHOWN = 12;
const RECENT_SHOWN = 6;
/** Shown as a list, at its place. */
const RECENT_SHELF = "recently-played";
const HERO_PX = 320;

export function homeView(visit: Visit): HTMLElement {
  const hero = h("div", {}, skeleton("Loading your music", "album"));
  const recent = h("div");
  const shelves = h("div");
  const albums = h("div", {}, skeleton("Loading albums", "cards"));
  const isShelved = fillShelves(visit, shelves);
  void fillHistory(visit, hero, recent, albums, isShelved);
  return h("div.home", {}, h("h1.hidden", {}, "Home"), hero, recent, shelves, albums);
}

/**
 * What is recommended, each shelf where it was told to stand; where that does not answer, home is what it is without.
 * Whether what was played last is among it.
 */
async function fillShelves(visit: Visit, place: HTMLElement): Promise<boolean> {
  try {
    const { shelves } = await visit.app.api.home({ signal: visit.signal });
    if (visit.signal.aborted) return false;
    const sections = shelves.map((shelf) =>
      shelf.id === RECENT_SHELF ? recentShelf(visit, shelf) : shelfSection(visit, shelf),
    );
    place.replaceChildren(...sections.filter((section) => section !== null));
    return shelves.some(({ id }, index) => id === RECENT_SHELF && sections[index] !== null);
  } catch {
    place.replaceChildren();
    return false;
  }
}

function recentShelf(visit: Visit, { id, uri, items }: Shelf): HTMLElement | null {
  const tracks = queued(items.filter((item): item is RecommendedTrack => item.type === "track"));
  if (tracks.length === 0) return null;
  const part = recentSection(visit, tracks, uri);
  part.dataset.testid = "shelf";
  part.dataset.shelf = id;
  return part;
}

function recentSection(visit: Visit, tracks: QueuedTrack[], contextUri: string | null): HTMLElement {
  return section(
    "da capo",
    "Played recently",
    trackList(visit, { tracks: tracks.slice(0, RECENT_SHOWN), contextUri, lead: "artwork", testId: "recent-track" }),
  );
}

async function fillHistory(
  visit: Visit,
  hero: HTMLElement,
  recent: HTMLElement,
  albums: HTMLElement,
  isShelved: Promise<boolean>,
): Promise<void> {
  const { api } = visit.app;
  const { signal } = visit;
  const [history, start] = await Promise.allSettled([
    api.recentlyPlayed(30, { signal }),
    api.newReleases(ALBUMS_SHOWN, { signal }),
  ]);
  if (signal.aborted) return;
  if (history.status === "rejected" && start.status === "rejected") {
    const retry = (): void => {
      albums.replaceChildren(skeleton("Loading albums", "cards"));
      void fillHistory(visit, hero, recent, albums, isShelved);
    };
    hero.replaceChildren();
    albums.replaceChildren(failure(start.reason, retry));
    return;
  }
  const played = history.status === "fulfilled" ? distinctTracks(history.value.items) : [];
  const found = start.status === "fulfilled" ? start.value : [];
  const first = played[0];
  const featured = first?.album ?? found[0];
  hero.replaceChildren(...(featured ? [heroOf(visit, featured, first ?? null)] : []));
  const rest = found.filter(({ id }) => id !== featured?.id || found.length === 1).slice(0, ALBUMS_SHOWN);
  albums.replaceChildren(
    rest.length > 0
      ? section("ad libitum", "Albums to start with", grid(rest.map((album) => albumCard(album))))
      : nothing("A silent hall", "Nothing is in the catalogue yet. As soon as something is published, it appears here."),
  );
  if (played.length > 0 && !(await isShelved) && !signal.aborted) {
    recent.replaceChildren(recentSection(visit, played, null));
  }
}

function distinctTracks(items: PlayHistoryItem[]): QueuedTrack[] {
  const tracks = new Map<string, QueuedTrack>();
  for (const { track } of items) {
    if (track.album && !tracks.has(track.id)) tracks.set(track.id, { ...track, album: track.album });
  }
  return [...tracks.values()];
}

function heroOf(visit: Visit, album: AlbumRef, last: Track | null): HTMLElement {
  const { player } = visit.app;
  const picture = artwork(album.images, album.name, HERO_PX);
  const href = hrefOf({ name: "album", id: album.id });
  const resumed = last ? { ...last, album } : null;
  if (resumed) whenIdle(visit.signal, () => player.anticipate(resumed.id, { fully: true }));
  const hero = h(
    "section.hero",
    { "aria-label": last ? "Pick up where you left off" : "Featured album" },
    h("a.hero-art", { href, tabindex: "-1", "aria-hidden": "true" }, picture),
    h(
      "div.hero-text",
      {},
      h("p.direction", { lang: "it", "aria-hidden": "true" }, last ? "dal segno" : "incipit"),
      h("p.hero-about", {}, last ? "Where you left off" : "Begin here"),
      h("h2.hero-title", {}, h("a", { href }, last?.name ?? album.name)),
      h("p.hero-by", {}, [artistNames(last?.artists ?? album.artists), last ? album.name : null].filter(Boolean).join(" — ")),
      resumed
        ? h(
            "button.button.primary",
            {
              type: "button",
              onclick: (event: Event) => player.playList([resumed], 0, null, event.timeStamp),
              onpointerenter: () => player.anticipate(resumed.id, { fully: true }),
            },
            icon(ICONS.play),
            "Play",
          )
        : h("a.button.primary", { href }, "Open the album"),
    ),
  );
  tintFrom(picture, hero);
  return hero;
}
