/** Where a listener arrives: what was played last, and something to start with. */
import { type Visit, whenIdle } from "../app";
import { h, icon, ICONS } from "../dom";
import { type AlbumRef, artistNames, type PlayHistoryItem, type QueuedTrack, type Track } from "../models";
import { hrefOf } from "../router";
import { artwork, tintFrom } from "./artwork";
import { albumCard, grid, section } from "./cards";
import { failure, nothing, skeleton } from "./states";
import { shelfSection } from "./shelves";
import { trackList } from "./track_list";

/** Search goes by prefix: a few common first letters bring a few of everything. */
const STARTING_LETTERS = ["a", "s", "t", "m"] as const;
const ALBUMS_SHOWN = 12;
const RECENT_SHOWN = 6;
/** Shown as a list of its own. */
const RECENT_SHELF = "recently-played";
const HERO_PX = 320;

export function homeView(visit: Visit): HTMLElement {
  const hero = h("div", {}, skeleton("Loading your music", "album"));
  const recent = h("div");
  const shelves = h("div");
  const albums = h("div", {}, skeleton("Loading albums", "cards"));
  void fillHistory(visit, hero, recent, albums);
  void fillShelves(visit, shelves);
  return h("div.home", {}, h("h1.hidden", {}, "Home"), hero, recent, shelves, albums);
}

/** What is recommended; where that does not answer, home is what it is without. */
async function fillShelves(visit: Visit, place: HTMLElement): Promise<void> {
  try {
    const { shelves } = await visit.app.api.home({ signal: visit.signal });
    if (visit.signal.aborted) return;
    const others = shelves.filter(({ id }) => id !== RECENT_SHELF);
    place.replaceChildren(...others.flatMap((shelf) => shelfSection(visit, shelf) ?? []));
  } catch {
    place.replaceChildren();
  }
}

async function fillHistory(
  visit: Visit,
  hero: HTMLElement,
  recent: HTMLElement,
  albums: HTMLElement,
): Promise<void> {
  const { api } = visit.app;
  const { signal } = visit;
  const [history, start] = await Promise.allSettled([
    api.recentlyPlayed(30, { signal }),
    somethingToStartWith(visit),
  ]);
  if (signal.aborted) return;
  if (history.status === "rejected" && start.status === "rejected") {
    const retry = (): void => {
      albums.replaceChildren(skeleton("Loading albums", "cards"));
      void fillHistory(visit, hero, recent, albums);
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
  recent.replaceChildren(
    ...(played.length > 0
      ? [
          section(
            "da capo",
            "Played recently",
            trackList(visit, {
              tracks: played.slice(0, RECENT_SHOWN),
              contextUri: null,
              lead: "artwork",
              testId: "recent-track",
            }),
          ),
        ]
      : []),
  );
  const rest = found.filter(({ id }) => id !== featured?.id || found.length === 1).slice(0, ALBUMS_SHOWN);
  albums.replaceChildren(
    rest.length > 0
      ? section("ad libitum", "Albums to start with", grid(rest.map((album) => albumCard(album))))
      : nothing("A silent hall", "Nothing is in the catalogue yet. As soon as something is published, it appears here."),
  );
}

/** Albums under a few letters, each once. Fails only when every search failed. */
async function somethingToStartWith({ app, signal }: Visit): Promise<AlbumRef[]> {
  const answers = await Promise.allSettled(
    STARTING_LETTERS.map((letter) => app.api.search(letter, ["album"], ALBUMS_SHOWN, { signal })),
  );
  const lists = answers.flatMap((answer) => (answer.status === "fulfilled" ? [answer.value.albums?.items ?? []] : []));
  if (lists.length === 0) throw (answers[0] as PromiseRejectedResult).reason;
  const albums = new Map<string, AlbumRef>();
  for (let i = 0; i < ALBUMS_SHOWN; i += 1) {
    for (const list of lists) {
      const album = list[i];
      if (album) albums.set(album.id, album);
    }
  }
  return [...albums.values()];
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
