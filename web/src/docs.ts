// Reads /openapi.json to people.
import { h, type Child } from './dom/element'

interface Schema {
  $ref?: string
  type?: string | string[]
  format?: string
  example?: unknown
  allOf?: Schema[]
  oneOf?: Schema[]
  anyOf?: Schema[]
  properties?: Record<string, Schema>
  items?: Schema
}
type Content = Record<string, { schema: Schema }>
interface Operation {
  operationId: string
  tags: string[]
  summary?: string
  description?: string
  security?: Record<string, unknown>[]
  parameters?: { name: string; in: string; description?: string; schema: Schema }[]
  requestBody?: { content: Content }
  responses: Record<string, { description?: string; content?: Content }>
}
interface Description {
  info: { title: string; description?: string }
  paths: Record<string, Partial<Record<Method, Operation>>>
  components: { schemas: Record<string, Schema> }
}
const METHODS = ['get', 'post', 'put', 'delete'] as const
type Method = (typeof METHODS)[number]

const DEEPEST = 6

const description = await (await fetch('/openapi.json')).json() as Description

function target(schema: Schema | undefined): Schema {
  const name = schema?.$ref?.split('/').pop()
  return (name ? description.components.schemas[name] : schema) ?? {}
}

/** An example of a schema, made of its own examples and types. */
function sample(schema: Schema | undefined, depth = 0): unknown {
  const found = target(schema)
  if (found.example !== undefined) return found.example
  if (depth > DEEPEST) return null
  if (found.allOf) return Object.assign({}, ...found.allOf.map((part) => sample(part, depth + 1)))
  const choice = (found.oneOf ?? found.anyOf)?.find((part) => part.type !== 'null')
  if (choice) return sample(choice, depth + 1)
  if (found.properties) {
    return Object.fromEntries(Object.entries(found.properties).map(([name, part]) => [name, sample(part, depth + 1)]))
  }
  return plainSample(found, depth)
}

function plainSample({ type, format, items }: Schema, depth: number): unknown {
  switch ([type].flat().find((name) => name !== 'null')) {
    case 'array': return [sample(items, depth + 1)]
    case 'object': return {}
    case 'string': return format === 'date-time' ? '2026-11-22T12:00:00Z' : 'text'
    case 'integer': return 1
    case 'number': return 1.5
    case 'boolean': return true
    default: return null
  }
}

const file = (name: string) => h('a', { href: `/${name}` }, h('u', {}, name))
const code = (value: unknown) => h('pre', { tabindex: 0 }, h('code', {}, JSON.stringify(value, null, 2)))
const bodyOf = (content: Content = {}): Child =>
  Object.entries(content).map(([type, { schema }]) => [h('p', { class: 'dim' }, type), code(sample(schema))])

function needs({ security = [] }: Operation) {
  if (!security.some((way) => 'bearer' in way)) return 'Needs no token.'
  return security.some((way) => !Object.keys(way).length) ? 'A token is optional.' : 'Needs a token.'
}

const parameters = (all: NonNullable<Operation['parameters']>) =>
  h('div', { class: 'scroll' }, h('table', {}, h('tbody', {}, all.map((parameter) => h('tr', {},
    h('td', {}, h('code', {}, parameter.name)), h('td', {}, parameter.in), h('td', {}, [target(parameter.schema).type].flat().join(', ')),
    h('td', {}, parameter.description))))))

function operation(method: Method, path: string, it: Operation) {
  const responses = Object.entries(it.responses)
  return h('details', { class: 'card operation', id: it.operationId },
    h('summary', {}, h('span', { class: 'method' }, method.toUpperCase()), h('code', {}, path), h('span', { class: 'dim' }, it.summary)),
    it.description && h('p', {}, it.description),
    h('p', { class: 'dim' }, needs(it)),
    it.parameters && parameters(it.parameters),
    it.requestBody && [h('h3', {}, 'Body'), bodyOf(it.requestBody.content)],
    responses.filter(([status]) => status < '400').map(([status, response]) =>
      [h('h3', {}, `Answer ${status}`), response.description && h('p', { class: 'dim' }, response.description), bodyOf(response.content)]),
    h('p', { class: 'dim' }, 'Problems: ', responses.map(([status]) => status).filter((status) => status >= '400').join(', ')))
}

const groups = new Map<string, HTMLElement[]>()
for (const [path, item] of Object.entries(description.paths)) {
  for (const method of METHODS) {
    const it = item[method]
    if (!it) continue
    const tag = it.tags[0] ?? ''
    groups.set(tag, [...(groups.get(tag) ?? []), operation(method, path, it)])
  }
}
document.getElementById('view')?.replaceChildren(
  h('p', {}, h('a', { href: '/' }, '← Airwave')),
  h('h1', {}, `${description.info.title} API`), h('p', {}, description.info.description),
  h('p', {}, file('openapi.json'), ' · ', file('asyncapi.json'), h('span', { class: 'dim' }, ' (the events of sockets)')),
  ...[...groups].map(([tag, operations]) => h('section', {}, h('h2', {}, tag), operations)),
  h('section', {}, h('h2', {}, 'Problems'), code(sample({ $ref: '#/components/schemas/Problem' }))))
if (location.hash) document.getElementById(location.hash.slice(1))?.setAttribute('open', '')
