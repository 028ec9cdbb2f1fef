// Reads /openapi.json to people.
import { h } from './dom.js'

const document_ = await (await fetch('/openapi.json')).json()
const schemas = document_.components.schemas
const METHODS = ['get', 'post', 'put', 'delete']

const target = (schema) => (schema?.$ref ? schemas[schema.$ref.split('/').pop()] : schema) ?? {}

// An example of a schema, made of its own examples and types.
function sample(schema, depth = 0) {
  const found = target(schema)
  if (found.example !== undefined) return found.example
  if (depth > 6) return null
  if (found.allOf) return Object.assign({}, ...found.allOf.map((part) => sample(part, depth + 1)))
  const choice = (found.oneOf ?? found.anyOf)?.find((part) => part.type !== 'null')
  if (choice) return sample(choice, depth + 1)
  const type = Array.isArray(found.type) ? found.type.find((name) => name !== 'null') : found.type
  if (type === 'object' || found.properties) {
    return Object.fromEntries(Object.entries(found.properties ?? {}).map(([name, part]) => [name, sample(part, depth + 1)]))
  }
  if (type === 'array') return [sample(found.items, depth + 1)]
  if (type === 'string') return found.format === 'date-time' ? '2026-11-22T12:00:00Z' : 'text'
  return { integer: 1, number: 1.5, boolean: true }[type] ?? null
}

const code = (value) => h('pre', {}, h('code', {}, JSON.stringify(value, null, 2)))
const bodyOf = (content) => Object.entries(content ?? {}).map(([type, { schema }]) => [h('p', { class: 'dim' }, type), code(sample(schema))])

function operation(method, path, it) {
  const needs = (it.security ?? []).some((way) => 'bearer' in way)
  const optional = (it.security ?? []).some((way) => !Object.keys(way).length)
  return h('details', { class: 'card operation', id: it.operationId },
    h('summary', {}, h('span', { class: 'method' }, method.toUpperCase()), h('code', {}, path), h('span', { class: 'dim' }, it.summary ?? it.description ?? '')),
    h('p', {}, it.description ?? ''),
    h('p', { class: 'dim' }, needs ? (optional ? 'A token is optional.' : 'Needs a token.') : 'Needs no token.'),
    it.parameters?.length && h('table', {}, h('tbody', {}, it.parameters.map((parameter) => h('tr', {}, h('td', {}, h('code', {}, parameter.name)),
      h('td', {}, parameter.in), h('td', {}, [target(parameter.schema).type].flat().join(', ')), h('td', {}, parameter.description ?? ''))))),
    it.requestBody && [h('h2', {}, 'Body'), bodyOf(it.requestBody.content)],
    Object.entries(it.responses).filter(([status]) => status < '400').map(([status, response]) =>
      [h('h2', {}, `Answer ${status}`), response.description && h('p', { class: 'dim' }, response.description), bodyOf(response.content)]),
    h('p', { class: 'dim' }, 'Problems: ', Object.keys(it.responses).filter((status) => status >= '400').join(', ')))
}

const groups = new Map()
for (const [path, item] of Object.entries(document_.paths)) {
  for (const method of METHODS.filter((name) => item[name])) {
    const tag = item[method].tags[0]
    groups.set(tag, [...(groups.get(tag) ?? []), operation(method, path, item[method])])
  }
}
document.getElementById('view').replaceChildren(
  h('p', {}, h('a', { href: '/' }, '← Airwave')),
  h('h1', {}, `${document_.info.title} API`), h('p', {}, document_.info.description),
  h('p', {}, h('a', { href: '/openapi.json' }, h('u', {}, 'openapi.json'))),
  ...[...groups].map(([tag, operations]) => h('section', {}, h('h2', {}, tag), operations)),
  h('section', {}, h('h2', {}, 'Problems'), code(sample({ $ref: '#/components/schemas/Problem' }))))
if (location.hash) document.getElementById(location.hash.slice(1))?.setAttribute('open', '')
