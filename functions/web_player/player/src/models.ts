/** The Web API's shapes, as far as this page reads them. */

export interface Image {
  url: string;
  width: number | null;
  height: number | null;
}

export interface ArtistRef {
  id: string;
  name: string;
}

export interface AlbumRef {
  id: string;
  name: string;
  album_type?: string;
  images?: Image[];
  artists?: ArtistRef[];
  release_date?: string | null;
  total_tracks?: number;
}

export interface Track {
  id: string;
  name: string;
  duration_ms: number;
  explicit?: boolean;
  is_playable?: boolean;
  track_number?: number;
  disc_number?: number;
  artists: ArtistRef[];
  album?: AlbumRef;
}

export interface Page<T> {
  items: T[];
  total?: number;
  next?: string | null;
}

export interface Album extends AlbumRef {
  tracks: Page<Track>;
  label?: string | null;
  copyrights?: { text: string; type: string }[];
}

export interface Artist extends ArtistRef {
  images?: Image[];
  genres?: string[];
}

/** `suggested_query` is there where nothing is spelt as asked. */
export interface FoundPage<T> extends Page<T> {
  suggested_query?: string;
}

export interface SearchResult {
  tracks?: FoundPage<Track>;
  artists?: FoundPage<Artist>;
  albums?: FoundPage<AlbumRef>;
}

export interface PlayHistoryItem {
  track: Track;
  played_at: string;
  context?: { uri?: string } | null;
}

/** Why a track is recommended, in words. */
export interface Reason {
  kind: string;
  text: string;
  uri: string | null;
}

export type RecommendedTrack = Track & { type: "track"; reason: Reason | null };

/** A list that was made for the listener. */
export interface MadeForYou {
  type: "made-for-you";
  id: string;
  name: string;
  description: string;
  uri: string;
  total: number;
}

export type MadeForYouList = MadeForYou & { tracks: RecommendedTrack[] };

/** Something to go on with. */
export interface HomeContext {
  type: "album" | "artist" | "playlist";
  id: string;
  name: string;
  uri: string;
  images: Image[];
}

export interface Shelf {
  id: string;
  title: string;
  /** The context of plays from it. */
  uri: string;
  items: (RecommendedTrack | MadeForYou | HomeContext)[];
}

export interface Home {
  shelves: Shelf[];
  is_last_good: boolean;
}

export interface Me {
  id: string;
  display_name?: string | null;
  product?: string;
}

/** A track with the album it is played from: what the queue and the bar need. */
export type QueuedTrack = Track & {
  album: AlbumRef;
  /** The context in which the listener picked it to play next (null: none); absent where they did not. */
  pickedFrom?: string | null;
};

/** Whether it is in the queue by the listener's own hand, and not by what else plays. */
export function isPicked({ pickedFrom }: QueuedTrack): boolean {
  return pickedFrom !== undefined;
}

/** Those of `tracks` that name the album they are from. */
export function queued<T extends Track>(tracks: readonly T[]): (T & QueuedTrack)[] {
  return tracks.flatMap((track) => (track.album ? [{ ...track, album: track.album }] : []));
}

/** The smallest image that is at least `px` wide, else the widest there is. */
export function imageFor(images: Image[] | undefined, px: number): string | null {
  if (!images || images.length === 0) return null;
  const byWidth = [...images].sort((a, b) => (a.width ?? 0) - (b.width ?? 0));
  return (byWidth.find((image) => (image.width ?? 0) >= px) ?? byWidth[byWidth.length - 1])?.url ?? null;
}

export function artistNames(artists: ArtistRef[] | undefined): string {
  return (artists ?? []).map((artist) => artist.name).join(", ");
}
