// Maps paths to screens.

import { errorText } from './client/api'
import { h } from './dom/element'

export interface Visit {
  /** The captures of the path's pattern. */
  parameters: string[]
  query: URLSearchParams
  /** Registers clean-up for when the user leaves the screen. */
  onLeave: (undo: () => void) => void
}
export type Screen = (visit: Visit) => Node | Promise<Node>

let routes: [RegExp, Screen][] = []
let arrived = () => {}
let leave: (() => void)[] = []
let shown = 0

/** Opens another screen: scrolls to its top and moves the focus, so that screen readers announce it. */
export async function go(path: string) {
  history.pushState(null, '', path)
  await show()
  window.scrollTo(0, 0)
  const first = main().querySelector<HTMLElement>('[autofocus]') ?? main()
  first.focus({ preventScroll: true })
}

const main = () => document.getElementById('view') as HTMLElement

/** Renders the screen of the current path again, for example after signing in. */
export async function show() {
  for (const undo of leave) undo()
  leave = []
  const turn = ++shown
  const undos: typeof leave = []
  main().replaceChildren(h('p', { class: 'dim' }, 'Loading…'))
  arrived()
  const content = await make((undo) => undos.push(undo))
  // The user may have left while this screen loaded.
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
      return h('p', { class: 'bad', role: 'alert' }, errorText(failure))
    }
  }
  return h('p', {}, 'Page not found.')
}

/** Shows the current path and follows links and the browser's buttons. Calls `onArrival` for each screen. */
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
