// Drives @spotify/web-api-ts-sdk as its users do, and prints what was driven.
//
// Reads its plan (tests/clients/plan.py) from stdin. The SDK's base URL is a static field; its
// token URL is a constant, so fetch is wrapped. The sign-in form is the caller's business: we print
// the address to which the SDK sends the browser, and read where the form led.

import assert from "node:assert/strict";
import { createInterface } from "node:readline";

import { SpotifyApi } from "@spotify/web-api-ts-sdk";

const ACCOUNTS = "https://accounts.spotify.com";

// Methods that are not driven, with why.
const EXCLUDED = {
  "audiobooks.get": "out of scope: answers 404, checked apart",
  "audiobooks.getAudiobookChapters": "out of scope: answers 404, checked apart",
  "chapters.get": "out of scope: answers 404, checked apart",
  "currentUser.audiobooks.savedAudiobooks": "out of scope: answers 404, checked apart",
  "currentUser.audiobooks.saveAudiobooks": "out of scope: answers 404, checked apart",
  "currentUser.audiobooks.removeSavedAudiobooks": "out of scope: answers 404, checked apart",
  "currentUser.audiobooks.hasSavedAudiobooks": "out of scope: answers 404, checked apart",
  "tracks.audioAnalysis": "out of scope: answers 404, checked apart",
};

const driven = new Set();

/** The SDK's tree of endpoints; remembers which methods were called. */
function recorded(target, path = "") {
  return new Proxy(target, {
    get(object, name) {
      const value = object[name];
      const where = path ? `${path}.${String(name)}` : String(name);
      if (typeof value === "function") {
        return (...args) => {
          driven.add(where);
          return value.apply(object, args);
        };
      }
      return value && typeof value === "object" ? recorded(value, where) : value;
    },
  });
}

/** Every method that the SDK offers, by its path from the client. */
function offered(sdk) {
  const found = ["search"];
  const visit = (object, path) => {
    for (const name of Object.getOwnPropertyNames(Object.getPrototypeOf(object))) {
      if (name !== "constructor" && typeof object[name] === "function") {
        found.push(`${path}.${name}`);
      }
    }
    for (const [name, value] of Object.entries(object)) {
      if (name !== "api" && value && typeof value === "object") visit(value, `${path}.${name}`);
    }
  };
  for (const [name, value] of Object.entries(sdk)) {
    if (value?.constructor?.name.endsWith("Endpoints")) visit(value, name);
  }
  return found;
}

/** Authorization code with PKCE, in as much of a browser as the SDK asks for. */
async function signIn(plan, lines) {
  globalThis.localStorage = new (class {
    items = new Map();
    getItem = (key) => this.items.get(key) ?? null;
    setItem = (key, value) => this.items.set(key, value);
    removeItem = (key) => this.items.delete(key);
  })();
  const location = new URL(plan.redirect_uri);
  globalThis.window = {
    location,
    crypto: globalThis.crypto,
    history: { replaceState: (state, title, url) => (location.href = url) },
  };
  globalThis.document = { title: "" };
  let sentTo;
  const redirectionStrategy = {
    redirect: async (url) => (sentTo = url.toString().replace(ACCOUNTS, plan.accounts_url)),
    onReturnFromRedirect: async () => {},
  };
  const scopes = plan.scope.split(" ");
  const sdk = SpotifyApi.withUserAuthorization(plan.client_id, plan.redirect_uri, scopes, {
    redirectionStrategy,
  });
  assert.equal((await sdk.authenticate()).authenticated, false);
  while (!sentTo) await new Promise((done) => setTimeout(done, 10));
  console.log(JSON.stringify({ sign_in: sentTo }));
  location.href = JSON.parse((await lines.next()).value).location;
  assert.equal((await sdk.authenticate()).authenticated, true);
  const token = await sdk.getAccessToken();
  assert.ok(token.refresh_token);
  return { sdk, token };
}

async function otherSignIns(plan, token) {
  const app = SpotifyApi.withClientCredentials(plan.app_id, plan.app_secret);
  assert.equal((await app.tracks.get(plan.tracks[0])).id, plan.tracks[0]);
  await assert.rejects(app.currentUser.profile());
  app.logOut(); // all of them share one cache
  const wrong = SpotifyApi.withClientCredentials(plan.app_id, "not-the-secret");
  await assert.rejects(wrong.tracks.get(plan.tracks[0]));
  const given = SpotifyApi.withAccessToken(plan.client_id, token);
  assert.equal((await given.currentUser.profile()).id, plan.user_id);
  const stale = SpotifyApi.withAccessToken(plan.client_id, { ...token, expires: Date.now() - 1 });
  assert.equal((await stale.currentUser.profile()).id, plan.user_id);
  assert.notEqual((await stale.getAccessToken()).access_token, token.access_token);
}

const ids = (items) => items.map((item) => item.id);

async function refused(promise, status) {
  await assert.rejects(promise, (error) => error.message.includes(String(status)));
}

async function catalogue(sdk, plan) {
  const { tracks, albums, artists, words } = plan;
  assert.equal((await sdk.tracks.get(tracks[0], "DE")).id, tracks[0]);
  assert.deepEqual(ids(await sdk.tracks.get(tracks.slice(0, 3))), tracks.slice(0, 3));
  assert.ok((await sdk.tracks.audioFeatures(tracks[0])).tempo > 0);
  assert.deepEqual(ids(await sdk.tracks.audioFeatures(tracks.slice(0, 2))), tracks.slice(0, 2));
  assert.equal((await sdk.albums.get(albums[0])).id, albums[0]);
  assert.deepEqual(ids(await sdk.albums.get(albums.slice(0, 2), "DE")), albums.slice(0, 2));
  assert.equal((await sdk.albums.tracks(albums[0], "DE", 1, 1)).items.length, 1);
  assert.equal((await sdk.artists.get(artists[0])).id, artists[0]);
  assert.deepEqual(ids(await sdk.artists.get(artists.slice(0, 2))), artists.slice(0, 2));
  assert.ok((await sdk.artists.albums(artists[0], "album,single", "DE", 50)).items.length);
  assert.ok((await sdk.artists.topTracks(artists[0], "DE")).tracks.length);
  assert.ok((await sdk.artists.relatedArtists(artists[0])).artists.length);
  assert.ok((await sdk.markets.getAvailableMarkets()).markets.includes("DE"));
  const kinds = ["track", "album", "artist", "playlist", "show", "episode"];
  const found = await sdk.search(words.track, kinds, "DE", 50);
  assert.ok(found.tracks.items.length);
  const { genres } = await sdk.recommendations.genreSeeds();
  const recommended = await sdk.recommendations.get({
    seed_artists: artists.slice(0, 1),
    seed_genres: genres.slice(0, 1),
    seed_tracks: tracks.slice(0, 1),
    limit: 5,
    target_energy: 0.5,
  });
  assert.ok(recommended.tracks.length);
  for (const call of [
    () => sdk.audiobooks.get(tracks[0]),
    () => sdk.audiobooks.get(tracks.slice(0, 2)),
    () => sdk.audiobooks.getAudiobookChapters(tracks[0]),
    () => sdk.chapters.get(tracks[0], "GB"),
    () => sdk.currentUser.audiobooks.savedAudiobooks(),
    () => sdk.currentUser.audiobooks.saveAudiobooks(tracks.slice(0, 1)),
    () => sdk.currentUser.audiobooks.removeSavedAudiobooks(tracks.slice(0, 1)),
    () => sdk.currentUser.audiobooks.hasSavedAudiobooks(tracks.slice(0, 1)),
    () => sdk.tracks.audioAnalysis(tracks[0]),
    () => sdk.tracks.get("0".repeat(22)),
  ]) {
    await refused(call(), 404);
  }
}

async function podcastsAndBrowse(sdk, plan) {
  const { shows, episodes, category } = plan;
  assert.equal((await sdk.shows.get(shows[0], "DE")).id, shows[0]);
  assert.deepEqual(ids(await sdk.shows.get(shows.slice(0, 2), "DE")), shows.slice(0, 2));
  assert.equal((await sdk.shows.episodes(shows[0], "DE", 1)).items.length, 1);
  assert.equal((await sdk.episodes.get(episodes[0], "DE")).id, episodes[0]);
  assert.deepEqual(ids(await sdk.episodes.get(episodes.slice(0, 2), "DE")), episodes.slice(0, 2));
  assert.ok((await sdk.browse.getCategories("DE", "de_DE")).categories.items.length);
  assert.equal((await sdk.browse.getCategory(category, "DE")).id, category);
  assert.ok((await sdk.browse.getNewReleases("DE")).albums.items.length);
  const featured = await sdk.browse.getFeaturedPlaylists("DE", "de_DE", "2026-11-22T09:00:00");
  assert.ok(featured.playlists.items.length);
  assert.ok((await sdk.browse.getPlaylistsForCategory(category, "DE")).playlists.items.length);
}

async function library(me, plan) {
  const both = [
    ["tracks", me.tracks, "savedTracks", "saveTracks", "removeSavedTracks", "hasSavedTracks"],
    ["albums", me.albums, "savedAlbums", "saveAlbums", "removeSavedAlbums", "hasSavedAlbums"],
    ["shows", me.shows, "savedShows", "saveShows", "removeSavedShows", "hasSavedShow"],
    ["episodes", me.episodes, "savedEpisodes", "saveEpisodes", "removeSavedEpisodes", "hasSavedEpisodes"],
  ];
  for (const [kind, endpoints, saved, save, remove, has] of both) {
    const wanted = plan[kind].slice(0, 2);
    await endpoints[save](wanted);
    assert.deepEqual(await endpoints[has](wanted), [true, true], kind);
    const { items } = await (kind === "episodes" ? endpoints[saved]("DE", 2) : endpoints[saved](2));
    assert.deepEqual(items.map((item) => item[kind.slice(0, -1)].id).sort(), [...wanted].sort());
    await endpoints[remove](wanted);
    assert.deepEqual(await endpoints[has](wanted), [false, false], kind);
  }
}

async function people(sdk, plan) {
  const me = sdk.currentUser;
  const artists = plan.artists.slice(0, 2);
  assert.equal((await me.profile()).id, plan.user_id);
  assert.equal((await sdk.users.profile(plan.other_user_id)).id, plan.other_user_id);
  for (const [type, wanted] of [["artist", artists], ["user", [plan.other_user_id]]]) {
    await me.followArtistsOrUsers(wanted, type);
    assert.ok((await me.followsArtistsOrUsers(wanted, type)).every((one) => one));
    if (type === "artist") {
      const followed = ids((await me.followedArtists(undefined, 50)).artists.items);
      assert.ok(wanted.every((id) => followed.includes(id)));
    }
    await me.unfollowArtistsOrUsers(wanted, type);
    assert.ok((await me.followsArtistsOrUsers(wanted, type)).every((one) => !one));
  }
  assert.ok((await me.topItems("artists", "short_term", 3)).items.length);
  assert.ok((await me.topItems("tracks", "long_term", 3)).items.length);
}

async function playlists(sdk, plan) {
  const uris = plan.tracks.map((id) => `spotify:track:${id}`);
  const { id } = await sdk.playlists.createPlaylist(plan.user_id, { name: "From the SDK" });
  const held = async () =>
    (await sdk.playlists.getPlaylistItems(id)).items.map((item) => item.track.uri);
  await sdk.playlists.addItemsToPlaylist(id, uris.slice(0, 3));
  await sdk.playlists.addItemsToPlaylist(id, [uris[3]], 0);
  assert.deepEqual(await held(), [uris[3], uris[0], uris[1], uris[2]]);
  const moved = await sdk.playlists.movePlaylistItems(id, 0, 1, 4);
  assert.ok(moved.snapshot_id);
  await sdk.playlists.removeItemsFromPlaylist(id, {
    tracks: [{ uri: uris[0] }],
    snapshot_id: moved.snapshot_id,
  });
  assert.deepEqual(await held(), [uris[1], uris[2], uris[3]]);
  await sdk.playlists.updatePlaylistItems(id, { uris: uris.slice(0, 2) });
  assert.deepEqual(await held(), uris.slice(0, 2));
  await sdk.playlists.changePlaylistDetails(id, { name: "Renamed", public: false });
  const whole = await sdk.playlists.getPlaylist(id, "DE", undefined, ["track", "episode"]);
  assert.deepEqual([whole.name, whole.public, whole.tracks.total], ["Renamed", false, 2]);
  assert.equal((await sdk.playlists.getPlaylist(id, undefined, "name")).name, "Renamed");
  await sdk.playlists.addCustomPlaylistCoverImage(id, Buffer.from(plan.jpeg, "base64"));
  await sdk.playlists.addCustomPlaylistCoverImageFromBase64String(id, plan.jpeg);
  assert.ok((await sdk.playlists.getPlaylistCoverImage(id))[0].url);
  assert.ok((await sdk.playlists.getUsersPlaylists(plan.other_user_id)).items.length);
  const mine = sdk.currentUser.playlists;
  assert.ok(ids((await mine.playlists(50)).items).includes(id));
  await mine.unfollow(id);
  await mine.follow(plan.playlist);
  assert.deepEqual(await mine.isFollowing(plan.playlist, [plan.user_id]), [true]);
  await mine.unfollow(plan.playlist);
  assert.deepEqual(await mine.isFollowing(plan.playlist, [plan.user_id]), [false]);
}

async function player(sdk, plan) {
  const { player } = sdk;
  const device = plan.device_id;
  const uris = plan.tracks.map((id) => `spotify:track:${id}`);
  assert.ok(ids((await player.getAvailableDevices()).devices).includes(device));
  await player.transferPlayback([device], false);
  await player.startResumePlayback(device, undefined, uris.slice(0, 3), { position: 1 }, 1000);
  assert.equal((await player.getPlaybackState("DE", "track,episode")).item.uri, uris[1]);
  assert.equal((await player.getCurrentlyPlayingTrack()).item.uri, uris[1]);
  await player.skipToNext(device);
  assert.equal((await player.getCurrentlyPlayingTrack()).item.uri, uris[2]);
  await player.skipToPrevious(device);
  await player.seekToPosition(5000, device);
  await player.setRepeatMode("context", device);
  await player.setPlaybackVolume(30, device);
  await player.togglePlaybackShuffle(true, device);
  await player.togglePlaybackShuffle(false, device);
  const state = await player.getPlaybackState();
  assert.deepEqual([state.repeat_state, state.shuffle_state], ["context", false]);
  assert.equal(state.device.volume_percent, 30);
  assert.ok(state.progress_ms >= 5000);
  await player.setRepeatMode("off");
  await player.addItemToPlaybackQueue(uris[3], device);
  const queue = await player.getUsersQueue();
  assert.equal(queue.currently_playing.uri, uris[1]);
  assert.equal(queue.queue[0].uri, uris[3]);
  await player.skipToNext(device); // or the next run finds it there
  await player.startResumePlayback(device, `spotify:album:${plan.albums[0]}`);
  await player.pausePlayback(device);
  assert.equal((await player.getPlaybackState()).is_playing, false);
  assert.ok((await player.getRecentlyPlayedTracks(3)).items.length);
  const range = { timestamp: Date.now(), type: "before" };
  assert.ok((await player.getRecentlyPlayedTracks(3, range)).items.length);
}

async function main() {
  const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  const plan = JSON.parse((await lines.next()).value);
  SpotifyApi.rootUrl = `${plan.url}/v1/`;
  const plainFetch = globalThis.fetch;
  globalThis.fetch = (address, options) =>
    plainFetch(String(address).replace(ACCOUNTS, plan.accounts_url), options);

  const { sdk, token } = await signIn(plan, lines);
  await otherSignIns(plan, token);
  const driver = recorded(sdk);
  await catalogue(driver, plan);
  await podcastsAndBrowse(driver, plan);
  await library(driver.currentUser, plan);
  await people(driver, plan);
  await playlists(driver, plan);
  await player(driver, plan);
  sdk.logOut();
  assert.equal(await sdk.getAccessToken(), null);

  const all = offered(sdk);
  const notDriven = all.filter((name) => !driven.has(name) && !(name in EXCLUDED));
  console.log(JSON.stringify({ offered: all, not_driven: notDriven }));
  process.exit(0);
}

await main();
