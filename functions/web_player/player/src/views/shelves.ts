/** The shelves of home: each track says why it stands there. */
import type { Visit } from "../app";
import { h } from "../dom";
import { artistNames, type HomeContext, type MadeForYou, queued, type RecommendedTrack, type Shelf } from "../models";
import { hrefOf } from "../router";
import { artwork } from "./artwork";
import { feedbackMenu, hideWhileGone } from "./feedback";
import { grid, section } from "./cards";

/** How a score would say what a shelf holds, by the beginning of its id. */
const DIRECTIONS: readonly (readonly [string, string])[] = [
  ["made-for-you", "a piacere"],
  ["because", "attacca"],
  ["jump-back-in", "da capo"],
  ["new-releases", "allegro"],
  ["popular", "tutti"],
];
const CARD_PX = 200;

/** A shelf as a part of the page; null for one with nothing that can be shown here. */
export function shelfSection(visit: Visit, shelf: Shelf): HTMLElement | null {
  const found = shelf.items.filter((item): item is RecommendedTrack => item.type === "track");
  const tracks = visit.app.feedback.left(queued(found));
  const cards = shelf.items.flatMap((item) => {
    if (item.type === "made-for-you") return [madeCard(item)];
    if (item.type === "album" || item.type === "artist") return [contextCard(item.type, item)];
    return [];
  });
  cards.push(...tracks.map((track) => trackCard(visit, shelf, tracks, track)));
  if (cards.length === 0) return null;
  const direction = DIRECTIONS.find(([id]) => shelf.id.startsWith(id))?.[1] ?? "ad libitum";
  const part = section(direction, shelf.title, grid(cards));
  part.dataset.testid = "shelf";
  part.dataset.shelf = shelf.id;
  return part;
}

function trackCard(
  visit: Visit,
  shelf: Shelf,
  tracks: (RecommendedTrack & { album: NonNullable<RecommendedTrack["album"]> })[],
  track: (typeof tracks)[number],
): HTMLElement {
  const { player, feedback } = visit.app;
  const by = artistNames(track.artists);
  const play = (event: Event): void => {
    const left = feedback.left(tracks, track);
    player.playList(left, left.indexOf(track), shelf.uri, event.timeStamp);
  };
  const card = h(
    "button.card",
    {
      type: "button",
      "data-testid": "shelf-track",
      "data-track-id": track.id,
      "data-row": true,
      "aria-label": [`Play ${track.name} by ${by}`, track.reason?.text].filter(Boolean).join(". "),
      disabled: track.is_playable === false,
      onclick: play,
      onpointerenter: () => player.anticipate(track.id),
      onpointerdown: () => player.anticipate(track.id, { fully: true }),
      onfocus: () => player.anticipate(track.id),
    },
    artwork(track.album.images, track.album.name, CARD_PX),
    h("span.card-title", {}, track.name),
    h("span.card-about", {}, by),
    track.reason && h("span.card-reason", {}, track.reason.text),
  );
  const place = (): HTMLElement => card.closest("li") ?? card;
  hideWhileGone(visit, track.id, place);
  if (!track.reason) return card;
  return h("div.recommended", {}, card, feedbackMenu(visit, track, place));
}

function madeCard(made: MadeForYou): HTMLElement {
  return h(
    "a.card",
    { href: hrefOf({ name: "made-for-you", id: made.id }), "data-testid": "made-card", "data-row": true },
    artwork([], made.name, CARD_PX),
    h("span.card-title", {}, made.name),
    h("span.card-about", {}, made.description),
  );
}

function contextCard(name: "album" | "artist", context: HomeContext): HTMLElement {
  return h(
    "a.card",
    { href: hrefOf({ name, id: context.id }), "data-testid": "context-card", "data-row": true },
    artwork(context.images, context.name, CARD_PX, name === "artist" ? "portrait" : undefined),
    h("span.card-title", {}, context.name),
    h("span.card-about", {}, name === "artist" ? "Artist" : "Album"),
  );
}
