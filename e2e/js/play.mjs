// Plays one URL in a headless Chromium. Prints one JSON object:
//   {advanced, width, height, audioBytes, requested}
// Arguments: hls | dash | file, the page's origin, the URL, and by how many seconds playback must advance.
import { fileURLToPath } from 'node:url'
import { withPage } from './browser.mjs'

const PLAYERS = { hls: 'hls.js/dist/hls.min.js', dash: 'dashjs/dist/modern/umd/dash.all.min.js' }
const player = (path) => fileURLToPath(new URL(`node_modules/${path}`, import.meta.url))
const TIMEOUT_MS = 30_000

const [kind, origin, url, seconds] = process.argv.slice(2)
await withPage(async (page) => {
  const requested = []
  page.on('request', (request) => requested.push(request.url()))
  // A page of the same origin that runs no code of its own.
  await page.goto(`${origin}/healthz`)
  if (PLAYERS[kind]) await page.addScriptTag({ path: player(PLAYERS[kind]) })
  await page.evaluate(start, { kind, url })
  const seen = await page.waitForFunction(advancedBy, Number(seconds), { timeout: TIMEOUT_MS, polling: 200 })
  process.stdout.write(`${JSON.stringify({ ...(await seen.jsonValue()), requested })}\n`)
})

function start({ kind, url }) {
  const video = document.body.appendChild(document.createElement('video'))
  video.muted = true
  if (kind === 'hls') {
    const load = () => {
      const hls = new Hls()
      // A notification may arrive a second or two before the first playlist.
      hls.on(Hls.Events.ERROR, (_, error) => {
        console.log(`hls.js: ${error.details}`)
        if (error.fatal) {
          hls.destroy()
          setTimeout(load, 500)
        }
      })
      hls.on(Hls.Events.MANIFEST_PARSED, () => video.play())
      hls.loadSource(url)
      hls.attachMedia(video)
    }
    load()
  } else if (kind === 'dash') {
    const player = dashjs.MediaPlayer().create()
    player.updateSettings({ streaming: { utcSynchronization: { enabled: false } } })
    player.on('error', ({ error }) => {
      console.log(`dash.js: ${error.message}`)
      setTimeout(() => player.attachSource(url), 500)
    })
    player.initialize(video, url, true)
  } else {
    video.src = url
    video.play()
  }
}

function advancedBy(seconds) {
  const video = document.querySelector('video')
  if (video.readyState < 2) return false
  window.startedAt ??= video.currentTime
  const advanced = video.currentTime - window.startedAt
  if (advanced < seconds) return false
  return {
    advanced,
    width: video.videoWidth,
    height: video.videoHeight,
    audioBytes: video.webkitAudioDecodedByteCount,
  }
}
