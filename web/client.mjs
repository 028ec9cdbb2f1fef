// Writes the types of the REST API from the gateway's description of it. With --check it writes nothing and fails when the
// committed file is not what would be written.
import { readFile, writeFile } from 'node:fs/promises'
import openapiTS, { astToString } from 'openapi-typescript'
import ts from 'typescript'

const DESCRIPTION = new URL('../services/gateway/openapi.json', import.meta.url)
const TYPES = new URL('src/client/schema.d.ts', import.meta.url)
const HEAD = '// Generated from services/gateway/openapi.json by `npm run client`; not to be edited.\n\n'

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

const description = withoutFailures(JSON.parse(await readFile(DESCRIPTION, 'utf8')))
const wanted = HEAD + astToString(await openapiTS(description, { transform }))
if (process.argv.includes('--check')) {
  if (await readFile(TYPES, 'utf8').catch(() => '') !== wanted) {
    console.error('web/src/client/schema.d.ts is old: npm run client writes it')
    process.exit(1)
  }
} else {
  await writeFile(TYPES, wanted)
}
