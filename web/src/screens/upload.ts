// A video from this device.
import { repeatable } from '../client/repeat'
import { uploadVideo } from '../client/upload'
import { h, toast } from '../dom/element'
import { field, file, form } from '../dom/form'
import { entryBody, entryFields } from '../parts/entry'
import { categoryOptions } from '../parts/lists'
import { studioTabs } from '../parts/tabs'
import { go, type Visit } from '../router'

/** Not every system knows all of these for videos. */
const FORMATS = 'video/*,.mkv,.flv,.ts'

export async function upload({ onLeave }: Visit) {
  const bar = progress()
  let sending: AbortController | undefined
  const cancel = h(
    'button',
    { type: 'button', hidden: true, onclick: () => sending?.abort(new Error('The upload was cancelled.')) },
    'Cancel',
  )

  async function submit(data: FormData) {
    const videoFile = file(data, 'videoFile')
    if (!videoFile) throw new Error('This file is empty.')
    sending = new AbortController()
    cancel.hidden = false
    try {
      const fields = { ...entryBody(data), videoFile }
      const vod = await uploadVideo({ fields, headers: name(), progress: bar.show, signal: sending.signal })
      toast('The video is there. It can be watched in a moment.')
      await go(`/videos/${vod.id}`)
    } finally {
      sending = undefined
      cancel.hidden = true
      bar.hide()
    }
  }
  const element = form({
    fields: [
      field('Video', 'videoFile', { type: 'file', accept: FORMATS, required: true }),
      entryFields(await categoryOptions('—')),
      bar.element,
    ],
    action: 'Upload',
    more: cancel,
    submit,
  })
  const name = repeatable(element)

  const warn = (event: BeforeUnloadEvent) => {
    if (sending) event.preventDefault()
  }
  window.addEventListener('beforeunload', warn)
  onLeave(() => {
    window.removeEventListener('beforeunload', warn)
    sending?.abort(new Error('The upload was left.'))
  })
  return h(
    'section',
    { class: 'stack' },
    studioTabs(),
    h('div', { class: 'card' }, h('h1', {}, 'Upload a video'), element),
  )
}

/** How much was sent. After the last byte the server still stores and looks at it; only that is read out. */
function progress() {
  const meter = h('progress', { max: 1, value: 0, 'aria-label': 'Sent' })
  const percent = h('span', { 'aria-hidden': 'true' })
  const note = h('span', { role: 'status' })
  const element = h('p', { class: 'row', hidden: true }, meter, percent, note)
  return {
    element,
    show(part: number) {
      element.hidden = false
      meter.value = part
      percent.textContent = `${Math.floor(part * 100)} %`
      note.textContent = part < 1 ? '' : 'The server is storing it…'
    },
    hide() {
      element.hidden = true
    },
  }
}
