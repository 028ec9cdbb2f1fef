// Paths to screens.

import { words } from './client/api'
import { h } from './dom/element'

export interface Visit {
  /** What the path's pattern captured. */
  parameters: string[]
  query: URLSearchParams
  /** Called when the visitor goes on. */
  onLeave: (undo: () => void) => void
}
export type Screen = (visit: Visit) => Node | Promise<Node>

let routes: [RegExp, Screen][] = []
let arrived = () => {}
let leave: (() => void)[] = []
let shown = 0

/** Another screen: it begins at its top, and whoever hears the page is told so. */
export async function go(path: string) {
  history.pushState(null, '', path)
  await show()
  window.scrollTo(0, 0)
  const place = main()
  const first = place.querySelector<HTMLElement>('[autofocus]') ?? place
  first.focus({ preventScroll: true })
}

const main = () => document.getElementById('view') as HTMLElement

/** Makes the screen of the current path again, such as when somebody else is signed in. */
export async function show() {
  for (const undo of leave) undo()
  leave = []
  const turn = ++shown
  const undos: typeof leave = []
  main().replaceChildren(h('p', { class: 'dim' }, 'Loading…'))
  arrived()
  const content = await make((undo) => undos.push(undo))
  // Somebody may have gone on while this one loaded.
  if (turn !== shown) {
    for (const undo of undos) undo()
    return
  }
  leave = undos
  main().replaceChildren(content)
  const heading = main().querySelector('h1')?.textContent
  document.title = heading ? `${heading} · Airwave` : 'Airwave'
}

async function make(onLeave: Visit['onLeave']): Promise<Node> {
  for (const [pattern, screen] of routes) {
    const match = location.pathname.match(pattern)
    if (!match) continue
    try {
      return await screen({
        parameters: match.slice(1),
        query: new URLSearchParams(location.search),
        onLeave,
      })
    } catch (failure) {
      return h('p', { class: 'bad', role: 'alert' }, words(failure))
    }
  }
  return h('p', {}, 'There is nothing here.')
}

/** Shows the current path, and from now on those of links and of the browser's buttons. `onArrival` is called each time. */
export function start(all: [RegExp, Screen][], onArrival: () => void) {
  routes = all
  arrived = onArrival
  document.addEventListener('click', (event) => {
    const link = event.target instanceof Element ? event.target.closest('a[data-link]') : null
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return
    event.preventDefault()
    void go(link.getAttribute('href') ?? '/')
  })
  window.addEventListener('popstate', () => void show())
  void show()
}
