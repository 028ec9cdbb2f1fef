// Bundles the web client to dist/, which the gateway serves (AIRWAVE_GATEWAY_WEB_DIR). A browser loads code
// from no other origin. Each player becomes a file of its own, which is loaded when something is played.
import { cp, rm } from 'node:fs/promises'
import { build } from 'esbuild'

const here = (path) => new URL(path, import.meta.url)
const COPIES = {
  'index.html': 'src/index.html',
  'docs.html': 'src/docs.html',
  'icon.svg': 'src/icon.svg',
  'bell.svg': 'src/bell.svg',
  'hls.worker.js': 'node_modules/hls.js/dist/hls.worker.js',
}

await rm(here('dist'), { recursive: true, force: true })
await build({
  absWorkingDir: new URL('.', import.meta.url).pathname,
  entryPoints: ['src/app.ts', 'src/docs.ts', 'src/docs.css', 'src/style.css'],
  outdir: 'dist',
  bundle: true,
  splitting: true,
  minify: true,
  format: 'esm',
  target: 'es2022',
  // dash.js without support for protected content and statistics.
  alias: { dashjs: './node_modules/dashjs/dist/modern/esm/dash.mediaplayer.min.js' },
  external: ['/*.svg'],
  legalComments: 'linked',
  logLevel: 'warning',
})
for (const [name, path] of Object.entries(COPIES)) await cp(here(path), here(`dist/${name}`))
