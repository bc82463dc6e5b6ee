/** `window.__segue`: what tests and benchmarks read. Nothing in the page depends on it. */
import type { CdnHealth } from "./playback/cdn";
import type { Player, StartMetric } from "./playback/player";
import type { Reporter } from "./telemetry/reporter";

export interface SegueState {
  trackId: string | null;
  sessionId: string | null;
  status: string;
  paused: boolean;
  currentTime: number;
  duration: number;
  bufferedEnd: number;
  volume: number;
  muted: boolean;
  cdn: string | null;
  cdns: ReturnType<CdnHealth["snapshot"]>;
  errors: string[];
  timeToFirstAudioMs: number[];
  pendingEvents: number;
}

declare global {
  interface Window {
    __segue?: { state(): SegueState; metrics: StartMetric[]; engineReady: boolean };
  }
}

export function expose(
  audio: HTMLAudioElement,
  player: Player,
  health: CdnHealth,
  reporter: Reporter,
  engineReady: Promise<unknown>,
): void {
  const handle = {
    metrics: player.starts,
    /** Whether the player chunk has arrived and started. */
    engineReady: false,
    state: (): SegueState => ({
      trackId: player.track?.id ?? null,
      sessionId: player.sessionId,
      status: player.status,
      paused: audio.paused,
      currentTime: audio.currentTime,
      duration: player.durationSeconds,
      bufferedEnd: player.bufferedSeconds,
      volume: player.volume,
      muted: player.muted,
      cdn: player.cdn,
      cdns: health.snapshot(),
      errors: [...player.errors],
      timeToFirstAudioMs: player.starts.map((start) => start.timeToFirstAudioMs),
      pendingEvents: reporter.pending,
    }),
  };
  engineReady.then(
    () => {
      handle.engineReady = true;
    },
    () => undefined,
  );
  window.__segue = handle;
}
