/** Playback events as `POST /v1/events` takes them. */
import type { Report } from "../playback/player";
import { deviceId } from "../playback/streams";

export type EventType =
  | "play_started"
  | "progress"
  | "paused"
  | "resumed"
  | "seeked"
  | "completed"
  | "skipped"
  | "stopped"
  | "qoe";

export interface PlaybackEvent {
  event_id: string;
  type: EventType;
  track_id: string;
  session_id: string;
  device_id: string;
  position_ms: number;
  /** RFC 3339, UTC. */
  ts: string;
  context_uri?: string;
  bitrate_kbps?: number;
  time_to_first_audio_ms?: number;
  cdn?: string;
}

/** The event for what the player reports, stamped now. */
export function playbackEvent(report: Report): PlaybackEvent {
  return {
    event_id: crypto.randomUUID(),
    type: report.type,
    track_id: report.stream.track_id,
    session_id: report.stream.session_id,
    device_id: deviceId(),
    position_ms: report.positionMs,
    ts: new Date().toISOString(),
    bitrate_kbps: report.stream.bitrate_kbps,
    ...(report.contextUri === null ? {} : { context_uri: report.contextUri }),
    ...(report.cdn === null ? {} : { cdn: report.cdn }),
    ...(report.timeToFirstAudioMs === undefined ? {} : { time_to_first_audio_ms: report.timeToFirstAudioMs }),
  };
}
