/** The signed-in session: holds tokens, hands out a fresh one, says when it is over. */
import { ACCOUNTS, CLIENT_ID } from "../config";
import { Emitter } from "../emitter";
import { requestTokens, subjectOf, TokenError, type TokenSet } from "./tokens";

const TOKENS_KEY = "segue.tokens";
/** A token this close to its end is exchanged first: a request and a clock may both be slow. */
const REFRESH_BEFORE_MS = 90_000;

/** Nobody is signed in (any more). */
export class SignedOut extends Error {}

export class Session {
  /** The listener signs out; there still is a token for what has to be told before. */
  readonly leaving = new Emitter<void>();
  readonly ended = new Emitter<void>();
  #tokens: TokenSet | null;
  #refreshing: Promise<string> | null = null;
  #timer: number | undefined;

  constructor() {
    const stored = sessionStorage.getItem(TOKENS_KEY);
    this.#tokens = stored ? (JSON.parse(stored) as TokenSet) : null;
    this.#schedule();
  }

  get signedIn(): boolean {
    return this.#tokens !== null;
  }

  get userId(): string {
    return this.#tokens ? subjectOf(this.#tokens.accessToken) : "unknown";
  }

  begin(tokens: TokenSet): void {
    this.#tokens = tokens;
    sessionStorage.setItem(TOKENS_KEY, JSON.stringify(tokens));
    this.#schedule();
  }

  /** An access token with life left in it. @throws SignedOut when there is none to be had. */
  async token(): Promise<string> {
    if (!this.#tokens) throw new SignedOut();
    if (Date.now() < this.#tokens.expiresAtMs - REFRESH_BEFORE_MS) return this.#tokens.accessToken;
    return this.refresh();
  }

  /** The present token, without waiting: for `pagehide`, where nothing can be awaited. */
  tokenNow(): string | null {
    return this.#tokens?.accessToken ?? null;
  }

  /** Exchanges the refresh token once, however many ask at the same time. */
  refresh(): Promise<string> {
    this.#refreshing ??= this.#exchange().finally(() => {
      this.#refreshing = null;
    });
    return this.#refreshing;
  }

  signOut(): void {
    this.leaving.emit();
    // Best effort: the local end of the session does not depend on the answer.
    void fetch(`${ACCOUNTS}/logout`, { method: "POST", keepalive: true }).catch(() => undefined);
    this.#end();
  }

  async #exchange(): Promise<string> {
    const held = this.#tokens;
    if (!held?.refreshToken) {
      this.#end();
      throw new SignedOut();
    }
    try {
      const fresh = await requestTokens({
        grant_type: "refresh_token",
        refresh_token: held.refreshToken,
        client_id: CLIENT_ID,
      });
      // The server may rotate the refresh token, or leave the old one standing.
      this.begin({ ...fresh, refreshToken: fresh.refreshToken ?? held.refreshToken });
      return fresh.accessToken;
    } catch (error) {
      if (error instanceof TokenError && error.status < 500) {
        this.#end();
        throw new SignedOut();
      }
      // Offline or a passing fault: a token that still has minutes is better than none.
      if (Date.now() < held.expiresAtMs) return held.accessToken;
      throw error;
    }
  }

  #schedule(): void {
    window.clearTimeout(this.#timer);
    if (!this.#tokens?.refreshToken) return;
    const dueIn = Math.max(1000, this.#tokens.expiresAtMs - REFRESH_BEFORE_MS - Date.now());
    this.#timer = window.setTimeout(() => void this.refresh().catch(() => undefined), dueIn);
  }

  #end(): void {
    window.clearTimeout(this.#timer);
    const was = this.#tokens;
    this.#tokens = null;
    sessionStorage.removeItem(TOKENS_KEY);
    if (was) this.ended.emit();
  }
}
