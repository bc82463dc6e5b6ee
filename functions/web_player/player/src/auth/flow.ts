/** Authorization code flow: leaving for the accounts service, and coming back. */
import { ACCOUNTS, CLIENT_ID, REDIRECT_URI, SCOPES } from "../config";
import { challengeOf, randomToken } from "./pkce";
import { requestTokens, type TokenSet } from "./tokens";

const PENDING_KEY = "segue.sign-in";

interface Pending {
  state: string;
  verifier: string;
  returnTo: string;
}

export class SignInError extends Error {}

/** The address that starts a sign-in; remembers what is needed to finish it in this tab. */
export async function authorizeUrl(returnTo: string): Promise<string> {
  const pending: Pending = { state: randomToken(16), verifier: randomToken(32), returnTo };
  sessionStorage.setItem(PENDING_KEY, JSON.stringify(pending));
  const query = new URLSearchParams({
    response_type: "code",
    client_id: CLIENT_ID,
    redirect_uri: REDIRECT_URI,
    scope: SCOPES.join(" "),
    state: pending.state,
    code_challenge_method: "S256",
    code_challenge: await challengeOf(pending.verifier),
  });
  return `${ACCOUNTS}/authorize?${query}`;
}

/**
 * Trades the code in `query` for tokens.
 *
 * @returns tokens, and the hash to return to.
 * @throws SignInError when the answer is not one to the question this tab asked.
 */
export async function finishSignIn(
  query: URLSearchParams,
): Promise<{ tokens: TokenSet; returnTo: string }> {
  const stored = sessionStorage.getItem(PENDING_KEY);
  // A code is good for one try, also when the try fails.
  sessionStorage.removeItem(PENDING_KEY);
  if (!stored) throw new SignInError("This sign-in was started somewhere else. Please try again.");
  const pending = JSON.parse(stored) as Pending;
  if (query.get("state") !== pending.state) {
    throw new SignInError("This sign-in did not come from this page. Please try again.");
  }
  const refusal = query.get("error");
  if (refusal) {
    throw new SignInError(
      refusal === "access_denied" ? "Sign-in was cancelled." : (query.get("error_description") ?? refusal),
    );
  }
  const code = query.get("code");
  if (!code) throw new SignInError("The accounts service sent no code. Please try again.");
  const tokens = await requestTokens({
    grant_type: "authorization_code",
    code,
    redirect_uri: REDIRECT_URI,
    client_id: CLIENT_ID,
    code_verifier: pending.verifier,
  });
  return { tokens, returnTo: pending.returnTo };
}
