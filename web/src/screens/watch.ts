// Watches a stream: player, chat and viewer count.
import { api, type Schemas, unwrap } from '../client/api'
import { isAdmin, user } from '../client/session'
import { h, link } from '../dom/element'
import { type Kind, livePlayer, type Player } from '../live/player'
import { type Room, room } from '../live/socket'
import { type Chat, chatPanel } from '../parts/chat'
import { videoGrid } from '../parts/lists'
import { followButton, personLink } from '../parts/person'
import { streamRules } from '../parts/rules'
import { badge as liveBadge } from '../parts/tiles'
import type { Visit } from '../router'

type Stream = Schemas['Stream']

const POLL_MS = 5000

const read = async (id: number) =>
  (await unwrap(api.GET('/api/streams/{id}', { params: { path: { id } } }))).stream

export async function watch({ parameters: [idText], onLeave }: Visit) {
  const stream = await read(Number(idText))
  // The stream plays even while other services are unavailable.
  const [rules, recordings, follow] = await Promise.all([
    streamRules(stream.id).catch(() => null),
    videoGrid({ streamId: stream.id, limit: 6 }, 'No recordings yet.').catch(() => null),
    followButton(stream.user).catch(() => null),
  ])
  const show = stage()
  const chat = chatPanel(stream, rules, (text) => live.send(text))
  const live = followStream(stream, show, chat)
  onLeave(live.stop)
  return h(
    'div',
    { class: 'watch' },
    h(
      'section',
      { class: 'stack' },
      show.screen,
      h(
        'div',
        { class: 'row spread' },
        show.heading,
        h('div', { class: 'row' }, show.state, show.viewers, show.kind),
      ),
      h(
        'div',
        { class: 'row' },
        personLink(stream.user),
        follow,
        stream.category &&
          link(`/categories/${stream.category.slug}`, { class: 'dim' }, stream.category.name),
        (stream.userId === user()?.id || isAdmin()) &&
          link(`/studio/streams/${stream.id}`, { class: 'button' }, 'Edit'),
      ),
      stream.description && h('p', { class: 'prewrap' }, stream.description),
    ),
    chat.element,
    recordings && h('section', { class: 'stack' }, h('h2', {}, 'Recordings'), recordings.element),
  )
}

/** The elements that show a stream's state. */
function stage() {
  const video = h('video', { controls: true, playsInline: true, muted: true, autoplay: true })
  const over = h('div', { class: 'over', role: 'status', hidden: true })
  const kind = h(
    'select',
    { 'aria-label': 'Player', class: 'auto' },
    h('option', { value: 'hls' }, 'HLS'),
    h('option', { value: 'dash' }, 'DASH'),
  )
  const showStatus = (text: string) => {
    over.textContent = text
    over.hidden = !text
  }
  const state = h('span', { class: 'row' })
  const viewers = h('span', { class: 'dim', 'data-testid': 'viewers' })
  const heading = h('h1', {})
  const count = (number: number) => {
    viewers.textContent = `${number} watching`
  }
  return {
    video,
    kind,
    showStatus,
    state,
    viewers,
    heading,
    count,
    screen: h('div', { class: 'screen' }, video, over),
    draw({ title, status, currentViewerCount }: Stream) {
      const live = status === 'live'
      heading.textContent = title
      state.replaceChildren(liveBadge(live))
      if (live) count(currentViewerCount)
      else viewers.textContent = ''
      showStatus(
        live
          ? 'Waiting for the picture…'
          : 'Offline. Playback starts automatically when the stream is live again.',
      )
    },
  }
}

/** Follows the stream as it goes live and ends. */
function followStream(stream: Stream, show: ReturnType<typeof stage>, chat: Chat) {
  let player: Player | null = null
  let chatRoom: Room | null = null
  let timer: ReturnType<typeof setInterval> | undefined

  function play() {
    player?.stop()
    player = stream.playbackUrls
      ? livePlayer(show.video, stream.playbackUrls, show.kind.value as Kind, show.showStatus)
      : null
  }
  function enter() {
    chatRoom?.leave()
    chatRoom = room(stream.id, {
      recent_chat_history: ({ messages }) => chat.history(messages),
      new_message: chat.add,
      message_deleted: ({ seq }) => chat.remove(seq),
      chat_settings_updated: chat.rules,
      user_banned: chat.banned,
      viewer_count_updated: ({ count }) => show.count(count),
      stream_updated: ({ title }) => {
        show.heading.textContent = title
      },
      stream_ended_notification: offAir,
      stream_started: () => void refresh(),
      joined: () => chat.open(true),
      refused: (code) => code === 'stream.not_live' && offAir(),
    })
  }
  function onAir() {
    clearInterval(timer)
    timer = undefined
    show.draw(stream)
    play()
    enter()
  }
  function offAir() {
    stream = { ...stream, status: 'ended', playbackUrls: null }
    show.draw(stream)
    player?.stop()
    player = null
    chat.open(false)
    // The server notifies those who were in the room when the stream ended; everyone else has to poll.
    timer ??= setInterval(refresh, POLL_MS)
  }
  async function refresh() {
    stream = await read(stream.id).catch(() => stream)
    if (stream.status === 'live') onAir()
  }

  show.kind.addEventListener('change', () => stream.status === 'live' && play())
  if (stream.status === 'live') onAir()
  else offAir()
  return {
    send: (text: string) =>
      chatRoom ? chatRoom.send(text) : Promise.reject(new Error('The stream is not live.')),
    stop() {
      clearInterval(timer)
      player?.stop()
      chatRoom?.leave()
    },
  }
}
