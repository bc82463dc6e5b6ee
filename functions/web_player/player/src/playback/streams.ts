/** Streaming sessions: asked for once per track, shared, renewed before they expire. */
import type { Api } from "../api";
import { CLIENT_BUILD } from "../config";
import { type CdnSource, relativePath } from "./cdn";

/** Answer of `GET /v1/playback/manifest`. */
export interface StreamSession {
  track_id: string;
  session_id: string;
  manifest_url: string;
  license_url: string | null;
  bitrate_kbps: number;
  expires_at: string;
  cdn: string;
  alternates: { cdn: string; manifest_url: string }[];
  cdns: CdnSource[];
  duration_ms: number;
}

interface Held {
  session: Promise<StreamSession>;
  value: StreamSession | null;
  /** Epoch ms on this machine's clock; unknown until the answer is here. */
  expiresAtMs: number;
}

/** A session is renewed this long before it ends (milliseconds). */
export const RENEW_BEFORE_MS = 60_000;
/** Sessions kept: the current one, what may be tapped next, what was just played. */
const MOST_HELD = 40;

/** The best that a web player may hear (F046); how much of it the line carries is up to ABR. */
const WEB_KBPS = "256";

const DEVICE_KEY = "segue.device";

/** A random id that names this browser from now on. */
export function deviceId(): string {
  let id = localStorage.getItem(DEVICE_KEY);
  if (!id) {
    id = crypto.randomUUID();
    localStorage.setItem(DEVICE_KEY, id);
  }
  return id;
}

/**
 * When a session ends on this machine's clock.
 *
 * `serverDate` is the answer's Date header: a local clock that is an hour off must neither renew at
 * every segment nor stream into refusals.
 */
export function localExpiry(expiresAt: string, serverDate: string | null, nowMs: number): number {
  const end = Date.parse(expiresAt);
  const serverNow = serverDate ? Date.parse(serverDate) : Number.NaN;
  return Number.isNaN(serverNow) ? end : nowMs + (end - serverNow);
}

export class StreamSessions {
  readonly #api: Api;
  readonly #held = new Map<string, Held>();

  constructor(api: Api) {
    this.#api = api;
  }

  /** The track's session, with at least a minute of life in it. @throws ApiError, SignedOut. */
  get(trackId: string): Promise<StreamSession> {
    const held = this.#held.get(trackId);
    if (held && Date.now() < held.expiresAtMs - RENEW_BEFORE_MS) return held.session;
    return this.renew(trackId);
  }

  /** Asks ahead of need; a failure is met again, and told, when the track is really wanted. */
  prefetch(trackId: string): void {
    void this.get(trackId).catch(() => undefined);
  }

  /** A new session for the track, whatever is held. */
  renew(trackId: string): Promise<StreamSession> {
    const before = this.#held.get(trackId)?.value ?? null;
    const held: Held = {
      session: this.#ask(trackId).then(
        ({ session, expiresAtMs }) => {
          held.value = session;
          held.expiresAtMs = expiresAtMs;
          return session;
        },
        (error: unknown) => {
          this.#held.delete(trackId);
          throw error;
        },
      ),
      // Until the answer is here the old value goes on serving addresses.
      value: before,
      expiresAtMs: Number.POSITIVE_INFINITY,
    };
    this.#held.delete(trackId);
    this.#held.set(trackId, held);
    this.#trim(trackId);
    return held.session;
  }

  expiresAtMs(trackId: string): number {
    return this.#held.get(trackId)?.expiresAtMs ?? Number.POSITIVE_INFINITY;
  }

  /** Drops the sessions kept for others than this listener. */
  clear(): void {
    this.#held.clear();
  }

  /** The session whose media lives at `uri`, and the path below its base. */
  owning(uri: string): { session: StreamSession; path: string } | null {
    for (const { value } of this.#held.values()) {
      const path = value ? relativePath(uri, value.cdns) : null;
      if (value && path !== null) return { session: value, path };
    }
    return null;
  }

  /** The session that a manifest or licence address was issued with, current or renewed since. */
  issuedWith(uri: string): StreamSession | null {
    for (const { value } of this.#held.values()) {
      if (!value) continue;
      if (value.manifest_url === uri || value.license_url === uri) return value;
    }
    return null;
  }

  async #ask(trackId: string): Promise<{ session: StreamSession; expiresAtMs: number }> {
    const query = new URLSearchParams({ track_id: trackId, codec: "aac", br: WEB_KBPS, protocol: "dash" });
    const response = await this.#api.getResponse(`/v1/playback/manifest?${query}`, {
      headers: { "x-device-id": deviceId(), "x-client-build": CLIENT_BUILD },
    });
    const session = (await response.json()) as StreamSession;
    const expiresAtMs = localExpiry(session.expires_at, response.headers.get("date"), Date.now());
    return { session, expiresAtMs };
  }

  #trim(keep: string): void {
    for (const trackId of this.#held.keys()) {
      if (this.#held.size <= MOST_HELD) return;
      if (trackId !== keep) this.#held.delete(trackId);
    }
  }
}
