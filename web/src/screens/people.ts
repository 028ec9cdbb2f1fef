// Accounts, for admins: roles and bans.
import { api, errorText, type Schemas, unwrap } from '../client/api'
import { user } from '../client/session'
import { ask } from '../dom/dialog'
import { h, toast } from '../dom/element'
import { area, choice, field, form, text } from '../dom/form'
import { action, pages } from '../dom/pages'
import { when } from '../dom/text'
import { personLink } from '../parts/person'
import { adminTabs } from '../parts/tabs'
import { go, type Visit } from '../router'

type Account = Schemas['Account']
type Role = 'user' | 'moderator' | 'admin'

const PAGE_SIZE = 30
const ROLES: [Role, string][] = [
  ['user', 'User'],
  ['moderator', 'Moderator'],
  ['admin', 'Admin'],
]

export async function people({ query }: Visit) {
  const list = await pages({
    empty: 'No users found.',
    row: line,
    load: async (cursor) => {
      const filter = {
        query: query.get('query') || undefined,
        role: ROLES.find(([role]) => role === query.get('role'))?.[0],
        banned: query.get('banned') ? query.get('banned') === 'true' : undefined,
        limit: PAGE_SIZE,
        cursor,
      }
      const { users, nextCursor } = await unwrap(api.GET('/api/admin/users', { params: { query: filter } }))
      return { rows: users, next: nextCursor }
    },
  })
  return h(
    'section',
    { class: 'stack' },
    h('h1', {}, 'Users'),
    adminTabs(),
    filters(query),
    h('div', { class: 'card' }, list.element),
  )
}

function filters(query: URLSearchParams) {
  return form({
    class: 'row filters',
    fields: [
      field('Username starts with', 'query', {
        value: query.get('query'),
        pattern: '[A-Za-z0-9_]{1,25}',
        autocapitalize: 'none',
      }),
      choice('Role', 'role', [['', 'Any'], ...ROLES], query.get('role') ?? ''),
      choice(
        'Banned',
        'banned',
        [
          ['', 'Any'],
          ['true', 'Yes'],
          ['false', 'No'],
        ],
        query.get('banned') ?? '',
      ),
    ],
    action: 'Filter',
    submit: (data) => {
      const fields = [...data].map(([name]) => [name, text(data, name)])
      return go(`/admin?${new URLSearchParams(fields.filter(([, value]) => value))}`)
    },
  })
}

/** An account, redrawn from the response to each change. */
function line(account: Account): HTMLElement {
  const to = { params: { path: { id: account.id } } }
  const redraw = (changed: Account): void => element.replaceWith(line(changed))
  const askToBan = () =>
    ask({
      title: `Ban @${account.username}?`,
      detail: 'They will be signed out everywhere, and their broadcast will end.',
      fields: [area('Reason', 'reason', { maxlength: 500 })],
      action: 'Ban',
      act: async (data) =>
        redraw(
          await unwrap(
            api.POST('/api/admin/users/{id}/ban', { ...to, body: { reason: text(data, 'reason') } }),
          ),
        ),
    })
  const unban = action('Lift ban', async () =>
    redraw(await unwrap(api.DELETE('/api/admin/users/{id}/ban', to))),
  )
  const element = h(
    'div',
    { class: 'row spread' },
    h(
      'div',
      {},
      personLink(account),
      h('div', { class: 'dim' }, `@${account.username} · since `, when(account.createdAt)),
      account.bannedAt &&
        h(
          'div',
          { class: 'bad' },
          'Banned ',
          when(account.bannedAt),
          account.banReason && `: ${account.banReason}`,
        ),
    ),
    h(
      'div',
      { class: 'row' },
      roleChoice(account, redraw),
      account.bannedAt
        ? unban
        : h(
            'button',
            { type: 'button', class: 'danger', disabled: account.id === user()?.id, onclick: askToBan },
            'Ban',
          ),
    ),
  )
  return element
}

function roleChoice(account: Account, redraw: (changed: Account) => void) {
  const select = h(
    'select',
    {
      class: 'auto',
      'aria-label': `Role of ${account.username}`,
      onchange: async () => {
        try {
          const change = { params: { path: { id: account.id } }, body: { role: select.value as Role } }
          redraw(await unwrap(api.PUT('/api/admin/users/{id}/role', change)))
          toast(`@${account.username} now has the role ${select.selectedOptions[0]?.text.toLowerCase()}.`)
        } catch (failure) {
          select.value = account.role
          toast(errorText(failure))
        }
      },
    },
    ROLES.map(([role, name]) => h('option', { value: role, selected: role === account.role }, name)),
  )
  return select
}
