// Users: avatar, name and follow button.
import { api, errorText, Problem, type Schemas, unwrap } from '../client/api'
import { user } from '../client/session'
import { h, link, safeUrl, toast } from '../dom/element'

export type Person = Schemas['Person']

export const nameOf = (person: Person) => person.displayName || person.username
export const pathOf = (username: string) => `/people/${username}`

export function avatar(person: Person, size: 'small' | 'large' = 'small') {
  const address = safeUrl(person.avatarUrl)
  return h(
    'span',
    { class: `avatar ${size}`, 'aria-hidden': 'true' },
    address ? h('img', { src: address, alt: '', loading: 'lazy' }) : nameOf(person).slice(0, 1).toUpperCase(),
  )
}

export const personLink = (person: Person) =>
  link(pathOf(person.username), { class: 'person' }, avatar(person), h('b', {}, nameOf(person)))

/** A user in a list, whose account may have been deleted. */
export const named = (person: Person | null | undefined) =>
  person ? personLink(person) : h('i', {}, 'deleted account')

export async function byName(username: string) {
  return unwrap(
    api.GET('/api/users/profile/{username}', {
      params: { path: { username: username.trim().replace(/^@/, '') } },
    }),
  )
}

/** Creates a follow button, except for guests and for the user's own profile. */
export async function followButton(person: Person & { isFollowing?: boolean | null }) {
  if (!user() || user()?.id === person.id) return null
  let following = person.isFollowing ?? (await byName(person.username)).isFollowing ?? false
  const to = { params: { path: { id: person.id } } }
  const draw = () => {
    button.textContent = following ? 'Following' : 'Follow'
  }
  const button = h('button', {
    type: 'button',
    onclick: async () => {
      button.disabled = true
      try {
        await (following ? api.DELETE('/api/users/{id}/follow', to) : api.POST('/api/users/{id}/follow', to))
        following = !following
      } catch (failure) {
        // Already done, for example in another tab.
        if (failure instanceof Problem && failure.status === (following ? 404 : 409)) following = !following
        else toast(errorText(failure))
      }
      button.disabled = false
      draw()
    },
  })
  draw()
  return button
}
