// A video: playback, and for its owner editing, retry and deletion.
import { api, asForm, type Schemas, unwrap } from '../client/api'
import { isAdmin, user } from '../client/session'
import { ask } from '../dom/dialog'
import { h, link, safeUrl, toast } from '../dom/element'
import { form } from '../dom/form'
import { action } from '../dom/pages'
import { count, when } from '../dom/text'
import { entryBody, entryFields } from '../parts/entry'
import { categoryOptions } from '../parts/lists'
import { followButton, personLink } from '../parts/person'
import { go, show, type Visit } from '../router'

type Vod = Schemas['Vod']

const POLL_MS = 5000

const read = async (id: number) => (await unwrap(api.GET('/api/vod/{id}', { params: { path: { id } } }))).vod

export async function video({ parameters: [idText], onLeave }: Visit) {
  const item = await read(Number(idText))
  const mine = user()?.id === item.userId || isAdmin()
  if (item.status === 'processing') waitFor(item, onLeave)
  return h(
    'section',
    { class: 'stack' },
    h('div', { class: 'screen' }, screen(item)),
    h('div', { class: 'row spread' }, h('h1', {}, item.title), mine && tools(item)),
    h('div', { class: 'row' }, personLink(item.user), await followButton(item.user)),
    h(
      'p',
      { class: 'dim' },
      `${count(item.viewCount, 'view')} · `,
      when(item.createdAt),
      item.category && [' · ', link(`/categories/${item.category.slug}`, {}, item.category.name)],
    ),
    item.description && h('p', { class: 'prewrap' }, item.description),
    mine && h('details', { class: 'card' }, h('summary', {}, 'Edit'), await editForm(item)),
  )
}

function waitFor(item: Vod, onLeave: Visit['onLeave']) {
  const timer = setInterval(async () => {
    const now = await read(item.id).catch(() => item)
    if (now.status !== item.status) await show()
  }, POLL_MS)
  onLeave(() => clearInterval(timer))
}

function screen(item: Vod) {
  const src = safeUrl(item.videoUrl)
  if (!src) return h('div', { class: 'over', role: 'status' }, missing(item))
  const element = h('video', { src, controls: true, playsInline: true, poster: safeUrl(item.thumbnailUrl) })
  element.addEventListener('error', () => void renewUrl(element, item.id))
  return element
}

function missing({ status, failureReason }: Vod) {
  if (status === 'failed')
    return `This video could not be processed.${failureReason ? ` ${failureReason}` : ''}`
  return 'This video is being processed. It will appear here when it is ready.'
}

/** Continues with a new URL at the same position: presigned URLs expire. */
async function renewUrl(element: HTMLVideoElement, id: number) {
  const src = safeUrl((await read(id).catch(() => null))?.videoUrl)
  if (!src || src === element.src) return
  const { currentTime } = element
  element.src = src
  element.currentTime = currentTime
  await element.play().catch(() => {})
}

function tools(item: Vod) {
  const to = { params: { path: { id: item.id } } }
  const retry = action('Retry', async () => {
    await api.POST('/api/vod/{id}/retry', to)
    await show()
  })
  const askToDelete = () =>
    ask({
      title: 'Delete this video?',
      detail: 'This cannot be undone.',
      action: 'Delete',
      act: async () => {
        await api.DELETE('/api/vod/{id}', to)
        await go('/videos')
      },
    })
  return h(
    'div',
    { class: 'row' },
    item.status === 'failed' && retry,
    h('button', { type: 'button', class: 'danger', onclick: askToDelete }, 'Delete'),
  )
}

async function editForm(item: Vod) {
  return form({
    fields: entryFields(await categoryOptions('—'), item),
    action: 'Save',
    submit: async (data) => {
      await api.PUT('/api/vod/{id}', {
        params: { path: { id: item.id } },
        body: entryBody(data),
        bodySerializer: asForm,
      })
      toast('Saved.')
      await show()
    },
  })
}
