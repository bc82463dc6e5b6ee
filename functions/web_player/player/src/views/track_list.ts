/** A list of tracks: one press plays it from there on. */
import { during, type Visit } from "../app";
import { h, icon, ICONS } from "../dom";
import { clock, spokenTime } from "../format";
import type { QueuedTrack, Reason } from "../models";
import { artwork } from "./artwork";
import { feedbackMenu, hideWhileGone } from "./feedback";
import { albumLink, artistLinks } from "./links";
import { announce } from "./toast";

/** A pointer that rests this long on a track means it (milliseconds). */
const INTENT_MS = 90;
const THUMBNAIL_PX = 44;

export interface TrackListOptions {
  tracks: (QueuedTrack & { reason?: Reason | null })[];
  contextUri: string | null;
  /** Numbers for an album, thumbnails for a mixed list. */
  lead: "number" | "artwork";
  testId: string;
  /** What a press on one plays: the whole list, or the track alone. */
  plays?: "list" | "track";
  /** Whether each can be hidden and reported: where they are recommended. */
  takesFeedback?: boolean;
}

export function trackList(visit: Visit, options: TrackListOptions): HTMLElement {
  const rows = options.tracks.map((track, index) => row(visit, options, track, index));
  const takes = options.takesFeedback ? " takes-feedback" : "";
  const list = h("ol.tracks", { role: "list", class: `tracks lead-${options.lead}${takes}` }, ...rows);
  const { player } = visit.app;
  const mark = (): void => {
    const playing = player.track?.id;
    for (const element of rows) {
      const isCurrent = element.dataset.trackId === playing;
      element.classList.toggle("current", isCurrent);
      element.classList.toggle("sounding", isCurrent && player.status === "playing");
      const main = element.querySelector("button");
      if (isCurrent) main?.setAttribute("aria-current", "true");
      else main?.removeAttribute("aria-current");
    }
  };
  mark();
  during(visit.signal, () => player.changed.on(mark));
  return list;
}

function row(visit: Visit, options: TrackListOptions, track: TrackListOptions["tracks"][number], index: number): HTMLElement {
  const { player, feedback } = visit.app;
  const play = (event: Event): void => {
    if (player.track?.id === track.id && player.status !== "idle") {
      player.toggle(event.timeStamp);
    } else if (options.plays === "track") {
      player.playList([track], 0, options.contextUri, event.timeStamp);
    } else {
      const left = options.takesFeedback ? feedback.left(options.tracks, track) : options.tracks;
      player.playList(left, left.indexOf(track), options.contextUri, event.timeStamp);
    }
  };
  const seconds = track.duration_ms / 1000;
  const element: HTMLElement = h(
    "li.track",
    { "data-track-id": track.id, onpointerdown: () => player.anticipate(track.id, { fully: true }) },
    h(
      "span.lead",
      { "aria-hidden": "true" },
      options.lead === "artwork"
        ? artwork(track.album.images, track.album.name, THUMBNAIL_PX)
        : h("span.number", {}, String(track.track_number ?? index + 1)),
      h("span.note"),
    ),
    h(
      "button.track-main",
      {
        type: "button",
        "data-testid": options.testId,
        "data-row": true,
        "data-track-id": track.id,
        "aria-label": `Play ${track.name} by ${track.artists.map(({ name }) => name).join(", ")}`,
        disabled: track.is_playable === false,
        onclick: play,
        onfocus: () => player.anticipate(track.id),
      },
      track.name,
    ),
    h(
      "span.track-artists",
      {},
      track.explicit === true && h("abbr.explicit", { title: "Explicit" }, "E"),
      ...artistLinks(track.artists),
      track.reason && h("span.reason", {}, track.reason.text),
    ),
    options.lead === "artwork" && h("span.track-album", {}, albumLink(track.album)),
    h(
      "button.quiet.enqueue",
      {
        type: "button",
        "aria-label": `Play ${track.name} next`,
        title: "Play next",
        onclick: () => {
          player.enqueueNext(track, options.contextUri);
          announce(`${track.name} plays next`);
        },
      },
      icon(ICONS.add, { stroke: true }),
    ),
    options.takesFeedback && feedbackMenu(visit, track, () => element),
    h("time.track-time", { "aria-label": spokenTime(seconds) }, clock(seconds)),
  );
  if (options.takesFeedback) hideWhileGone(visit, track.id, () => element);
  let intent = 0;
  element.addEventListener("pointerenter", (event) => {
    if (event.pointerType === "touch") return;
    player.anticipate(track.id);
    intent = window.setTimeout(() => player.anticipate(track.id, { fully: true }), INTENT_MS);
  });
  element.addEventListener("pointerleave", () => window.clearTimeout(intent));
  return element;
}
