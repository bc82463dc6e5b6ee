/// <reference types="vite/client" />

/** Name and version of this build, sent as X-Client-Build. */
declare const __BUILD__: string;
