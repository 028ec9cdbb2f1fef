// Questions before something that can not be undone, and short forms, as modal dialogs: the browser keeps the
// focus in them.

import { type Child, h } from './element'
import { form } from './form'

/** Opens a dialog; closing it in any way removes it. */
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
  /** What the button says. */
  action: string
  detail?: string
  fields?: Child[]
  /** Its failure is shown in the dialog, which stays open. */
  act: (data: FormData) => Promise<unknown>
}

/** Asks, and acts on a yes. */
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
