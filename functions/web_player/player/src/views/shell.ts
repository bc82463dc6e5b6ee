/** Everything around the views: name, search, listener, bar, queue. */
import type { App } from "../app";
import { h, icon, ICONS } from "../dom";
import { hrefOf } from "../router";
import { wordmark } from "./brand";
import { nowPlayingBar } from "./now_playing";
import { queuePanel } from "./queue_panel";

/** A pause in typing after which the query is sent (milliseconds). */
const TYPING_PAUSE_MS = 120;

export interface Shell {
  elements: HTMLElement[];
  main: HTMLElement;
  search: HTMLInputElement;
}

export function shell(app: App, onQuery: (q: string) => void): Shell {
  const search = searchInput(onQuery);
  const main = h("main.page", { id: "main", tabindex: "-1" });
  const queue = queuePanel(app);
  const listener = listenerMenu(app);
  const header = h(
    "header.top",
    {},
    h("a.home-link", { href: hrefOf({ name: "home" }), "aria-label": "Segue, home" }, wordmark()),
    h("search.finder", {}, icon(ICONS.search, { stroke: true }), search, h("kbd", { "aria-hidden": "true" }, "/")),
    listener,
  );
  const skip = h("a.skip", { href: "#main" }, "Skip to content");
  skip.addEventListener("click", (event) => {
    // The hash is the router's.
    event.preventDefault();
    main.focus();
  });
  return { elements: [skip, header, main, nowPlayingBar(app, queue.toggle), queue.element], main, search };
}

function searchInput(onQuery: (q: string) => void): HTMLInputElement {
  let timer = 0;
  const input = h("input", {
    type: "search",
    name: "q",
    placeholder: "Tracks, artists, albums",
    autocomplete: "off",
    spellcheck: "false",
    enterkeyhint: "search",
    "aria-label": "Search tracks, artists and albums",
    "aria-keyshortcuts": "/",
    "data-testid": "search-input",
  });
  input.addEventListener("input", () => {
    window.clearTimeout(timer);
    timer = window.setTimeout(() => onQuery(input.value), TYPING_PAUSE_MS);
  });
  // Going elsewhere says more than the letters that were typed before.
  window.addEventListener("hashchange", () => window.clearTimeout(timer));
  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter") {
      window.clearTimeout(timer);
      onQuery(input.value);
    }
  });
  return input;
}

function listenerMenu({ api, session }: App): HTMLElement {
  const name = h("span.listener-name", {}, "Listener");
  const initial = h("span.listener-initial", { "aria-hidden": "true" }, "·");
  void api.me().then(
    ({ id, display_name }) => {
      const shown = display_name ?? id;
      name.textContent = shown;
      initial.textContent = shown.charAt(0).toUpperCase();
    },
    () => undefined,
  );
  return h(
    "details.listener",
    {},
    h("summary", { "aria-label": "Account" }, initial),
    h(
      "div.listener-menu",
      {},
      name,
      h("button.button", { type: "button", "data-testid": "sign-out", onclick: () => session.signOut() }, "Sign out"),
    ),
  );
}
