/** The player a listener knows: a queue, a clock, and what to do when something breaks. */
import { ApiError, explain } from "../api";
import { Emitter } from "../emitter";
import { gainFor } from "../format";
import type { QueuedTrack } from "../models";
import * as queue from "../queue";
import type { EventType } from "../telemetry/events";
import type { Engine, EngineFault } from "./engine";
import { firstAudio } from "./first_audio";
import { LIMIT_REASON } from "./heartbeat";
import type { StreamSession, StreamSessions } from "./streams";

export type Status = "idle" | "loading" | "playing" | "paused" | "ended";

export interface Report {
  type: EventType;
  stream: StreamSession;
  positionMs: number;
  contextUri: string | null;
  cdn: string | null;
  timeToFirstAudioMs?: number;
}

/** One start, for the metrics that tests and benchmarks read. */
export interface StartMetric {
  trackId: string;
  timeToFirstAudioMs: number;
  cdn: string | null;
}

/** The next track is prepared when this much of the current one has played (F055). */
const PREPARE_NEXT_AT = 0.9;
/** Shorter tracks are prepared for when this many seconds are left. */
const PREPARE_NEXT_SECONDS = 12;
const PROGRESS_EVERY_MS = 10_000;
/** Faults that are overcome in silence within one track before the listener is told. */
const MOST_RECOVERIES = 6;
const RECOVERY_PAUSE_MS = 400;
/** A start that takes longer is given up, and told (milliseconds). */
const START_WITHIN_MS = 12_000;
const NO_ANSWER = "No CDN answers for this track. Check the connection and try again.";
const NOT_FOR_YOU = "This track isn’t available to you here.";
const NO_SOUND = "This track can’t be heard (yet).";
const ELSEWHERE = "You’re listening on another device. Stop there to listen here.";
const VOLUME_KEY = "segue.volume";

export class Player {
  readonly changed = new Emitter<void>();
  readonly ticked = new Emitter<void>();
  readonly reports = new Emitter<Report>();
  readonly failed = new Emitter<string>();
  /** The last track of the queue has ended. */
  readonly finished = new Emitter<void>();
  readonly starts: StartMetric[] = [];
  readonly errors: string[] = [];

  #queue: queue.Queue<QueuedTrack> = queue.emptyQueue();
  #choices = 0;
  #status: Status = "idle";
  #stream: StreamSession | null = null;
  #attempt = new AbortController();
  #recoveries = 0;
  #lastProgressAt = 0;
  #preparedFor: string | null = null;
  #sounding = false;
  #volume = storedVolume();
  readonly #audio: HTMLAudioElement;
  readonly #engine: Engine;
  readonly #streams: StreamSessions;

  constructor(audio: HTMLAudioElement, engine: Engine, streams: StreamSessions) {
    this.#audio = audio;
    this.#engine = engine;
    this.#streams = streams;
    audio.volume = gainFor(this.#volume);
    engine.faults.on((fault) => void this.#onFault(fault));
    engine.cdnChanged.on(() => {
      if (this.#sounding) this.#report("qoe");
    });
    audio.addEventListener("playing", () => this.#set("playing"));
    audio.addEventListener("waiting", () => {
      if (this.#status === "playing") this.#set("loading");
    });
    audio.addEventListener("pause", () => this.#onPause());
    audio.addEventListener("ended", () => this.#onEnded());
    audio.addEventListener("timeupdate", () => this.#onTime());
    for (const event of ["seeked", "durationchange", "progress"]) {
      audio.addEventListener(event, () => this.ticked.emit());
    }
    audio.addEventListener("volumechange", () => this.changed.emit());
  }

  get status(): Status {
    return this.#status;
  }

  get queue(): queue.Queue<QueuedTrack> {
    return this.#queue;
  }

  /** How often it was told what to play: who waits for an answer sees whether that is still wanted. */
  get choices(): number {
    return this.#choices;
  }

  get track(): QueuedTrack | null {
    return queue.current(this.#queue);
  }

  /** Whether a press on the button would pause: also while sound is on its way. */
  get wantsToPlay(): boolean {
    return this.#status === "playing" || this.#status === "loading";
  }

  get positionSeconds(): number {
    return this.#status === "loading" && !this.#sounding ? 0 : this.#audio.currentTime;
  }

  get durationSeconds(): number {
    const known = this.#audio.duration;
    if (this.#sounding && Number.isFinite(known) && known > 0) return known;
    return (this.track?.duration_ms ?? 0) / 1000;
  }

  get bufferedSeconds(): number {
    const { buffered } = this.#audio;
    return buffered.length > 0 ? buffered.end(buffered.length - 1) : 0;
  }

  get cdn(): string | null {
    return this.#engine.cdn;
  }

  get sessionId(): string | null {
    return this.#stream?.session_id ?? null;
  }

  get volume(): number {
    return this.#volume;
  }

  get muted(): boolean {
    return this.#audio.muted;
  }

  /**
   * Plays `tracks` from `index` on, which is the one that the listener wants to hear. `tappedAtMs`:
   * when they asked (`performance.now()`).
   */
  playList(
    tracks: readonly QueuedTrack[],
    index: number,
    contextUri: string | null,
    tappedAtMs: number = performance.now(),
  ): void {
    this.#choose(tracks, index, contextUri, tappedAtMs);
  }

  /** Plays `tracks` from their beginning, from the first on that can be heard. */
  playAll(tracks: readonly QueuedTrack[], contextUri: string | null, tappedAtMs: number): void {
    this.#choose(tracks, 0, contextUri, tappedAtMs, { passesOver: true });
  }

  /** Plays `track` after the current one; `pickedFrom`: the context in which the listener found it. */
  enqueueNext(track: QueuedTrack, pickedFrom: string | null): void {
    const picked = { ...track, pickedFrom };
    if (!this.track) {
      this.playList([picked], 0, null);
      return;
    }
    this.#queue = queue.insertNext(this.#queue, picked);
    this.#preparedFor = null;
    this.changed.emit();
  }

  /** Puts `tracks` in the place of all that is to come. */
  follow(tracks: readonly QueuedTrack[]): void {
    this.#queue = queue.follow(this.#queue, tracks);
    this.#preparedFor = null;
    this.changed.emit();
  }

  toggle(tappedAtMs: number = performance.now()): void {
    if (!this.track) return;
    if (this.wantsToPlay) this.pause();
    else if (this.#status === "ended" || !this.#sounding) void this.#begin(tappedAtMs);
    else this.resume();
  }

  pause(): void {
    if (this.#sounding) this.#audio.pause();
    else {
      // Not a sound yet: the start itself is called off.
      this.#attempt.abort();
      this.#audio.autoplay = false;
      this.#audio.pause();
      this.#set("paused");
    }
  }

  resume(): void {
    if (!this.#sounding) {
      this.toggle();
      return;
    }
    this.#report("resumed");
    this.#play();
  }

  next(tappedAtMs: number = performance.now()): void {
    if (!queue.hasNext(this.#queue)) return;
    this.#leaveTrack();
    this.#queue = queue.advance(this.#queue);
    void this.#begin(tappedAtMs, { passesOver: true });
  }

  previous(tappedAtMs: number = performance.now()): void {
    if (!this.track) return;
    const step = queue.stepBack(this.#queue, this.positionSeconds);
    if (step.action === "restart" && this.#sounding) {
      this.seek(0);
      return;
    }
    this.#leaveTrack();
    this.#queue = step.queue;
    void this.#begin(tappedAtMs);
  }

  /** Jumps within the queue, to one of the upcoming items (0: the next one). */
  skipTo(upcomingIndex: number, tappedAtMs: number = performance.now()): void {
    const { items, index, contextUri } = this.#queue;
    this.playList(items, index + 1 + upcomingIndex, contextUri, tappedAtMs);
  }

  seek(seconds: number): void {
    if (!this.#sounding) return;
    const target = Math.min(Math.max(0, seconds), Math.max(0, this.durationSeconds - 0.25));
    this.#audio.currentTime = target;
    if (this.#status === "ended") this.#play();
    this.#report("seeked");
    this.ticked.emit();
  }

  setVolume(volume: number): void {
    this.#volume = Math.min(1, Math.max(0, volume));
    this.#audio.volume = gainFor(this.#volume);
    if (this.#volume > 0) this.#audio.muted = false;
    localStorage.setItem(VOLUME_KEY, String(this.#volume));
    this.changed.emit();
  }

  toggleMute(): void {
    this.#audio.muted = !this.#audio.muted;
  }

  /** The listener points at a track: its session is asked for, or all that its start needs. */
  anticipate(trackId: string, { fully = false } = {}): void {
    if (trackId === this.track?.id) return;
    if (fully) void this.#engine.preload(trackId).catch(() => undefined);
    else this.#streams.prefetch(trackId);
  }

  /** The page goes away, or the listener signs out. */
  stop(): void {
    if (this.#sounding && this.#status !== "ended") this.#report("stopped");
  }

  /** Another device of the listener sounds in this one's place. */
  yieldPlace(): void {
    this.pause();
    this.failed.emit(ELSEWHERE);
  }

  async close(): Promise<void> {
    this.stop();
    this.#attempt.abort();
    this.#sounding = false;
    this.#queue = queue.emptyQueue();
    this.#audio.pause();
    this.#set("idle");
    await this.#engine.unload().catch(() => undefined);
  }

  #choose(
    tracks: readonly QueuedTrack[],
    index: number,
    contextUri: string | null,
    tappedAtMs: number,
    options?: { passesOver: boolean },
  ): void {
    // A list of which all was hidden: what sounds goes on, and keeps its queue.
    if (tracks.length === 0) return;
    this.#leaveTrack();
    this.#queue = queue.queueOf(tracks, index, contextUri);
    this.#choices += 1;
    void this.#begin(tappedAtMs, options);
  }

  /** `passesOver`: a track that cannot be heard gives way to the one after it. */
  async #begin(tappedAtMs: number, { passesOver = false } = {}): Promise<void> {
    const track = this.track;
    if (!track) return;
    this.#attempt.abort();
    const attempt = new AbortController();
    this.#attempt = attempt;
    this.#sounding = false;
    this.#recoveries = 0;
    this.#preparedFor = null;
    this.#stream = null;
    this.#set("loading");
    this.#audio.pause();
    // The gesture's permission to play belongs to the element, and survives the change of source.
    this.#audio.autoplay = true;
    const audible = firstAudio(this.#audio, tappedAtMs, attempt.signal);
    audible.catch(() => undefined);
    const givenUp = window.setTimeout(() => {
      if (!attempt.signal.aborted) this.#fail(NO_ANSWER);
    }, START_WITHIN_MS);
    try {
      const [stream, loaded] = await Promise.all([
        this.#streams.get(track.id),
        this.#engine.load(track.id),
      ]);
      if (attempt.signal.aborted || !loaded) return;
      this.#stream = stream;
      this.#play();
      const timeToFirstAudioMs = Math.round(await audible);
      if (attempt.signal.aborted) return;
      this.#sounding = true;
      this.#lastProgressAt = performance.now();
      this.starts.push({ trackId: track.id, timeToFirstAudioMs, cdn: this.cdn });
      this.#report("play_started", timeToFirstAudioMs);
      this.#set("playing");
      const following = queue.upcoming(this.#queue)[0];
      if (following) this.#streams.prefetch(following.id);
    } catch (error) {
      if (attempt.signal.aborted) return;
      if (passesOver && queue.hasNext(this.#queue) && this.#isRefused(error)) {
        this.#queue = queue.advance(this.#queue);
        void this.#begin(tappedAtMs, { passesOver });
        return;
      }
      this.#fail(this.#words(error));
    } finally {
      window.clearTimeout(givenUp);
    }
  }

  #play(): void {
    this.#audio.play().catch((error: unknown) => {
      // AbortError: another source or a pause came first. That is no failure.
      if (error instanceof DOMException && error.name === "NotAllowedError") this.#set("paused");
    });
  }

  /** Says how the track that is being left was left. */
  #leaveTrack(): void {
    if (this.#sounding && this.#status !== "ended") this.#report("skipped");
    this.#sounding = false;
  }

  #onPause(): void {
    if (!this.#sounding || this.#audio.ended || this.#audio.seeking) return;
    this.#set("paused");
    this.#report("paused");
  }

  #onEnded(): void {
    if (!this.#sounding) return;
    this.#report("completed");
    this.#set("ended");
    if (!queue.hasNext(this.#queue)) {
      this.finished.emit();
      return;
    }
    this.#queue = queue.advance(this.#queue);
    void this.#begin(performance.now(), { passesOver: true });
  }

  #onTime(): void {
    this.ticked.emit();
    if (this.#status !== "playing" || !this.#sounding) return;
    const now = performance.now();
    if (now - this.#lastProgressAt >= PROGRESS_EVERY_MS) {
      this.#lastProgressAt = now;
      this.#report("progress");
    }
    const left = this.durationSeconds - this.positionSeconds;
    const due = this.positionSeconds / this.durationSeconds >= PREPARE_NEXT_AT || left < PREPARE_NEXT_SECONDS;
    const following = queue.upcoming(this.#queue)[0];
    if (due && following && this.#preparedFor !== following.id) {
      this.#preparedFor = following.id;
      void this.#engine.preload(following.id).catch(() => undefined);
    }
  }

  async #onFault(fault: EngineFault): Promise<void> {
    const track = this.track;
    if (!track || !fault.critical || this.#attempt.signal.aborted) return;
    this.#recoveries += 1;
    if (!fault.network || this.#recoveries > MOST_RECOVERIES) {
      this.#fail(refusal(fault) ?? `This track can’t be played right now (${fault.code}).`);
      return;
    }
    if (this.#sounding) this.#report("qoe");
    // A refusal means that the signature has run out: new addresses first.
    if (fault.status === 401 || fault.status === 403 || fault.status === 410) {
      await this.#streams.renew(track.id).catch(() => undefined);
    } else {
      await new Promise((done) => setTimeout(done, RECOVERY_PAUSE_MS * this.#recoveries));
    }
    if (this.track === track) await this.#engine.resumeStreaming().catch(() => false);
  }

  /** Whether it is the track that cannot be had, by nobody or by this listener. */
  #isRefused(error: unknown): boolean {
    return isMissing(error) || refusal(this.#engine.faultFrom(error)) === NOT_FOR_YOU;
  }

  #words(error: unknown): string {
    if (isMissing(error)) return NO_SOUND;
    const fault = this.#engine.faultFrom(error);
    if (!fault.code) return explain(error);
    const words = refusal(fault) ?? (fault.network ? NO_ANSWER : null);
    return words ?? `This track can’t be played in this browser (${fault.code}).`;
  }

  #fail(message: string): void {
    this.#attempt.abort();
    this.#sounding = false;
    this.#audio.autoplay = false;
    this.#audio.pause();
    this.errors.push(message);
    this.#set("paused");
    this.failed.emit(message);
  }

  #report(type: EventType, timeToFirstAudioMs?: number): void {
    if (!this.#stream) return;
    const pickedFrom = this.track?.pickedFrom;
    this.reports.emit({
      type,
      stream: this.#stream,
      positionMs: Math.max(0, Math.round(this.#audio.currentTime * 1000)),
      contextUri: pickedFrom === undefined ? this.#queue.contextUri : pickedFrom,
      cdn: this.cdn,
      ...(timeToFirstAudioMs === undefined ? {} : { timeToFirstAudioMs }),
    });
  }

  #set(status: Status): void {
    // Until the first sound of a track, the element's own states are those of the old source.
    if (status === "playing" && !this.#sounding) return;
    this.#status = status;
    this.changed.emit();
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof ApiError && error.status === 404;
}

/** What a refusal means to the listener, null if it was none. */
function refusal(fault: EngineFault): string | null {
  if (fault.status !== 403) return null;
  return fault.reason === LIMIT_REASON ? ELSEWHERE : NOT_FOR_YOU;
}

function storedVolume(): number {
  const stored = Number.parseFloat(localStorage.getItem(VOLUME_KEY) ?? "");
  return stored >= 0 && stored <= 1 ? stored : 0.8;
}
