/** Results while one types. The view stays; only what it holds is replaced. */
import { during, type Visit } from "../app";
import { h } from "../dom";
import type { QueuedTrack, SearchResult } from "../models";
import { hrefOf } from "../router";
import { albumCard, artistCard, grid, section } from "./cards";
import { failure, nothing, skeleton } from "./states";
import { trackList } from "./track_list";

/** Results that stand this long are what was looked for: the best of them is prepared (ms). */
const SETTLED_MS = 350;
const RESULTS_PER_TYPE = 10;

export interface SearchView {
  element: HTMLElement;
  /** Shows results for `q`; a later call overtakes an earlier one. */
  update(q: string): Promise<void>;
}

export function searchView(visit: Visit): SearchView {
  const results = h("div.results", { "aria-live": "polite" });
  const element = h("div.search", { "data-testid": "search-view" }, h("h1.hidden", {}, "Search"), results);
  let asking = new AbortController();
  // Rows listen to the player: those that are replaced must stop.
  let shown = new AbortController();
  during(visit.signal, () => () => {
    asking.abort();
    shown.abort();
  });

  const fill = (...content: HTMLElement[]): void => {
    results.classList.remove("stale");
    results.replaceChildren(...content);
  };
  const update = async (q: string): Promise<void> => {
    asking.abort();
    asking = new AbortController();
    const { signal } = asking;
    const wanted = q.trim();
    document.title = wanted ? `${wanted} · Segue` : "Search · Segue";
    if (!wanted) {
      fill(nothing("What shall it be?", "Type a track, an artist or an album."));
      return;
    }
    if (results.childElementCount === 0) fill(skeleton("Searching", "rows"));
    else results.classList.add("stale");
    try {
      const found = await visit.app.api.search(wanted, ["track", "artist", "album"], RESULTS_PER_TYPE, { signal });
      if (signal.aborted) return;
      shown.abort();
      shown = new AbortController();
      fill(...sections({ app: visit.app, signal: shown.signal }, wanted, found));
    } catch (error) {
      if (!signal.aborted) fill(failure(error, () => void update(q)));
    }
  };
  return { element, update };
}

function sections(visit: Visit, q: string, found: SearchResult): HTMLElement[] {
  const tracks = (found.tracks?.items ?? []).filter((track): track is QueuedTrack => track.album !== undefined);
  const artists = found.artists?.items ?? [];
  const albums = found.albums?.items ?? [];
  if (tracks.length + artists.length + albums.length === 0) {
    return [nothing("Tacet", `Nothing answers to “${q}”. Fewer letters may find more.`)];
  }
  const first = tracks[0];
  if (first) {
    const { player } = visit.app;
    player.anticipate(first.id);
    const settled = window.setTimeout(() => player.anticipate(first.id, { fully: true }), SETTLED_MS);
    during(visit.signal, () => () => window.clearTimeout(settled));
  }
  const left = h("div");
  const right = h("div");
  if (tracks.length > 0) {
    const list = trackList(visit, { tracks, contextUri: null, lead: "artwork", testId: "result-track" });
    left.append(section("tutti", "Tracks", list));
  }
  if (artists.length > 0) right.append(section("soli", "Artists", grid(artists.map((artist) => artistCard(artist, "result-artist")))));
  if (albums.length > 0) right.append(section("opera", "Albums", grid(albums.map((album) => albumCard(album, "result-album")))));
  const meant = found.tracks?.suggested_query;
  const question = meant === undefined ? [] : [suggestion(meant)];
  const columns = [left, right].filter((column) => column.childElementCount > 0);
  return [...question, h("div.results-grid", { class: `results-grid ${columns.length === 2 ? "both" : "one"}` }, ...columns)];
}

function suggestion(q: string): HTMLElement {
  const link = h("a", { href: hrefOf({ name: "search", q }), "data-testid": "suggested-query" }, q);
  return h("p.suggestion", {}, "Did you mean ", link, "?");
}
