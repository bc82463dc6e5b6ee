import { expect, test } from "vitest";
import { addressOn, CdnHealth, relativePath, sourceOf } from "../src/playback/cdn";

const sources = [
  { cdn: "google", base_url: "http://a.test/audio/t/v/", query: "sig=a" },
  { cdn: "cloudfront", base_url: "http://b.test/audio/t/v", query: "sig=b" },
  { cdn: "akamai", base_url: "http://c.test/audio/t/v/", query: "" },
];
const names = (list: { cdn: string }[]): string[] => list.map(({ cdn }) => cdn);

test("without measurements the server's order stands", () => {
  expect(names(new CdnHealth().order(sources))).toEqual(["google", "cloudfront", "akamai"]);
});

test("a CDN that failed is asked last for the rest of the session, also after it served again", () => {
  const health = new CdnHealth();
  health.failed("google");
  health.succeeded("google", 5);
  expect(names(health.order(sources))).toEqual(["cloudfront", "akamai", "google"]);
});

test("among failing CDNs the one that failed least comes first", () => {
  const health = new CdnHealth();
  for (const cdn of ["google", "google", "cloudfront"]) health.failed(cdn);
  expect(names(health.order(sources))).toEqual(["akamai", "cloudfront", "google"]);
});

test("a CDN much slower than the best loses its place, yet stands before failing ones", () => {
  const health = new CdnHealth();
  health.succeeded("google", 2500);
  health.succeeded("cloudfront", 200);
  health.failed("akamai");
  expect(names(health.order(sources))).toEqual(["cloudfront", "google", "akamai"]);
});

test("differences that nobody hears change nothing", () => {
  const health = new CdnHealth();
  health.succeeded("google", 500);
  health.succeeded("cloudfront", 10);
  expect(names(health.order(sources))[0]).toBe("google");
});

test("ordering leaves the given list alone", () => {
  const health = new CdnHealth();
  health.failed("google");
  health.order(sources);
  expect(names(sources)).toEqual(["google", "cloudfront", "akamai"]);
});

test("a segment's path is the same on every CDN, each with its own signature", () => {
  const path = relativePath("http://a.test/audio/t/v/aac_1600000000001.m4s?sig=a", sources);
  expect(path).toBe("aac_1600000000001.m4s");
  expect(sources.map((source) => addressOn(source, path ?? ""))).toEqual([
    "http://a.test/audio/t/v/aac_1600000000001.m4s?sig=a",
    "http://b.test/audio/t/v/aac_1600000000001.m4s?sig=b",
    "http://c.test/audio/t/v/aac_1600000000001.m4s",
  ]);
});

test("an address that is no CDN's is left alone", () => {
  expect(relativePath("http://elsewhere.test/audio/t/v/x.m4s", sources)).toBeNull();
  expect(relativePath("http://b.test/audio/t/v2/x.m4s", sources)).toBeNull();
  expect(sourceOf("http://b.test/audio/t/v/x.m4s", sources)?.cdn).toBe("cloudfront");
});
