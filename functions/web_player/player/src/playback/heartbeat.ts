/**
 * Keeps this browser's place among the devices of the listener that may sound at once, and gives it
 * back: a subscription has so many places, and a browser that says nothing for a minute loses its own.
 */
import { ORIGIN } from "../config";
import { Emitter } from "../emitter";

/** Why the server refuses: others have all places. */
export const LIMIT_REASON = "CONCURRENT_STREAMS_LIMIT";

/** A licence holds a place for half a minute; after that heartbeats must (milliseconds). */
export const FIRST_BEAT_MS = 10_000;
/** Also after no answer (milliseconds). */
const DEFAULT_BEAT_MS = 30_000;

export interface Beat {
  device_id: string;
  stopped: boolean;
}

/** `status` 0: no answer. */
export interface BeatAnswer {
  status: number;
  reason: string | null;
  heartbeatSeconds: number | null;
}

export interface Tokens {
  token(): Promise<string>;
  tokenNow(): string | null;
}

export type Send = (beat: Beat, token: string) => Promise<BeatAnswer>;

export class Heartbeat {
  /** Another device has taken the place. */
  readonly refused = new Emitter<void>();
  readonly #tokens: Tokens;
  readonly #deviceId: () => string;
  readonly #send: Send;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #sounding = false;
  #hasPlace = false;

  constructor(tokens: Tokens, deviceId: () => string, send: Send = post) {
    this.#tokens = tokens;
    this.#deviceId = deviceId;
    this.#send = send;
  }

  /** A licence was asked for, perhaps of a track that is only prepared. */
  licensed(): void {
    this.#hasPlace = true;
  }

  sounds(sounding: boolean): void {
    if (sounding === this.#sounding) return;
    this.#sounding = sounding;
    clearTimeout(this.#timer);
    if (sounding) this.#later(FIRST_BEAT_MS);
  }

  /** The page goes, or the listener: the next device need not wait. */
  release(): void {
    const token = this.#tokens.tokenNow();
    this.sounds(false);
    if (!this.#hasPlace || !token) return;
    this.#hasPlace = false;
    void this.#send({ device_id: this.#deviceId(), stopped: true }, token);
  }

  #later(ms: number): void {
    this.#timer = setTimeout(() => void this.#beat(), ms);
  }

  async #beat(): Promise<void> {
    this.#hasPlace = true;
    const answer = await this.#tokens
      .token()
      .then((token) => this.#send({ device_id: this.#deviceId(), stopped: false }, token))
      .catch(() => ({ status: 0, reason: null, heartbeatSeconds: null }));
    if (!this.#sounding) return;
    if (answer.status === 403 && answer.reason === LIMIT_REASON) {
      this.sounds(false);
      this.#hasPlace = false;
      this.refused.emit();
      return;
    }
    this.#later(answer.heartbeatSeconds ? answer.heartbeatSeconds * 1000 : DEFAULT_BEAT_MS);
  }
}

async function post(beat: Beat, token: string): Promise<BeatAnswer> {
  try {
    const response = await fetch(`${ORIGIN}/v1/playback/heartbeat`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: JSON.stringify(beat),
      keepalive: true,
    });
    const body = (await response.json().catch(() => null)) as {
      heartbeat_s?: number;
      error?: { reason?: string };
    } | null;
    return {
      status: response.status,
      reason: body?.error?.reason ?? null,
      heartbeatSeconds: body?.heartbeat_s ?? null,
    };
  } catch {
    return { status: 0, reason: null, heartbeatSeconds: null };
  }
}
