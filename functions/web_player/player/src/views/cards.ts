/** Albums and artists as cards in a grid. */
import { h } from "../dom";
import { type AlbumRef, type Artist, artistNames } from "../models";
import { hrefOf } from "../router";
import { artwork } from "./artwork";

const CARD_PX = 200;

export function albumCard(album: AlbumRef, testId = "album-card"): HTMLElement {
  const year = album.release_date?.slice(0, 4);
  const about = [artistNames(album.artists), year].filter(Boolean).join(" · ");
  return h(
    "a.card",
    { href: hrefOf({ name: "album", id: album.id }), "data-testid": testId, "data-row": true },
    artwork(album.images, album.name, CARD_PX),
    h("span.card-title", {}, album.name),
    about && h("span.card-about", {}, about),
  );
}

export function artistCard(artist: Artist, testId: string): HTMLElement {
  return h(
    "a.card.artist",
    { href: hrefOf({ name: "artist", id: artist.id }), "data-testid": testId, "data-row": true },
    artwork(artist.images, artist.name, CARD_PX, "portrait"),
    h("span.card-title", {}, artist.name),
    h("span.card-about", {}, artist.genres?.[0] ?? "Artist"),
  );
}

export function grid(cards: HTMLElement[]): HTMLElement {
  return h("ul.grid", { role: "list" }, ...cards.map((card) => h("li", {}, card)));
}

/** A part of a page: a score's direction in italics, and in plain words what it holds. */
export function section(direction: string, title: string, ...content: HTMLElement[]): HTMLElement {
  return h(
    "section.part",
    {},
    h("h2", {}, h("span.direction", { "aria-hidden": "true", lang: "it" }, direction), h("span.plain", {}, title)),
    ...content,
  );
}
