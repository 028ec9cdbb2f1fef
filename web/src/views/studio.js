// The streamer's own streams: make one, and show what the encoder needs.
import { field, form, h, time, toast } from '../dom.js'
import { del, get, post } from '../api.js'
import { user } from '../session.js'

export async function studio(onLeave) {
  if (!user()) return h('p', {}, 'Sign in first.')
  const list = h('div', { class: 'stack' })
  const draw = async () => {
    const { streams } = await get(`/streams?userId=${user().id}&sort=newest&limit=50`)
    const full = await Promise.all(streams.map((stream) => get(`/streams/${stream.id}`)))
    list.replaceChildren(...full.map((answer) => card(answer, draw)))
  }
  const { categories } = await get('/categories?limit=100')
  await draw()
  const timer = setInterval(() => {
    if (!list.contains(document.activeElement)) draw().catch(() => {})
  }, 10_000)
  onLeave(() => clearInterval(timer))

  const category = h('select', { name: 'categoryId' }, h('option', { value: '' }, '—'),
    categories.map(({ id, name }) => h('option', { value: String(id) }, name)))
  const create = form([
    field('Title', 'title', { required: true, minlength: '3', maxlength: '255' }),
    field('Description', 'description', { rows: '2', maxlength: '5000' }, 'textarea'),
    h('label', {}, h('span', {}, 'Category'), category),
  ], 'Create stream', async ({ title, description, categoryId }) => {
    await post('/streams', { title, description, categoryId: categoryId ? Number(categoryId) : null })
    create.reset()
    await draw()
  })
  return h('section', { class: 'stack' },
    h('div', { class: 'card' }, h('h1', {}, 'New stream'), create),
    h('h2', {}, 'Your streams'), list)
}

function card({ stream, rtmpUrl }, draw) {
  const act = (action, question) => async () => {
    if (question && !confirm(question)) return
    try {
      await action()
      await draw()
    } catch (problem) {
      toast(problem.message)
    }
  }
  const live = stream.status === 'live'
  const details = h('div', {})
  return h('article', { class: 'card stack' },
    h('div', { class: 'row spread' },
      h('div', { class: 'row' }, h('span', { class: live ? 'badge' : 'badge off' }, live ? 'LIVE' : 'OFF AIR'), h('b', {}, stream.title),
        live && h('span', { class: 'dim' }, `${stream.currentViewerCount} watching`)),
      h('a', { class: 'button', href: `/watch/${stream.id}`, 'data-link': '' }, 'Open')),
    h('p', { class: 'dim' }, 'In OBS: Settings → Stream → Service “Custom…”. Output → keyframe interval 2 s.'),
    h('div', { class: 'fields' }, copyable('Server', rtmpUrl), copyable('Stream key', stream.streamKey, true)),
    h('div', { class: 'row' },
      h('button', { onclick: act(() => post(`/streams/${stream.id}/key`), 'The old key stops working at once. Go on?') }, 'New key'),
      live && h('button', { onclick: act(() => post(`/streams/${stream.id}/stop`)) }, 'Stop broadcast'),
      h('button', { onclick: () => showBroadcasts(stream.id, details) }, 'Times on air'),
      h('button', { class: 'danger', onclick: act(() => del(`/streams/${stream.id}`), 'Delete this stream?') }, 'Delete')),
    details)
}

function copyable(name, value, secret = false) {
  const hidden = '•'.repeat(24)
  const text = h('span', { class: 'code' }, secret ? hidden : value ?? '')
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(value)
      toast(`${name} copied.`)
    } catch {
      text.textContent = value
    }
  }
  const show = () => { text.textContent = text.textContent === value ? hidden : value }
  return [h('span', { class: 'dim name' }, name), text,
    h('span', { class: 'row' }, secret && h('button', { onclick: show }, 'Show'), h('button', { onclick: copy }, 'Copy'))]
}

async function showBroadcasts(id, place) {
  const { broadcasts, refusals = [] } = await get(`/streams/${id}/broadcasts`).catch(() => ({ broadcasts: [] }))
  const rows = broadcasts.map((b) => h('tr', {}, h('td', {}, time(b.startedAt)), h('td', {}, b.endedAt ? time(b.endedAt) : 'on air'),
    h('td', {}, b.endReason), h('td', {}, String(b.peakViewers))))
  place.replaceChildren(
    rows.length
      ? h('table', {}, h('thead', {}, h('tr', {}, ['Started', 'Ended', 'Why', 'Peak'].map((name) => h('th', {}, name)))), h('tbody', {}, rows))
      : h('p', { class: 'dim' }, 'Never on air.'),
    ...refusals.map((refusal) => h('p', { class: 'bad' }, `${time(refusal.at)}: an encoder was turned away (${refusal.reason}).`)))
}

