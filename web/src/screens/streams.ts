// The streamer's own streams: make one, and show what the encoder needs.
import { api, asForm, got, type Schemas } from '../client/api'
import { repeatable } from '../client/repeat'
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
const A_PAGE = 20

export async function streams({ onLeave }: Visit) {
  const [list, categories] = await Promise.all([
    pages({ empty: 'None yet.', class: 'plain stack', load: ownStreams, row: card }),
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
        params: { header: name() },
        body: entryBody(data),
        bodySerializer: asForm,
      })
      create.reset()
      await list.reload()
    },
  })
  const name = repeatable(create)
  return h(
    'section',
    { class: 'stack' },
    studioTabs(),
    h('div', { class: 'card' }, h('h1', {}, 'New stream'), create),
    h('h2', {}, 'Your streams'),
    list.element,
  )
}

/** The list leaves out the keys, which only the single answers hold. */
async function ownStreams(cursor?: string) {
  const query = { userId: user()?.id, sort: 'newest' as const, limit: A_PAGE, cursor }
  const { streams, nextCursor } = await got(api.GET('/api/streams', { params: { query } }))
  const rows = await Promise.all(
    streams.map(({ id }) => got(api.GET('/api/streams/{id}', { params: { path: { id } } }))),
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
      title: 'Make a new key?',
      detail: 'The old key stops working at once.',
      action: 'New key',
      act: () => then(api.POST('/api/streams/{id}/key', to)),
    })
  const askToDelete = () =>
    ask({
      title: 'Delete this stream?',
      detail: 'Its chat goes with it; its videos stay.',
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
      'In OBS: Settings → Stream → Service “Custom…”. Output → keyframe interval 2 s.',
    ),
    encoderFields(rtmpUrl, stream.streamKey),
    h(
      'div',
      { class: 'row' },
      link(`/studio/streams/${stream.id}`, { class: 'button' }, 'Edit'),
      link(`/watch/${stream.id}/chat`, { class: 'button' }, 'Chat rules'),
      h('button', { type: 'button', onclick: newKey }, 'New key'),
      live && action('Stop broadcast', () => then(api.POST('/api/streams/{id}/stop', to))),
      action('Times on air', async () => details.replaceChildren(await broadcastTable(stream.id))),
      h('button', { type: 'button', class: 'danger', onclick: askToDelete }, 'Delete'),
    ),
    details,
  )
}
