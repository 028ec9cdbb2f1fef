// Parses an AsyncAPI document from standard input with the official parser. Prints its errors and fails if there are any.
import { text } from 'node:stream/consumers'
import { Parser } from '@asyncapi/parser'

const ERROR = 0
const { diagnostics } = await new Parser().parse(await text(process.stdin))
const errors = diagnostics.filter(({ severity }) => severity === ERROR)
for (const { path, message } of errors) console.log(path.join('.'), message)
process.exit(errors.length && 1)
