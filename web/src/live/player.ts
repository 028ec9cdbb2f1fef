// Live playback with hls.js or dash.js. The first playlist may appear a second or two after the notification,
// playlists are removed some time after the end, and neither player survives a restart of the stream: so each
// is rebuilt until it plays.
import type { Schemas } from '../client/api'
import { safeUrl } from '../dom/element'

const RETRY_MS = 1000

export type Kind = keyof Schemas['PlaybackUrls']
type Dispose = () => void

export interface Player {
  stop: () => void
}

/** Reports of a player: it needs to be rebuilt; the browser blocked automatic playback. */
interface Events {
  failed: () => void
  blocked: () => void
}

export function livePlayer(
  video: HTMLVideoElement,
  urls: Schemas['PlaybackUrls'],
  kind: Kind,
  showStatus: (text: string) => void,
): Player {
  let stopped = false
  let dispose: Dispose = () => {}
  let retry: ReturnType<typeof setTimeout> | undefined

  const events: Events = {
    failed() {
      if (stopped) return
      clearTimeout(retry)
      retry = setTimeout(load, RETRY_MS)
    },
    blocked: () => showStatus('Press play.'),
  }

  async function load() {
    dispose()
    dispose = () => {}
    const url = safeUrl(urls[kind])
    if (stopped || !url) return
    try {
      if (!(await fetch(url, { cache: 'no-store' })).ok) throw new Error('no playlist yet')
      if (stopped) return
      dispose = await (kind === 'dash' ? dash : hls)(video, url, events)
      if (stopped) dispose()
    } catch {
      showStatus('Waiting for the picture…')
      events.failed()
    }
  }

  const playing = () => showStatus('')
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

async function hls(video: HTMLVideoElement, url: string, { failed, blocked }: Events): Promise<Dispose> {
  const { default: Hls } = await import('hls.js')
  if (!Hls.isSupported()) return native(video, url, blocked)
  const player = new Hls({ liveSyncDurationCount: 2, workerPath: '/hls.worker.js' })
  player.on(Hls.Events.ERROR, (_, error) => {
    if (!error.fatal) return
    if (error.type === Hls.ErrorTypes.MEDIA_ERROR) player.recoverMediaError()
    else failed()
  })
  player.loadSource(url)
  player.attachMedia(video)
  video.play().catch(blocked)
  return () => player.destroy()
}

/** iPhones play HLS natively. */
function native(video: HTMLVideoElement, url: string, blocked: () => void): Dispose {
  video.src = url
  video.play().catch(blocked)
  return () => {
    video.removeAttribute('src')
    video.load()
  }
}

async function dash(video: HTMLVideoElement, url: string, { failed, blocked }: Events): Promise<Dispose> {
  const { MediaPlayer } = await import('dashjs')
  const player = MediaPlayer().create()
  // By default it asks a third-party time server.
  player.updateSettings({ streaming: { utcSynchronization: { enabled: false }, delay: { liveDelay: 4 } } })
  player.on('error', failed)
  player.on('playbackNotAllowed', blocked)
  // dash.js starts playback itself: a play() before it listens makes it read the manifest only once.
  player.initialize(video, url, true)
  return () => player.destroy()
}
