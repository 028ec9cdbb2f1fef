// Paged lists with a button that loads the next page.
import { errorText } from '../client/api'
import { h, toast } from './element'

export interface Page<T> {
  rows: T[]
  next?: string
}

interface Options<T> {
  load: (cursor?: string) => Promise<Page<T>>
  /** Draws an item; it calls `reload` after it changed the list. */
  row: (item: T, reload: () => Promise<void>) => Node
  /** Shown if there are no items. */
  empty: string
  class?: string
}

export interface Pages {
  element: HTMLElement
  /** Loads the first page again. */
  reload: () => Promise<void>
}

export async function pages<T>({ load, row, empty, class: name = 'rows' }: Options<T>): Promise<Pages> {
  const list = h('ul', { class: name })
  const nothing = h('p', { class: 'dim', hidden: true }, empty)
  const more = action('More', () => show(cursor))
  let cursor: string | undefined

  const reload = () => show()
  async function show(from?: string) {
    const { rows, next } = await load(from)
    const items = rows.map((item) => h('li', {}, row(item, reload)))
    if (from) list.append(...items)
    else list.replaceChildren(...items)
    nothing.hidden = list.childElementCount > 0
    cursor = next
    more.hidden = !next
  }
  await show()
  return { element: h('div', { class: 'stack' }, nothing, list, more), reload }
}

/** Creates a button that shows its error as a toast. */
export function action(label: string, act: () => Promise<unknown>, className?: string) {
  const button = h(
    'button',
    {
      type: 'button',
      class: className,
      onclick: async () => {
        button.disabled = true
        try {
          await act()
        } catch (failure) {
          toast(errorText(failure))
        } finally {
          button.disabled = false
        }
      },
    },
    label,
  )
  return button
}
