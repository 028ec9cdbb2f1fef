// A stream's times on air, and for its owner why an encoder was turned away.
import { api, got, type Schemas } from '../client/api'
import { h } from '../dom/element'
import { spaced, when } from '../dom/text'

const NEWEST = 20

export async function broadcastTable(id: number) {
  const { broadcasts, refusals } = await got(
    api.GET('/api/streams/{id}/broadcasts', {
      params: { path: { id }, query: { limit: NEWEST } },
    }),
  )
  const heads = ['Started', 'Ended', 'Why', 'Peak', 'Viewers by minute']
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
      : h('p', { class: 'dim' }, 'Never on air.'),
    (refusals ?? []).map(({ at, reason }) =>
      h('p', { class: 'bad' }, when(at), `: an encoder was turned away (${spaced(reason)}).`),
    ),
  )
}

const row = ({ startedAt, endedAt, endReason, peakViewers, curve }: Schemas['Broadcast']) =>
  h(
    'tr',
    {},
    h('td', {}, when(startedAt)),
    h('td', {}, endedAt ? when(endedAt) : 'on air'),
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

/** A line over the minutes; the number beside it says the peak to those who do not see it. */
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
