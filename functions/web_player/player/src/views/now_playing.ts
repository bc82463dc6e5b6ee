/** The bar at the foot of the page: what sounds, where it stands, what follows. */
import { h, icon, ICONS } from "../dom";
import { clock, dynamicMark, spokenTime } from "../format";
import { hrefOf } from "../router";
import type { App } from "../app";
import type { Player } from "../playback/player";
import { upcoming, hasNext } from "../queue";
import { artwork } from "./artwork";
import { albumLink, artistLinks } from "./links";
import { startRadio } from "./radio";

const COVER_PX = 360;
const SEEK_STEP_SECONDS = 5;

export function nowPlayingBar(app: App, onQueue: () => void): HTMLElement {
  const { player } = app;
  const cover = h("a.bar-cover", { "aria-label": "Open the album" });
  const title = h("span.bar-title", { "data-testid": "now-playing-title" });
  const by = h("span.bar-by");
  const follows = h("button.follows", { type: "button", onclick: onQueue, title: "What follows" });
  const toggle = roundButton("play-toggle", "Play", (event) => player.toggle(event.timeStamp));
  toggle.classList.add("toggle");
  const previous = iconButton("previous", "Previous", ICONS.previous, (event) => player.previous(event.timeStamp));
  const next = iconButton("next", "Next", ICONS.next, (event) => player.next(event.timeStamp));
  const seek = seekSlider(player);
  const volume = volumeControl(player);
  const queueButton = iconButton("queue", "What follows", ICONS.queue, onQueue, true);

  const radio = iconButton(
    "track-radio",
    "Radio from this track",
    ICONS.radio,
    (event) => {
      if (player.track) void startRadio(app, `spotify:track:${player.track.id}`, event);
    },
    true,
  );

  const bar = h(
    "footer.bar",
    { "aria-label": "Now playing", hidden: true },
    seek.slider,
    h("div.bar-what", {}, cover, h("div.bar-names", {}, title, by)),
    h(
      "div.bar-transport",
      { role: "group", "aria-label": "Playback" },
      seek.elapsed,
      previous,
      toggle,
      next,
      seek.duration,
    ),
    h("div.bar-side", {}, follows, radio, queueButton, volume),
  );
  const fold = iconButton("expand", "Show the large player", ICONS.down, () => setExpanded(!bar.classList.contains("expanded")), true);
  fold.classList.add("fold");
  bar.append(fold);
  const setExpanded = (expanded: boolean): void => {
    bar.classList.toggle("expanded", expanded);
    document.body.classList.toggle("sheet-open", expanded);
    fold.setAttribute("aria-expanded", String(expanded));
    fold.setAttribute("aria-label", expanded ? "Close the large player" : "Show the large player");
  };
  setExpanded(false);
  bar.addEventListener("keydown", (event) => {
    if (event.key === "Escape") setExpanded(false);
  });
  window.addEventListener("hashchange", () => setExpanded(false));

  let shown: string | null = null;
  const show = (): void => {
    const { track } = player;
    bar.hidden = track === null;
    document.body.classList.toggle("has-bar", track !== null);
    if (!track) {
      shown = null;
      document.title = "Segue";
      return;
    }
    if (shown !== track.id) {
      shown = track.id;
      cover.href = hrefOf({ name: "album", id: track.album.id });
      cover.replaceChildren(artwork(track.album.images, track.album.name, COVER_PX));
      title.replaceChildren(track.name);
      by.replaceChildren(...artistLinks(track.artists), h("span.bar-album", {}, " — ", albumLink(track.album)));
    }
    const active = player.wantsToPlay;
    toggle.replaceChildren(icon(active ? ICONS.pause : ICONS.play));
    toggle.setAttribute("aria-label", active ? "Pause" : "Play");
    bar.dataset.status = player.status;
    bar.setAttribute("aria-busy", String(player.status === "loading"));
    next.disabled = !hasNext(player.queue);
    const following = upcoming(player.queue)[0];
    follows.hidden = !following;
    if (following) follows.replaceChildren(h("i", { lang: "it" }, "segue"), h("span", {}, following.name));
  };
  player.changed.on(show);
  show();
  return bar;
}

function seekSlider(player: Player): { slider: HTMLElement; elapsed: HTMLElement; duration: HTMLElement } {
  const elapsed = h("time.elapsed", { "data-testid": "elapsed" }, "0:00");
  const duration = h("time.duration", { "data-testid": "duration" }, "0:00");
  const slider = h("input.seek", {
    type: "range",
    min: 0,
    max: 0,
    step: "any",
    value: 0,
    "aria-label": "Position",
    "data-testid": "seek",
  });
  let dragging = false;
  const paint = (seconds: number): void => {
    const total = player.durationSeconds;
    slider.style.setProperty("--fill", total > 0 ? String(Math.min(1, seconds / total)) : "0");
    slider.style.setProperty("--buffered", total > 0 ? String(Math.min(1, player.bufferedSeconds / total)) : "0");
    elapsed.textContent = clock(seconds);
    slider.setAttribute("aria-valuetext", `${spokenTime(seconds)} of ${spokenTime(total)}`);
  };
  const show = (): void => {
    const total = player.durationSeconds;
    slider.max = String(total);
    duration.textContent = clock(total);
    if (dragging) return;
    slider.value = String(player.positionSeconds);
    paint(player.positionSeconds);
  };
  slider.addEventListener("input", () => {
    dragging = true;
    paint(Number(slider.value));
  });
  slider.addEventListener("change", () => {
    dragging = false;
    player.seek(Number(slider.value));
  });
  slider.addEventListener("keydown", (event) => {
    const direction = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 }[event.key];
    if (direction === undefined) return;
    // The native step of a continuous slider would be a second at most.
    event.preventDefault();
    player.seek(player.positionSeconds + direction * SEEK_STEP_SECONDS);
  });
  player.ticked.on(show);
  player.changed.on(show);
  return { slider, elapsed, duration };
}

/** A hairpin that opens from pp to ff, with the mark of where it stands. */
function volumeControl(player: Player): HTMLElement {
  const mute = iconButton("mute", "Mute", ICONS.volume, () => player.toggleMute(), true);
  const slider = h("input.hairpin", {
    type: "range",
    min: 0,
    max: 1,
    step: 0.01,
    "aria-label": "Volume",
    "data-testid": "volume",
    oninput: () => player.setVolume(Number(slider.value)),
  });
  const mark = h("i.dynamic", { "aria-hidden": "true" });
  const show = (): void => {
    const audible = player.muted ? 0 : player.volume;
    slider.value = String(audible);
    slider.style.setProperty("--fill", String(audible));
    slider.setAttribute("aria-valuetext", player.muted ? "muted" : `${Math.round(audible * 100)} percent`);
    mark.textContent = dynamicMark(audible);
    mute.replaceChildren(icon(audible > 0 ? ICONS.volume : ICONS.muted, { stroke: true }));
    mute.setAttribute("aria-label", player.muted ? "Unmute" : "Mute");
    mute.setAttribute("aria-pressed", String(player.muted));
  };
  player.changed.on(show);
  show();
  return h("div.volume", { role: "group", "aria-label": "Volume" }, mute, slider, mark);
}

function iconButton(
  testId: string,
  label: string,
  path: string,
  press: (event: Event) => void,
  stroke = false,
): HTMLButtonElement {
  return h(
    "button.quiet",
    { type: "button", "aria-label": label, title: label, "data-testid": testId, onclick: press },
    icon(path, { stroke }),
  );
}

function roundButton(testId: string, label: string, press: (event: Event) => void): HTMLButtonElement {
  return h("button.round", { type: "button", "aria-label": label, "data-testid": testId, onclick: press });
}
