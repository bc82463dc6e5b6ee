/** One audio element and one Shaka player, kept alive across tracks. */
import type { Session } from "../auth/session";
import { Emitter } from "../emitter";
import { addressOn, type CdnHealth, sourceOf } from "./cdn";
import { withKeyIds } from "./clearkey";
import type { StreamSession, StreamSessions } from "./streams";

type Shaka = typeof import("./shaka").default;
type Player = InstanceType<Shaka["Player"]>;
type Preload = NonNullable<Awaited<ReturnType<Player["preload"]>>>;

const CLEARKEY = "org.w3.clearkey";
/** A dead edge must cost less than the sound that is buffered; see `bufferingGoal`. */
const SEGMENT_RETRY = {
  maxAttempts: 7,
  baseDelay: 80,
  backoffFactor: 1.6,
  fuzzFactor: 0.3,
  timeout: 12_000,
  stallTimeout: 2_500,
  connectionTimeout: 1_800,
};
const CONTROL_RETRY = { ...SEGMENT_RETRY, maxAttempts: 4, baseDelay: 120, timeout: 6_000 };
/** Seconds kept ahead (F052: 10–30) and behind. */
const BUFFER_AHEAD_S = 30;
const BUFFER_BEHIND_S = 20;
/** Bits/s assumed before the first measurement: enough for the top web tier (F046, 256 kbit/s). */
const FIRST_BANDWIDTH_ESTIMATE = 1_500_000;
/** Assets prepared ahead at the same time; each holds a manifest, a licence and a segment. */
const MOST_PRELOADS = 2;

/** What went wrong while streaming; `code` is Shaka's. */
export interface EngineFault {
  code: number;
  network: boolean;
  status: number | null;
  /** The server's word for why it refused. */
  reason: string | null;
  critical: boolean;
}

export class Engine {
  readonly faults = new Emitter<EngineFault>();
  readonly cdnChanged = new Emitter<string>();
  /** A licence is asked for. */
  readonly licensing = new Emitter<void>();
  readonly ready: Promise<Player>;
  #cdn: string | null = null;
  readonly #audio: HTMLAudioElement;
  readonly #session: Session;
  readonly #streams: StreamSessions;
  readonly #health: CdnHealth;
  #shaka: Shaka | null = null;
  readonly #preloads = new Map<string, { manifestUrl: string; preload: Promise<Preload | null> }>();

  constructor(audio: HTMLAudioElement, session: Session, streams: StreamSessions, health: CdnHealth) {
    this.#audio = audio;
    this.#session = session;
    this.#streams = streams;
    this.#health = health;
    this.ready = this.#start();
    // Met again by the first `load`; until then nobody waits for it.
    this.ready.catch(() => undefined);
  }

  /** CDN that served the newest segment. */
  get cdn(): string | null {
    return this.#cdn;
  }

  /** Loads a track from its start. Resolves false when another load took over meanwhile. */
  async load(trackId: string): Promise<boolean> {
    const [player, stream] = await Promise.all([this.ready, this.#streams.get(trackId)]);
    const prepared = this.#preloads.get(trackId);
    this.#preloads.delete(trackId);
    try {
      if (prepared?.manifestUrl === stream.manifest_url && (await this.#loadPrepared(player, prepared))) {
        return true;
      }
      void this.#discard(prepared);
      player.configure("drm.servers", licenceServers(stream));
      await player.load(stream.manifest_url, 0, "application/dash+xml");
      return true;
    } catch (error) {
      if (isInterruption(error)) return false;
      throw error;
    }
  }

  /** False when preparing failed, perhaps long ago: the track may well load now. */
  async #loadPrepared(player: Player, { preload }: { preload: Promise<Preload | null> }): Promise<boolean> {
    const prepared = await preload;
    if (!prepared) return false;
    try {
      await player.load(prepared);
      return true;
    } catch (error) {
      if (isInterruption(error)) throw error;
      return false;
    }
  }

  /** Fetches manifest, licence and first segment of a track that will probably be wanted. */
  async preload(trackId: string): Promise<void> {
    if (this.#preloads.has(trackId)) return;
    const [player, stream] = await Promise.all([this.ready, this.#streams.get(trackId)]);
    if (this.#preloads.has(trackId)) return;
    const config = player.getConfiguration();
    config.drm.servers = licenceServers(stream);
    const preload = player
      .preload(stream.manifest_url, 0, "application/dash+xml", config)
      .then(
        (manager) => {
          // A failure is met again, and told, when the track is really wanted.
          manager?.waitForFinish().catch(() => undefined);
          return manager;
        },
        () => null,
      );
    this.#preloads.set(trackId, { manifestUrl: stream.manifest_url, preload });
    for (const [other, held] of this.#preloads) {
      if (this.#preloads.size <= MOST_PRELOADS) break;
      this.#preloads.delete(other);
      void this.#discard(held);
    }
  }

  /** Takes up streaming again after a fault. False when there is nothing to take up. */
  async resumeStreaming(): Promise<boolean> {
    return (await this.ready).retryStreaming(0.1);
  }

  async unload(): Promise<void> {
    for (const held of this.#preloads.values()) void this.#discard(held);
    this.#preloads.clear();
    await (await this.ready).unload();
  }

  async #start(): Promise<Player> {
    const { default: shaka } = await import("./shaka");
    if (!shaka.Player.isBrowserSupported()) throw new Error("This browser cannot play protected audio.");
    this.#shaka = shaka;
    const player = new shaka.Player();
    await player.attach(this.#audio);
    player.configure({
      manifest: { disableVideo: true, disableText: true, retryParameters: CONTROL_RETRY },
      drm: { retryParameters: CONTROL_RETRY, preferredKeySystems: [CLEARKEY] },
      streaming: {
        bufferingGoal: BUFFER_AHEAD_S,
        bufferBehind: BUFFER_BEHIND_S,
        rebufferingGoal: 0.1,
        retryParameters: SEGMENT_RETRY,
        segmentPrefetchLimit: 2,
      },
      abr: { defaultBandwidthEstimate: FIRST_BANDWIDTH_ESTIMATE, useNetworkInformation: false },
    });
    const network = player.getNetworkingEngine();
    const { RequestType } = shaka.net.NetworkingEngine;
    network?.registerRequestFilter(async (type, request) => {
      if (type === RequestType.SEGMENT) await this.#spread(request);
      else if (type === RequestType.MANIFEST) this.#alternate(request);
      else if (type === RequestType.LICENSE) await this.#authorise(request);
    });
    network?.registerResponseFilter((type, response) => {
      if (type === RequestType.SEGMENT) this.#note(response.uri, response.timeMs ?? 0);
      else if (type === RequestType.MANIFEST) {
        const text = new TextDecoder().decode(response.data);
        const full = withKeyIds(text);
        if (full !== text) response.data = new TextEncoder().encode(full).buffer;
      }
    });
    // Each failed attempt counts, also those of assets that are being prepared.
    player.addEventListener("downloadfailed", (event) => this.#blame(event as unknown as FailedDownload));
    player.addEventListener("error", (event) => {
      const error = errorOf(event);
      if (!error || isInterruption(error)) return;
      this.faults.emit(this.faultFrom(error));
    });
    return player;
  }

  /** @param error a Shaka error, e.g. what `load` threw */
  faultFrom(error: unknown): EngineFault {
    const { code = 0, category = 0, severity = 2, data = [] } = error as Partial<ShakaError>;
    const codes = this.#shaka?.util.Error;
    // What kept a licence away is wrapped in a DRM error.
    const cause = code === codes?.Code.LICENSE_REQUEST_FAILED ? (data[0] as Partial<ShakaError>) : { code, data };
    const answered = cause.code === codes?.Code.BAD_HTTP_STATUS;
    const status = answered ? Number(cause.data?.[1]) : null;
    return {
      code,
      network: category === codes?.Category.NETWORK,
      status,
      reason: answered ? reasonIn(cause.data?.[2]) : null,
      critical: severity === codes?.Severity.CRITICAL,
    };
  }

  /** Every CDN's address for a segment, the best first; Shaka tries them in turn. */
  async #spread(request: { uris: string[]; attempt: number }): Promise<void> {
    // Reordering between attempts could skip a CDN: the list is made once.
    if (request.attempt > 0) return;
    const uri = request.uris[0];
    const owner = uri ? this.#streams.owning(uri) : null;
    if (!owner) return;
    const { cdns } = await this.#streams.get(owner.session.track_id).catch(() => owner.session);
    request.uris = this.#health.order(cdns).map((source) => addressOn(source, owner.path));
  }

  #alternate(request: { uris: string[]; attempt: number }): void {
    const uri = request.uris[0];
    const stream = uri && request.attempt === 0 ? this.#streams.issuedWith(uri) : null;
    if (!stream) return;
    const addresses = this.#health
      .order([{ cdn: stream.cdn, manifest_url: stream.manifest_url }, ...stream.alternates])
      .map(({ manifest_url }) => manifest_url);
    request.uris = [...new Set(addresses)];
  }

  async #authorise(request: { headers: Record<string, string> }): Promise<void> {
    request.headers["Authorization"] = `Bearer ${await this.#session.token()}`;
    request.headers["Content-Type"] = "application/json";
    this.licensing.emit();
  }

  #note(uri: string, timeMs: number): void {
    const owner = this.#streams.owning(uri);
    const source = owner ? sourceOf(uri, owner.session.cdns) : null;
    if (!source) return;
    this.#health.succeeded(source.cdn, timeMs);
    if (source.cdn !== this.#cdn) {
      this.#cdn = source.cdn;
      this.cdnChanged.emit(source.cdn);
    }
  }

  /** Remembers the CDN that a failed request went to; one that we called off says nothing. */
  #blame({ request, error, aborted: timedOut }: FailedDownload): void {
    if (!timedOut && (!error || isInterruption(error))) return;
    const uri = request.uris[request.attempt % request.uris.length];
    const owner = uri ? this.#streams.owning(uri) : null;
    const source = owner && uri ? sourceOf(uri, owner.session.cdns) : null;
    if (source) this.#health.failed(source.cdn);
  }

  async #discard(held: { preload: Promise<Preload | null> } | undefined): Promise<void> {
    await (await held?.preload)?.destroy();
  }
}

/** The `reason` of an error in the API's shape. */
function reasonIn(body: unknown): string | null {
  try {
    return (JSON.parse(String(body)) as { error?: { reason?: string } }).error?.reason ?? null;
  } catch {
    return null;
  }
}

function licenceServers(stream: StreamSession): Record<string, string> {
  return stream.license_url ? { [CLEARKEY]: stream.license_url } : {};
}

interface ShakaError {
  code: number;
  category: number;
  severity: number;
  data: unknown[];
}

/** Shaka's `downloadfailed` event. */
interface FailedDownload {
  request: { uris: string[]; attempt: number };
  error: ShakaError | null;
  /** Called off by Shaka's own timers. */
  aborted: boolean;
}

function errorOf(event: Event): ShakaError | null {
  const carrier = event as Event & { error?: ShakaError; detail?: ShakaError };
  return carrier.error ?? carrier.detail ?? null;
}

/** LOAD_INTERRUPTED and OPERATION_ABORTED: somebody asked for another track meanwhile. */
function isInterruption(error: unknown): boolean {
  const code = (error as Partial<ShakaError> | null)?.code;
  return code === 7000 || code === 7001;
}
