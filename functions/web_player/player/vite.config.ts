import { readFileSync } from "node:fs";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

const { version } = JSON.parse(readFileSync(new URL("package.json", import.meta.url), "utf8")) as {
  version: string;
};

/** Link the player chunk as a low-priority preload: it arrives while the person still reads. */
function preloadPlayerChunk(): Plugin {
  return {
    name: "segue-preload-player-chunk",
    transformIndexHtml: {
      order: "post",
      handler(_html, context) {
        const chunk = Object.keys(context.bundle ?? {}).find((name) => /\/shaka-[^/]*\.js$/.test(name));
        if (!chunk) return [];
        return [
          {
            tag: "link",
            attrs: { rel: "modulepreload", href: `/${chunk}`, fetchpriority: "low" },
            injectTo: "head" as const,
          },
        ];
      },
    },
  };
}

/** Write .br and .gz beside each text asset, so that the function never compresses a request. */
function precompress(): Plugin {
  const LEAST_WORTHWHILE_BYTES = 1024;
  return {
    name: "segue-precompress",
    apply: "build",
    enforce: "post",
    generateBundle: {
      order: "post",
      handler(_options, bundle) {
        for (const [name, output] of Object.entries(bundle)) {
          if (!/\.(js|css|svg|webmanifest)$/.test(name)) continue;
          const body = Buffer.from(output.type === "chunk" ? output.code : output.source);
          if (body.byteLength < LEAST_WORTHWHILE_BYTES) continue;
          const quality = { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } };
          this.emitFile({ type: "asset", fileName: `${name}.br`, source: brotliCompressSync(body, quality) });
          this.emitFile({ type: "asset", fileName: `${name}.gz`, source: gzipSync(body, { level: 9 }) });
        }
      },
    },
  };
}

export default defineConfig({
  define: { __BUILD__: JSON.stringify(`segue-web-player/${version}`) },
  plugins: [preloadPlayerChunk(), precompress()],
  build: {
    outDir: "../static",
    emptyOutDir: true,
    target: "es2022",
    modulePreload: { polyfill: false },
    // An inlined data: URL would need a wider content security policy.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 700,
  },
  test: { include: ["tests/**/*.test.ts"], environment: "node" },
});
