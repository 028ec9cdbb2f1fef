// Plays one URL in a headless Chromium and prints what was seen as one JSON object:
//   {advanced, width, height, audioBytes, requested}
// Arguments: hls | dash | file, the page's origin, the URL, and the seconds that the clock must advance.
import { mkdtemp, rm } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium } from 'playwright-core'

const PLAYERS = { hls: 'hls.js/dist/hls.min.js', dash: 'dashjs/dist/modern/umd/dash.all.min.js' }
const player = (path) => fileURLToPath(new URL(`node_modules/${path}`, import.meta.url))
const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync', '--autoplay-policy=no-user-gesture-required']
const DEADLINE_MS = 30_000

const [kind, origin, url, seconds] = process.argv.slice(2)
const profile = await mkdtemp(join(tmpdir(), 'airwave-e2e-'))
const browser = await chromium.launchPersistentContext(profile, {
  headless: true, executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: FLAGS,
})
try {
  const page = await browser.newPage()
  const requested = []
  page.on('request', (request) => requested.push(request.url()))
  page.on('console', (message) => process.stderr.write(`${message.text()}\n`))
  // The API's own error page: same origin as a viewer's page, with nothing of ours running in it.
  await page.goto(`${origin}/healthz`)
  if (PLAYERS[kind]) await page.addScriptTag({ path: player(PLAYERS[kind]) })
  await page.evaluate(start, { kind, url })
  const seen = await page.waitForFunction(advancedBy, Number(seconds), { timeout: DEADLINE_MS, polling: 200 })
  process.stdout.write(`${JSON.stringify({ ...(await seen.jsonValue()), requested })}\n`)
} finally {
  await browser.close()
  await rm(profile, { recursive: true, force: true })
}

function start({ kind, url }) {
  const video = document.body.appendChild(document.createElement('video'))
  video.muted = true
  if (kind === 'hls') {
    const load = () => {
      const hls = new Hls()
      // A notice may come a second or two before the first playlist.
      hls.on(Hls.Events.ERROR, (_, error) => {
        console.log(`hls.js: ${error.details}`)
        if (error.fatal) { hls.destroy(); setTimeout(load, 500) }
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
  return { advanced, width: video.videoWidth, height: video.videoHeight, audioBytes: video.webkitAudioDecodedByteCount }
}
