// The encoder's settings: server and stream key, with copy buttons.
import { h, toast } from '../dom/element'
import { action } from '../dom/pages'

export const encoderFields = (server?: string | null, key?: string | null) =>
  h('div', { class: 'fields' }, copyable('Server', server ?? ''), copyable('Stream key', key ?? '', true))

function copyable(name: string, value: string, secret = false) {
  const hidden = '•'.repeat(24)
  const text = h('span', { class: 'code' }, secret ? hidden : value)
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(value)
      toast(`${name} copied.`)
    } catch {
      // Pages of insecure origins have no clipboard: show the value, so that it can be selected.
      text.textContent = value
    }
  }
  const show = h(
    'button',
    {
      type: 'button',
      'aria-pressed': 'false',
      onclick: () => {
        const shown = text.textContent === value
        text.textContent = shown ? hidden : value
        show.setAttribute('aria-pressed', String(!shown))
      },
    },
    'Show',
  )
  return [
    h('span', { class: 'dim name' }, name),
    text,
    h('span', { class: 'row' }, secret && show, action('Copy', copy)),
  ]
}
