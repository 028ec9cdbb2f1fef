// The generated client, with what every call has in common.
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

/** What a call answers. Failures are thrown, so there is always data, or nothing where nothing was promised. */
export async function got<T>(call: Promise<{ data?: T }>): Promise<T> {
  return (await call).data as T
}
