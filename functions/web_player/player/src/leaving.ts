/** Signing out: what has to be told while there still is a token to tell it with. */
import type { Session } from "./auth/session";
import type { Heartbeat } from "./playback/heartbeat";
import type { Player } from "./playback/player";
import type { Reporter } from "./telemetry/reporter";

export function connectLeaving(
  session: Pick<Session, "leaving">,
  player: Pick<Player, "close">,
  reporter: Pick<Reporter, "sendAndGo">,
  heartbeat: Pick<Heartbeat, "release">,
): void {
  session.leaving.on(() => {
    // First: how its last track was left goes with what is unsent.
    void player.close();
    reporter.sendAndGo();
    heartbeat.release();
  });
}
