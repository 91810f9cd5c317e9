import react from "@vitejs/plugin-react";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

/** The manifest names its icon by the name that the build gave it: a browser looks for it beside the manifest. */
function manifestIcon(): Plugin {
  return {
    name: "manifest-icon",
    generateBundle(_options, bundle) {
      const files = Object.values(bundle).filter((file) => file.type === "asset");
      const icon = files.find((file) => file.fileName.endsWith(".svg"));
      for (const file of files) {
        if (file.fileName.endsWith(".webmanifest") && icon !== undefined) {
          file.source = String(file.source).replace("icon.svg", `/${icon.fileName}`);
        }
      }
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
