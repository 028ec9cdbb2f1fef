// Live playback: hls.js or dash.js. A notice may come a second or two before the first playlist, playlists
// vanish some time after an end, and neither player survives a restart of the stream: so each is built again
// until it plays.
import type { Schemas } from '../client/api'
import { safeUrl } from '../dom/element'

const RETRY_MS = 1000

export type Kind = keyof Schemas['PlaybackUrls']
type Dispose = () => void

export interface Player {
  stop: () => void
}

export function livePlayer(video: HTMLVideoElement, urls: Schemas['PlaybackUrls'], kind: Kind, say: (text: string) => void): Player {
  let stopped = false
  let dispose: Dispose = () => {}
  let retry: ReturnType<typeof setTimeout> | undefined

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
      dispose = await (kind === 'dash' ? dash : hls)(video, url, later)
      if (stopped) dispose()
      else video.play().catch(() => say('Press play.'))
    } catch {
      say('Waiting for the picture…')
      later()
    }
  }

  const playing = () => say('')
  video.addEventListener('playing', playing)
  void load()
  return {
    stop() {
      stopped = true
      clearTimeout(retry)
      video.removeEventListener('playing', playing)
      dispose()
    },
  }
}

async function hls(video: HTMLVideoElement, url: string, failed: () => void): Promise<Dispose> {
  const { default: Hls } = await import('hls.js')
  if (!Hls.isSupported()) return native(video, url)
  const player = new Hls({ liveSyncDurationCount: 2, workerPath: '/hls.worker.js' })
  player.on(Hls.Events.ERROR, (_, error) => {
    if (!error.fatal) return
    if (error.type === Hls.ErrorTypes.MEDIA_ERROR) player.recoverMediaError()
    else failed()
  })
  player.loadSource(url)
  player.attachMedia(video)
  return () => player.destroy()
}

/** Safari on a phone plays HLS itself. */
function native(video: HTMLVideoElement, url: string): Dispose {
  video.src = url
  return () => {
    video.removeAttribute('src')
    video.load()
  }
}

async function dash(video: HTMLVideoElement, url: string, failed: () => void): Promise<Dispose> {
  const { MediaPlayer } = await import('dashjs')
  const player = MediaPlayer().create()
  // By default it asks a time server of somebody else's.
  player.updateSettings({ streaming: { utcSynchronization: { enabled: false }, delay: { liveDelay: 4 } } })
  player.on('error', failed)
  player.initialize(video, url, true)
  return () => player.destroy()
}
