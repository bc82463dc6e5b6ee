/** Tracks for a queue, told apart by one letter each. */
import type { QueuedTrack } from "../src/models";

export const track = (id: string): QueuedTrack => ({
  id,
  name: id,
  duration_ms: 1000,
  artists: [],
  album: { id: "album", name: "Album" },
});

export const tracks = (ids: string): QueuedTrack[] => [...ids].map(track);
