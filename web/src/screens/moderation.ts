// A chat room's rules, bans, moderators and moderation log.
import { api, type Schemas, unwrap } from '../client/api'
import { isAdmin, user } from '../client/session'
import { type Child, h, link, toast } from '../dom/element'
import { area, check, choice, field, form, text } from '../dom/form'
import { action, pages } from '../dom/pages'
import { duration, spaced, when } from '../dom/text'
import { byName, named } from '../parts/person'
import { isModerator, type Rules, streamRules } from '../parts/rules'
import type { Visit } from '../router'

const PAGE_SIZE = 20
const BAN_LENGTHS = [0, 60, 600, 3600, 86_400, 604_800]

export async function moderation({ parameters: [idText] }: Visit) {
  const streamId = Number(idText)
  const [{ stream }, rules] = await Promise.all([
    unwrap(api.GET('/api/streams/{id}', { params: { path: { id: streamId } } })),
    streamRules(streamId),
  ])
  if (!isModerator(rules)) return h('p', {}, 'This page is for moderators of this chat.')
  const mayAppoint = stream.userId === user()?.id || isAdmin()
  const log = await logList(streamId)
  const done = () => log.reload().catch(() => {})
  return h(
    'section',
    { class: 'stack narrow wide' },
    h('h1', {}, `Chat of “${stream.title}”`),
    h('p', {}, link(`/watch/${streamId}`, {}, h('u', {}, 'Open the stream'))),
    card('Rules', rulesForm(rules, done)),
    card('Bans', await bans(streamId, done)),
    card('Moderators', await moderators(streamId, mayAppoint, done)),
    card('Moderation log', log.element),
  )
}

const card = (title: string, ...content: Child[]) =>
  h('section', { class: 'card' }, h('h2', {}, title), content)

function rulesForm({ streamId, slowModeSeconds, followersOnly, blockedWords }: Rules, done: () => void) {
  return form({
    fields: [
      field('Slow mode: seconds between two messages of a user, 0 for none', 'slowModeSeconds', {
        type: 'number',
        min: 0,
        max: 3600,
        required: true,
        value: slowModeSeconds,
      }),
      check('Followers only', 'followersOnly', followersOnly),
      area(
        'Blocked words, one per line',
        'blockedWords',
        { rows: 4, autocapitalize: 'none' },
        (blockedWords ?? []).join('\n'),
      ),
    ],
    action: 'Save rules',
    submit: async (data) => {
      const body = {
        slowModeSeconds: Number(text(data, 'slowModeSeconds')),
        followersOnly: data.has('followersOnly'),
        blockedWords: text(data, 'blockedWords')
          .split('\n')
          .map((word) => word.trim())
          .filter(Boolean),
      }
      await api.PUT('/api/chat/{streamId}/settings', { params: { path: { streamId } }, body })
      toast('Saved.')
      done()
    },
  })
}

async function bans(streamId: number, done: () => void) {
  const path = { streamId }
  const list = await pages<Schemas['ChatBan']>({
    empty: 'No one is banned.',
    load: async (cursor) => {
      const { bans, nextCursor } = await unwrap(
        api.GET('/api/chat/{streamId}/bans', { params: { path, query: { limit: PAGE_SIZE, cursor } } }),
      )
      return { rows: bans, next: nextCursor }
    },
    row: ({ user: person, userId, expiresAt, reason }, reload) =>
      h(
        'div',
        { class: 'row spread' },
        h(
          'div',
          {},
          named(person),
          h(
            'div',
            { class: 'dim' },
            expiresAt ? ['until ', when(expiresAt)] : 'permanent',
            reason && `: ${reason}`,
          ),
        ),
        action('Lift ban', async () => {
          await api.DELETE('/api/chat/{streamId}/bans/{userId}', { params: { path: { streamId, userId } } })
          await reload()
          done()
        }),
      ),
  })
  const add = form({
    fields: [
      field('Username', 'username', { required: true, autocapitalize: 'none', autocomplete: 'off' }),
      choice(
        'Duration',
        'seconds',
        BAN_LENGTHS.map((seconds) => [String(seconds), seconds ? duration(seconds) : 'permanent']),
      ),
      field('Reason (optional)', 'reason', { maxlength: 200 }),
    ],
    class: 'row filters',
    action: 'Ban',
    submit: async (data) => {
      const { id: userId } = await byName(text(data, 'username'))
      const body = {
        userId,
        seconds: Number(text(data, 'seconds')) || undefined,
        reason: text(data, 'reason') || undefined,
      }
      await api.POST('/api/chat/{streamId}/bans', { params: { path }, body })
      add.reset()
      await list.reload()
      done()
    },
  })
  return [add, list.element]
}

async function moderators(streamId: number, mayAppoint: boolean, done: () => void) {
  const path = { streamId }
  const list = await pages<Schemas['ChatModerator']>({
    empty: 'Only the owner and the site’s moderators.',
    load: async (cursor) => {
      const query = { limit: PAGE_SIZE, cursor }
      const { moderators, nextCursor } = await unwrap(
        api.GET('/api/chat/{streamId}/moderators', { params: { path, query } }),
      )
      return { rows: moderators, next: nextCursor }
    },
    row: ({ user: person, userId }, reload) =>
      h(
        'div',
        { class: 'row spread' },
        named(person),
        mayAppoint &&
          action('Remove', async () => {
            await api.DELETE('/api/chat/{streamId}/moderators/{userId}', {
              params: { path: { streamId, userId } },
            })
            await reload()
            done()
          }),
      ),
  })
  const add = form({
    fields: [field('Username', 'username', { required: true, autocapitalize: 'none', autocomplete: 'off' })],
    class: 'row filters',
    action: 'Add moderator',
    submit: async (data) => {
      const { id: userId } = await byName(text(data, 'username'))
      await api.POST('/api/chat/{streamId}/moderators', { params: { path }, body: { userId } })
      add.reset()
      await list.reload()
      done()
    },
  })
  return [mayAppoint && add, list.element]
}

const logList = (streamId: number) =>
  pages<Schemas['ChatLogEntry']>({
    empty: 'No entries yet.',
    load: async (cursor) => {
      const params = { path: { streamId }, query: { limit: PAGE_SIZE, cursor } }
      const { log, nextCursor } = await unwrap(api.GET('/api/chat/{streamId}/log', { params }))
      return { rows: log, next: nextCursor }
    },
    row: ({ action: what, actor, user: person, seconds, reason, createdAt }) =>
      h(
        'div',
        {},
        h(
          'div',
          { class: 'row' },
          named(actor),
          spaced(what),
          person && named(person),
          seconds && `for ${duration(seconds)}`,
        ),
        h('div', { class: 'dim' }, when(createdAt), reason && `: ${reason}`),
      ),
  })
