// The generated client, with the error handling that all calls share.
import createClient, { type Middleware } from 'openapi-fetch'
import { Problem } from './problem'
import type { components, paths } from './schema'

export type Schemas = components['schemas']

type Transport = (request: Request) => Promise<Response>

const problems: Middleware = {
  async onResponse({ response }) {
    if (!response.ok) throw Problem.parse(response.status, await response.text())
  },
  onError: () => Problem.unreachable(),
}

export function connect(transport: Transport) {
  const client = createClient<paths>({ baseUrl: location.origin, fetch: transport })
  client.use(problems)
  return client
}

/** Returns the body of a response, if the operation has one. Errors are thrown. */
export async function unwrap<T>(call: Promise<{ data?: T }>): Promise<T> {
  return (await call).data as T
}
