// Categories, for admins: create, edit, delete.
import { api, asForm, type Schemas, unwrap } from '../client/api'
import { ask, dialog } from '../dom/dialog'
import { h, toast } from '../dom/element'
import { area, field, file, form, picture, text } from '../dom/form'
import { pages } from '../dom/pages'
import { adminTabs } from '../parts/tabs'

type Category = Schemas['Category']

export async function categoryAdmin() {
  const list = await pages({
    empty: 'No categories yet.',
    row: line,
    load: async (cursor) => {
      const { categories, nextCursor } = await unwrap(
        api.GET('/api/categories', { params: { query: { limit: 50, cursor } } }),
      )
      return { rows: categories, next: nextCursor }
    },
  })
  const create = form({
    fields: fields(),
    action: 'Create category',
    submit: async (data) => {
      await api.POST('/api/categories', { body: body(data), bodySerializer: asForm })
      create.reset()
      await list.reload()
    },
  })
  return h(
    'section',
    { class: 'stack' },
    h('h1', {}, 'Categories'),
    adminTabs(),
    h('details', { class: 'card' }, h('summary', {}, 'New category'), create),
    h('div', { class: 'card' }, list.element),
  )
}

function line(category: Category, reload: () => Promise<void>) {
  const at = { params: { path: { category: String(category.id) } } }
  const edit = () =>
    dialog(`Edit ${category.name}`, (close) =>
      form({
        fields: fields(category),
        action: 'Save',
        more: h('button', { type: 'button', onclick: close }, 'Cancel'),
        submit: async (data) => {
          await api.PUT('/api/categories/{category}', { ...at, body: body(data), bodySerializer: asForm })
          close()
          toast('Saved.')
          await reload()
        },
      }),
    )
  const askToDelete = () =>
    ask({
      title: `Delete ${category.name}?`,
      detail: 'Its streams and videos stay, without a category.',
      action: 'Delete',
      act: async () => {
        await api.DELETE('/api/categories/{category}', at)
        await reload()
      },
    })
  return h(
    'div',
    { class: 'row spread' },
    h(
      'div',
      {},
      h('b', {}, category.name),
      h('div', { class: 'dim' }, category.tags.map((tag) => `#${tag}`).join(' ')),
    ),
    h(
      'div',
      { class: 'row' },
      h('button', { type: 'button', onclick: edit }, 'Edit'),
      h('button', { type: 'button', class: 'danger', onclick: askToDelete }, 'Delete'),
    ),
  )
}

const fields = (category?: Category) => [
  field('Name', 'name', { required: true, minlength: 3, maxlength: 255, value: category?.name }),
  area('Description', 'description', { maxlength: 5000 }, category?.description),
  field('Tags, separated by commas', 'tags', { value: category?.tags.join(', ') }),
  picture('Picture', 'thumbnailFile', category?.thumbnailUrl, 'removeThumbnail'),
]

const body = (data: FormData) => ({
  name: text(data, 'name'),
  description: text(data, 'description'),
  tags: text(data, 'tags')
    .split(',')
    .map((tag) => tag.trim())
    .filter(Boolean)
    .join(','),
  thumbnailFile: file(data, 'thumbnailFile'),
  removeThumbnail: data.has('removeThumbnail') || undefined,
})
