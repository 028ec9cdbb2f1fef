// Paths to views, and the bar at the top. A view is a function of its parameters that answers an element, and may leave a
// function to be called when it goes.
import { h, toast } from './dom.js'
import { post } from './api.js'
import { on } from './live.js'
import { bell } from './views/bell.js'
import { forget, onChange, start, user } from './session.js'
import { home } from './views/home.js'
import { sign } from './views/sign.js'
import { studio } from './views/studio.js'
import { vod, vods } from './views/vods.js'
import { profile } from './views/profile.js'
import { watch } from './views/watch.js'

const ROUTES = [
  [/^\/$/, home],
  [/^\/sign-in$/, () => sign('in')],
  [/^\/register$/, () => sign('up')],
  [/^\/studio$/, studio],
  [/^\/watch\/(\d+)$/, watch],
  [/^\/videos$/, vods],
  [/^\/videos\/(\d+)$/, vod],
  [/^\/people\/(\w+)$/, profile],
]
let leave = () => {}
let shown = 0

export function go(path) {
  history.pushState(null, '', path)
  return show()
}

async function show() {
  leave()
  leave = () => {}
  const turn = ++shown
  drawBar()
  const view = document.getElementById('view')
  const [, make, match] = ROUTES.map(([pattern, make]) => [pattern, make, location.pathname.match(pattern)])
    .find(([, , match]) => match) ?? []
  view.replaceChildren(h('p', { class: 'dim' }, 'Loading…'))
  let content
  let dispose = () => {}
  try {
    content = make ? await make(...match.slice(1), (undo) => { dispose = undo }) : h('p', {}, 'There is nothing here.')
  } catch (problem) {
    content = h('p', { class: 'bad' }, problem.message)
  }
  // Somebody may have gone on while this one loaded.
  if (turn !== shown) return dispose()
  leave = dispose
  view.replaceChildren(content)
}

function drawBar() {
  const link = (path, text) => h('a', { href: path, 'data-link': '', 'aria-current': location.pathname === path ? 'page' : null }, text)
  const me = user()
  document.getElementById('bar').replaceChildren(
    h('a', { class: 'logo', href: '/', 'data-link': '' }, h('img', { src: '/icon.svg', alt: '' }), 'Airwave'),
    h('nav', {}, link('/', 'Live'), link('/videos', 'Videos'), me && link('/studio', 'Go live'), h('a', { href: '/docs' }, 'API')),
    h('div', { class: 'me' }, me
      ? [bell(), h('a', { href: `/people/${me.username}`, 'data-link': '' }, me.displayName || me.username), h('button', { onclick: signOut }, 'Log out')]
      : [link('/sign-in', 'Sign in'), h('a', { class: 'button main', href: '/register', 'data-link': '' }, 'Register')]),
  )
}

async function signOut() {
  await post('/users/logout').catch(() => {})
  forget()
  go('/')
}

document.addEventListener('click', (event) => {
  const link = event.target.closest?.('a[data-link]')
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return
  event.preventDefault()
  go(link.getAttribute('href'))
})
window.addEventListener('popstate', show)
onChange((reason) => {
  if (reason === 'in' || reason === 'out') show()
})
on('new_notification', (notice) => {
  const paths = { stream: '/watch/', vod: '/videos/' }
  toast(notice.message, paths[notice.relatedEntityType] && paths[notice.relatedEntityType] + notice.relatedEntityId)
})
start()
show()
