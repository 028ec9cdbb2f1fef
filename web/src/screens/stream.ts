// Manages a stream: its owner and admins edit, stop and delete it.
import { api, asForm, unwrap } from '../client/api'
import { ask } from '../dom/dialog'
import { h, link, toast } from '../dom/element'
import { form } from '../dom/form'
import { action } from '../dom/pages'
import { broadcastTable } from '../parts/broadcasts'
import { entryBody, entryFields } from '../parts/entry'
import { categoryOptions } from '../parts/lists'
import { badge } from '../parts/tiles'
import { go, show, type Visit } from '../router'

export async function manageStream({ parameters: [idText] }: Visit) {
  const id = Number(idText)
  const to = { params: { path: { id } } }
  const [{ stream }, categories, broadcasts] = await Promise.all([
    unwrap(api.GET('/api/streams/{id}', to)),
    categoryOptions('—'),
    broadcastTable(id),
  ])
  const live = stream.status === 'live'
  const edit = form({
    fields: entryFields(categories, stream),
    action: 'Save',
    submit: async (data) => {
      await api.PUT('/api/streams/{id}', { ...to, body: entryBody(data), bodySerializer: asForm })
      toast('Saved.')
      await show()
    },
  })
  const askToDelete = () =>
    ask({
      title: 'Delete this stream?',
      detail: 'This also deletes its chat. Its videos stay.',
      action: 'Delete',
      act: async () => {
        await api.DELETE('/api/streams/{id}', to)
        await go('/studio')
      },
    })
  const stop = action('Stop broadcast', async () => {
    await api.POST('/api/streams/{id}/stop', to)
    await show()
  })
  return h(
    'section',
    { class: 'stack narrow wide' },
    h('div', { class: 'row spread' }, h('h1', {}, stream.title), badge(live)),
    h(
      'div',
      { class: 'row' },
      link(`/watch/${id}`, { class: 'button' }, 'Open'),
      link(`/watch/${id}/chat`, { class: 'button' }, 'Chat settings'),
      live && stop,
      h('button', { type: 'button', class: 'danger', onclick: askToDelete }, 'Delete'),
    ),
    h('div', { class: 'card' }, edit),
    h('div', { class: 'card' }, h('h2', {}, 'Broadcasts'), broadcasts),
  )
}
