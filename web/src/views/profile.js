// Someone: their streams and videos.
import { h } from '../dom.js'
import { get } from '../api.js'
import { followButton } from './watch.js'
import { streamTile } from './home.js'
import { vodTile } from './vods.js'

export async function profile(username) {
  const person = await get(`/users/profile/${username}`)
  const [{ streams }, { vods }] = await Promise.all([
    get(`/streams?userId=${person.id}&limit=24`), get(`/vod?userId=${person.id}&limit=24`),
  ])
  return h('section', { class: 'stack' },
    h('div', { class: 'card' },
      h('div', { class: 'row spread' }, h('h1', {}, person.displayName || person.username), await followButton(person)),
      h('p', { class: 'dim' }, `@${person.username} · ${person.followersCount} followers · follows ${person.followingCount}`),
      person.bio && h('p', { class: 'prewrap' }, person.bio)),
    h('h2', {}, 'Streams'), h('div', { class: 'grid' }, streams.map(streamTile)),
    h('h2', {}, 'Videos'), h('div', { class: 'grid' }, vods.map(vodTile)))
}
