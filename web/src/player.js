// Live playback: hls.js or dash.js. A notice may come a second or two before the first playlist, playlists vanish some time
// after an end, and neither player survives a restart of the stream: so each is built again until it plays.
import { safeUrl } from './dom.js'

const RETRY_MS = 1000

export function livePlayer(video, urls, kind, say) {
  let stopped = false
  let dispose = () => {}
  let retry

  const later = () => {
    if (stopped) return
    clearTimeout(retry)
    retry = setTimeout(load, RETRY_MS)
  }

  async function load() {
    dispose()
    dispose = () => {}
    const url = safeUrl(urls[kind])
    if (stopped || !url) return
    try {
      if (!(await fetch(url, { cache: 'no-store' })).ok) throw new Error('not there yet')
      if (stopped) return
      dispose = kind === 'dash' ? await dash(url) : await hls(url)
      if (stopped) dispose()
      else video.play().catch(() => say('Press play.'))
    } catch {
      say('Waiting for the picture…')
      later()
    }
  }

  async function hls(url) {
    const { default: Hls } = await import('/vendor/hls.js')
    if (!Hls.isSupported()) {
      video.src = url
      return () => { video.removeAttribute('src'); video.load() }
    }
    const player = new Hls({ liveSyncDurationCount: 2, workerPath: '/vendor/hls.worker.js' })
    player.on(Hls.Events.ERROR, (_, error) => {
      if (!error.fatal) return
      if (error.type === Hls.ErrorTypes.MEDIA_ERROR) player.recoverMediaError()
      else later()
    })
    player.loadSource(url)
    player.attachMedia(video)
    return () => player.destroy()
  }

  async function dash(url) {
    const { MediaPlayer } = await import('/vendor/dash.js')
    const player = MediaPlayer().create()
    // By default it asks a time server of somebody else's.
    player.updateSettings({ streaming: { utcSynchronization: { enabled: false }, delay: { liveDelay: 4 } } })
    player.on('error', later)
    player.initialize(video, url, true)
    return () => player.destroy()
  }

  const playing = () => say('')
  video.addEventListener('playing', playing)
  load()
  return {
    reload: load,
    stop() {
      stopped = true
      clearTimeout(retry)
      video.removeEventListener('playing', playing)
      dispose()
    },
  }
}
