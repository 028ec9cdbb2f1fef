// The streamer's own streams: create one, and set up the encoder.
import { api, asForm, type Schemas, unwrap } from '../client/api'
import { idempotencyHeader } from '../client/idempotency'
import { user } from '../client/session'
import { ask } from '../dom/dialog'
import { h, link } from '../dom/element'
import { form } from '../dom/form'
import { action, pages } from '../dom/pages'
import { broadcastTable } from '../parts/broadcasts'
import { encoderFields } from '../parts/encoder'
import { entryBody, entryFields } from '../parts/entry'
import { categoryOptions } from '../parts/lists'
import { studioTabs } from '../parts/tabs'
import { badge } from '../parts/tiles'
import type { Visit } from '../router'

const REFRESH_MS = 10_000
const PAGE_SIZE = 20

export async function streams({ onLeave }: Visit) {
  const [list, categories] = await Promise.all([
    pages({ empty: 'No streams yet.', class: 'plain stack', load: ownStreams, row: card }),
    categoryOptions('—'),
  ])
  const timer = setInterval(() => {
    if (!document.hidden && !list.element.contains(document.activeElement)) list.reload().catch(() => {})
  }, REFRESH_MS)
  onLeave(() => clearInterval(timer))

  const create = form({
    fields: entryFields(categories),
    action: 'Create stream',
    submit: async (data) => {
      await api.POST('/api/streams', {
        params: { header: idempotency() },
        body: entryBody(data),
        bodySerializer: asForm,
      })
      create.reset()
      await list.reload()
    },
  })
  const idempotency = idempotencyHeader(create)
  return h(
    'section',
    { class: 'stack' },
    studioTabs(),
    h('div', { class: 'card' }, h('h1', {}, 'New stream'), create),
    h('h2', {}, 'Your streams'),
    list.element,
  )
}

/** Lists leave out stream keys, so each stream is read on its own. */
async function ownStreams(cursor?: string) {
  const query = { userId: user()?.id, sort: 'newest' as const, limit: PAGE_SIZE, cursor }
  const { streams, nextCursor } = await unwrap(api.GET('/api/streams', { params: { query } }))
  const rows = await Promise.all(
    streams.map(({ id }) => unwrap(api.GET('/api/streams/{id}', { params: { path: { id } } }))),
  )
  return { rows, next: nextCursor }
}

function card({ stream, rtmpUrl }: Schemas['OneStream'], reload: () => Promise<void>) {
  const to = { params: { path: { id: stream.id } } }
  const live = stream.status === 'live'
  const details = h('div', {})
  const then = (call: Promise<unknown>) => call.then(reload)
  const newKey = () =>
    ask({
      title: 'Rotate the stream key?',
      detail: 'The old key stops working immediately.',
      action: 'Rotate key',
      act: () => then(api.POST('/api/streams/{id}/key', to)),
    })
  const askToDelete = () =>
    ask({
      title: 'Delete this stream?',
      detail: 'This also deletes its chat. Its videos stay.',
      action: 'Delete',
      act: () => then(api.DELETE('/api/streams/{id}', to)),
    })
  return h(
    'article',
    { class: 'card stack' },
    h(
      'div',
      { class: 'row spread' },
      h(
        'div',
        { class: 'row' },
        badge(live),
        h('b', {}, stream.title),
        live && h('span', { class: 'dim' }, `${stream.currentViewerCount} watching`),
      ),
      link(`/watch/${stream.id}`, { class: 'button' }, 'Open'),
    ),
    h(
      'p',
      { class: 'dim' },
      'In OBS: Settings → Stream → Service “Custom…”, and Output → Keyframe Interval 2 s.',
    ),
    encoderFields(rtmpUrl, stream.streamKey),
    h(
      'div',
      { class: 'row' },
      link(`/studio/streams/${stream.id}`, { class: 'button' }, 'Edit'),
      link(`/watch/${stream.id}/chat`, { class: 'button' }, 'Chat settings'),
      h('button', { type: 'button', onclick: newKey }, 'Rotate key'),
      live && action('Stop broadcast', () => then(api.POST('/api/streams/{id}/stop', to))),
      action('Broadcasts', async () => details.replaceChildren(await broadcastTable(stream.id))),
      h('button', { type: 'button', class: 'danger', onclick: askToDelete }, 'Delete'),
    ),
    details,
  )
}
