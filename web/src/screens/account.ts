// The user's own account: profile, password, deletion.
import { api, asForm, unwrap } from '../client/api'
import { edited, forget, type Me, signIn, user } from '../client/session'
import { ask } from '../dom/dialog'
import { h, toast } from '../dom/element'
import { area, field, file, form, picture, text } from '../dom/form'
import { go } from '../router'

export async function account() {
  const me = await unwrap(api.GET('/api/users/me'))
  return h(
    'div',
    { class: 'stack narrow wide' },
    h('h1', {}, 'Account'),
    h('section', { class: 'card' }, h('h2', {}, 'Profile'), profileForm(me)),
    h('section', { class: 'card' }, h('h2', {}, 'Password'), passwordForm()),
    h(
      'section',
      { class: 'card' },
      h('h2', {}, 'Delete account'),
      h('p', {}, 'This also deletes your streams, videos, messages and follows. It cannot be undone.'),
      h('button', { type: 'button', class: 'danger', onclick: askToDelete }, 'Delete my account'),
    ),
  )
}

function profileForm(me: Me): HTMLFormElement {
  const element = form({
    fields: [
      field('Display name', 'displayName', {
        value: me.displayName,
        maxlength: 50,
        autocomplete: 'nickname',
      }),
      area('About you', 'bio', { maxlength: 500 }, me.bio),
      picture('Picture', 'avatarFile', me.avatarUrl, 'removeAvatar'),
    ],
    action: 'Save',
    submit: async (data) => {
      const body = {
        displayName: text(data, 'displayName'),
        bio: text(data, 'bio'),
        avatarFile: file(data, 'avatarFile'),
        removeAvatar: data.has('removeAvatar') || undefined,
      }
      const changed = await unwrap(api.PUT('/api/users/me/profile', { body, bodySerializer: asForm }))
      edited(changed)
      toast('Saved.')
      element.replaceWith(profileForm(changed))
    },
  })
  return element
}

function passwordForm() {
  const element = form({
    fields: [
      h('input', {
        type: 'text',
        name: 'username',
        autocomplete: 'username',
        value: user()?.username,
        hidden: true,
      }),
      field('Current password', 'currentPassword', {
        type: 'password',
        required: true,
        autocomplete: 'current-password',
      }),
      field('New password', 'newPassword', {
        type: 'password',
        required: true,
        minlength: 8,
        autocomplete: 'new-password',
      }),
    ],
    action: 'Change password',
    submit: async (data) => {
      const body = { currentPassword: text(data, 'currentPassword'), newPassword: text(data, 'newPassword') }
      signIn(await unwrap(api.PUT('/api/users/me/password', { body })))
      element.reset()
      toast('Password changed. You were signed out on all other devices.')
    },
  })
  return element
}

function askToDelete() {
  const name = user()?.username ?? ''
  ask({
    title: 'Delete your account?',
    detail: `Enter your username, ${name}, to confirm.`,
    fields: [field('Username', 'username', { required: true, autocomplete: 'off', autocapitalize: 'none' })],
    action: 'Delete permanently',
    act: async (data) => {
      if (text(data, 'username') !== name) throw new Error('That is not your username.')
      await api.DELETE('/api/users/me')
      forget()
      await go('/')
    },
  })
}
