// The bar at the top: where one can go, and who is signed in.
import { api } from './client/api'
import { forget, user } from './client/session'
import { h, link } from './dom/element'
import { action } from './dom/pages'
import { bell } from './parts/bell'
import { avatar, nameOf, pathOf } from './parts/person'
import { go } from './router'

let drawn = new AbortController()

export function drawBar() {
  drawn.abort()
  drawn = new AbortController()
  const me = user()
  document.getElementById('bar')?.replaceChildren(
    link('/', { class: 'logo' }, h('img', { src: '/icon.svg', alt: '' }), 'Airwave'),
    h('nav', { 'aria-label': 'Main' },
      place('/', 'Live'), place('/videos', 'Videos'), me && place('/studio', 'Go live'),
      h('a', { href: '/docs' }, 'API')),
    h('div', { class: 'me' }, me
      ? [bell(drawn.signal), link(pathOf(me.username), { class: 'person' }, avatar(me), nameOf(me)), action('Log out', signOut)]
      : [place('/sign-in', 'Sign in'), link('/register', { class: 'button main' }, 'Register')]),
  )
}

const place = (path: string, text: string) => link(path, { 'aria-current': location.pathname === path ? 'page' : null }, text)

async function signOut() {
  // Whoever wants to go is gone here, even when the server does not hear it.
  await api.POST('/api/users/logout').catch(() => {})
  forget()
  await go('/')
}
