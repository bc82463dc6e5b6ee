/** Shows the view that the address names, and takes the old one down. */
import { explain } from "./api";
import type { App } from "./app";
import { SignedOut } from "./auth/session";
import { hrefOf, parseRoute, type Route } from "./router";
import { albumView } from "./views/album";
import { artistView } from "./views/artist";
import { homeView } from "./views/home";
import { madeForYouView } from "./views/made_for_you";
import { searchView, type SearchView } from "./views/search";
import { failure, skeleton } from "./views/states";
import { showError } from "./views/toast";

/** A view that comes within this time replaces the old one without a skeleton between (ms). */
const SKELETON_AFTER_MS = 160;

export class Pages {
  readonly #app: App;
  readonly #main: HTMLElement;
  readonly #search: HTMLInputElement;
  #visit = new AbortController();
  #searching: SearchView | null = null;

  constructor(app: App, main: HTMLElement, search: HTMLInputElement) {
    this.#app = app;
    this.#main = main;
    this.#search = search;
    window.addEventListener("hashchange", () => void this.show());
  }

  /** The listener typed `q`. One entry in the history for a whole search, not one per letter. */
  query(q: string): void {
    const address = hrefOf(q.trim() ? { name: "search", q } : { name: "home" });
    if (parseRoute(location.hash).name === "search") history.replaceState(null, "", address);
    else history.pushState(null, "", address);
    void this.show();
  }

  async show(): Promise<void> {
    const route = parseRoute(location.hash);
    if (route.name === "search" && this.#searching) {
      this.#sync(route.q);
      await this.#searching.update(route.q);
      return;
    }
    this.#visit.abort();
    const visit = new AbortController();
    this.#visit = visit;
    this.#searching = null;
    if (route.name !== "search" && document.activeElement !== this.#search) this.#search.value = "";
    document.title = "Segue";

    const waiting = window.setTimeout(() => {
      this.#main.replaceChildren(skeleton("Loading", route.name === "album" ? "album" : "cards"));
    }, SKELETON_AFTER_MS);
    try {
      const view = await this.#make(route, visit.signal);
      if (visit.signal.aborted) return;
      this.#main.replaceChildren(view);
      window.scrollTo(0, 0);
      // A screen reader hears where it is; whoever types keeps typing.
      if (document.activeElement !== this.#search) view.querySelector<HTMLElement>("h1[tabindex]")?.focus({ preventScroll: true });
    } catch (error) {
      if (visit.signal.aborted || error instanceof SignedOut) return;
      this.#main.replaceChildren(failure(error, () => void this.show()));
      showError(explain(error));
    } finally {
      window.clearTimeout(waiting);
    }
  }

  async #make(route: Route, signal: AbortSignal): Promise<HTMLElement> {
    const visit = { app: this.#app, signal };
    switch (route.name) {
      case "home":
        return homeView(visit);
      case "album":
        return albumView(visit, route.id);
      case "artist":
        return artistView(visit, route.id);
      case "made-for-you":
        return madeForYouView(visit, route.id);
      case "search": {
        const view = searchView(visit);
        this.#searching = view;
        this.#sync(route.q);
        void view.update(route.q);
        return view.element;
      }
    }
  }

  #sync(q: string): void {
    if (this.#search.value.trim() !== q.trim()) this.#search.value = q;
  }
}
