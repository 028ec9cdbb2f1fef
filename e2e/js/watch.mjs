// Opens the watch page of a live stream and measures how its own player plays. Prints one JSON object:
//
//   {advanced, elapsed, audioBytes, stalls}
//
// `advanced` is media time and `elapsed` wall-clock time, both in seconds, `audioBytes` what was decoded in
// that time, and `stalls` counts how often the player ran out of data.
//
// Arguments: hls | dash, the page's origin, the stream's id, and for how many seconds to measure.
import { withPage } from './browser.mjs'

const START_TIMEOUT_MS = 20_000

const [kind, origin, stream, seconds] = process.argv.slice(2)
await withPage(async (page) => {
  await page.goto(`${origin}/watch/${stream}`)
  await page.getByLabel('Player').selectOption(kind)
  await page.waitForFunction(isPlaying, null, { timeout: START_TIMEOUT_MS, polling: 100 })
  const seen = await page.evaluate(measure, Number(seconds))
  process.stdout.write(`${JSON.stringify(seen)}\n`)
})

function isPlaying() {
  const video = document.querySelector('video')
  return video.readyState >= 3 && !video.paused && video.currentTime > 0
}

async function measure(seconds) {
  const video = document.querySelector('video')
  let stalls = 0
  video.addEventListener('waiting', () => {
    stalls += 1
  })
  const [time, audio, started] = [video.currentTime, video.webkitAudioDecodedByteCount, performance.now()]
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000))
  return {
    advanced: video.currentTime - time,
    elapsed: (performance.now() - started) / 1000,
    audioBytes: video.webkitAudioDecodedByteCount - audio,
    stalls,
  }
}
