// Writes the types of what the gateway speaks, the REST API and the events of sockets, from its descriptions. With --check it writes
// nothing and fails when a committed file is not what would be written.
import { readFile, writeFile } from 'node:fs/promises'
import openapiTS, { astToString } from 'openapi-typescript'
import ts from 'typescript'

// OpenAPI says of a form's file that it is text with a media type of its own; a browser sends a Blob.
const BLOB = ts.factory.createTypeReferenceNode('Blob')
const transform = (schema) => ('contentMediaType' in schema ? BLOB : undefined)

// Every failure is the same problem document, which the client throws: written out for each route it would be four fifths of
// the file.
function withoutFailures(description) {
  for (const { responses } of Object.values(description.paths).flatMap((path) => Object.values(path))) {
    for (const status of Object.keys(responses ?? {})) if (status >= '400') delete responses[status]
  }
  return description
}

const object = (properties) => ({ type: 'object', properties, required: Object.keys(properties) })

// The events as two schemas more: what the server sends, and what a client says and is answered. The others are the same in
// AsyncAPI as in OpenAPI.
function eventsAsSchemas({
  channels: {
    sockets: { messages },
  },
  operations,
  components: { schemas },
}) {
  const [sent, said] = [{}, {}]
  const message = ({ $ref }) => messages[$ref.split('/').pop()]
  for (const {
    action,
    messages: [it],
    reply,
  } of Object.values(operations)) {
    const { name, payload } = message(it)
    if (!name) continue
    if (action === 'send') sent[name] = payload
    else said[name] = object({ data: payload, answer: message(reply.messages[0]).payload })
  }
  return {
    openapi: '3.1.0',
    info: {},
    paths: {},
    components: { schemas: { ...schemas, ServerEvents: object(sent), ClientEvents: object(said) } },
  }
}

const FILES = [
  { description: 'services/gateway/openapi.json', types: 'src/client/schema.d.ts', read: withoutFailures },
  { description: 'services/gateway/asyncapi.json', types: 'src/live/schema.d.ts', read: eventsAsSchemas },
]

for (const { description, types, read } of FILES) {
  const from = read(JSON.parse(await readFile(new URL(`../${description}`, import.meta.url), 'utf8')))
  const head = `// Generated from ${description} by \`npm run client\`; not to be edited.\n\n`
  const wanted = head + astToString(await openapiTS(from, { transform }))
  const file = new URL(types, import.meta.url)
  if (!process.argv.includes('--check')) {
    await writeFile(file, wanted)
  } else if ((await readFile(file, 'utf8').catch(() => '')) !== wanted) {
    console.error(`web/${types} is old: npm run client writes it`)
    process.exitCode = 1
  }
}
