/** The Web API over fetch: bearer, one retry after a refused token, errors as one type. */
import type { Session } from "./auth/session";
import { ORIGIN } from "./config";
import type { FeedbackKind } from "./feedback";
import type {
  Album,
  AlbumRef,
  Artist,
  Home,
  MadeForYouList,
  Me,
  Page,
  PlayHistoryItem,
  SearchResult,
  Track,
} from "./models";

/** An answer that was not the one asked for. `status` 0: no answer at all. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

/** What to tell a person about `error`. */
export function explain(error: unknown): string {
  if (error instanceof ApiError) {
    if (error.status === 0) return "Segue can’t be reached. Check the connection and try again.";
    if (error.status === 404) return "That isn’t in the catalogue (any more).";
    if (error.status === 429) return "That was a little fast. Try again in a moment.";
    if (error.status >= 500) return "Something on our side went wrong. Try again in a moment.";
    return error.message;
  }
  return error instanceof Error && error.message ? error.message : "Something went wrong.";
}

export interface RequestOptions {
  signal?: AbortSignal | undefined;
  headers?: Record<string, string>;
  method?: "POST";
  body?: string;
}

export class Api {
  readonly #session: Session;

  constructor(session: Session) {
    this.#session = session;
  }

  me(options: RequestOptions = {}): Promise<Me> {
    return this.get("/v1/me", options);
  }

  album(id: string, options: RequestOptions = {}): Promise<Album> {
    return this.get(`/v1/albums/${encodeURIComponent(id)}`, options);
  }

  albumTracks(id: string, offset: number, options: RequestOptions = {}): Promise<Page<Track>> {
    return this.get(`/v1/albums/${encodeURIComponent(id)}/tracks?limit=50&offset=${offset}`, options);
  }

  artist(id: string, options: RequestOptions = {}): Promise<Artist> {
    return this.get(`/v1/artists/${encodeURIComponent(id)}`, options);
  }

  search(
    q: string,
    types: readonly ("track" | "artist" | "album")[],
    limit: number,
    options: RequestOptions = {},
  ): Promise<SearchResult> {
    const query = new URLSearchParams({ q, type: types.join(","), limit: String(limit) });
    return this.get(`/v1/search?${query}`, options);
  }

  async newReleases(limit: number, options: RequestOptions = {}): Promise<AlbumRef[]> {
    const { albums } = await this.get<{ albums: Page<AlbumRef> }>(`/v1/browse/new-releases?limit=${limit}`, options);
    return albums.items;
  }

  recentlyPlayed(limit: number, options: RequestOptions = {}): Promise<Page<PlayHistoryItem>> {
    return this.get(`/v1/me/player/recently-played?limit=${limit}`, options);
  }

  home(options: RequestOptions = {}): Promise<Home> {
    return this.get("/v1/me/home", options);
  }

  madeForYou(id: string, options: RequestOptions = {}): Promise<MadeForYouList> {
    return this.get(`/v1/me/made-for-you/${encodeURIComponent(id)}`, options);
  }

  /** Tracks that go on from a seed, the next one first. */
  radio(seedUri: string): Promise<Page<Track>> {
    return this.get(`/v1/me/radio?limit=50&seed=${encodeURIComponent(seedUri)}`);
  }

  /** Tracks to go on with when a context has ended, the next one first. */
  autoplay(contextUri: string): Promise<{ tracks: Track[] }> {
    return this.get(`/v1/me/autoplay?context_uri=${encodeURIComponent(contextUri)}`);
  }

  /** Says that what `uri` names is not for the listener, or that something is wrong with it. */
  async giveFeedback(uri: string, kind: FeedbackKind): Promise<void> {
    await this.getResponse("/v1/me/feedback", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ uri, kind }),
    });
  }

  /** GETs `path` as JSON. @throws ApiError, SignedOut, or AbortError when `signal` fires. */
  async get<T>(path: string, options: RequestOptions = {}): Promise<T> {
    const response = await this.getResponse(path, options);
    return (await response.json()) as T;
  }

  async getResponse(path: string, options: RequestOptions = {}): Promise<Response> {
    let response = await this.#send(path, await this.#session.token(), options);
    if (response.status === 401) {
      response = await this.#send(path, await this.#session.refresh(), options);
    }
    if (!response.ok) throw await errorFrom(response);
    return response;
  }

  async #send(path: string, token: string, options: RequestOptions): Promise<Response> {
    try {
      return await fetch(ORIGIN + path, {
        headers: { authorization: `Bearer ${token}`, accept: "application/json", ...options.headers },
        method: options.method ?? "GET",
        body: options.body ?? null,
        signal: options.signal ?? null,
      });
    } catch (error) {
      if (options.signal?.aborted) throw error;
      throw new ApiError(0, "No answer");
    }
  }
}

async function errorFrom(response: Response): Promise<ApiError> {
  const body = (await response.json().catch(() => null)) as { error?: { message?: string } } | null;
  return new ApiError(response.status, body?.error?.message ?? `HTTP ${response.status}`);
}
