/** Shaka Player's DASH build: the chunk that arrives after the first paint. */
import shaka from "shaka-player/dist/shaka-player.dash-es2021.js";

shaka.polyfill.installAll();

export default shaka;
