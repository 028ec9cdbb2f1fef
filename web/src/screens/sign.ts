// Sign-in and registration.
import { api, unwrap } from '../client/api'
import { signIn } from '../client/session'
import { h, link } from '../dom/element'
import { field, form, text } from '../dom/form'
import { go, type Screen } from '../router'

export const sign =
  (which: 'in' | 'up'): Screen =>
  ({ query }) => {
    const up = which === 'up'
    const title = up ? 'Register' : 'Sign in'
    const other = up ? '/sign-in' : '/register'
    return h(
      'section',
      { class: 'card narrow' },
      h('h1', {}, title),
      form({
        fields: [
          field('Username', 'username', {
            required: true,
            autocomplete: 'username',
            autocapitalize: 'none',
            maxlength: 25,
            autofocus: true,
          }),
          up &&
            field('Display name (optional)', 'displayName', {
              maxlength: 50,
              autocomplete: 'nickname',
            }),
          field('Password', 'password', {
            type: 'password',
            required: true,
            minlength: up ? 8 : null,
            autocomplete: up ? 'new-password' : 'current-password',
          }),
        ],
        action: title,
        submit: async (data) => {
          signIn(await (up ? register(data) : login(data)))
          await go(inPage(query.get('next')))
        },
      }),
      h(
        'p',
        { class: 'dim' },
        up ? 'Already have an account? ' : 'New here? ',
        link(other + location.search, {}, h('u', {}, up ? 'Sign in' : 'Register')),
      ),
    )
  }

function credentials(data: FormData) {
  return { username: text(data, 'username'), password: text(data, 'password') }
}

const login = (data: FormData) => unwrap(api.POST('/api/users/login', { body: credentials(data) }))

const register = (data: FormData) =>
  unwrap(
    api.POST('/api/users/register', {
      body: { ...credentials(data), displayName: text(data, 'displayName') || undefined },
    }),
  )

/** Accepts paths of this page only: the link may come from anywhere. */
const inPage = (path: string | null) => (path && /^\/(?![/\\])/.test(path) ? path : '/')
