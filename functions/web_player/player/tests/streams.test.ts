import { expect, test } from "vitest";
import { commonPssh } from "../src/playback/clearkey";
import { localExpiry } from "../src/playback/streams";
import { hrefOf, parseRoute } from "../src/router";

test("a session ends when the server says, whatever this machine's clock shows", () => {
  const anHourFast = Date.parse("2030-01-01T13:00:00Z");
  const ends = localExpiry("2030-01-01T13:00:00Z", "Tue, 01 Jan 2030 12:00:00 GMT", anHourFast);
  expect(ends).toBe(anHourFast + 3_600_000);
});

test("without the server's date its word is taken as it stands", () => {
  expect(localExpiry("2030-01-01T13:00:00Z", null, 0)).toBe(Date.parse("2030-01-01T13:00:00Z"));
});

test("the pssh box is the one Shaka Packager writes for the key id", () => {
  // Shaka Packager 3.8, key id 00000000000000000000000000000001, common system.
  const packager = "AAAANHBzc2gBAAAAEHfv7MCyTQKs4zweUuL7SwAAAAEAAAAAAAAAAAAAAAAAAAABAAAAAA==";
  const ours = commonPssh("00000000-0000-0000-0000-000000000001");
  expect(btoa(String.fromCharCode(...ours))).toBe(packager);
});

test.each([
  [{ name: "home" }, "#/"],
  [{ name: "search", q: "a/b c%" }, "#/search/a%2Fb%20c%25"],
  [{ name: "album", id: "4aawyAB9vmqN3uQ7FjRGTy" }, "#/album/4aawyAB9vmqN3uQ7FjRGTy"],
] as const)("an address says what it shows and is read back: %o", (route, hash) => {
  expect(hrefOf(route)).toBe(hash);
  expect(parseRoute(hash)).toEqual(route);
});

test("a broken or unknown address leads home, a stray percent sign breaks nothing", () => {
  expect(parseRoute("")).toEqual({ name: "home" });
  expect(parseRoute("#/nowhere/else")).toEqual({ name: "home" });
  expect(parseRoute("#/album/")).toEqual({ name: "home" });
  expect(parseRoute("#/search/100%")).toEqual({ name: "search", q: "100%" });
});
