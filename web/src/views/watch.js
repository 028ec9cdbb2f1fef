// A stream: picture, chat, viewers.
import { h } from '../dom.js'
import { del, get, post } from '../api.js'
import { user } from '../session.js'
import { room } from '../live.js'
import { livePlayer } from '../player.js'
import { go } from '../app.js'

const POLL_MS = 5000
const MOST_LINES = 500

export async function watch(idText, onLeave) {
  const id = Number(idText)
  let { stream } = await get(`/streams/${id}`)
  let player = null
  let place = null
  let timer = null

  const video = h('video', { controls: true, playsInline: true, muted: true, autoplay: true })
  const over = h('div', { class: 'over', hidden: true })
  const say = (text) => {
    over.textContent = text
    over.hidden = !text
  }
  const kind = h('select', { 'aria-label': 'Player', class: 'auto', onchange: () => stream.status === 'live' && startPlayer() },
    h('option', { value: 'hls' }, 'HLS'), h('option', { value: 'dash' }, 'DASH'))
  const badge = h('span', { class: 'badge' })
  const viewers = h('span', { class: 'dim', 'data-testid': 'viewers' })
  const chat = chatPanel((text) => place.say(text))

  function startPlayer() {
    player?.stop()
    player = stream.playbackUrls ? livePlayer(video, stream.playbackUrls, kind.value, say) : null
  }
  function enter() {
    place?.leave()
    place = room(id, {
      history: chat.history,
      message: chat.add,
      message_deleted: ({ seq }) => chat.remove(seq),
      viewer_count_updated: ({ count }) => { viewers.textContent = `${count} watching` },
      stream_updated: ({ title }) => { heading.textContent = title },
      stream_ended_notification: () => offAir(),
      stream_started: () => refresh(),
      joined: () => chat.open(true),
      refused: (answer) => answer.code === 'stream.not_live' && offAir(),
    })
  }
  function onAir() {
    clearInterval(timer)
    timer = null
    draw()
    startPlayer()
    enter()
  }
  function offAir() {
    stream = { ...stream, status: 'ended', playbackUrls: null }
    draw()
    player?.stop()
    player = null
    chat.open(false)
    // The socket says when it goes on, to those who were here; the others ask.
    timer ??= setInterval(() => refresh().catch(() => {}), POLL_MS)
  }
  async function refresh() {
    ({ stream } = await get(`/streams/${id}`))
    if (stream.status === 'live') onAir()
  }
  function draw() {
    const live = stream.status === 'live'
    badge.textContent = live ? 'LIVE' : 'OFF AIR'
    badge.classList.toggle('off', !live)
    viewers.textContent = live ? `${stream.currentViewerCount} watching` : ''
    say(live ? 'Waiting for the picture…' : 'Off air. This page starts by itself when the stream is back.')
  }

  const heading = h('h1', {}, stream.title)
  const page = h('div', { class: 'watch' },
    h('section', { class: 'stack' },
      h('div', { class: 'screen' }, video, over),
      h('div', { class: 'row spread' }, heading, h('div', { class: 'row' }, badge, viewers, kind)),
      h('div', { class: 'row' },
        h('a', { href: `/people/${stream.user.username}`, 'data-link': '' }, h('b', {}, stream.user.displayName || stream.user.username)),
        stream.category && h('span', { class: 'dim' }, stream.category.name),
        await followButton(stream.user)),
      stream.description && h('p', { class: 'prewrap' }, stream.description)),
    chat.element)
  if (stream.status === 'live') onAir()
  else offAir()
  onLeave(() => {
    clearInterval(timer)
    player?.stop()
    place?.leave()
  })
  return page
}

export async function followButton(person) {
  if (!user() || user().id === person.id) return null
  let { isFollowing } = await get(`/users/profile/${person.username}`)
  const button = h('button', {
    onclick: async () => {
      button.disabled = true
      try {
        await (isFollowing ? del : post)(`/users/${person.id}/follow`)
        isFollowing = !isFollowing
      } catch (problem) {
        if (problem.status === 409) isFollowing = true
        if (problem.status === 404) isFollowing = false
      }
      button.disabled = false
      draw()
    },
  })
  const draw = () => { button.textContent = isFollowing ? 'Following' : 'Follow' }
  draw()
  return button
}

function chatPanel(send) {
  const lines = h('div', { class: 'lines', role: 'log' })
  const note = h('div', { class: 'bad', role: 'alert' })
  const input = h('input', { 'aria-label': 'Message', autocomplete: 'off', maxlength: '500', placeholder: 'Say something' })
  const atEnd = () => lines.scrollHeight - lines.scrollTop - lines.clientHeight < 60
  const line = (message) => h('div', { class: 'line', 'data-seq': String(message.seq) }, h('b', {}, message.username), ' ', message.message)
  const append = (elements) => {
    const stick = atEnd()
    lines.append(...elements)
    while (lines.childElementCount > MOST_LINES) lines.firstElementChild.remove()
    if (stick) lines.scrollTop = lines.scrollHeight
  }
  const form = h('form', {
    onsubmit: async (event) => {
      event.preventDefault()
      const text = input.value
      if (!text.trim()) return
      note.textContent = ''
      try {
        const answer = await send(text)
        if (answer.ok) input.value = ''
        else note.textContent = answer.message
      } catch {
        note.textContent = 'The message was not sent.'
      }
    },
  }, input, h('button', { type: 'submit' }, 'Send'))
  const foot = user() ? form : h('form', {}, h('button', { type: 'button', onclick: () => go('/sign-in') }, 'Sign in to chat'))
  return {
    element: h('aside', { class: 'card chat' }, h('div', { class: 'head' }, h('b', {}, 'Chat'), note), lines, foot),
    history: (messages) => append(messages.filter(({ seq }) => !lines.querySelector(`[data-seq="${seq}"]`)).map(line)),
    add: (message) => append([line(message)]),
    remove: (seq) => lines.querySelector(`[data-seq="${Number(seq)}"]`)?.remove(),
    open: (yes) => { input.disabled = !yes },
  }
}
