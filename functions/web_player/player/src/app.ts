/** What every view may use. */
import type { Api } from "./api";
import type { Session } from "./auth/session";
import type { Feedback } from "./feedback";
import type { Player } from "./playback/player";
import type { Stations } from "./playback/stations";

export interface App {
  api: Api;
  session: Session;
  player: Player;
  stations: Stations;
  feedback: Feedback;
}

/** A view's furniture for one visit: `signal` fires when the listener goes elsewhere. */
export interface Visit {
  app: App;
  signal: AbortSignal;
}

/** Runs `start` now, and what it returned when the visit ends. */
export function during(signal: AbortSignal, start: () => () => void): void {
  if (signal.aborted) return;
  const stop = start();
  signal.addEventListener("abort", stop, { once: true });
}

/** Longest wait for an idle moment (milliseconds). */
const IDLE_WITHIN_MS = 1500;

/**
 * Runs `work` once the page is drawn and quiet, unless the visit is over by then.
 *
 * Preparing the likeliest track also starts what only the first start pays for: the key system, the
 * connections, the player's own code.
 */
export function whenIdle(signal: AbortSignal, work: () => void): void {
  const run = (): void => {
    if (!signal.aborted) work();
  };
  if ("requestIdleCallback" in window) window.requestIdleCallback(run, { timeout: IDLE_WITHIN_MS });
  else setTimeout(run, 300);
}
