// Tabs: links between related screens.
import { h, link } from '../dom/element'

const tabs = (label: string, links: [path: string, text: string][]) =>
  h(
    'nav',
    { class: 'row tabs', 'aria-label': label },
    links.map(([path, text]) =>
      link(path, { class: 'button', 'aria-current': location.pathname === path ? 'page' : null }, text),
    ),
  )

export const studioTabs = () =>
  tabs('Studio', [
    ['/studio', 'Streams'],
    ['/studio/videos', 'Videos'],
    ['/studio/upload', 'Upload a video'],
  ])

export const adminTabs = () =>
  tabs('Administration', [
    ['/admin', 'People'],
    ['/admin/categories', 'Categories'],
    ['/admin/import', 'Import a video'],
  ])
