// Imports a video that is already in the bucket, for admins.
import { api, unwrap } from '../client/api'
import { idempotencyHeader } from '../client/idempotency'
import { h } from '../dom/element'
import { area, choice, field, form, id, text } from '../dom/form'
import { categoryOptions } from '../parts/lists'
import { byName } from '../parts/person'
import { adminTabs } from '../parts/tabs'
import { go } from '../router'

export async function videoImport() {
  const element = form({
    fields: [
      field('Object key', 'objectKey', {
        required: true,
        maxlength: 512,
        placeholder: 'imports/…',
        autocapitalize: 'none',
      }),
      field('Title', 'title', { required: true, minlength: 3, maxlength: 255 }),
      area('Description', 'description', { maxlength: 5000 }),
      choice('Category', 'categoryId', await categoryOptions('—')),
      field('Username of the owner (default: you)', 'owner', {
        autocapitalize: 'none',
        autocomplete: 'off',
      }),
    ],
    action: 'Import',
    submit: async (data) => {
      const owner = text(data, 'owner')
      const body = {
        objectKey: text(data, 'objectKey'),
        title: text(data, 'title'),
        description: text(data, 'description'),
        categoryId: id(data, 'categoryId'),
        userId: owner ? (await byName(owner)).id : null,
      }
      const { vod } = await unwrap(api.POST('/api/vod/upload', { params: { header: idempotency() }, body }))
      await go(`/videos/${vod.id}`)
    },
  })
  const idempotency = idempotencyHeader(element)
  return h(
    'section',
    { class: 'stack' },
    h('h1', {}, 'Import a video'),
    adminTabs(),
    h('div', { class: 'card' }, h('p', { class: 'dim' }, 'The object is not moved.'), element),
  )
}
