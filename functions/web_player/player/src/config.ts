/** What this client is to the platform. */
export const CLIENT_ID = "segue-web-player";
export const CLIENT_BUILD = __BUILD__;
export const SCOPES = [
  "streaming",
  "user-read-recently-played",
  "user-read-email",
  "user-read-private",
] as const;

/** Everything but the media edges is on the page's own origin. */
export const ORIGIN = globalThis.location?.origin ?? "";
export const ACCOUNTS = `${ORIGIN}/accounts`;
export const REDIRECT_URI = `${ORIGIN}/callback`;
