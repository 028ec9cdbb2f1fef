// A video from a file that lies in the bucket already, for admins.
import { api, got } from '../client/api'
import { repeatable } from '../client/repeat'
import { h } from '../dom/element'
import { area, choice, field, form, id, text } from '../dom/form'
import { categoryOptions } from '../parts/lists'
import { byName } from '../parts/person'
import { adminTabs } from '../parts/tabs'
import { go } from '../router'

export async function videoImport() {
  const element = form({
    fields: [
      field('Key of the object', 'objectKey', {
        required: true,
        maxlength: 512,
        placeholder: 'imports/…',
        autocapitalize: 'none',
      }),
      field('Title', 'title', { required: true, minlength: 3, maxlength: 255 }),
      area('Description', 'description', { maxlength: 5000 }),
      choice('Category', 'categoryId', await categoryOptions('—')),
      field('Username of its owner (you, when empty)', 'owner', {
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
      const { vod } = await got(api.POST('/api/vod/upload', { params: { header: name() }, body }))
      await go(`/videos/${vod.id}`)
    },
  })
  const name = repeatable(element)
  return h(
    'section',
    { class: 'stack' },
    h('h1', {}, 'Import a video'),
    adminTabs(),
    h('div', { class: 'card' }, h('p', { class: 'dim' }, 'The object stays where it is.'), element),
  )
}
