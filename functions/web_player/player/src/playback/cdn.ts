/**
 * Which CDN to ask first, judged by what this very player has measured (F081).
 *
 * The server's order stands until a CDN fails or proves slow here. A failing CDN is asked last for
 * the rest of the session; being asked last, it gets its chance again as soon as the others fail.
 */

/** Weight of the newest sample in the moving average of response times. */
const NEWEST_SAMPLE_WEIGHT = 0.3;
/** A CDN this many times slower than the best measured one loses its place … */
const SLOW_RATIO = 3;
/** … but never while it answers faster than this (milliseconds): then order hardly matters. */
const SLOW_FLOOR_MS = 600;

export interface CdnRecord {
  failures: number;
  /** Moving average of whole-segment times, or null before the first. */
  segmentMs: number | null;
}

export class CdnHealth {
  readonly #records = new Map<string, CdnRecord>();

  succeeded(cdn: string, segmentMs: number): void {
    const record = this.#record(cdn);
    record.segmentMs =
      record.segmentMs === null
        ? segmentMs
        : record.segmentMs + NEWEST_SAMPLE_WEIGHT * (segmentMs - record.segmentMs);
  }

  failed(cdn: string): void {
    this.#record(cdn).failures += 1;
  }

  /**
   * `cdns` (in the server's order) in the order to ask: sound ones, then slow ones, then failing
   * ones with the fewest failures first. Stable within each group.
   */
  order<T extends { cdn: string }>(cdns: readonly T[]): T[] {
    const measured = cdns.flatMap(({ cdn }) => this.#records.get(cdn)?.segmentMs ?? []);
    const slowAbove = Math.max(SLOW_FLOOR_MS, Math.min(...measured) * SLOW_RATIO);
    const demerits = ({ cdn }: T): number => {
      const record = this.#records.get(cdn);
      if (!record) return 0;
      if (record.failures > 0) return 1 + record.failures;
      return record.segmentMs !== null && record.segmentMs > slowAbove ? 1 : 0;
    };
    return cdns.map((cdn) => cdn).sort((a, b) => demerits(a) - demerits(b));
  }

  snapshot(): Record<string, CdnRecord> {
    return Object.fromEntries([...this.#records].map(([cdn, record]) => [cdn, { ...record }]));
  }

  #record(cdn: string): CdnRecord {
    let record = this.#records.get(cdn);
    if (!record) {
      record = { failures: 0, segmentMs: null };
      this.#records.set(cdn, record);
    }
    return record;
  }
}

/** One CDN's copy of a stream: address = `base_url` + relative path + `?` + `query`. */
export interface CdnSource {
  cdn: string;
  base_url: string;
  query: string;
}

/** The path below any source's base, without query, or null when the address is none of theirs. */
export function relativePath(uri: string, sources: readonly CdnSource[]): string | null {
  for (const { base_url } of sources) {
    const base = base_url.endsWith("/") ? base_url : `${base_url}/`;
    if (uri.startsWith(base)) return uri.slice(base.length).split("?", 1)[0] ?? null;
  }
  return null;
}

export function addressOn(source: CdnSource, path: string): string {
  const base = source.base_url.endsWith("/") ? source.base_url : `${source.base_url}/`;
  return source.query ? `${base}${path}?${source.query}` : base + path;
}

/** The source an address belongs to. */
export function sourceOf(uri: string, sources: readonly CdnSource[]): CdnSource | null {
  return sources.find((source) => relativePath(uri, [source]) !== null) ?? null;
}
