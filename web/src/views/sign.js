// Signing in and up.
import { field, form, h } from '../dom.js'
import { post } from '../api.js'
import { signIn } from '../session.js'
import { go } from '../app.js'

export function sign(which) {
  const up = which === 'up'
  const fields = [
    field('Username', 'username', { required: true, autocomplete: 'username', autocapitalize: 'none', maxlength: '25', autofocus: true }),
    up && field('Name shown to others (optional)', 'displayName', { maxlength: '50', autocomplete: 'nickname' }),
    field('Password', 'password', {
      type: 'password', required: true, minlength: up ? '8' : null, autocomplete: up ? 'new-password' : 'current-password',
    }),
  ].filter(Boolean)
  const submit = async ({ username, password, displayName }) => {
    const body = up ? { username, password, displayName: displayName || undefined } : { username, password }
    signIn(await post(up ? '/users/register' : '/users/login', body))
    go('/')
  }
  return h('section', { class: 'card narrow' },
    h('h1', {}, up ? 'Register' : 'Sign in'),
    form(fields, up ? 'Register' : 'Sign in', submit),
    h('p', { class: 'dim' }, up ? 'Already here? ' : 'New here? ',
      h('a', { href: up ? '/sign-in' : '/register', 'data-link': '' }, h('u', {}, up ? 'Sign in' : 'Register'))))
}
