/** Tokens: asking for them, and what is read out of them. */
import { ACCOUNTS } from "../config";

export interface TokenSet {
  accessToken: string;
  refreshToken: string | null;
  /** Epoch milliseconds on this machine's clock. */
  expiresAtMs: number;
}

/** The accounts service refused; `code` is OAuth's (`invalid_grant`, …), `status` HTTP's. */
export class TokenError extends Error {
  constructor(
    readonly code: string,
    readonly status: number,
    description: string,
  ) {
    super(description);
  }
}

interface TokenAnswer {
  access_token: string;
  refresh_token?: string;
  expires_in: number;
}

/** POSTs the token endpoint. @throws TokenError on refusal, TypeError when offline. */
export async function requestTokens(form: Record<string, string>): Promise<TokenSet> {
  const response = await fetch(`${ACCOUNTS}/api/token`, {
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: new URLSearchParams(form).toString(),
  });
  const answer = (await response.json().catch(() => ({}))) as Record<string, unknown>;
  if (!response.ok) {
    const code = typeof answer.error === "string" ? answer.error : "server_error";
    const description = typeof answer.error_description === "string" ? answer.error_description : code;
    throw new TokenError(code, response.status, description);
  }
  const tokens = answer as unknown as TokenAnswer;
  return {
    accessToken: tokens.access_token,
    refreshToken: tokens.refresh_token ?? null,
    expiresAtMs: Date.now() + tokens.expires_in * 1000,
  };
}

/** The `sub` of an access token, unverified: good for naming local storage, for nothing else. */
export function subjectOf(accessToken: string): string {
  try {
    const payload = accessToken.split(".")[1] ?? "";
    const claims = JSON.parse(atob(payload.replaceAll("-", "+").replaceAll("_", "/"))) as { sub?: string };
    return claims.sub ?? "unknown";
  } catch {
    return "unknown";
  }
}
