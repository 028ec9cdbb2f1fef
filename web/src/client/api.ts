// The REST API as the page calls it: with the session's token, and once more with a new one when that was
// refused.
import { connect, got, type Schemas } from './connect'
import { renew, token } from './session'

export { Problem, words } from './problem'
export { got, type Schemas }

/** Sends with the session's token; when it is refused, once more with a renewed one, or as a guest if the session is over. */
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
    // A body is gone once it was sent, and the copy may have to be.
    const copy = request.clone()
    if (token) copy.headers.set('authorization', `Bearer ${token}`)
    return fetch(copy)
  }),
)

type Field = string | number | boolean | Blob | null | undefined

/** Sends a body as a form: what is undefined is left out, null is an empty field. */
export function asForm(body: object): FormData {
  const form = new FormData()
  for (const [name, value] of Object.entries(body) as [string, Field][]) {
    if (value instanceof Blob) form.append(name, value)
    else if (value !== undefined) form.append(name, value === null ? '' : String(value))
  }
  return form
}
