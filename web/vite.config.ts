import { createHash } from "node:crypto";
import react from "@vitejs/plugin-react";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

/** Digits of a hash in a name, as many as the bundler gives its own. */
const HASH_LENGTH = 8;

/** The manifest names its icon by the name that the build gave it, and is itself named by what it then holds. */
function manifestIcon(): Plugin {
  return {
    name: "manifest-icon",
    enforce: "post",
    generateBundle(_options, bundle) {
      const assets = Object.values(bundle).filter((file) => file.type === "asset");
      const manifest = assets.find(({ fileName }) => fileName.endsWith(".webmanifest"));
      const icon = assets.find(({ fileName }) => fileName.endsWith(".svg"));
      const index = assets.find(({ fileName }) => fileName === "index.html");
      if (manifest === undefined || icon === undefined || index === undefined) {
        this.error("the index, its manifest or its icon is missing");
      }
      const source = String(manifest.source).replace("icon.svg", `/${icon.fileName}`);
      const hash = createHash("sha256").update(source).digest("hex").slice(0, HASH_LENGTH);
      const fileName = `assets/app-${hash}.webmanifest`;
      index.source = String(index.source).replace(manifest.fileName, fileName);
      delete bundle[manifest.fileName];
      this.emitFile({ type: "asset", fileName, source });
    },
  };
}

export default defineConfig({
  // The api serves the index at /portfolio and everything else, under names with a hash of their content, at /assets.
  base: "/",
  plugins: [react(), manifestIcon()],
  build: {
    outDir: "../api/static",
    emptyOutDir: true,
    target: "es2022",
    // Never as data: addresses: the content policy allows no such images.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 700,
  },
  server: { proxy: { "/api": "http://127.0.0.1:4001" } },
  test: { environment: "node", include: ["tests/**/*.test.{ts,tsx}"] },
});
