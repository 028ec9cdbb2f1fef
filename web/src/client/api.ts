// The REST API, called with the session's token. A call whose token was rejected is repeated with a new one.
import { connect, type Schemas, unwrap } from './connect'
import { renew, token } from './session'

export { errorText, Problem } from './problem'
export { type Schemas, unwrap }

/**
 * Sends with the session's token. If it is rejected, sends again with a renewed one, or as a guest if the
 * session has ended.
 */
export async function authorized<T extends { status: number }>(
  send: (token?: string) => Promise<T>,
): Promise<T> {
  const sent = token()
  const answer = await send(sent)
  if (answer.status !== 401 || !sent) return answer
  await renew(sent)
  return send(token())
}

export const api = connect((request) =>
  authorized((token) => {
    // A body can be read only once, and this request may have to be sent twice.
    const copy = request.clone()
    if (token) copy.headers.set('authorization', `Bearer ${token}`)
    return fetch(copy)
  }),
)

type Field = string | number | boolean | Blob | null | undefined

/** Serialises a body as a form: undefined values are left out, null becomes an empty field. */
export function asForm(body: object): FormData {
  const form = new FormData()
  for (const [name, value] of Object.entries(body) as [string, Field][]) {
    if (value instanceof Blob) form.append(name, value)
    else if (value !== undefined) form.append(name, value === null ? '' : String(value))
  }
  return form
}
