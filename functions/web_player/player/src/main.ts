/** Wires the page together: who is listening, what they see, what they hear. */
import "./styles/index.css";
import { Api } from "./api";
import type { App } from "./app";
import { finishSignIn } from "./auth/flow";
import { Session } from "./auth/session";
import { Feedback } from "./feedback";
import { expose } from "./inspect";
import { connectKeyboard } from "./keyboard";
import { connectLeaving } from "./leaving";
import { Pages } from "./pages";
import { CdnHealth } from "./playback/cdn";
import { Engine } from "./playback/engine";
import { Heartbeat } from "./playback/heartbeat";
import { connectMediaSession } from "./playback/media_session";
import { Player } from "./playback/player";
import { Stations } from "./playback/stations";
import { deviceId, StreamSessions } from "./playback/streams";
import { playbackEvent } from "./telemetry/events";
import { Reporter } from "./telemetry/reporter";
import { shell } from "./views/shell";
import { signInView } from "./views/sign_in";
import { showError, toastHost } from "./views/toast";

const root = document.body;
const audio = document.createElement("audio");

async function start(): Promise<void> {
  const session = new Session();
  let failure: string | null = null;
  if (location.pathname === "/callback") {
    const query = new URLSearchParams(location.search);
    // The code must not stay in the address, the history or a referrer.
    history.replaceState(null, "", "/");
    try {
      const { tokens, returnTo } = await finishSignIn(query);
      session.begin(tokens);
      history.replaceState(null, "", `/${returnTo}`);
    } catch (error) {
      failure = error instanceof Error ? error.message : "Sign-in failed.";
    }
  }
  if (session.signedIn) listen(session);
  else showDoor(failure);
}

function showDoor(message: string | null): void {
  root.replaceChildren(signInView(location.hash, message));
}

function listen(session: Session): void {
  const api = new Api(session);
  const streams = new StreamSessions(api);
  const health = new CdnHealth();
  const engine = new Engine(audio, session, streams, health);
  const player = new Player(audio, engine, streams);
  // Before the reporter's own listener, so that the last event leaves with the last batch.
  window.addEventListener("pagehide", () => player.stop());
  const heartbeat = new Heartbeat(session, deviceId);
  window.addEventListener("pagehide", () => heartbeat.release());
  const reporter = new Reporter(session);
  const feedback = new Feedback(api);
  const app: App = { api, session, player, stations: new Stations(api, player, feedback), feedback };

  player.reports.on((report) => {
    const urgent = report.type !== "progress" && report.type !== "seeked";
    reporter.report(playbackEvent(report), { urgent });
  });
  player.failed.on(showError);
  engine.licensing.on(() => heartbeat.licensed());
  player.changed.on(() => heartbeat.sounds(player.status === "playing"));
  connectLeaving(session, player, reporter, heartbeat);
  heartbeat.refused.on(() => player.yieldPlace());
  session.ended.on(() => {
    heartbeat.sounds(false);
    void player.close();
    streams.clear();
    showDoor("You are signed out.");
  });

  const frame = shell(app, (q) => pages.query(q));
  const pages = new Pages(app, frame.main, frame.search);
  root.replaceChildren(...frame.elements, toastHost(), audio);
  connectKeyboard(player, frame.search, frame.main);
  connectMediaSession(player);
  expose(audio, player, health, reporter, engine.ready);
  void pages.show();
}

void start();
