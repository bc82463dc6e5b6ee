import { expect, test } from "vitest";
import { base64url, challengeOf, randomToken } from "../src/auth/pkce";

test("the challenge is RFC 7636's own example", async () => {
  expect(await challengeOf("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")).toBe(
    "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
  );
});

test("base64url has neither padding nor the two characters that addresses dislike", () => {
  expect(base64url(new Uint8Array([0xfb, 0xff, 0xfe]))).toBe("-__-");
  expect(base64url(new Uint8Array([1]))).toBe("AQ");
});

test("a verifier has the length RFC 7636 asks for, and never repeats", () => {
  const verifiers = new Set(Array.from({ length: 50 }, () => randomToken(32)));
  expect(verifiers.size).toBe(50);
  for (const verifier of verifiers) expect(verifier).toMatch(/^[A-Za-z0-9_-]{43}$/);
});
