// The bar at the top: navigation, search and the signed-in user.
import { api } from './client/api'
import { forget, isAdmin, user } from './client/session'
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
  document
    .getElementById('bar')
    ?.replaceChildren(
      link('/', { class: 'logo' }, h('img', { src: '/icon.svg', alt: '' }), 'Airwave'),
      h(
        'nav',
        { 'aria-label': 'Main' },
        navLink('/', 'Live'),
        navLink('/categories', 'Categories'),
        navLink('/videos', 'Videos'),
        me && navLink('/studio', 'Go live'),
        isAdmin() && navLink('/admin', 'Admin'),
        h('a', { href: '/docs' }, 'API'),
      ),
      search(),
      h(
        'div',
        { class: 'me' },
        me
          ? [
              bell(drawn.signal),
              link(pathOf(me.username), { class: 'person' }, avatar(me), nameOf(me)),
              navLink('/account', 'Account'),
              action('Sign out', signOut),
            ]
          : [navLink('/sign-in', 'Sign in'), link('/register', { class: 'button main' }, 'Register')],
      ),
    )
}

const navLink = (path: string, text: string) =>
  link(path, { 'aria-current': location.pathname === path ? 'page' : null }, text)

function search() {
  const input = h('input', {
    type: 'search',
    name: 'q',
    'aria-label': 'Search streams and videos',
    placeholder: 'Search',
    maxlength: 100,
    enterkeyhint: 'search',
    value: location.pathname === '/search' ? new URLSearchParams(location.search).get('q') : null,
  })
  return h(
    'form',
    {
      role: 'search',
      onsubmit: (event) => {
        event.preventDefault()
        if (input.value.trim()) void go(`/search?${new URLSearchParams({ q: input.value.trim() })}`)
      },
    },
    input,
  )
}

async function signOut() {
  // Signing out of this browser must not depend on the server.
  await api.POST('/api/users/logout').catch(() => {})
  forget()
  await go('/')
}
