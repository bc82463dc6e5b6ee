/** Names that lead somewhere. */
import { h } from "../dom";
import type { AlbumRef, ArtistRef } from "../models";
import { hrefOf } from "../router";

export function artistLinks(artists: ArtistRef[] | undefined): (Node | string)[] {
  return (artists ?? []).flatMap((artist, index) => {
    const link = h("a", { href: hrefOf({ name: "artist", id: artist.id }) }, artist.name);
    return index === 0 ? [link] : [", ", link];
  });
}

export function albumLink(album: AlbumRef): HTMLElement {
  return h("a", { href: hrefOf({ name: "album", id: album.id }) }, album.name);
}
