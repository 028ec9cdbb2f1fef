// Uploads a video from this device.
import { idempotencyHeader } from '../client/idempotency'
import { uploadVideo } from '../client/upload'
import { h, toast } from '../dom/element'
import { field, file, form } from '../dom/form'
import { entryBody, entryFields } from '../parts/entry'
import { categoryOptions } from '../parts/lists'
import { studioTabs } from '../parts/tabs'
import { go, type Visit } from '../router'

/** Some systems do not know all of these extensions as video. */
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
      const vod = await uploadVideo({
        fields,
        headers: idempotency(),
        progress: bar.show,
        signal: sending.signal,
      })
      toast('Video uploaded. It will be ready in a moment.')
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
  const idempotency = idempotencyHeader(element)

  const warn = (event: BeforeUnloadEvent) => {
    if (sending) event.preventDefault()
  }
  window.addEventListener('beforeunload', warn)
  onLeave(() => {
    window.removeEventListener('beforeunload', warn)
    sending?.abort(new Error('The upload was cancelled.'))
  })
  return h(
    'section',
    { class: 'stack' },
    studioTabs(),
    h('div', { class: 'card' }, h('h1', {}, 'Upload a video'), element),
  )
}

/** Upload progress. Screen readers announce only the last step: the server checks and stores the file. */
function progress() {
  const meter = h('progress', { max: 1, value: 0, 'aria-label': 'Upload progress' })
  const percent = h('span', { 'aria-hidden': 'true' })
  const note = h('span', { role: 'status' })
  const element = h('p', { class: 'row', hidden: true }, meter, percent, note)
  return {
    element,
    show(part: number) {
      element.hidden = false
      meter.value = part
      percent.textContent = `${Math.floor(part * 100)} %`
      note.textContent = part < 1 ? '' : 'Processing…'
    },
    hide() {
      element.hidden = true
    },
  }
}
