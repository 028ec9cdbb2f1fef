// Modal dialogs for short forms and for confirmations; the browser keeps the focus in them.

import { type Child, h } from './element'
import { form } from './form'

/** Opens a dialog, which is removed when it closes. */
export function dialog(title: string, content: (close: () => void) => Child) {
  const element = h('dialog', { class: 'card', 'aria-label': title })
  const close = () => element.close()
  element.addEventListener('close', () => element.remove())
  element.append(
    h('h2', {}, title),
    h('div', { class: 'stack' }, content(close)),
    h('div', { class: 'stack', role: 'status' }),
  )
  document.body.append(element)
  element.showModal()
}

interface Question {
  title: string
  /** The button's label. */
  action: string
  detail?: string
  fields?: Child[]
  /** If it fails, the dialog stays open and shows the error. */
  act: (data: FormData) => Promise<unknown>
}

/** Asks for confirmation, then acts. */
export function ask({ title, action, detail, fields = [], act }: Question) {
  dialog(title, (close) =>
    form({
      fields: [detail && h('p', {}, detail), fields],
      action,
      danger: true,
      more: h('button', { type: 'button', onclick: close }, 'Cancel'),
      submit: async (data) => {
        await act(data)
        close()
      },
    }),
  )
}
