// A user's profile: streams, videos, followers and following.
import { api, unwrap } from '../client/api'
import { user } from '../client/session'
import { h, link } from '../dom/element'
import { type Page, pages } from '../dom/pages'
import { count } from '../dom/text'
import { streamGrid, videoGrid } from '../parts/lists'
import { avatar, byName, followButton, nameOf, type Person, pathOf, personLink } from '../parts/person'
import type { Screen, Visit } from '../router'

const PAGE_SIZE = 30

export async function profile({ parameters: [username = ''] }: Visit) {
  const person = await byName(username)
  const [streams, videos, follow] = await Promise.all([
    streamGrid({ userId: person.id }, 'No streams yet.'),
    videoGrid({ userId: person.id }, 'No videos yet.'),
    followButton(person),
  ])
  const path = pathOf(person.username)
  const mine = user()?.id === person.id && link('/account', { class: 'button' }, 'Edit profile')
  return h(
    'section',
    { class: 'stack' },
    h(
      'div',
      { class: 'card' },
      h(
        'div',
        { class: 'row spread' },
        h('div', { class: 'row' }, avatar(person, 'large'), h('h1', {}, nameOf(person))),
        follow,
        mine,
      ),
      h(
        'p',
        { class: 'dim' },
        `@${person.username} · `,
        link(`${path}/followers`, {}, count(person.followersCount, 'follower')),
        ' · ',
        link(`${path}/following`, {}, `${person.followingCount.toLocaleString()} following`),
      ),
      person.bio && h('p', { class: 'prewrap' }, person.bio),
    ),
    h('h2', {}, 'Streams'),
    streams.element,
    h('h2', {}, 'Videos'),
    videos.element,
  )
}

type Load = (id: number, cursor?: string) => Promise<Page<Person>>

const relation =
  (title: string, empty: string, load: Load): Screen =>
  async ({ parameters: [username = ''] }) => {
    const person = await byName(username)
    const list = await pages({ empty, load: (cursor) => load(person.id, cursor), row: line })
    return h(
      'section',
      { class: 'card stack' },
      h('h1', {}, title),
      h('p', {}, link(pathOf(person.username), {}, h('u', {}, nameOf(person)))),
      list.element,
    )
  }

const line = (person: Person) =>
  h('div', { class: 'row' }, personLink(person), h('span', { class: 'dim' }, `@${person.username}`))

export const followers = relation('Followers', 'No followers yet.', async (id, cursor) => {
  const answer = await unwrap(
    api.GET('/api/users/{id}/followers', { params: { path: { id }, query: { limit: PAGE_SIZE, cursor } } }),
  )
  return { rows: answer.followers, next: answer.nextCursor }
})

export const following = relation('Following', 'Not following anyone yet.', async (id, cursor) => {
  const answer = await unwrap(
    api.GET('/api/users/{id}/following', { params: { path: { id }, query: { limit: PAGE_SIZE, cursor } } }),
  )
  return { rows: answer.following, next: answer.nextCursor }
})
