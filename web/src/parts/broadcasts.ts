// A stream's broadcasts, and for its owner the publish rejections.
import { api, type Schemas, unwrap } from '../client/api'
import { h } from '../dom/element'
import { spaced, when } from '../dom/text'

const PAGE_SIZE = 20

export async function broadcastTable(id: number) {
  const { broadcasts, refusals } = await unwrap(
    api.GET('/api/streams/{id}/broadcasts', {
      params: { path: { id }, query: { limit: PAGE_SIZE } },
    }),
  )
  const heads = ['Started', 'Ended', 'Reason', 'Peak', 'Viewers per minute']
  return h(
    'div',
    { class: 'scroll' },
    broadcasts.length
      ? h(
          'table',
          {},
          h(
            'thead',
            {},
            h(
              'tr',
              {},
              heads.map((name) => h('th', { scope: 'col' }, name)),
            ),
          ),
          h('tbody', {}, broadcasts.map(row)),
        )
      : h('p', { class: 'dim' }, 'No broadcasts yet.'),
    (refusals ?? []).map(({ at, reason }) =>
      h('p', { class: 'bad' }, when(at), `: publish rejected (${spaced(reason)}).`),
    ),
  )
}

const row = ({ startedAt, endedAt, endReason, peakViewers, curve }: Schemas['Broadcast']) =>
  h(
    'tr',
    {},
    h('td', {}, when(startedAt)),
    h('td', {}, endedAt ? when(endedAt) : 'live'),
    h('td', {}, spaced(endReason)),
    h('td', {}, String(peakViewers)),
    h(
      'td',
      {},
      chart(
        curve.map(({ viewers }) => viewers),
        peakViewers,
      ),
    ),
  )

const WIDTH = 120
const HEIGHT = 24
const SVG = 'http://www.w3.org/2000/svg'

/** Draws viewers per minute. Hidden from screen readers, which get the peak from the next column. */
function chart(viewers: number[], peak: number) {
  const svg = document.createElementNS(SVG, 'svg')
  svg.setAttribute('viewBox', `0 0 ${WIDTH} ${HEIGHT}`)
  svg.setAttribute('class', 'curve')
  svg.setAttribute('aria-hidden', 'true')
  const line = document.createElementNS(SVG, 'polyline')
  const x = (at: number) => (at / Math.max(viewers.length - 1, 1)) * WIDTH
  const y = (number: number) => HEIGHT - 1 - (number / Math.max(peak, 1)) * (HEIGHT - 2)
  line.setAttribute(
    'points',
    viewers.map((number, at) => `${x(at).toFixed(1)},${y(number).toFixed(1)}`).join(' '),
  )
  svg.append(line)
  return svg
}
