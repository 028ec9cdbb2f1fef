// Copies the page and its libraries to dist/, which the gateway serves (AIRWAVE_GATEWAY_WEB_DIR). The libraries come from
// node_modules as their authors built them, so a browser asks no other origin for code.
import { cp, mkdir, rm } from 'node:fs/promises'

const here = (path) => new URL(path, import.meta.url)
const LIBRARIES = {
  'hls.js': 'hls.js/dist/hls.min.mjs',
  'hls.worker.js': 'hls.js/dist/hls.worker.js',
  'dash.js': 'dashjs/dist/modern/esm/dash.mediaplayer.min.js',
  'socket.io.js': 'socket.io-client/dist/socket.io.esm.min.js',
}

await rm(here('dist'), { recursive: true, force: true })
await cp(here('src'), here('dist'), { recursive: true })
await mkdir(here('dist/vendor'))
for (const [name, path] of Object.entries(LIBRARIES)) await cp(here(`node_modules/${path}`), here(`dist/vendor/${name}`))
