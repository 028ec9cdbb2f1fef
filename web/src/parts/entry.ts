// The fields that streams and videos share: title, description, category and picture.
import { area, choice, field, file, id, picture, text } from '../dom/form'

interface Entry {
  title: string
  description: string
  categoryId?: number | null
  thumbnailUrl?: string | null
}

export const entryFields = (categories: [string, string][], entry?: Entry) => [
  field('Title', 'title', { required: true, minlength: 3, maxlength: 255, value: entry?.title }),
  area('Description', 'description', { maxlength: 5000 }, entry?.description),
  choice('Category', 'categoryId', categories, String(entry?.categoryId ?? '')),
  picture('Picture', 'thumbnailFile', entry?.thumbnailUrl, entry && 'removeThumbnail'),
]

export const entryBody = (data: FormData) => ({
  title: text(data, 'title'),
  description: text(data, 'description'),
  categoryId: id(data, 'categoryId'),
  thumbnailFile: file(data, 'thumbnailFile'),
  removeThumbnail: data.has('removeThumbnail') || undefined,
})
