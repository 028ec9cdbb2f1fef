// The entry point: the screen of each path.
import { drawBar } from './bar'
import { isAdmin, onChange, user } from './client/session'
import { h, link, toast } from './dom/element'
import { connect, onNotification } from './live/socket'
import { target } from './parts/bell'
import { type Screen, show, start } from './router'
import { account } from './screens/account'
import { categories, category } from './screens/categories'
import { categoryAdmin } from './screens/category-admin'
import { home } from './screens/home'
import { moderation } from './screens/moderation'
import { notifications } from './screens/notifications'
import { people } from './screens/people'
import { followers, following, profile } from './screens/profile'
import { search } from './screens/search'
import { sign } from './screens/sign'
import { manageStream } from './screens/stream'
import { streams } from './screens/streams'
import { upload } from './screens/upload'
import { video } from './screens/video'
import { videoImport } from './screens/video-import'
import { ownVideos, videos } from './screens/videos'
import { watch } from './screens/watch'

/** A screen for signed-in users. */
const own =
  (screen: Screen): Screen =>
  (visit) =>
    user() ? screen(visit) : h('p', {}, 'Please sign in. ', signInLink())
/** A screen for admins. The server enforces it; this only avoids its errors. */
const admins = (screen: Screen) =>
  own((visit) => (isAdmin() ? screen(visit) : h('p', {}, 'This page is for admins.')))

function signInLink() {
  const next = new URLSearchParams({ next: location.pathname + location.search })
  return link(`/sign-in?${next}`, {}, h('u', {}, 'Sign in'))
}

start(
  [
    [/^\/$/, home],
    [/^\/search$/, search],
    [/^\/categories$/, categories],
    [/^\/categories\/([\w-]+)$/, category],
    [/^\/sign-in$/, sign('in')],
    [/^\/register$/, sign('up')],
    [/^\/watch\/(\d+)$/, watch],
    [/^\/watch\/(\d+)\/chat$/, own(moderation)],
    [/^\/videos$/, videos],
    [/^\/videos\/(\d+)$/, video],
    [/^\/people\/(\w+)$/, profile],
    [/^\/people\/(\w+)\/followers$/, followers],
    [/^\/people\/(\w+)\/following$/, following],
    [/^\/studio$/, own(streams)],
    [/^\/studio\/streams\/(\d+)$/, own(manageStream)],
    [/^\/studio\/videos$/, own(ownVideos)],
    [/^\/studio\/upload$/, own(upload)],
    [/^\/account$/, own(account)],
    [/^\/notifications$/, own(notifications)],
    [/^\/admin$/, admins(people)],
    [/^\/admin\/categories$/, admins(categoryAdmin)],
    [/^\/admin\/import$/, admins(videoImport)],
  ],
  drawBar,
)

onChange((reason) => {
  if (reason === 'edited') drawBar()
  else if (reason !== 'renewed') void show()
})
onNotification((notification) => toast(notification.message, target(notification)))
connect()
