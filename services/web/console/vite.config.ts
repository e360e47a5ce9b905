// Builds the console into the package of the web service, which serves it (postroad_web/api/console.py).
import { defineConfig } from "vite";

const api = process.env["POSTROAD_CONSOLE_API"] ?? "http://localhost:8025";

export default defineConfig({
  base: "/console/",
  build: {
    outDir: "../postroad_web/console",
    emptyOutDir: true,
    assetsDir: "",
    assetsInlineLimit: 0, // the Content-Security-Policy has no data: for scripts, styles and fonts
    modulePreload: { polyfill: false },
    target: "es2022",
    reportCompressedSize: false,
  },
  // `npm run dev` serves the sources beside a stack that runs.
  server: { proxy: { "/v1": { target: api, changeOrigin: true } } },
});
