/** Lock screens, headphone buttons, media keys. */
import { artistNames } from "../models";
import type { Player } from "./player";

const SKIP_SECONDS = 10;

export function connectMediaSession(player: Player): void {
  if (!("mediaSession" in navigator)) return;
  const session = navigator.mediaSession;
  const handlers: Partial<Record<MediaSessionAction, MediaSessionActionHandler>> = {
    play: () => player.resume(),
    pause: () => player.pause(),
    nexttrack: () => player.next(),
    previoustrack: () => player.previous(),
    seekto: ({ seekTime }) => player.seek(seekTime ?? 0),
    seekforward: ({ seekOffset }) => player.seek(player.positionSeconds + (seekOffset ?? SKIP_SECONDS)),
    seekbackward: ({ seekOffset }) => player.seek(player.positionSeconds - (seekOffset ?? SKIP_SECONDS)),
  };
  for (const [action, handler] of Object.entries(handlers)) {
    try {
      session.setActionHandler(action as MediaSessionAction, handler);
    } catch {
      // This browser does not know the action; the others still work.
    }
  }

  let shown: string | null = null;
  player.changed.on(() => {
    const { track } = player;
    session.playbackState = !track ? "none" : player.wantsToPlay ? "playing" : "paused";
    if (track?.id === shown) return;
    shown = track?.id ?? null;
    session.metadata = track
      ? new MediaMetadata({
          title: track.name,
          artist: artistNames(track.artists),
          album: track.album.name,
          artwork: (track.album.images ?? []).map(({ url, width, height }) => ({
            src: url,
            sizes: `${width ?? 300}x${height ?? 300}`,
            type: "image/jpeg",
          })),
        })
      : null;
  });

  player.ticked.on(() => {
    const duration = player.durationSeconds;
    const position = player.positionSeconds;
    if (duration > 0 && position <= duration) session.setPositionState({ duration, position });
  });
}
