// Generates TypeScript types of the REST API and of the socket events from the gateway's descriptions. With
// --check, writes nothing and fails if a committed file is out of date.
import { readFile, writeFile } from 'node:fs/promises'
import openapiTS, { astToString } from 'openapi-typescript'
import ts from 'typescript'

// OpenAPI describes a file of a form as a string with a media type; a browser sends a Blob.
const BLOB = ts.factory.createTypeReferenceNode('Blob')
const transform = (schema) => ('contentMediaType' in schema ? BLOB : undefined)

// Every error is the same problem document, which the client throws. Repeated for each operation, it would
// make up four fifths of the file.
function withoutErrors(description) {
  for (const { responses } of Object.values(description.paths).flatMap((path) => Object.values(path))) {
    for (const status of Object.keys(responses ?? {})) if (status >= '400') delete responses[status]
  }
  return description
}

// A schema that only restricts property names would become a type without properties.
function withoutPropertyNames(description) {
  for (const schema of Object.values(description.components.schemas)) {
    schema.allOf = schema.allOf?.filter(({ propertyNames }) => !propertyNames)
  }
  return description
}

const object = (properties) => ({ type: 'object', properties, required: Object.keys(properties) })

// Turns the events into two more schemas: those that the server sends, and those that a client sends with
// their acknowledgements. Other schemas are the same in AsyncAPI and OpenAPI.
function eventsAsSchemas({
  channels: {
    sockets: { messages },
  },
  operations,
  components: { schemas },
}) {
  const [serverEvents, clientEvents] = [{}, {}]
  const message = ({ $ref }) => messages[$ref.split('/').pop()]
  for (const {
    action,
    messages: [first],
    reply,
  } of Object.values(operations)) {
    const { name, payload } = message(first)
    if (!name) continue
    if (action === 'send') serverEvents[name] = payload
    else clientEvents[name] = object({ data: payload, answer: message(reply.messages[0]).payload })
  }
  return {
    openapi: '3.1.0',
    info: {},
    paths: {},
    components: {
      schemas: { ...schemas, ServerEvents: object(serverEvents), ClientEvents: object(clientEvents) },
    },
  }
}

const FILES = [
  {
    description: 'services/gateway/openapi.json',
    types: 'src/client/schema.d.ts',
    read: (description) => withoutPropertyNames(withoutErrors(description)),
  },
  { description: 'services/gateway/asyncapi.json', types: 'src/live/schema.d.ts', read: eventsAsSchemas },
]

for (const { description, types, read } of FILES) {
  const from = read(JSON.parse(await readFile(new URL(`../${description}`, import.meta.url), 'utf8')))
  const head = `// Generated from ${description} by \`npm run client\`; do not edit.\n\n`
  const generated = head + astToString(await openapiTS(from, { transform }))
  const file = new URL(types, import.meta.url)
  if (!process.argv.includes('--check')) {
    await writeFile(file, generated)
  } else if ((await readFile(file, 'utf8').catch(() => '')) !== generated) {
    console.error(`web/${types} is out of date: run npm run client`)
    process.exitCode = 1
  }
}
